"""Kernels → named pictures: one layer's share of an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tb_kernels.colors import GRAY, RGB, draws_rgb, paint
from tb_kernels.index import LayerEntry, SheetEntry
from tb_kernels.layers import KernelWeight
from tb_kernels.levels import Limits, to_levels
from tb_kernels.naming import SHEET, Address, group_of, picture_path
from tb_kernels.pictures import Layout, PictureBatch, assemble
from tb_kernels.style import Style

# Pixels drawn at a time: what the drawing of a layer of any size needs beside its weights.
_BATCH_PIXELS = 4_000_000

# A scale that is asked for is lowered on a sheet that would be longer than this.
_LONGEST_SHEET = 8192


class LayerPictures:
    """Draws the kernels of one layer, or arrays of their shape.

    Attributes:
        weight: The kernel weight drawn.
        kernels: How many kernels the layer has.
        slices: How many 2-D slices one kernel has.
        most: The highest kernel number that a picture could have.
        numbers: The kernel numbers of the pictures that are drawn.
        layout: Of one kernel's picture, or of one slice's where each has its own.
        sheet: Of the whole layer's sheet; None if there is none.
    """

    def __init__(
        self,
        weight: KernelWeight,
        style: Style,
        *,
        numbers: frozenset[int] | None = None,
        by_slice: bool = False,
    ) -> None:
        self.weight = weight
        self._style = style
        self._by_slice = by_slice
        self._sizes = dict(zip(weight.axes, weight.shape, strict=True))
        depthwise = "m" in weight.axes
        channels = 1 if depthwise else self._sizes["i"]
        self.kernels = self._sizes["i"] * self._sizes["m"] if depthwise else self._sizes["o"]
        self.slices = channels * self._sizes.get("d", 1)
        self._rgb = draws_rgb(style.colormap, channels)
        self.most = self.kernels * (self.slices if by_slice else 1)
        every = range(1, self.most + 1)
        self._numbers = None if numbers is None else sorted(numbers.intersection(every))
        self.numbers: Sequence[int] = every if self._numbers is None else self._numbers
        self._group = group_of(weight.number, weight.name) if style.group else None
        self.layout = self._fit()
        self.sheet = self._fit_sheet() if style.sheets else None

    @property
    def count(self) -> int:
        """How many pictures an epoch has."""
        return len(self.numbers) + (self.sheet is not None)

    @property
    def kernels_drawn(self) -> int:
        """How many kernels have a picture, or a slice that has one."""
        return len({(number - 1) % self.kernels for number in self.numbers})

    @property
    def size(self) -> int:
        """Roughly the bytes that an epoch takes: each PNG twice, and its summary's text."""
        tiles = self.layout.tiles * self.layout.height * self.layout.width
        size = len(self.numbers) * _picture_size(tiles)
        if self.sheet is not None:
            size += _picture_size(
                self.kernels * self.slices * self.layout.height * self.layout.width
            )
        return size

    def draw(
        self,
        kernels: NDArray[np.float32],
        nonfinite: NDArray[np.bool_] | None,
        limits: Limits,
        whole: Limits,
        epoch: int,
    ) -> Iterator[PictureBatch]:
        """The pictures of an epoch, a batch at a time.

        Args:
            kernels: Shape (kernels, slices, [depth,] height, width).
            nonfinite: Where they are not finite, in the same shape; None if nowhere.
            limits: What black and white stand for, in the layer or in each kernel.
            whole: What they stand for on the sheet.
            epoch: For the names.
        """
        if self.sheet is not None:
            pixels = self._pixels(self.sheet, kernels, nonfinite, whole)
            yield self._named(pixels, [SHEET], whole, epoch)
        if self._by_slice:
            kernels, limits = _split(kernels), limits.repeated(self.slices)
            nonfinite = None if nonfinite is None else _split(nonfinite)
        height, width = self.layout.size
        most = max(1, _BATCH_PIXELS // (height * width))
        for start in range(0, len(self.numbers), most):
            numbers = self.numbers[start : start + most]
            part = np.asarray(numbers) - 1
            some = limits.take(part)
            pixels = self._pixels(
                self.layout, kernels[part], None if nonfinite is None else nonfinite[part], some
            )
            yield self._named(pixels, numbers, some, epoch)

    def entry(self, limits: Limits, whole: Limits) -> LayerEntry:
        """How the pictures drawn with these limits are to be read."""
        normalize = self._style.normalize
        return LayerEntry(
            number=self.weight.number,
            name=self.weight.name,
            group=self._group or "",
            kind=self.weight.kind,
            shape=list(self.weight.shape),
            axes=self.weight.axes,
            kernels=self.kernels,
            slices=self.slices,
            tile=[self.layout.height, self.layout.width],
            pictures="slices" if self._by_slice else "kernels",
            drawn=self._numbers,
            normalize=list(normalize) if isinstance(normalize, tuple) else normalize,
            low=limits.low.tolist(),
            high=limits.high.tolist(),
            scale=self.layout.scale,
            columns=self.layout.columns,
            gap=self.layout.gap,
            colormap=self._colormap(self._by_slice),
            sheet=self._sheet_entry(whole),
        )

    def _fit(self) -> Layout:
        tile = self._sizes.get("h", 1), self._sizes["w"]
        scale = self._style.scale
        if self._by_slice:
            return Layout.fit(1, *tile, scale=scale)
        tiles = self.slices // 3 if self._rgb else self.slices
        if "h" not in self._sizes:
            return Layout.fit(tiles, *tile, columns=1, scale=scale, seamless=True)
        columns = self._sizes.get("d", self._style.columns)
        return Layout.fit(tiles, *tile, columns=columns, scale=scale)

    def _fit_sheet(self) -> Layout:
        # A row for each kernel, a column for each slice. Kernels of a single tile
        # would make one endless column; they stand in a square instead.
        columns = self.slices // 3 if self._rgb else self.slices
        tiles = self.kernels * columns
        if columns == 1:
            columns = math.ceil(math.sqrt(tiles))
        fit = partial(Layout.fit, tiles, self.layout.height, self.layout.width, columns=columns)
        layout = fit(scale=self._style.scale)
        while max(layout.size) > _LONGEST_SHEET and layout.scale > 1:
            layout = fit(scale=layout.scale - 1)
        return layout

    def _pixels(
        self,
        layout: Layout,
        kernels: NDArray[np.float32],
        nonfinite: NDArray[np.bool_] | None,
        limits: Limits,
    ) -> NDArray[np.uint8]:
        tiles = paint(to_levels(kernels, limits), self._style.colormap, nonfinite)
        return assemble(tiles.reshape(-1, layout.tiles, *tiles.shape[2:]), layout)

    def _named(
        self, pixels: NDArray[np.uint8], numbers: Sequence[int], limits: Limits, epoch: int
    ) -> PictureBatch:
        addresses = [Address(self.weight.number, number, epoch) for number in numbers]
        return PictureBatch(
            pixels,
            paths=[picture_path(address, self._group) for address in addresses],
            titles=[str(address) for address in addresses],
            descriptions=[
                self._describe(address, *limits.at(position))
                for position, address in enumerate(addresses)
            ],
        )

    def _describe(self, address: Address, low: float, high: float) -> str:
        if address.kernel == SHEET:
            what = f"all {self.kernels} kernels"
        elif self._by_slice:
            slice_, kernel = divmod(address.kernel - 1, self.kernels)
            what = f"kernel {kernel + 1} of {self.kernels}, slice {slice_ + 1} of {self.slices}"
        else:
            what = f"kernel {address.kernel} of {self.kernels}"
        colormap = self._colormap(self._by_slice and address.kernel != SHEET)
        ends = (
            ("black", "white")
            if colormap in (GRAY, RGB)
            else (f"low end of {colormap}", "high end")
        )
        return (
            f"Layer {address.layer} `{self.weight.name}` ({self.weight.kind}), {what}, "
            f"epoch {address.epoch}. Weights: {ends[0]} {low:.4g}, {ends[1]} {high:.4g}."
        )

    def _colormap(self, single_slices: bool) -> str:
        gray = self._style.colormap == RGB and (single_slices or not self._rgb)
        return GRAY if gray else self._style.colormap

    def _sheet_entry(self, limits: Limits) -> SheetEntry | None:
        if self.sheet is None:
            return None
        low, high = limits.at(0)
        return SheetEntry(
            low=low,
            high=high,
            scale=self.sheet.scale,
            columns=self.sheet.columns,
            gap=self.sheet.gap,
            colormap=self._colormap(single_slices=False),
        )


def _picture_size(weights: int) -> int:
    # Random weights in grey take 2 (many small squares) to 4 (few large ones) bytes each.
    return 2 * (100 + 3 * weights) + 350


def _split(kernels: NDArray[Any]) -> NDArray[Any]:
    """Makes a kernel of every slice: (slices x kernels, 1, height, width), slice by slice."""
    height, width = kernels.shape[-2:]
    slices = kernels.reshape(len(kernels), -1, height, width).swapaxes(0, 1)
    return slices.reshape(-1, 1, height, width)
