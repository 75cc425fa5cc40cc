"""What will come, told before it comes."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass

import keras

from tb_kernels.errors import LogWarning

# A log of more pictures is slow to look at, and seldom meant.
MANY_PICTURES = 50_000


@dataclass(frozen=True)
class Volume:
    """How much one epoch is.

    Attributes:
        layers: Layers drawn.
        kernels: Kernels drawn, or what else the view draws.
        pictures: Pictures of them, sheets included.
        size: Bytes on disk, roughly: file and event together.
    """

    layers: int
    kernels: int
    pictures: int
    size: int


def announce(where: str, volume: Volume, epochs: int | None) -> None:
    """Says in one line what a training will write; a warning if that is a lot.

    Args:
        where: The run's directory.
        volume: Of one epoch.
        epochs: How many epochs will be logged; None if nobody knows.
    """
    line = f"{_count(volume.layers, 'layer')}, {_count(volume.kernels, 'kernel')}"
    if epochs is None:
        pictures, size, per = volume.pictures, volume.size, " per logged epoch"
    else:
        pictures, size, per = volume.pictures * epochs, volume.size * epochs, ""
        line += f", {_count(epochs, 'epoch')}"
    line += f": {_count(pictures, 'picture')}, about {_readable(size)}{per}, in {where}"
    if pictures > MANY_PICTURES:
        warnings.warn(
            f"{line}. Fewer with epochs=[...], layers=[...] or kernels=[...]",
            LogWarning,
            stacklevel=2,
        )
    else:
        say(line)


def say(line: str) -> None:
    """Prints a line as Keras prints its own, and like Keras logs it where printing is off."""
    if keras.config.is_interactive_logging_enabled():
        print(f"tb_kernels: {line}", flush=True)
    else:
        logging.getLogger("tb_kernels").info(line)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _readable(size: float) -> str:
    unit = "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.1f} {unit}" if size < 10 else f"{size:,.0f} {unit}"
