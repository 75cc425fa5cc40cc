"""Pixels + index → weights: what a logged picture stands for, and how it is drawn anew."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.colors import GRAY, RGB, unpaint
from tb_kernels.drawing.layouts import Layout, assemble, least_gap, take_apart
from tb_kernels.drawing.levels import Limits, to_weights
from tb_kernels.drawing.sheets import unstack
from tb_kernels.errors import ArgumentError, LogError
from tb_kernels.reading.decoding import MOST_PIXELS
from tb_kernels.schema.axes import Axes
from tb_kernels.schema.index import LayerEntry, axes_of


@dataclass(frozen=True)
class Legend:
    """How one picture is to be read.

    Attributes:
        layout: Where its tiles stand.
        colormap: What its levels went through; `"rgb"` where a tile joins three slices.
        limits: The weights that its black and white stand for; on a sheet perhaps each
            kernel's own.
        window: The shape of a kernel's weights: (slices, [depth,] height, width).
        kernels: How many kernels it shows; None for one that is no sheet.
        stacked: Whether the slices of a sheet's kernels stand below each other.
        wrapped: Whether its slices may stand in rows of another length.
        overlay: Whether something else shines through, so that no weights can be had.
        means: What black (below 0) and white stand for in the last of the examples side by side,
            on a sheet of each kernel; None where there is none on a scale of its own.
    """

    layout: Layout
    colormap: str
    limits: Limits
    window: tuple[int, ...]
    kernels: int | None
    stacked: bool
    wrapped: bool
    overlay: bool
    means: NDArray[np.float64] | None = None

    def weights(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The weights that the pixels stand for, each to within half a level.

        Or a whole one, where a colour map has neighbours of equal colour.

        Args:
            pixels: The picture, (height, width[, 3]).

        Returns:
            As `levels`, in the unit of the limits.

        Raises:
            LogError: If the picture is not of this layout, or none of these colours.
        """
        levels = self.levels(pixels)
        weights = to_weights(levels, self.limits)
        if self.means is not None:
            reach = self.means.reshape(self.means.shape + (1, 1, 1) * self.means.ndim)
            weights[..., -1, :, :] = (levels[..., -1, :, :] / 127.5 - 1) * reach
        return weights

    def levels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The levels, 0 to 255, that the pixels show, whatever weights they stand for.

        Args:
            pixels: The picture, (height, width[, 3]).

        Returns:
            Shape (slices, [depth,] height, width), of a sheet with the kernels in front.
            Not a number where the weight was not finite.

        Raises:
            LogError: If the picture is not of this layout, or none of these colours.
        """
        if self.overlay:
            raise LogError(
                "weights: a heatmap that lies over its input gives no numbers back; "
                "arrays('heatmaps') of the log has them"
            )
        tiles = self.tiles(pixels)
        kernels = self.kernels or 1
        if self.stacked:
            tiles = unstack(tiles, self.layout.columns, kernels, self._tiles_each)
        if tiles.shape[-1] == 1 and self.colormap not in (GRAY, RGB):
            raise LogError(
                f"a grey picture does not fit its index, which tells of {self.colormap!r}"
            )
        try:
            levels = unpaint(tiles.reshape(kernels, -1, *tiles.shape[-3:]), self.colormap)
        except ArgumentError as error:
            raise LogError(str(error)) from None
        window = self.window if self.kernels is None else (kernels, *self.window)
        return levels.reshape(window)

    def redraw(
        self, pixels: NDArray[np.uint8], scale: int | None = None, columns: int | None = None
    ) -> NDArray[np.uint8]:
        """The same picture with squares of another size, or its slices in rows of another length.

        Args:
            pixels: The picture, (height, width[, 3]).
            scale: Pixels along the side of a weight; None for as it is.
            columns: Slices in a row, if they are not bound to stand as they do; None for
                as it is.

        Raises:
            LogError: If the picture is not of this layout, or would be too large.
        """
        layout = self.layout_at(scale, columns)
        drawn: NDArray[np.uint8] = assemble(self.tiles(pixels)[None], layout)[0]
        return drawn if pixels.ndim == 3 else drawn[..., 0]

    def layout_at(self, scale: int | None, columns: int | None) -> Layout:
        """The layout that `redraw` gives.

        Raises:
            LogError: If it would be too large to be drawn.
        """
        layout = self.layout
        if scale is not None:
            layout = layout.at(scale)
        if columns is not None and self.wrapped:
            layout = replace(layout, columns=min(columns, layout.tiles))
        if math.prod(layout.size) > MOST_PIXELS:
            height, width = layout.size
            raise LogError(
                f"a picture of {width:,} x {height:,} pixels is not drawn; expected a scale that "
                f"gives at most {MOST_PIXELS:,} pixels"
            )
        return layout

    def check_size(self, height: int, width: int) -> None:
        """Raises LogError if a picture of this size is not of this layout."""
        if (height, width) != self.layout.size:
            expected_height, expected_width = self.layout.size
            raise LogError(
                f"a picture of {width} x {height} pixels does not fit its "
                f"index, which tells of {expected_width} x {expected_height}"
            )

    @property
    def _tiles_each(self) -> int:
        slices = int(np.prod(self.window[:-2]))
        return slices // 3 if self.colormap == RGB else slices

    def tiles(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The tiles of the picture as they were drawn.

        Returns:
            Shape (tiles, height, width, channels), a pixel for each weight.

        Raises:
            LogError: If the picture is not of this layout.
        """
        self.check_size(*pixels.shape[:2])
        apart = take_apart(pixels.reshape(1, *pixels.shape[:2], -1), self.layout)
        return cast("NDArray[np.uint8]", apart[0])


