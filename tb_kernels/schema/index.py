"""The index of a record: what a reader of the log needs to turn its pictures into weights.

Each record of pictures begins with the index that says how these pictures, and no others, are
to be read. The two are written in one piece, so that neither is ever read with another's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TypedDict

from tb_kernels.schema.axes import Axes
from tb_kernels.schema.naming import plain_epoch

# Format 1, of version 0.1.0, had one index for an epoch, in a record of its own behind its
# pictures; each entry told of all pictures of a layer, and in `sheet` of its sheet.
FORMAT = 2


class LayerEntry(TypedDict):
    """How pictures of one layer are to be read.

    A pixel of level p stands for the weight `low + p / 255 * (high - low)`. Slice t
    of a picture is the tile at row `t // columns`, column `t % columns`, and weight
    (y, x) of a tile is a square of scale x scale pixels; a gap lies between tiles.

    On a sheet, slice s of kernel k is tile `k * slices + s`; on a stacked one, where a
    row of kernels has a row for each of their slices, it is the tile at row
    `k // columns * slices + s`, column `k % columns`.

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
        pictures: `"kernels"`; `"slices"` where each slice is a picture of its own;
            `"sheet"` for the sheet of the whole layer.
        drawn: The kernel numbers of the pictures, in the order of the record; of a sheet `[0]`.
        normalize: How low and high were chosen.
        low: The weight that level 0 stands for, or one for each of `drawn`; on a sheet
            perhaps one for each kernel.
        high: The weight that level 255 stands for, likewise.
        scale: Pixels along the side of a weight.
        columns: Slices in a row; on a stacked sheet kernels in a row.
        gap: White pixels between slices.
        stacked: Whether the slices of a sheet's kernels stand below each other.
        colormap: The colour map that levels went through; in `"rgb"` the three
            slices are red, green and blue of one tile.
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
    drawn: list[int]
    normalize: str | list[float]
    low: float | list[float]
    high: float | list[float]
    scale: int
    columns: int
    gap: int
    stacked: bool
    colormap: str


class HeatmapEntry(LayerEntry):
    """How the heatmaps of one layer are to be read: laid over the inputs.

    Attributes:
        strength: How much of a pixel is the map's colour; the rest is the input.
        classes: The class that each map of the record speaks of; None where `score` was given.
        class_names: What that class of each map is called; None where no names were given.
            Logs written before there were names lack it.
        scores: What was differentiated, for each map of the record; None if not finite.
    """

    strength: float
    classes: list[int] | None
    class_names: list[str] | None
    scores: list[float | None]


class PatternEntry(LayerEntry):
    """How the patterns of one layer are to be read.

    Attributes:
        excitations: Of each kernel drawn, on a sheet of each that has a pattern there, the mean
            of its feature map when the model is given the pattern; None if that is not finite.
        excited: Of each likewise, whether any picture on the way excited the kernel. Logs
            written before this was told lack it.
    """

    excitations: list[float | None]
    excited: list[bool]


class ExpandedEntry(LayerEntry):
    """How the expanded kernels of one layer are to be read, where inputs were given.

    Attributes:
        linearities: Of each kernel drawn, on a sheet of each that has a picture there, the
            correlation of its value with that of the linear network; None if there is none.
    """

    linearities: list[float | None]


class ExampleEntry(LayerEntry):
    """How the examples of one layer are to be read: the last tile of each row is their mean.

    Each list has an item for each kernel drawn, on a sheet for each that has a picture there.

    Attributes:
        means: What black (below 0) and white stand for in the mean, whose 0 is mid-grey; in the
            other tiles it is low and high, and white also what lies outside of the input.
        indices: Of each example, which input it is, from 0.
        positions: Of each example, row and column in the layer's map, from 0.
        values: Of each example, the kernel's value before its activation; None if not finite.
    """

    means: list[float]
    indices: list[list[int]]
    positions: list[list[list[int]]]
    values: list[list[float | None]]


def axes_of(entry: LayerEntry) -> Axes:
    """The axes of the array that was drawn."""
    return Axes(entry["axes"], tuple(entry["shape"]))


def to_json(view: str, epoch: int, layers: Iterable[LayerEntry]) -> str:
    """The index of some pictures of a view and an epoch."""
    index = {"format": FORMAT, "view": view, "epoch": plain_epoch(epoch), "layers": list(layers)}
    return json.dumps(index, separators=(",", ":"))
