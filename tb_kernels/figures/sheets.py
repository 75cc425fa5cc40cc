"""The kernels of a layer at one epoch, numbered, with the scale of black and white."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tb_kernels.colors import GRAY, RGB, lookup_table
from tb_kernels.errors import ArgumentError, LogError
from tb_kernels.figures.board import Board
from tb_kernels.figures.grids import GAP, MARGIN, Bar, Cell, draw_grid
from tb_kernels.reading.picture import Picture
from tb_kernels.wording import shown

# A sheet has at most this many pixels along a side: kernels are drawn smaller, and then
# fewer on a sheet, if they need more.
_SIDE = 4096

# A layer's name in a title.
_LONGEST_NAME = 48

_LEVELS = 256


def draw_sheet(
    pictures: Sequence[Picture], *, scale: int | None = None, columns: int | None = None
) -> Board:
    """Draws the kernels of a layer at one epoch.

    Args:
        pictures: Theirs, in order; at least one. `fit_sheet` says how many fit.
        scale: Pixels along the side of a weight; None for as logged.
        columns: Slices in a row; None for as logged.

    Raises:
        LogError: If a picture cannot be read or redrawn.
    """
    cells = [Cell(str(one.address.kernel), one.redraw(scale, columns)) for one in pictures]
    height, width = np.max([cell.pixels.shape[:2] for cell in cells], axis=0)
    across = max(1, round(math.sqrt(len(cells) * (height + GAP) / (width + GAP))))
    rows: list[list[Cell | None]] = [
        list(cells[i : i + across]) for i in range(0, len(cells), across)
    ]
    rows[-1] += [None] * (len(rows[0]) - len(rows[-1]))
    return draw_grid(rows, title_of(pictures[0]), scale_of(pictures))


def fit_sheet(count: int, picture: Picture, scale: int | None) -> tuple[int, int | None]:
    """How many kernels go on one sheet, and at which scale.

    Args:
        count: How many there are.
        picture: One of them.
        scale: Pixels along the side of a weight; None for as logged, or smaller where
            that makes all fit.

    Returns:
        How many, and the scale; None for as logged.
    """
    most = _fitting(picture.width, picture.height)
    if count <= most or scale is not None:
        return max(1, most), scale
    try:
        logged = picture.legend.layout.scale
    except LogError:
        return max(1, most), None
    for smaller in range(logged - 1, 0, -1):
        most = _fitting(picture.width * smaller // logged, picture.height * smaller // logged)
        if count <= most:
            return most, smaller
    return max(1, most), min(logged, 1)


def _fitting(width: int, height: int) -> int:
    caption = 24
    room = _SIDE - 2 * MARGIN
    return (room // (max(width, 2 * caption) + GAP)) * (room // (height + caption + GAP))


def title_of(picture: Picture) -> str:
    """`Kernels of layer 1, conv2d, after epoch 10`."""
    layer, _, epoch = picture.address
    when = f"after epoch {epoch}" if epoch else "before training"
    name = shown(picture.layer_name, _LONGEST_NAME)
    return f"{picture.view.capitalize()} of layer {layer}, {name}, {when}"


def scale_of(pictures: Sequence[Picture]) -> Bar:
    """What black and white stand for, if that is the same in all of the pictures."""
    try:
        legends = [one.legend for one in pictures]
    except LogError:
        return Bar(None, "what black and white stand for is not known: there is no index", "")
    first = legends[0]
    ends = {legend.limits.at(0) for legend in legends}
    if first.colormap == RGB:
        low, high = first.limits.at(0)
        return Bar(None, f"red, green and blue from {low:.4g} to {high:.4g}", "")
    try:
        colors = _gradient(first.colormap)
    except ArgumentError as error:
        return Bar(None, shown(str(error)), "")
    if len(ends) > 1:
        return Bar(colors, "lowest", "highest, of each by itself")
    ((low, high),) = ends
    return Bar(colors, f"{low:.4g}", f"{high:.4g}")


def _gradient(colormap: str) -> NDArray[np.uint8]:
    if colormap == GRAY:
        return np.repeat(np.arange(_LEVELS, dtype=np.uint8)[:, None], 3, axis=1)
    return lookup_table(colormap)
