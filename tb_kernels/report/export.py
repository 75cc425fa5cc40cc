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
from tb_kernels.errors import ArgumentError, LogError
from tb_kernels.figures.choosing import chosen_strips
from tb_kernels.figures.context import contexts_of, draw_context
from tb_kernels.figures.curves import curve_figures, draw_curves
from tb_kernels.figures.difference import End, draw_difference_of
from tb_kernels.figures.kinds import draw_grid, draw_sheets, draw_strip, draw_views
from tb_kernels.figures.paper import Drawing, encode
from tb_kernels.figures.words import when
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.log import Log
from tb_kernels.reading.picture import Picture
from tb_kernels.report.animations import animate
from tb_kernels.report.job import PART_NAMES, Job
from tb_kernels.report.markdown import write_markdown
from tb_kernels.report.page import write_page
from tb_kernels.schema.naming import SHEET


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
    for layer, strips in _strips_of_layers(job, "strips"):
        for strip in strips:
            kernel = strip[0].address.kernel
            path = job.folder.strip(layer, layer.number, kernel, together=job.together)
            if path not in drawn:
                drawn.add(path)
                _write_figure(job, path, partial(_draw_strip, job, strip))
            job.step()


def _write_grids(job: Job) -> None:
    """A figure of each layer's kernels at all epochs."""
    for layer, strips in _strips_of_layers(job, "grids"):
        path = job.folder.grid(layer)
        _write_figure(job, path, partial(_draw_grid, job, strips))
        job.step()


def _write_sheets(job: Job) -> None:
    """A figure of each layer at each epoch, its kernels numbered; several if they are many."""
    for layer in _drawn_layers(job.log):
        try:
            numbers = job.choosing("sheets").of(job.log, layer)
        except (LogError, ArgumentError) as error:
            job.tell(f"sheets of layer {layer.number}: {error}")
            continue
        for epoch in layer.epochs:
            path = job.folder.sheet(layer, epoch)
            at = {one.address.kernel: one for one in job.log.of_layer(layer, epoch)}
            pictures = [at[number] for number in numbers if number in at]
            with _telling(job, path):
                job.room.take(pictures)
                for number, figure in enumerate(draw_sheets(pictures, job.manner), 1):
                    _save(job, path if number == 1 else f"{path}-{number}", figure)
            job.step()


def _write_differences(job: Job) -> None:
    """A figure of each layer: two epochs, or two trainings, and what each weight differs by."""
    for ends in _ends_of_layers(job.log):
        path = job.folder.difference(ends[0].layer)
        _write_figure(job, path, partial(_draw_difference, job, *ends))
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


def _ends_of_layers(log: Log) -> list[tuple[End, End]]:
    """What is compared of each layer: two trainings, where a log has two, or two epochs."""
    layers = _drawn_layers(log)
    if len(log.runs) != 2:
        return [
            (End(one, one.epochs[0], when(one.epochs[0])), End(one, last, when(last)))
            for one in layers
            if (last := one.epochs[-1]) != one.epochs[0]
        ]
    others = {(one.view, one.number): one for one in layers if one.run == log.runs[1]}
    return [
        (End(one, one.epochs[-1], one.run), End(other, other.epochs[-1], other.run))
        for one in layers
        if one.run == log.runs[0] and (other := others.get((one.view, one.number))) is not None
    ]


def _strips_of_layers(job: Job, part: str) -> Iterator[tuple[LoggedLayer, list[list[Picture]]]]:
    """The kernels of each layer that a part shows, across epochs; and sheets, if there are."""
    for layer in job.log.layers:
        try:
            chosen = chosen_strips(job.log, layer, job.choosing(part))
        except (LogError, ArgumentError) as error:
            job.tell(f"{part} of layer {layer.number}: {error}")
            continue
        if part == "strips" and layer.kernels and layer.sheets:
            chosen += [one for one in job.log.strips_of(layer) if one[0].address.kernel == SHEET]
        yield layer, chosen


PARTS = {
    "images": Part(len, _write_images),
    "strips": Part(lambda log: log.strip_count, _write_strips),
    "grids": Part(lambda log: len(log.layers), _write_grids),
    "sheets": Part(lambda log: sum(len(one.epochs) for one in _drawn_layers(log)), _write_sheets),
    "differences": Part(lambda log: len(_ends_of_layers(log)), _write_differences),
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


def _draw_grid(job: Job, strips: list[list[Picture]]) -> Drawing:
    job.room.take(one for strip in strips for one in strip)
    return draw_grid(strips, job.manner)


def _draw_difference(job: Job, before: End, after: End) -> Drawing:
    for end in (before, after):
        job.room.take(job.log.of_layer(end.layer, end.epoch))
    return draw_difference_of(job.log, before, after, job.manner, job.choosing("differences"))


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
