"""What will come, told before it comes."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import keras

from tb_kernels.errors import warn
from tb_kernels.wording import count, enumerate_some, readable_size

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
        too_large: What is not drawn because no reader would take it, in words.
    """

    layers: int
    drawn: int
    noun: str
    pictures: int
    size: int
    too_large: tuple[str, ...] = ()


def announce(where: str, volume: Volume, epochs: int | None) -> None:
    """Says in one line what a training will write; a warning if that is a lot, or not all.

    Args:
        where: The view's folder.
        volume: Of one epoch.
        epochs: How many epochs will be logged; None if nobody knows.
    """
    if volume.too_large:
        warn(
            f"not drawn in {where}, being too large to be read back: "
            f"{enumerate_some(volume.too_large)}; the other pictures are. sheets=False leaves "
            "sheets out, layers=[...] a whole layer"
        )
    line = f"{count(volume.layers, 'layer')}, {count(volume.drawn, volume.noun)}"
    if epochs is None:
        pictures, size, per = volume.pictures, volume.size, " per logged epoch"
    else:
        pictures, size, per = volume.pictures * epochs, volume.size * epochs, ""
        line += f", {count(epochs, 'epoch')}"
    line += f": {count(pictures, 'picture')}, about {readable_size(size)}{per}, in {where}"
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
