"""Which figures each part of a report has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import TypeVar

from tb_kernels.drawing.levels import Limits
from tb_kernels.errors import ArgumentError, LogError
from tb_kernels.figures.choosing import chosen_strips
from tb_kernels.figures.context import contexts_of, draw_context
from tb_kernels.figures.curves import CurveFigure, curve_figures, draw_curves
from tb_kernels.figures.difference import End, draw_difference, of_trainings, over_time
from tb_kernels.figures.kinds import draw_grid, draw_sheets, draw_strip, draw_views
from tb_kernels.figures.saving import Drawing, encode
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.log import Log
from tb_kernels.reading.picture import Picture
from tb_kernels.report.animations import animate, kernels_at
from tb_kernels.report.cores import Task
from tb_kernels.report.job import Job
from tb_kernels.schema.naming import SHEET, Address

_Chosen = TypeVar("_Chosen")


def strips(job: Job) -> Iterator[Task]:
    """Kernels across epochs, in one view or in all together."""
    drawn = set()
    for layer, found in _strips_of_layers(job, "strips"):
        for strip in found:
            kernel = strip[0].address.kernel
            path = job.folder.strip(layer, layer.number, kernel, together=job.together)
            if path in drawn:
                job.step()
                continue
            drawn.add(path)
            if job.together:
                views = job.log.in_all_views(strip[0])
                flat = [one for pictures in views for one in pictures]
                yield from _task(job, path, flat, partial(draw_views, views, job.manner))
            else:
                yield from _task(job, path, strip, partial(draw_strip, strip, job.manner))


def count_strips(job: Job) -> int:
    """How many kernels have one."""
    top = job.choosing("strips").top
    return sum(
        min(len(layer.kernels), top or len(layer.kernels)) + layer.sheets
        for layer in job.log.layers
    )


def grids(job: Job) -> Iterator[Task]:
    """The kernels of each layer at all epochs."""
    for layer, found in _strips_of_layers(job, "grids"):
        flat = [one for strip in found for one in strip]
        yield from _task(job, job.folder.grid(layer), flat, partial(draw_grid, found, job.manner))


def sheets(job: Job) -> Iterator[Task]:
    """Each layer at each epoch, its kernels numbered; on several sheets if they are many."""
    for layer, numbers in _numbered(job, "sheets", drawn_layers(job.log)):
        # Found once in each process, for all epochs.
        limits = cache(partial(job.limits, layer))
        for epoch in layer.epochs if numbers else ():
            pictures = kernels_at(job.log, layer, epoch, numbers)
            path = job.folder.sheet(layer, epoch)
            if pictures and _has_room(job, path, pictures):
                yield Task(path, job.format, partial(_encoded_sheets, job, pictures, limits))
            else:
                job.step()


def differences(job: Job) -> Iterator[Task]:
    """Two epochs of each layer, or two trainings, and what each weight differs by."""
    for before, after in ends_of_layers(job.log):
        pictures = [
            one for end in (before, after) for one in job.log.of_layer(end.layer, end.epoch)
        ]
        choosing = job.choosing("differences")
        draw = partial(draw_difference, job.log, before, after, job.manner, choosing)
        yield from _task(job, job.folder.difference(before.layer), pictures, draw)


def contexts(job: Job) -> Iterator[Task]:
    """Kernels with what makes their input channels, where that was drawn."""
    for picture in contexts_of(job.log):
        draw = partial(draw_context, job.log, picture, job.manner)
        yield from _task(job, job.folder.context(picture), [picture], draw)


def animations(job: Job) -> Iterator[Task]:
    """The sheets of each layer, one after the other."""
    for layer, numbers in _numbered(job, "animations", animated_layers(job.log)):
        if numbers:
            yield Task(job.folder.animation(layer), "gif", partial(_animated, job, layer, numbers))
        else:
            job.step()


def curves(job: Job) -> Iterator[Task]:
    """The loss, each metric and each statistic."""
    for run in job.log.runs:
        for figure in curve_figures(job.log, run):
            path = job.folder.curve(run, figure.file)
            yield Task(path, job.format, partial(_curves, job, figure))


def drawn_layers(log: Log) -> list[LoggedLayer]:
    """The layers that have pictures beside sheets."""
    return [layer for layer in log.layers if layer.kernels]


def animated_layers(log: Log) -> list[LoggedLayer]:
    """Those that have them at several epochs."""
    return [layer for layer in drawn_layers(log) if len(layer.epochs) > 1]


def ends_of_layers(log: Log) -> list[tuple[End, End]]:
    """What is compared of each layer: two trainings, where a log has two, or two epochs."""
    if len(log.runs) != 2:
        return [over_time(layer) for layer in animated_layers(log)]
    before, after = (
        {(one.view, one.number): one for one in drawn_layers(log) if one.run == run}
        for run in log.runs
    )
    return [of_trainings(one, after[key]) for key, one in before.items() if key in after]


def _strips_of_layers(job: Job, part: str) -> Iterator[tuple[LoggedLayer, list[list[Picture]]]]:
    """The kernels of each layer that a part shows, across epochs; and sheets, if there are."""
    for layer in job.log.layers:
        draw = partial(chosen_strips, job.log, layer, job.choosing(part))
        chosen = _or_told(job, part, layer, draw)
        if chosen is None:
            continue
        if part == "strips" and layer.kernels and layer.sheets:
            chosen += [one for one in job.log.strips_of(layer) if one[0].address.kernel == SHEET]
        yield layer, chosen


def _numbered(
    job: Job, part: str, layers: list[LoggedLayer]
) -> Iterator[tuple[LoggedLayer, list[int]]]:
    """Layers with the kernels that a part shows of them; with none where that cannot be told."""
    for layer in layers:
        choose = partial(job.choosing(part).of, job.log, layer)
        yield layer, _or_told(job, part, layer, choose) or []


def _or_told(
    job: Job, part: str, layer: LoggedLayer, choose: Callable[[], list[_Chosen]]
) -> list[_Chosen] | None:
    """What is chosen of a layer; None, which is told, where it cannot be ranked."""
    try:
        return choose()
    except (LogError, ArgumentError) as error:
        job.tell(f"{part} of layer {layer.number}: {error}")
        return None


def _task(
    job: Job, path: str, pictures: list[Picture], draw: Callable[[], Drawing]
) -> Iterator[Task]:
    if _has_room(job, path, pictures):
        yield Task(path, job.format, partial(_encoded, job, draw))
    else:
        job.step()


def _has_room(job: Job, path: str, pictures: list[Picture]) -> bool:
    try:
        job.room.take(pictures)
    except LogError as error:
        job.tell(f"{path}: {error}")
        return False
    return True


def _encoded(job: Job, draw: Callable[[], Drawing]) -> list[bytes]:
    return [encode(draw(), job.format)]


def _encoded_sheets(
    job: Job, pictures: list[Picture], limits: Callable[[], Mapping[Address, Limits | None]]
) -> list[bytes]:
    of_each = [limits()[one.address] for one in pictures]
    return [encode(one, job.format) for one in draw_sheets(pictures, job.manner, of_each)]


def _animated(job: Job, layer: LoggedLayer, numbers: list[int]) -> list[bytes]:
    return [animate(job, layer, numbers)]


def _curves(job: Job, figure: CurveFigure) -> list[bytes]:
    return [draw_curves(*figure, format=job.format, paper=job.manner.paper)]
