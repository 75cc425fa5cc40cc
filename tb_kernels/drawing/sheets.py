"""All kernels of a layer on one sheet: how large it is, and where each kernel stands."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.bounds import lowered
from tb_kernels.drawing.colors import WHITE
from tb_kernels.drawing.layouts import LONGER_SIDE, Layout

# The longer side of a sheet of stacked slices has at least so many pixels.
_STACKED_SIDE = 512

# A scale that is asked for is lowered on a sheet that would be longer than this.
_LONGEST_SHEET = 8192


def fit_sheet(
    kernels: int,
    each: int,
    tile: tuple[int, int],
    *,
    row: int | None,
    scale: int | None,
    channels: int,
    longer_side: int = LONGER_SIDE,
    least_gap: int = 1,
) -> Layout:
    """The layout of a sheet.

    Args:
        kernels: How many kernels.
        each: Tiles of each.
        tile: Height and width of a tile.
        row: So many kernels stand in a row, their tiles below each other; None for a row
            for each kernel, its tiles side by side.
        scale: As in `Layout.fit`, but lowered where the sheet would be very long, or too
            large to be read.
        channels: Of its pixels, 1 or 3.
        longer_side: How many pixels it has at least, where kernels have rows of their own and the
            scale is not given.
        least_gap: How many pixels a gap has at least.
    """
    if row is None:
        # Kernels of a single tile would make one endless column; they stand in a square.
        columns = each if each > 1 else math.ceil(math.sqrt(kernels))
    else:
        columns = min(row, kernels)
        kernels = -(-kernels // columns) * columns
        longer_side = _STACKED_SIDE
    layout = Layout.fit(
        kernels * each,
        *tile,
        columns=columns,
        scale=scale,
        longer_side=longer_side,
        least_gap=least_gap,
    )
    return lowered(layout, channels, _LONGEST_SHEET)


def stack(tiles: NDArray[np.uint8], row: int) -> NDArray[np.uint8]:
    """The tiles of kernels in the order in which they stand stacked.

    Args:
        tiles: Shape (kernels, tiles, height, width, channels).
        row: So many kernels stand in a row.

    Returns:
        Shape (places, height, width, channels): for each row of kernels their first tiles,
        then their second ones; white where the last row has no kernel.
    """
    kernels, each, *tile = tiles.shape
    rows = -(-kernels // row)
    whole = np.full((rows * row, each, *tile), WHITE, np.uint8)
    whole[:kernels] = tiles
    return whole.reshape(rows, row, each, *tile).swapaxes(1, 2).reshape(-1, *tile)


def unstack(tiles: NDArray[np.uint8], row: int, kernels: int, each: int) -> NDArray[np.uint8]:
    """The tiles of each kernel again: the inverse of `stack`.

    Args:
        tiles: Shape (places, height, width, channels).
        row: So many kernels stand in a row.
        kernels: How many kernels there are.
        each: Tiles of each.

    Returns:
        Shape (kernels, tiles, height, width, channels).
    """
    rows = tiles.reshape(-1, each, row, *tiles.shape[1:]).swapaxes(1, 2)
    whole: NDArray[np.uint8] = rows.reshape(-1, *rows.shape[2:])[:kernels]
    return whole
