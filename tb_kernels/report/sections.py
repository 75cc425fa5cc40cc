"""What the page shows, training by training and layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tb_kernels.errors import LogError, reason_of
from tb_kernels.reading.decoding import MOST_PIXELS
from tb_kernels.reading.display import data_uri
from tb_kernels.reading.labels import LoggedLayer
from tb_kernels.reading.log import Log
from tb_kernels.reading.picture import Picture
from tb_kernels.report.curve_figures import curve_figures
from tb_kernels.report.curves import draw_curves
from tb_kernels.report.facts import Facts, facts_of
from tb_kernels.report.job import Job
from tb_kernels.report.parts import animate, sheets_of
from tb_kernels.report.sheets import scale_of
from tb_kernels.report.thinning import thin_out
from tb_kernels.schema.naming import SHEET
from tb_kernels.wording import shown

# So many bytes of kernels a page holds, of one figure, and so many columns a table.
_MOST_BYTES = 24_000_000
_MOST_OF_FIGURE = 2_000_000
_MOST_COLUMNS = 16


class PagePicture(NamedTuple):
    """A picture of the page; the data is None where it could not be read."""

    address: str
    data: str | None
    height: int
    width: int


class Column(NamedTuple):
    """An epoch, and in words what its lowest and its highest level stand for."""

    epoch: int
    scale: str


class Section(NamedTuple):
    """A layer in one view.

    Attributes:
        anchor: What links lead to.
        facts: What is told of it.
        columns: Of the table.
        rows: The pictures of each kernel, read when the row is written.
        left_out: What of it the page does not show; empty for nothing.
        still: The sheet of its last epoch, as data; None if there is none.
        moving: Its animation, likewise.
    """

    anchor: str
    facts: Facts
    columns: list[Column]
    rows: Iterator[list[PagePicture | None]]
    left_out: str
    still: str | None
    moving: str | None


class Run(NamedTuple):
    """A training: its name, its curves as pairs of light and dark data, its layers."""

    name: str
    curves: Iterator[tuple[str, str, str]]
    links: list[tuple[str, Facts]]
    sections: Iterator[Section]


def runs_of(job: Job) -> Iterator[Run]:
    """Every training."""
    most = _rows_that_fit(job.log)
    return (_run(job, run, most) for run in job.log.runs)


def _run(job: Job, run: str, most: int) -> Run:
    log = job.log.select(runs=run)
    anchored = [(f"{job.log.runs.index(run)}-{place}", one) for place, one in enumerate(log.layers)]
    return Run(
        "" if job.log.runs == ["."] else shown(run),
        _curves(job, run),
        [(anchor, facts_of(layer)) for anchor, layer in anchored],
        (_section(job, log, anchor, layer, most) for anchor, layer in anchored),
    )


def _curves(job: Job, run: str) -> Iterator[tuple[str, str, str]]:
    for figure in curve_figures(job.log, run):
        try:
            light, dark = (
                data_uri(draw_curves(*figure, format="svg", dark=dark), "svg+xml")
                for dark in (False, True)
            )
        except (ValueError, OverflowError) as error:
            job.tell(f"page, {shown(figure.name)}: {reason_of(error)}")
            continue
        yield shown(figure.name), light, dark


def _section(job: Job, log: Log, anchor: str, layer: LoggedLayer, most: int) -> Section:
    epochs = thin_out(layer.epochs, _MOST_COLUMNS)
    kernels = layer.kernels[:most]
    numbers = kernels + [SHEET] * layer.sheets
    at = {
        epoch: {one.address.kernel: one for one in log.of_layer(layer, epoch)} for epoch in epochs
    }
    columns = [Column(epoch, _scale(pictures)) for epoch, pictures in at.items()]
    still, moving = _figures(job, log, layer)
    job.step()
    return Section(
        anchor,
        facts_of(layer),
        columns,
        (_row(job, at, number) for number in numbers),
        _left_out(layer, len(kernels), len(epochs)),
        still,
        moving,
    )


def _row(job: Job, at: dict[int, dict[int, Picture]], kernel: int) -> list[PagePicture | None]:
    return [_cell(job, pictures.get(kernel)) for pictures in at.values()]


def _cell(job: Job, picture: Picture | None) -> PagePicture | None:
    if picture is None:
        return None
    data = None
    try:
        if picture.file_size > _MOST_OF_FIGURE or picture.width * picture.height > MOST_PIXELS:
            raise LogError(f"{picture.view}/{picture.tag}: too large for the page")
        data = data_uri(picture.png)
    except LogError as error:
        job.tell(str(error))
    return PagePicture(str(picture.address), data, picture.height, picture.width)


def _scale(pictures: dict[int, Picture]) -> str:
    drawn = [one for kernel, one in pictures.items() if kernel != SHEET] or list(pictures.values())
    bar = scale_of(drawn)
    ends = f"{bar.low} … {bar.high}" if bar.colors is not None else ""
    return " ".join(filter(None, (ends, bar.note)))


def _figures(job: Job, log: Log, layer: LoggedLayer) -> tuple[str | None, str | None]:
    """The last sheet and the animation, where they are not too large."""
    still = moving = None
    sheets = sheets_of(log, layer, layer.epochs[-1], job.options)
    try:
        if sheets:
            still = _embedded(sheets[0]().encode("png"), "png")
        if still and len(layer.epochs) > 1:
            path = f"{job.folder.layer('animations', layer)}.gif"
            made = job.folder.read(path) or animate(log, layer, job.options)
            moving = _embedded(made, "gif")
    except LogError as error:
        job.tell(str(error))
    return still, moving


def _embedded(data: bytes, kind: str) -> str | None:
    return data_uri(data, kind) if len(data) <= _MOST_OF_FIGURE else None


def _left_out(layer: LoggedLayer, kernels: int, epochs: int) -> str:
    told = []
    if kernels < len(layer.kernels):
        told.append(f"the first {kernels:,} of {len(layer.kernels):,} {layer.view}")
    if epochs < len(layer.epochs):
        told.append(f"{epochs} of {len(layer.epochs):,} epochs")
    return f"Here are {' and '.join(told)}; a selection shows others." if told else ""


def _rows_that_fit(log: Log) -> int:
    """How many kernels of each layer the page has room for."""
    layers = log.layers
    most = max((len(layer.kernels) for layer in layers), default=0)

    def size(rows: int) -> float:
        return sum(
            layer.bytes
            * min(1, rows / max(1, len(layer.kernels)))
            * min(1, _MOST_COLUMNS / len(layer.epochs))
            for layer in layers
        )

    while most > 1 and size(most) > _MOST_BYTES:
        most = max(1, most * 3 // 4)
    return most
