"""Tiles → pictures: where each slice stands, how large, and what lies between."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.colors import WHITE
from tb_kernels.schema.axes import Axes

# The longer side of a picture has at least so many pixels, if its scale is not given.
LONGER_SIDE = 128

# Pixels between examples at least: they may end in white, and are told apart by more.
_WIDE_GAP = 4

# Up to so many slices stand in one row.
_ONE_ROW = 4


@dataclass(frozen=True)
class Layout:
    """How equal tiles make a picture: row by row, a gap between them, none around.

    Attributes:
        tiles: How many tiles.
        height: Rows of weights in a tile.
        width: Columns of weights in a tile.
        columns: Tiles in a row.
        scale: Pixels along each side of the square that is one weight.
        gap: Pixels between tiles.
        least_gap: How many there are at least at any scale, if there are gaps.
    """

    tiles: int
    height: int
    width: int
    columns: int
    scale: int
    gap: int
    least_gap: int = 1

    @property
    def rows(self) -> int:
        """Rows of tiles; the last one may have empty cells."""
        return -(-self.tiles // self.columns)

    @property
    def size(self) -> tuple[int, int]:
        """The picture's height and width in pixels."""
        return (
            _extent(self.rows, self.height, self.scale, self.gap),
            _extent(self.columns, self.width, self.scale, self.gap),
        )

    @classmethod
    def fit(
        cls,
        tiles: int,
        height: int,
        width: int,
        *,
        columns: int | None = None,
        scale: int | None = None,
        seamless: bool = False,
        longer_side: int = LONGER_SIDE,
        least_gap: int = 1,
    ) -> Layout:
        """Fills in what is not given.

        Args:
            tiles: How many tiles.
            height: Rows of weights in a tile.
            width: Columns of weights in a tile.
            columns: Tiles in a row; None for all of up to 4 tiles, and
                ceil(sqrt(tiles)) of more.
            scale: Pixels along a weight's side; None for the smallest whole number
                that makes the longer side long enough.
            seamless: No gaps, instead of gaps of max(1, scale // 4) pixels.
            longer_side: How many pixels it has at least, if the scale is not given.
            least_gap: How many pixels a gap has at least.
        """
        if columns is None:
            columns = tiles if tiles <= _ONE_ROW else math.ceil(math.sqrt(tiles))
        columns = min(columns, tiles)

        gap = 0 if seamless else least_gap
        smallest = cls(tiles, height, width, columns, scale=1, gap=gap, least_gap=least_gap)
        if scale is not None:
            return smallest.at(scale)
        return next(
            layout
            for layout in map(smallest.at, range(1, longer_side + 1))
            if max(layout.size) >= longer_side
        )

    def at(self, scale: int) -> Layout:
        """The same at another scale."""
        return replace(self, scale=scale, gap=max(self.least_gap, scale // 4) if self.gap else 0)


def least_gap(axes: Axes) -> int:
    """How many pixels lie between tiles at least."""
    return _WIDE_GAP if axes.has_examples else 1


def assemble(tiles: NDArray[np.uint8], layout: Layout) -> NDArray[np.uint8]:
    """Draws a picture of each row of tiles.

    Args:
        tiles: Shape (pictures, tiles, height, width, channels).
        layout: Of one picture.

    Returns:
        Shape (pictures, height in pixels, width in pixels, channels). Gaps and
        cells without a tile are white.
    """
    count, present, height, width, channels = tiles.shape
    cells = layout.rows * layout.columns
    if present < cells:
        empty = np.full((count, cells - present, height, width, channels), WHITE, np.uint8)
        tiles = np.concatenate([tiles, empty], axis=1)
    grid = tiles.reshape(count, layout.rows, layout.columns, height, width, channels)
    grid = grid.transpose(0, 1, 3, 2, 4, 5)
    # One row and one column more, white, for the gaps to be taken from.
    weights = np.full(
        (count, layout.rows * height + 1, layout.columns * width + 1, channels),
        WHITE,
        np.uint8,
    )
    weights[:, :-1, :-1] = grid.reshape(
        count, layout.rows * height, layout.columns * width, channels
    )
    wide = weights.take(_sources(layout.columns, width, layout.scale, layout.gap), axis=2)
    return wide.take(_sources(layout.rows, height, layout.scale, layout.gap), axis=1)


def take_apart(pictures: NDArray[np.uint8], layout: Layout) -> NDArray[np.uint8]:
    """Finds the tiles in pictures again: the inverse of `assemble`.

    Args:
        pictures: Shape (pictures, *layout.size, channels).
        layout: Of one picture.

    Returns:
        Shape (pictures, layout.tiles, height, width, channels).
    """
    down, across = (
        _centers(tiles, size, layout.scale, layout.gap)
        for tiles, size in ((layout.rows, layout.height), (layout.columns, layout.width))
    )
    weights = pictures.take(down, axis=1).take(across, axis=2)
    grid = weights.reshape(
        len(pictures), layout.rows, layout.height, layout.columns, layout.width, -1
    )
    tile = (layout.height, layout.width, grid.shape[-1])
    return grid.swapaxes(2, 3).reshape(len(pictures), -1, *tile)[:, : layout.tiles]


def _extent(tiles: int, size: int, scale: int, gap: int) -> int:
    return tiles * size * scale + (tiles - 1) * gap


def _centers(tiles: int, size: int, scale: int, gap: int) -> NDArray[np.intp]:
    """A pixel of every weight along a side."""
    starts = np.arange(tiles)[:, None] * (size * scale + gap)
    return (starts + np.arange(size) * scale + scale // 2).ravel()


@functools.lru_cache(maxsize=64)
def _sources(tiles: int, size: int, scale: int, gap: int) -> NDArray[np.intp]:
    """For every pixel along a side the weight it shows; the one past the last is the gap."""
    weights = np.arange(tiles * size).reshape(tiles, size).repeat(scale, axis=1)
    gaps = np.full((tiles, gap), tiles * size)
    sources = np.concatenate([weights, gaps], axis=1).ravel()
    return sources[: _extent(tiles, size, scale, gap)]
