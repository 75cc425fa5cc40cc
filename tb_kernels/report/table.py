"""The kernels of a layer one by one, a column an epoch: what the page shows without scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tb_kernels.drawing import png
from tb_kernels.drawing.layouts import assemble
from tb_kernels.drawing.levels import Limits
from tb_kernels.errors import LogError
from tb_kernels.figures.bars import number
from tb_kernels.figures.panels import cell_of
from tb_kernels.figures.scale import Scale
from tb_kernels.reading.decoding import MOST_PIXELS
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.log import Log
from tb_kernels.reading.picture import Picture
from tb_kernels.report.job import Job
from tb_kernels.schema.naming import SHEET, Address
from tb_kernels.viewer.embedding import data_uri

# So many bytes of pictures all tables hold, of one picture, and so many columns each.
_MOST_BYTES = 4_000_000
_MOST_OF_PICTURE = 2_000_000
_MOST_COLUMNS = 4

_Limits = Mapping[Address, Limits | None]


class Table(NamedTuple):
    """A layer in one view.

    Attributes:
        columns: Each epoch, and what its lowest and highest level stand for.
        rows: The pictures of each kernel and their data, read when the row is written; no
            data where a picture could not be read, neither where there is none.
        left_out: What of the layer it does not show; empty for nothing.
    """

    columns: list[tuple[int, str]]
    rows: Iterator[list[tuple[Picture | None, str | None]]]
    left_out: str


def table_of(job: Job, log: Log, layer: LoggedLayer, most: int, limits: _Limits) -> Table:
    """The first epochs and kernels of a layer.

    Args:
        job: Is told of pictures that cannot be read.
        log: Of one training.
        layer: One of its layers.
        most: Kernels.
        limits: The scale of each picture.
    """
    kernels = layer.kernels[:most] + [SHEET] * layer.sheets
    at = {
        epoch: {one.address.kernel: one for one in log.of_layer(layer, epoch)}
        for epoch in layer.epochs[:_MOST_COLUMNS]
    }
    return Table(
        [(epoch, _ends(job, list(of_epoch.values()), limits)) for epoch, of_epoch in at.items()],
        ([_cell(job, of_epoch.get(one), limits) for of_epoch in at.values()] for one in kernels),
        _left_out(layer, len(layer.kernels[:most]), len(at)),
    )


def rows_that_fit(log: Log) -> int:
    """How many kernels of each layer all tables have room for."""
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


def _cell(
    job: Job, picture: Picture | None, limits: _Limits
) -> tuple[Picture | None, str | None]:  # fmt: skip
    if picture is None:
        return None, None
    try:
        if picture.file_size > _MOST_OF_PICTURE or picture.width * picture.height > MOST_PIXELS:
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


def _ends(job: Job, pictures: list[Picture], limits: _Limits) -> str:
    """What the ends of an epoch's scale stand for."""
    drawn = [one for one in pictures if one.address.kernel != SHEET] or pictures
    bar = job.manner.scale.bar(drawn, [limits[one.address] for one in drawn])
    ends = ""
    if bar.low is not None and bar.high is not None:
        ends = f"{number(bar.low)} … {number(bar.high)}"
    return " ".join(filter(None, (ends, bar.note)))


def _left_out(layer: LoggedLayer, kernels: int, epochs: int) -> str:
    told = []
    if kernels < len(layer.kernels):
        told.append(f"the first {kernels:,} of {len(layer.kernels):,} {layer.view}")
    if epochs < len(layer.epochs):
        told.append(f"the first {epochs} of {len(layer.epochs):,} epochs")
    return f"Here are {' and '.join(told)}; a selection shows others." if told else ""
