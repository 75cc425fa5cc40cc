"""What will come, told before it comes."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable
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
        drawn: Kernels drawn, or what else the view draws.
        noun: What these are.
        pictures: Pictures of them, sheets included.
        size: Bytes on disk, roughly: file and event together.
    """

    layers: int
    drawn: int
    noun: str
    pictures: int
    size: int


def announce(where: str, volume: Volume, epochs: int | None) -> None:
    """Says in one line what a training will write; a warning if that is a lot.

    Args:
        where: The run's directory.
        volume: Of one epoch.
        epochs: How many epochs will be logged; None if nobody knows.
    """
    line = f"{count(volume.layers, 'layer')}, {count(volume.drawn, volume.noun)}"
    if epochs is None:
        pictures, size, per = volume.pictures, volume.size, " per logged epoch"
    else:
        pictures, size, per = volume.pictures * epochs, volume.size * epochs, ""
        line += f", {count(epochs, 'epoch')}"
    line += f": {count(pictures, 'picture')}, about {_readable(size)}{per}, in {where}"
    if pictures > MANY_PICTURES:
        warn(f"{line}. Fewer with epochs=[...], layers=[...] or kernels=[...]")
    else:
        say(line)


def say(line: str) -> None:
    """Prints a line as Keras prints its own, and like Keras logs it where printing is off."""
    if not keras.config.is_interactive_logging_enabled():
        logging.getLogger("tb_kernels").info(line)
        return
    try:
        print(f"tb_kernels: {line}", flush=True)
    except UnicodeEncodeError:
        print(ascii(f"tb_kernels: {line}"), flush=True)


def warn(text: str) -> None:
    """Warns as the user's filters say, every time: Python would show an equal text only once."""
    warnings.warn_explicit(text, LogWarning, "tb_kernels", 1, registry={})


def count(number: int, noun: str) -> str:
    """A number and what it counts, in English."""
    if number == 1:
        return f"{number:,} {noun}"
    return f"{number:,} {noun}es" if noun.endswith("x") else f"{number:,} {noun}s"


def enumerate_all(texts: Iterable[str]) -> str:
    """Joins texts as in a sentence: `a`, `a and b`, `a, b and c`."""
    *firsts, last = texts
    return f"{', '.join(firsts)} and {last}" if firsts else last


def _readable(size: float) -> str:
    unit = "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.1f} {unit}" if size < 10 else f"{size:,.0f} {unit}"
