"""`index.html`: the report on one page that needs nothing beside it.

The page is written while it is made, so its size does not matter here; but a browser has
to hold it, so of a very large log it shows a part, and says which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from jinja2 import Environment, PackageLoader

from tb_kernels.drawing import png
from tb_kernels.drawing.layouts import assemble
from tb_kernels.drawing.levels import Limits
from tb_kernels.errors import LogError
from tb_kernels.figures.bars import number
from tb_kernels.figures.curves import curve_figures, draw_curves
from tb_kernels.figures.kinds import draw_sheet
from tb_kernels.figures.panels import cell_of
from tb_kernels.figures.saving import encode
from tb_kernels.figures.scale import Scale
from tb_kernels.reading.decoding import MOST_PIXELS
from tb_kernels.reading.display import data_uri
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.log import Log
from tb_kernels.reading.picture import Picture
from tb_kernels.report.animations import animate, kernels_at
from tb_kernels.report.job import Job
from tb_kernels.report.room import thin_out
from tb_kernels.schema.naming import SHEET, Address
from tb_kernels.wording import count, ranges, shown

PAGE = "index.html"

# So many bytes of kernels a page holds, of one figure, and so many columns a table.
_MOST_BYTES = 24_000_000
_MOST_OF_FIGURE = 2_000_000
_MOST_COLUMNS = 16

_LONGEST_NAME = 80


class Facts(NamedTuple):
    """A layer in words, each on one line.

    Attributes:
        title: `Layer 1, conv2d`.
        view: `kernels`.
        kernels: `1-32`; `sheets` where there is nothing else.
        epochs: `0-1, 6, 10`.
    """

    title: str
    view: str
    kernels: str
    epochs: str


class Section(NamedTuple):
    """A layer in one view.

    Attributes:
        anchor: What links lead to.
        facts: What is told of it.
        columns: Of the table: each epoch, and what its lowest and highest level stand for.
        rows: The pictures of each kernel and their data, read when the row is written; no
            data where a picture could not be read, neither where there is none.
        left_out: What of it the page does not show; empty for nothing.
        still: The sheet of its last epoch, as data; None if there is none.
        moving: Its animation, likewise.
    """

    anchor: str
    facts: Facts
    columns: list[tuple[int, str]]
    rows: Iterator[list[tuple[Picture | None, str | None]]]
    left_out: str
    still: str | None
    moving: str | None


class Run(NamedTuple):
    """A training: its name, its curves as pairs of light and dark data, its layers."""

    name: str
    curves: Iterator[tuple[str, str, str]]
    links: list[tuple[str, Facts]]
    sections: Iterator[Section]


def write_page(job: Job) -> None:
    """Writes the page, a layer at a time."""
    environment = Environment(
        # Names in a log are anybody's: all text is escaped.
        loader=PackageLoader("tb_kernels.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    most = _rows_that_fit(job.log)
    chunks = environment.get_template(PAGE).generate(
        title=shown(job.log.where),
        told=count(len(job.log), "picture"),
        cut=job.cut,
        runs=(_run(job, run, most) for run in job.log.runs),
    )
    encoded = (chunk.encode(errors="replace") for chunk in chunks)
    job.folder.files.fill(PAGE, lambda stream: stream.writelines(encoded))


def facts_of(layer: LoggedLayer) -> Facts:
    """What is told of a layer beside its pictures."""
    name = f", {shown(layer.name, _LONGEST_NAME)}" if layer.name else ""
    return Facts(
        f"Layer {layer.number}{name}",
        shown(layer.view),
        ranges(layer.kernels) or "sheets",
        ranges(layer.epochs),
    )


def _run(job: Job, run: str, most: int) -> Run:
    log = job.log.select(runs=run)
    runs = job.log.runs
    anchored = [(f"{runs.index(run)}-{place}", one) for place, one in enumerate(log.layers)]
    return Run(
        "" if runs == ["."] else shown(run),
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
        except LogError as error:
            job.tell(f"page, {shown(figure.name)}: {error}")
        else:
            yield shown(figure.title), light, dark


def _section(job: Job, log: Log, anchor: str, layer: LoggedLayer, most: int) -> Section:
    epochs = thin_out(layer.epochs, _MOST_COLUMNS)
    kernels = layer.kernels[:most] + [SHEET] * layer.sheets
    at = {
        epoch: {one.address.kernel: one for one in log.of_layer(layer, epoch)} for epoch in epochs
    }
    limits = job.limits(layer)
    columns = [
        (epoch, _ends(job, list(of_epoch.values()), limits)) for epoch, of_epoch in at.items()
    ]
    still, moving = _figures(job, log, layer, limits)
    job.step()
    return Section(
        anchor,
        facts_of(layer),
        columns,
        ([_cell(job, of_epoch.get(one), limits) for of_epoch in at.values()] for one in kernels),
        _left_out(layer, len(layer.kernels[:most]), len(epochs)),
        still,
        moving,
    )


def _cell(
    job: Job, picture: Picture | None, limits: Mapping[Address, Limits | None]
) -> tuple[Picture | None, str | None]:
    if picture is None:
        return None, None
    try:
        if picture.file_size > _MOST_OF_FIGURE or picture.width * picture.height > MOST_PIXELS:
            raise LogError(f"{picture.view}/{picture.tag}: too large for the page")
        return picture, data_uri(_on_scale(picture, job.manner.scale, limits[picture.address]))
    except LogError as error:
        job.tell(str(error))
        return picture, None


def _on_scale(picture: Picture, scale: Scale, limits: Limits | None) -> bytes:
    """A picture as it was logged, in the colours of the page's scale."""
    cell = cell_of(picture, "", scale, limits)
    if cell.as_logged:
        return picture.png
    return png.encode(assemble(cell.tiles()[None], cell.layout)[0])


def _ends(job: Job, pictures: list[Picture], limits: Mapping[Address, Limits | None]) -> str:
    """What the ends of an epoch's scale stand for."""
    drawn = [one for one in pictures if one.address.kernel != SHEET] or pictures
    bar = job.manner.scale.bar(drawn, [limits[one.address] for one in drawn])
    ends = ""
    if bar.low is not None and bar.high is not None:
        ends = f"{number(bar.low)} … {number(bar.high)}"
    return " ".join(filter(None, (ends, bar.note)))


def _figures(
    job: Job, log: Log, layer: LoggedLayer, limits: Mapping[Address, Limits | None]
) -> tuple[str | None, str | None]:
    """The last sheet and the animation, where they are not too large."""
    still = moving = None
    last = kernels_at(log, layer, layer.epochs[-1], layer.kernels)
    try:
        if last:
            made = job.folder.read(f"{job.folder.sheet(layer, layer.epochs[-1])}.png")
            if made is None:
                job.room.take(last)
                figure = draw_sheet(last, job.manner, [limits[one.address] for one in last])
                made = encode(figure, "png")
            still = _embedded(made, "png")
        if still and len(layer.epochs) > 1:
            made = job.folder.read(f"{job.folder.animation(layer)}.gif")
            moving = _embedded(made or animate(job, layer, layer.kernels), "gif")
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
