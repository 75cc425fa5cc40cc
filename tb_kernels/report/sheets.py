"""The kernels of a layer at one epoch, numbered, with the scale of black and white."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.colors import GRAY, RGB, lookup_table
from tb_kernels.errors import ArgumentError, LogError
from tb_kernels.reading.picture import Picture
from tb_kernels.report.board import Board
from tb_kernels.report.grids import GAP, MARGIN, Bar, Cell, draw_grid, in_rows, largest
from tb_kernels.schema.naming import FINAL
from tb_kernels.wording import shown

# A sheet has at most this many pixels along a side: kernels are drawn smaller, and then
# fewer on a sheet, if they need more.
_SIDE = 3072

# A layer's name in a title.
_LONGEST_NAME = 48

_LEVELS = 256

# Room for a caption: its height, and half the width that it has at least.
_CAPTION = 24


def sheets_of(
    pictures: Sequence[Picture], scale: int | None, columns: int | None
) -> list[Callable[[], Board]]:
    """What draws the sheets of a layer at one epoch; none where it has no kernels.

    Args:
        pictures: Of the layer at that epoch, in the order of kernels.
        scale: Pixels along the side of a weight; None for as logged, or smaller where
            that makes all kernels fit on one sheet.
        columns: Slices in a row; None for as logged.

    Returns:
        Functions that raise `LogError` if a picture cannot be read or redrawn.
    """
    kernels = [one for one in pictures if one.address.kernel]
    if not kernels:
        return []
    each, scale = _fit(kernels, scale, columns)
    return [
        partial(_draw_sheet, kernels[start : start + each], scale, columns)
        for start in range(0, len(kernels), each)
    ]


def _draw_sheet(pictures: Sequence[Picture], scale: int | None, columns: int | None) -> Board:
    cells = [Cell.of(one, str(one.address.kernel), scale, columns) for one in pictures]
    height, width = largest(cell.size for cell in cells)
    across = max(1, round(math.sqrt(len(cells) * (height + GAP) / (width + GAP))))
    return draw_grid(in_rows(cells, across), _title(pictures[0]), bar_of(pictures))


def _fit(
    pictures: Sequence[Picture], scale: int | None, columns: int | None
) -> tuple[int, int | None]:
    """How many kernels go on one sheet, and at which scale; None for as logged."""
    # Usually one: the pictures of a layer are of one size.
    different = {(one.height, one.width): one for one in pictures}.values()

    def fitting(scale: int | None) -> int:
        height, width = largest(one.size_at(scale, columns) for one in different)
        room = _SIDE - 2 * MARGIN
        down, across = room // (height + _CAPTION + GAP), room // (max(width, 2 * _CAPTION) + GAP)
        return max(1, down * across)

    try:
        logged = max(one.legend.layout.scale for one in different)
        smaller = range(min(logged, _SIDE) - 1, 0, -1) if scale is None else ()
        for tried in (scale, *smaller):
            if fitting(tried) >= len(pictures):
                return len(pictures), tried
        scale = 1 if scale is None and logged > 1 else scale
        return fitting(scale), scale
    except LogError:
        return max(1, _SIDE // 256) ** 2, None


def _title(picture: Picture) -> str:
    """`Kernels of layer 1, conv2d, after epoch 10`."""
    return f"{picture.view.capitalize()} of layer {picture.address.layer}, {name_of(picture)}"


def name_of(picture: Picture) -> str:
    """What a picture's layer is called, and when: `conv2d, after epoch 10`."""
    epoch = picture.address.epoch
    when = f"after epoch {epoch}" if epoch else "before training"
    if epoch == FINAL:
        when = "as training left it"
    return f"{shown(picture.layer_name, _LONGEST_NAME)}, {when}"


def bar_of(pictures: Sequence[Picture]) -> Bar:
    """What black and white stand for, if that is the same in all of the pictures."""
    try:
        legends = [one.legend for one in pictures]
        colors = gradient(legends[0].colormap)
    except LogError:
        return Bar(note="scale not known: there is no index")
    except ArgumentError:
        return Bar(note=f"colour map {shown(legends[0].colormap, _LONGEST_NAME)!r}")
    ends = {
        end for legend in legends for end in zip(*map(np.atleast_1d, legend.limits), strict=True)
    }
    if len(ends) > 1:
        return Bar(colors, "low", "high", "each on a scale of its own")
    ((low, high),) = ends
    note = "in red, green and blue" if legends[0].colormap == RGB else ""
    return Bar(colors, f"{low:.4g}", f"{high:.4g}", note)


def gradient(colormap: str) -> NDArray[np.uint8]:
    """The colours of a scale from low to high, (levels, 3)."""
    if colormap in (GRAY, RGB):
        return np.repeat(np.arange(_LEVELS, dtype=np.uint8)[:, None], 3, axis=1)
    return lookup_table(colormap)
