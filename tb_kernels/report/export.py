"""The parts of a report, in the order in which they are made.

Each says after every piece of its work that it is done; what cannot be drawn is told,
and the rest is made all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from tb_kernels.drawing import png
from tb_kernels.errors import LogError
from tb_kernels.figures.context import contexts_of
from tb_kernels.figures.curves import curve_figures
from tb_kernels.reading.picture import Picture
from tb_kernels.report.cores import Task, draw_all
from tb_kernels.report.job import PART_NAMES, Job
from tb_kernels.report.markdown import write_markdown
from tb_kernels.report.page import write_page
from tb_kernels.report.tasks import (
    animated_layers,
    animations,
    contexts,
    count_strips,
    curves,
    differences,
    drawn_layers,
    ends_of_layers,
    grids,
    sheets,
    strips,
)


def export(job: Job, parts: Collection[str]) -> None:
    """Makes parts of a report.

    Args:
        job: What of which log, where to, and how.
        parts: Some of `PARTS`.

    Raises:
        OSError: If a file cannot be written.
    """
    if "images" in parts:
        _write_images(job)
    asked = [name for name in PART_NAMES if name in parts]
    drawn = (PARTS[name].tasks(job) for name in asked if name != "animations")
    _write_figures(job, chain.from_iterable(drawn))
    if "animations" in parts:
        # Of the sheets, if they are there by now.
        _write_figures(job, animations(job))
    if "page" in parts:
        # All of it on one page, and as text to be pasted into a report.
        write_page(job)
        write_markdown(job)


def _write_images(job: Job) -> None:
    """Every picture by its name: as it was logged, byte for byte, or drawn at another size."""
    scale, columns = job.manner.side, job.manner.columns
    for picture in job.log:
        try:
            as_logged = scale is None and columns is None
            data = picture.png if as_logged else _redrawn(picture, scale, columns)
        except LogError as error:
            job.tell(str(error))
        else:
            job.folder.files.write(f"{job.folder.picture(picture)}.png", data)
        job.step()


def _write_figures(job: Job, tasks: Iterable[Task]) -> None:
    for task, files in draw_all(tasks):
        if isinstance(files, str):
            job.tell(f"{task.path}: {files}")
        else:
            for number, data in enumerate(files, 1):
                path = task.path if number == 1 else f"{task.path}-{number}"
                job.folder.write(f"{path}.{task.ending}", data)
        job.step()


class Part(NamedTuple):
    """A part of a report: how many pieces of work it is, and the figures that are drawn."""

    count: Callable[[Job], int]
    tasks: Callable[[Job], Iterator[Task]] = lambda job: iter(())


PARTS = {
    "images": Part(lambda job: len(job.log)),
    "strips": Part(count_strips, strips),
    "grids": Part(lambda job: len(job.log.layers), grids),
    "sheets": Part(lambda job: sum(len(one.epochs) for one in drawn_layers(job.log)), sheets),
    "differences": Part(lambda job: len(ends_of_layers(job.log)), differences),
    "contexts": Part(lambda job: len(contexts_of(job.log)), contexts),
    "animations": Part(lambda job: len(animated_layers(job.log)), animations),
    "curves": Part(
        lambda job: sum(len(curve_figures(job.log, run)) for run in job.log.runs), curves
    ),
    "page": Part(lambda job: len(job.log.layers)),
}


def _redrawn(picture: Picture, scale: int | None, columns: int | None) -> bytes:
    pixels = picture.redraw(scale, columns)
    return png.encode(pixels.reshape(*pixels.shape[:2], -1))
