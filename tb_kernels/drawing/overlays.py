"""Heatmaps laid over the inputs that they explain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.colors import NONFINITE_COLOR, paint
from tb_kernels.drawing.levels import Limits, to_levels
from tb_kernels.schema.axes import Axes

# A map with one axis of space is drawn as a band, one row high for so many places.
_PLACES_PER_ROW = 8


class Overlay:
    """Pictures that maps are laid over.

    Args:
        pictures: uint8 of shape (inputs, height, width, 3), to whose size the maps are
            scaled; None for nothing.
        strength: How much of a pixel is the map's colour, 0 to 1.
    """

    def __init__(self, pictures: NDArray[np.uint8] | None, strength: float) -> None:
        self._pictures = pictures
        self.strength = 1.0 if pictures is None else strength

    def tile(self, axes: Axes) -> tuple[int, int]:
        """Height and width of what is drawn of a map with these axes, before it is scaled."""
        if self._pictures is not None:
            return self._pictures.shape[1], self._pictures.shape[2]
        height, width = axes.tile
        return (max(1, width // _PLACES_PER_ROW) if axes.flat else height), width

    def paint(
        self,
        maps: NDArray[np.float32],
        nonfinite: NDArray[np.bool_] | None,
        limits: Limits,
        colormap: str,
        *,
        inputs: NDArray[np.intp],
        size: tuple[int, int],
    ) -> NDArray[np.uint8]:
        """The maps in colours, over their inputs.

        Args:
            maps: Shape (inputs, 1, height, width).
            nonfinite: Where they are not finite, in the same shape; None if nowhere.
            limits: What the ends of the colour map stand for.
            colormap: A checked name.
            inputs: Which inputs they are of, from 0.
            size: Height and width to be scaled to.

        Returns:
            Shape (inputs, 1, height, width, 3).
        """
        finite = maps if nonfinite is None else np.where(nonfinite, np.float32(0), maps)
        levels = to_levels(resize(finite[:, 0], size)[:, None], limits)
        colors = paint(levels, colormap)[:, 0]
        colors = np.broadcast_to(colors, (*colors.shape[:-1], 3))
        if nonfinite is not None:
            colors = colors.copy()
            colors[resize(nonfinite[:, 0].astype(np.float32), size) > 0] = NONFINITE_COLOR
        if self._pictures is not None:
            mixed = (1 - self.strength) * self._pictures[inputs] + self.strength * colors
            colors = np.rint(mixed).astype(np.uint8)
        return colors[:, None]


def backdrop(
    pictures: NDArray[Any], low: float | None, high: float | None, *, channels_first: bool
) -> NDArray[np.uint8]:
    """Inputs as colour pictures.

    Args:
        pictures: Shape (inputs, height, width, channels), or with the channels before
            the height. Three channels are red, green and blue; of other numbers the
            mean is drawn, grey.
        low: What is black; None for the smallest value.
        high: What is white; None for the largest value.
        channels_first: Where the channels are.

    Returns:
        Shape (inputs, height, width, 3).
    """
    pictures = np.moveaxis(pictures, 1, -1) if channels_first else pictures
    values = pictures.astype(np.float32)
    if values.shape[-1] != 3:
        values = np.repeat(values.mean(axis=-1, keepdims=True), 3, axis=-1)
    limits = Limits.of(
        float(values.min()) if low is None else low, float(values.max()) if high is None else high
    )
    return to_levels(values, limits)


def resize(maps: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Scales maps so that no value is lost, pixels being squares side by side.

    Where it makes them larger, each value stands, as it is, in the pixel nearest to the middle
    of its square, and linear in between; of two nearest ones in that farther out. So the
    brightest place is as bright as the map's largest value, and at most half a pixel off.
    Where it makes them smaller, each pixel is the largest of the values in it.

    Args:
        maps: Shape (inputs, height, width).
        size: Height and width wanted.

    Returns:
        Shape (inputs, height wanted, width wanted).
    """
    for axis, wanted in zip((1, 2), size, strict=True):
        length = maps.shape[axis]
        if wanted < length:
            maps = np.maximum.reduceat(maps, np.arange(wanted) * length // wanted, axis)
        else:
            moved = np.moveaxis(maps, axis, -1) @ _shares(length, wanted)
            maps = np.moveaxis(moved.astype(np.float32), -1, axis)
    return maps


def _shares(length: int, wanted: int) -> NDArray[np.float64]:
    """How much of each of the values is in each of the pixels: shape (values, pixels)."""
    middles = (2 * np.arange(length) + 1) * wanted
    # In whole numbers, so that none is rounded wrongly: the middle is at middles / (2 * length).
    before = -(-middles // (2 * length)) - 1
    pixels = np.where(middles < length * wanted, before, middles // (2 * length))
    return np.stack([np.interp(np.arange(wanted), pixels, one) for one in np.eye(length)])
