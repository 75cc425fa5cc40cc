"""What will come, told before it comes."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

import keras

from tb_kernels.errors import warn
from tb_kernels.schema.naming import FINAL
from tb_kernels.schema.training import Training
from tb_kernels.wording import count, enumerate_some, readable_size

# A log of more pictures is slow to look at, and seldom meant.
MANY_PICTURES = 50_000

# Bytes that few expect of pictures.
LARGE = 10**9


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
        remark: What people should know of it; empty for nothing.
        chosen: The one layer that is drawn because nobody said which, in words; else None.
    """

    layers: int
    drawn: int
    noun: str
    pictures: int
    size: int
    too_large: tuple[str, ...] = ()
    remark: str = ""
    chosen: str | None = None


def announce(where: str, volume: Volume, epochs: int | None) -> None:
    """Says in one line what a training will write, and of which layer where that was left open.

    It is a warning if that is a lot, or not all.

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
    drawn = count(volume.drawn, volume.noun)
    line = f"{count(volume.layers, 'layer')}, {drawn}"
    if volume.chosen is not None:
        line = f"{drawn} of {volume.chosen}"
    if epochs is None:
        pictures, size, per = volume.pictures, volume.size, " per logged epoch"
    else:
        pictures, size, per = volume.pictures * epochs, volume.size * epochs, ""
        line += f", {count(epochs, 'epoch')}"
    line += f": {count(pictures, 'picture')}, about {readable_size(size)}{per}, in {where}"
    line += f" ({volume.remark})" if volume.remark else ""
    if pictures > MANY_PICTURES or size > LARGE:
        less = "Fewer" if pictures > MANY_PICTURES else "Less"
        warn(f"{line}. {less} with epochs=[...], layers=[...] or kernels=[...]")
    else:
        say(line)


def announce_rerun(where: str, training: Training, held: Mapping[int, int], newest: float) -> None:
    """Says in one line what becomes of the pictures that a folder holds when a training begins.

    Args:
        where: The view's folder.
        training: With its first epoch.
        held: How many pictures of each epoch are there.
        newest: When the last of them was written, in seconds since 1970.
    """
    superseded = sum(number for epoch, number in held.items() if epoch >= training.keeps)
    if not superseded:
        return
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(newest))
    goes_on = "" if training.keeps == 0 else f" of epoch {training.keeps} and later"
    if training.keeps == FINAL:
        goes_on = f" of epoch {FINAL}"
    say(
        f"{where} holds {count(superseded, 'picture')}{goes_on} from {when}: those of the same "
        "name are replaced, the others stay on disk; another directory keeps both trainings"
    )


def say(line: str) -> None:
    """Prints a line as Keras prints its own, and like Keras logs it where printing is off."""
    if not keras.config.is_interactive_logging_enabled():
        logging.getLogger("tb_kernels").info(line)
        return
    try:
        print(f"tb_kernels: {line}", flush=True)
    except UnicodeEncodeError:
        print(ascii(f"tb_kernels: {line}"), flush=True)