def legend_of(entry: LayerEntry, kernel: int) -> Legend:
    """How a picture of a layer is to be read.

    Args:
        entry: In the index that was written with the picture.
        kernel: The kernel number, one of those that the entry tells of.

    Raises:
        LogError: If the entry contradicts itself.
    """
    axes = axes_of(entry)
    whole, alone = entry["pictures"] == "sheet", entry["pictures"] == "slices"
    height, width = entry["tile"]
    depth = () if axes.depth is None else (axes.depth,)
    window = (1, height, width) if alone else (axes.channels, *depth, height, width)
    tiles = int(np.prod(window[:-2])) // (3 if entry["colormap"] == RGB else 1)
    if whole:
        kernels = axes.kernels
        if entry["stacked"]:
            kernels = -(-kernels // entry["columns"]) * entry["columns"]
        tiles *= kernels
    row = entry["columns"], entry["scale"], entry["gap"], least_gap(axes)
    return Legend(
        layout=Layout(max(1, tiles), height, width, *row),
        colormap=entry["colormap"],
        limits=_limits(entry, axes.kernels if whole else None, kernel),
        window=window,
        kernels=axes.kernels if whole else None,
        stacked=whole and entry["stacked"],
        wrapped=not whole and not axes.flat and (axes.depth is None or axes.has_examples),
        overlay=entry.get("strength", 1.0) != 1,
        means=_means(entry, axes, None if whole else kernel),
    )


def _means(entry: LayerEntry, axes: Axes, kernel: int | None) -> NDArray[np.float64] | None:
    """Of a kernel's examples, or of those of all kernels on a sheet."""
    means: NDArray[np.float64] | None = entry.get("means")  # type: ignore[assignment]
    if means is None or not axes.has_examples:
        return None
    if len(means) != (axes.kernels if kernel is None else len(entry["drawn"])):
        raise LogError(f"the index contradicts itself: {len(means)} means do not fit it")
    return means if kernel is None else means[place_of(entry["drawn"], kernel)]


def _limits(entry: LayerEntry, on_sheet: int | None, kernel: int) -> Limits:
    limits = Limits(np.asarray(entry["low"], np.float64), np.asarray(entry["high"], np.float64))
    if limits.low.shape != limits.high.shape:
        raise LogError("the index contradicts itself: low and high differ in number")
    if limits.low.ndim == 0:
        return limits
    count, drawn = len(limits.low), entry["drawn"]
    if on_sheet == count:
        return limits
    if on_sheet is None and count == len(drawn):
        return Limits.of(*limits.at(place_of(drawn, kernel)))
    if on_sheet is None and isinstance(drawn, range) and count == entry["kernels"]:
        # Format 1: slices are drawn on the scale of their kernel.
        return Limits.of(*limits.at((kernel - 1) % count))
    raise LogError(f"the index contradicts itself: {count} pairs of low and high do not fit it")


def place_of(drawn: Sequence[int] | NDArray[np.int64], kernel: int) -> int:
    """Where a kernel number stands among those that an entry tells of, one of which it is."""
    if isinstance(drawn, np.ndarray):
        return int(np.flatnonzero(drawn == kernel)[0])
    return drawn.index(kernel)
