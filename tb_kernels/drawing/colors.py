"""Levels → colours, by a colour map."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tb_kernels.errors import ArgumentError

GRAY = "gray"
RGB = "rgb"

# How a weight is drawn that is not finite, and what lies between slices.
NONFINITE_COLOR = (255, 0, 0)
WHITE = 255


def check_colormap(colormap: Any) -> str:
    """Returns `colormap` if there is a colour map of that name.

    Raises:
        ArgumentError: If there is none.
    """
    if not isinstance(colormap, str):
        raise ArgumentError(f"colormap: expected a name such as 'gray', got {colormap!r}")
    if colormap not in (GRAY, RGB):
        lookup_table(colormap)
    return colormap


@functools.cache
def lookup_table(colormap: str) -> NDArray[np.uint8]:
    """The colours of the 256 levels in a colour map of matplotlib, shape (256, rgb).

    Raises:
        ArgumentError: If matplotlib has no colour map of that name.
    """
    # Here, because importing matplotlib takes longer than all the rest and grey needs none.
    import matplotlib

    try:
        map_ = matplotlib.colormaps[colormap]
    except KeyError:
        raise ArgumentError(
            f"colormap: unknown {colormap!r}; expected 'gray', 'rgb' or a name that "
            "matplotlib knows, such as 'viridis' or 'coolwarm'"
        ) from None
    # As shares of the whole: a colour map may have more colours than levels, or fewer.
    return np.asarray(map_(np.arange(256) / 255, bytes=True))[:, :3].copy()


def paint(
    levels: NDArray[np.uint8],
    colormap: str,
    nonfinite: NDArray[np.bool_] | None = None,
    outside: NDArray[np.bool_] | None = None,
) -> NDArray[np.uint8]:
    """Gives every weight its colour.

    Args:
        levels: Shape (kernels, slices, ..., height, width).
        colormap: A checked name. `"rgb"` takes the three slices of a kernel as its
            red, green and blue; kernels of another number of slices stay grey.
        nonfinite: Where the weight is not finite, in the shape of `levels`; None if nowhere.
        outside: Where there is nothing, which stays white, likewise.

    Returns:
        Shape (kernels, tiles, height, width, channels): one channel where all is
        grey, three otherwise. The axes between kernels and height are joined into
        tiles, slices first.
    """
    rgb = draws_rgb(colormap, levels.shape[1])

    def where(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        if rgb:
            joined: NDArray[np.bool_] = np.any(_channels_last(mask), axis=-1)
            return joined
        return mask.reshape(len(mask), -1, *mask.shape[-2:])

    if rgb:
        colors = _channels_last(levels)
    else:
        levels = levels.reshape(len(levels), -1, *levels.shape[-2:])
        gray = colormap in (GRAY, RGB)
        colors = levels[..., None] if gray else lookup_table(colormap)[levels]
    if nonfinite is not None:
        colors = _mark(colors, where(nonfinite))
    if outside is not None:
        colors = colors.copy()
        colors[where(outside)] = WHITE
    return colors


def unpaint(colors: NDArray[np.uint8], colormap: str) -> NDArray[np.float64]:
    """The level that each colour was painted for: the inverse of `paint`.

    Neighbours of equal colour in a colour map cannot be told apart: their mean is taken.

    Args:
        colors: Shape (kernels, tiles, height, width, channels): three channels, or one
            where all is grey.
        colormap: A checked name; `"gray"` for what `"rgb"` left grey.

    Returns:
        Shape (kernels, slices, height, width); what `"rgb"` joined are three slices. NaN
        where the weight was not finite, but of `"rgb"`, in which that red is a colour; NaN
        where a colour map without white was left white.

    Raises:
        ArgumentError: If there are colours that are not in the colour map.
    """
    gray = colors.shape[-1] == 1
    if colormap == RGB and not gray:
        slices = np.moveaxis(colors, -1, 1)
        return slices.reshape(len(colors), -1, *slices.shape[-2:]).astype(np.float64)
    if colormap in (GRAY, RGB):
        levels = colors[..., 0].astype(np.float64)
        if not gray:
            levels[_are_nonfinite(colors)] = np.nan
        return levels
    known, places = np.unique(_packed(lookup_table(colormap)), return_inverse=True)
    means = np.bincount(places, np.arange(len(places))) / np.bincount(places)
    packed = _packed(colors)
    places = np.searchsorted(known, packed).clip(max=len(known) - 1)
    levels = means[places]
    unknown = known[places] != packed
    left_white = (colors == WHITE).all(axis=-1)
    if (unknown & ~_are_nonfinite(colors) & ~left_white).any():
        raise ArgumentError(f"a picture has colours that are not in colour map {colormap!r}")
    levels[unknown] = np.nan
    return levels


@functools.cache
def blur_of(colormap: str) -> float:
    """How many levels a level and what `unpaint` gives for its colour are apart, at most.

    Args:
        colormap: A checked name.

    Returns:
        0 where all colours differ, as in grey; 0.5 where neighbours share one.
    """
    if colormap in (GRAY, RGB):
        return 0.0
    levels = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    return float(np.abs(unpaint(paint(levels, colormap), colormap) - levels).max())


def draws_rgb(colormap: str, slices: int) -> bool:
    """Whether kernels of so many slices are drawn as one colour picture."""
    return colormap == RGB and slices == 3


def _channels_last(array: NDArray[Any]) -> NDArray[Any]:
    """Slices as the channels of their tiles: (kernels, tiles, height, width, slices)."""
    moved = np.moveaxis(array, 1, -1)
    return moved.reshape(len(array), -1, *moved.shape[-3:])


def _mark(colors: NDArray[np.uint8], nonfinite: NDArray[np.bool_]) -> NDArray[np.uint8]:
    marked = np.repeat(colors, 3, axis=-1) if colors.shape[-1] == 1 else colors.copy()
    marked[nonfinite] = NONFINITE_COLOR
    return marked


def _packed(colors: NDArray[np.uint8]) -> NDArray[Any]:
    return colors.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)


def _are_nonfinite(colors: NDArray[np.uint8]) -> NDArray[np.bool_]:
    marked: NDArray[np.bool_] = (colors == NONFINITE_COLOR).all(axis=-1)
    return marked
