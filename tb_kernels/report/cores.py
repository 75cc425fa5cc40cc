"""Figures are drawn on all cores."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from tb_kernels.errors import LogError

# A process takes as long to begin as some figures take.
_LEAST = 24

# So many figures are handed out at once, so that a log of any length is never held whole.
_AT_ONCE = 512


class Task(NamedTuple):
    """A figure that is to be drawn.

    Attributes:
        path: Of its file, without ending.
        ending: Of its file.
        draw: Gives the file; several where the figure does not fit on one.
    """

    path: str
    ending: str
    draw: Callable[[], Sequence[bytes]]


def draw_all(tasks: Iterable[Task]) -> Iterator[tuple[Task, Sequence[bytes] | str]]:
    """Draws figures, in their order.

    Yields:
        Each task with its files, or with why there are none.
    """
    waiting = iter(tasks)
    while batch := list(islice(waiting, _AT_ONCE)):
        yield from zip(batch, _drawn(batch), strict=True)


# What forked processes are to draw.
_batch: list[Task] = []


def _drawn(batch: list[Task]) -> Iterator[Sequence[bytes] | str]:
    cores = _cores()
    # Only a process of one thread can be forked without a thought; elsewhere one is enough.
    alone = sys.platform == "linux" and threading.active_count() == 1
    if cores == 1 or len(batch) < _LEAST or not alone:
        yield from map(_draw, batch)
        return
    _batch[:] = batch
    try:
        # What is there before is shared with this process, and not looked through for garbage.
        with multiprocessing.get_context("fork").Pool(cores, gc.freeze) as pool:
            yield from pool.imap(_draw_numbered, range(len(batch)))
    finally:
        _batch.clear()


def _cores() -> int:
    # A container may have fewer than its machine.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _draw_numbered(number: int) -> Sequence[bytes] | str:
    drawn = _draw(_batch[number])
    # A figure of matplotlib holds itself, and is large.
    gc.collect()
    return drawn


def _draw(task: Task) -> Sequence[bytes] | str:
    try:
        return task.draw()
    except (LogError, MemoryError) as error:
        return str(error) or "not enough memory"
