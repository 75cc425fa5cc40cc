"""The parts of a report, in the order in which they are made.

Each says after every piece of its work that it is done; what cannot be drawn is told,
and the rest is made all the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import NamedTuple

from tb_kernels.drawing import png
from tb_kernels.errors import LogError
from tb_kernels.figures.context import contexts_of, draw_context
from tb_kernels.figures.curves import curve_figures, draw_curves
from tb_kernels.figures.kinds import draw_sheets, draw_strip, draw_views
from tb_kernels.figures.paper import Drawing, encode
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.log import Log
from tb_kernels.reading.picture import Picture
from tb_kernels.report.animations import animate, kernels_of
from tb_kernels.report.job import PART_NAMES, Job
from tb_kernels.report.markdown import write_markdown
from tb_kernels.report.page import write_page


def export(job: Job, parts: Collection[str]) -> None:
    """Makes parts of a report.

    Args:
        job: What of which log, where to, and how.
        parts: Some of `PARTS`.

    Raises:
        OSError: If a file cannot be written.
    """
    for name in PART_NAMES:
        if name in parts:
            PARTS[name].write(job)


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


def _write_strips(job: Job) -> None:
    """A figure of each kernel across epochs, in one view or in all together."""
    drawn = set()
    for strip in job.log.strips():
        layer, kernel, _ = strip[0].address
        path = job.folder.strip(strip[0], layer, kernel, together=job.together)
        if path not in drawn:
            drawn.add(path)
            _write_figure(job, path, partial(_draw_strip, job, strip))
        job.step()


def _write_sheets(job: Job) -> None:
    """A figure of each layer at each epoch, its kernels numbered; several if they are many."""
    for layer in _drawn_layers(job.log):
        for epoch in layer.epochs:
            path = job.folder.sheet(layer, epoch)
            pictures = kernels_of(job.log.of_layer(layer, epoch))
            with _telling(job, path):
                job.room.take(pictures)
                for number, figure in enumerate(draw_sheets(pictures, job.manner), 1):
                    _save(job, path if number == 1 else f"{path}-{number}", figure)
            job.step()


def _write_contexts(job: Job) -> None:
    """A figure of each kernel with what makes its input channels, where that was drawn."""
    for picture in contexts_of(job.log):
        _write_figure(job, job.folder.context(picture), partial(_draw_context, job, picture))
        job.step()


def _write_animations(job: Job) -> None:
    """An animation of each layer across epochs."""
    for layer in _animated_layers(job.log):
        path = job.folder.animation(layer)
        with _telling(job, path):
            job.folder.write(f"{path}.gif", animate(job, layer))
        job.step()


def _write_curves(job: Job) -> None:
    """A figure of the loss, of each metric and of each statistic."""
    for run in job.log.runs:
        for figure in curve_figures(job.log, run):
            path = f"{job.folder.curve(run, figure.file)}.{job.format}"
            with _telling(job, path):
                job.folder.write(path, draw_curves(*figure, format=job.format))
            job.step()


def _write_page(job: Job) -> None:
    """All of it on one page, and as text to be pasted into a report."""
    write_page(job)
    write_markdown(job)


class Part(NamedTuple):
    """A part of a report: how many pieces of work it is, and what does them."""

    count: Callable[[Log], int]
    write: Callable[[Job], None]


def _drawn_layers(log: Log) -> list[LoggedLayer]:
    """The layers that have pictures beside sheets."""
    return [layer for layer in log.layers if layer.kernels]


def _animated_layers(log: Log) -> list[LoggedLayer]:
    return [layer for layer in _drawn_layers(log) if len(layer.epochs) > 1]


PARTS = {
    "images": Part(len, _write_images),
    "strips": Part(lambda log: log.strip_count, _write_strips),
    "sheets": Part(lambda log: sum(len(one.epochs) for one in _drawn_layers(log)), _write_sheets),
    "contexts": Part(lambda log: len(contexts_of(log)), _write_contexts),
    "animations": Part(lambda log: len(_animated_layers(log)), _write_animations),
    "curves": Part(
        lambda log: sum(len(curve_figures(log, run)) for run in log.runs), _write_curves
    ),
    "page": Part(lambda log: len(log.layers), _write_page),
}


def _redrawn(picture: Picture, scale: int | None, columns: int | None) -> bytes:
    pixels = picture.redraw(scale, columns)
    return png.encode(pixels.reshape(*pixels.shape[:2], -1))


def _draw_strip(job: Job, strip: list[Picture]) -> Drawing:
    if job.together:
        views = job.log.in_all_views(strip[0])
        job.room.take(picture for pictures in views for picture in pictures)
        return draw_views(views, job.manner)
    job.room.take(strip)
    return draw_strip(strip, job.manner)


def _draw_context(job: Job, picture: Picture) -> Drawing:
    job.room.take([picture])
    return draw_context(job.log, picture, job.manner)


def _write_figure(job: Job, path: str, draw: Callable[[], Drawing]) -> None:
    with _telling(job, path):
        _save(job, path, draw())


def _save(job: Job, path: str, figure: Drawing) -> None:
    job.folder.write(f"{path}.{job.format}", encode(figure, job.format))


@contextlib.contextmanager
def _telling(job: Job, path: str) -> Iterator[None]:
    """What of a figure cannot be drawn is told, and the next one is drawn all the same."""
    try:
        yield
    except (LogError, MemoryError) as error:
        job.tell(f"{path}: {error}")
