"""The index of an epoch: what a reader of the log needs to turn pictures into weights."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable
from typing import TypedDict

from tb_kernels.schema.axes import Axes

FORMAT = 1


class SheetEntry(TypedDict):
    """How a layer's sheet is laid out; low and high are the layer's, or each kernel's.

    Slice s of kernel k is tile `k * slices + s`; on a stacked sheet, where a row of
    kernels has a row for each of their slices, it is the tile at row
    `k // columns * slices + s`, column `k % columns`.
    """

    low: float | list[float]
    high: float | list[float]
    scale: int
    columns: int
    gap: int
    stacked: bool
    colormap: str


class LayerEntry(TypedDict):
    """How the pictures of one layer are to be read.

    A pixel of level p stands for the weight `low + p / 255 * (high - low)`. Slice t
    of a picture is the tile at row `t // columns`, column `t % columns`, and weight
    (y, x) of a tile is a square of scale x scale pixels; a gap lies between tiles.

    Attributes:
        number: The layer's number, the first field of the address.
        name: The layer's name in the model.
        group: What stands before the address in file and tag; empty for nothing.
        kind: The Keras class, `"Conv2D"`.
        shape: Of the array drawn, the kernel weight's own for a kernel.
        axes: What its axes are, one letter each, as `tb_kernels/schema/axes.py` explains.
        kernels: How many kernels the layer has.
        slices: How many 2-D slices one kernel has.
        tile: Height and width of a slice in weights.
        pictures: `"kernels"`, or `"slices"` where each slice is a picture of its own.
        drawn: The kernel numbers of the pictures; None for all.
        normalize: How low and high were chosen.
        low: The weight that level 0 stands for; one for each kernel if normalised by kernel.
        high: The weight that level 255 stands for, likewise.
        scale: Pixels along the side of a weight.
        columns: Slices in a row.
        gap: White pixels between slices.
        colormap: The colour map that levels went through; in `"rgb"` the three
            slices are red, green and blue of one tile.
        sheet: The sheet of the whole layer, if there is one.
    """

    number: str
    name: str
    group: str
    kind: str
    shape: list[int]
    axes: str
    kernels: int
    slices: int
    tile: list[int]
    pictures: str
    drawn: list[int] | None
    normalize: str | list[float]
    low: float | list[float]
    high: float | list[float]
    scale: int
    columns: int
    gap: int
    colormap: str
    sheet: SheetEntry | None


class HeatmapEntry(LayerEntry):
    """How the heatmaps of one layer are to be read: laid over the inputs.

    Attributes:
        strength: How much of a pixel is the map's colour; the rest is the input.
        classes: The class that each input's map speaks of; None where `score` was given.
        scores: What was differentiated, for each input.
    """

    strength: float
    classes: list[int] | None
    scores: list[float]


def axes_of(entry: LayerEntry) -> Axes:
    """The axes of the array that was drawn."""
    return Axes(entry["axes"], tuple(entry["shape"]))


def entry_key(entry: LayerEntry) -> Hashable:
    """What entries have in common that replace each other.

    Two loggers may draw different pictures of one layer; their entries stand side by side.
    """
    return entry["number"], entry["group"], entry["pictures"], tuple(entry["drawn"] or ())


def to_json(view: str, epoch: int, layers: Iterable[LayerEntry]) -> str:
    """The index of a view's pictures of one epoch."""
    index = {"format": FORMAT, "view": view, "epoch": epoch, "layers": list(layers)}
    return json.dumps(index, separators=(",", ":"))
