"""Arrays → named pictures: one layer's share of an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.colors import GRAY, RGB, WHITE, draws_rgb, paint
from tb_kernels.drawing.layouts import LONGER_SIDE, Layout, assemble
from tb_kernels.drawing.levels import Limits, to_levels
from tb_kernels.drawing.style import Style
from tb_kernels.drawing.subjects import Subject, describe_scale
from tb_kernels.schema.index import LayerEntry, SheetEntry
from tb_kernels.schema.naming import SHEET, Address, picture_path
from tb_kernels.schema.outputs import PictureBatch

# Pixels drawn at a time: what the drawing of a layer of any size needs beside its weights.
_BATCH_PIXELS = 4_000_000

# The longer side of a sheet of stacked slices has at least so many pixels.
_STACKED_SIDE = 512

# A scale that is asked for is lowered on a sheet that would be longer than this.
_LONGEST_SHEET = 8192


class LayerPictures:
    """Draws an array of one layer: a picture for each kernel, or each slice.

    Args:
        subject: What is drawn.
        style: How it is drawn.
        numbers: The numbers of the pictures asked for; None for all.
        by_slice: Whether each slice is a picture of its own.
        sheet_row: So many kernels stand in a row of the sheet, and their slices below
            each other; None for a row for each kernel, its slices side by side.

    Attributes:
        subject: What is drawn.
        most: The highest kernel number that a picture could have.
        numbers: The kernel numbers of the pictures that are drawn.
        layout: Of one kernel's picture, or of one slice's where each has its own.
        sheet: Of the whole layer's sheet; None if there is none.
    """

    def __init__(
        self,
        subject: Subject,
        style: Style,
        *,
        numbers: frozenset[int] | None = None,
        by_slice: bool = False,
        sheet_row: int | None = None,
    ) -> None:
        self.subject = subject
        self._axes = subject.axes
        self._style = style
        self._by_slice = by_slice
        self._rgb = draws_rgb(style.colormap, self._axes.channels)
        self.most = subject.kernels * (self._axes.slices if by_slice else 1)
        every = range(1, self.most + 1)
        self._numbers = None if numbers is None else sorted(numbers.intersection(every))
        self.numbers: Sequence[int] = every if self._numbers is None else self._numbers
        self._group = subject.group if style.group else None
        self.layout = self._fit()
        self._sheet_row = sheet_row
        self.sheet = self._fit_sheet() if style.sheets and self.numbers else None

    @property
    def count(self) -> int:
        """How many pictures an epoch has."""
        return len(self.numbers) + (self.sheet is not None)

    @property
    def kernels_drawn(self) -> int:
        """How many kernels have a picture, or a slice that has one."""
        return len({(number - 1) % self.subject.kernels for number in self.numbers})

    @property
    def size(self) -> int:
        """Roughly the bytes that an epoch takes: each PNG twice, and its summary's text."""
        tiles = self.layout.tiles * self.layout.height * self.layout.width
        size = len(self.numbers) * _picture_size(tiles)
        if self.sheet is not None:
            size += _picture_size(math.prod(self._axes.shape))
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
            whole: What they stand for on the sheet, which may be one pair or each kernel's own.
            epoch: For the names.
        """
        if self.sheet is not None:
            tiles = self._tiles(kernels, nonfinite, whole, np.arange(len(kernels)))
            tiles = self._on_sheet(tiles, self.sheet.columns)
            yield self._named(assemble(tiles[None], self.sheet), [SHEET], whole, epoch)
        if self._by_slice:
            kernels, limits = _split(kernels), limits.repeated(self._axes.slices)
            nonfinite = None if nonfinite is None else _split(nonfinite)
        height, width = self.layout.size
        most = max(1, _BATCH_PIXELS // (height * width))
        for start in range(0, len(self.numbers), most):
            numbers = self.numbers[start : start + most]
            part = np.asarray(numbers) - 1
            if self.subject.of is not None:
                part = np.arange(start, start + len(numbers))
            some = limits.take(part)
            marked = None if nonfinite is None else nonfinite[part]
            tiles = self._tiles(kernels[part], marked, some, part)
            yield self._named(assemble(tiles, self.layout), numbers, some, epoch)

    def entry(self, limits: Limits, whole: Limits) -> LayerEntry:
        """How the pictures drawn with these limits are to be read."""
        normalize = self._style.normalize
        return LayerEntry(
            number=self.subject.number,
            name=self.subject.name,
            group=self._group or "",
            kind=self.subject.kind,
            shape=list(self._axes.shape),
            axes=self._axes.letters,
            kernels=self.subject.kernels,
            slices=self._axes.slices,
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
        tile, scale = self._tile, self._style.scale
        if self._by_slice:
            return Layout.fit(1, *tile, scale=scale)
        if self._axes.flat:
            return Layout.fit(self._tiles_each, *tile, columns=1, scale=scale, seamless=True)
        columns = self._axes.depth or self._style.columns
        return Layout.fit(self._tiles_each, *tile, columns=columns, scale=scale)

    def _fit_sheet(self) -> Layout:
        kernels, each = self._axes.kernels, self._tiles_each
        if self._sheet_row is None:
            # Kernels of a single tile would make one endless column; they stand in a square.
            columns = each if each > 1 else math.ceil(math.sqrt(kernels))
            longer_side = LONGER_SIDE
        else:
            columns = min(self._sheet_row, kernels)
            kernels = -(-kernels // columns) * columns
            longer_side = _STACKED_SIDE
        height, width = self._tile
        fit = partial(Layout.fit, kernels * each, height, width, columns=columns)
        layout = fit(scale=self._style.scale, longer_side=longer_side)
        while max(layout.size) > _LONGEST_SHEET and layout.scale > 1:
            layout = fit(scale=layout.scale - 1)
        return layout

    @property
    def _tile(self) -> tuple[int, int]:
        """Height and width of a tile, before it is scaled."""
        return self._axes.tile

    @property
    def _tiles_each(self) -> int:
        """Of one kernel: its slices, of which a colour picture joins three."""
        return self._axes.slices // 3 if self._rgb else self._axes.slices

    def _tiles(
        self,
        kernels: NDArray[np.float32],
        nonfinite: NDArray[np.bool_] | None,
        limits: Limits,
        which: NDArray[np.intp],
    ) -> NDArray[np.uint8]:
        """The tiles of these kernels: shape (kernels, tiles, height, width, colours)."""
        tiles = paint(to_levels(kernels, limits), self._style.colormap, nonfinite)
        return tiles.reshape(len(kernels), -1, *tiles.shape[2:])

    def _on_sheet(self, tiles: NDArray[np.uint8], row: int) -> NDArray[np.uint8]:
        """The tiles of all kernels in the order they stand on the sheet, so many in a row."""
        kernels, each, *tile = tiles.shape
        if self._sheet_row is None:
            return tiles.reshape(kernels * each, *tile)
        rows = -(-kernels // row)
        whole = np.full((rows * row, each, *tile), WHITE, np.uint8)
        whole[:kernels] = tiles
        return whole.reshape(rows, row, each, *tile).swapaxes(1, 2).reshape(-1, *tile)

    def _named(
        self, pixels: NDArray[np.uint8], numbers: Sequence[int], limits: Limits, epoch: int
    ) -> PictureBatch:
        addresses = [Address(self.subject.number, number, epoch) for number in numbers]
        return PictureBatch(
            pixels,
            paths=[picture_path(address, self._group) for address in addresses],
            titles=[str(address) for address in addresses],
            descriptions=[
                self._describe(address, limits, position)
                for position, address in enumerate(addresses)
            ],
        )

    def _describe(self, address: Address, limits: Limits, position: int) -> str:
        subject, kernels = self.subject, self.subject.kernels
        if address.kernel == SHEET:
            what = f"{'all ' if subject.of is None else ''}{self._axes.kernels} {subject.noun}s"
        elif self._by_slice:
            slice_, kernel = divmod(address.kernel - 1, kernels)
            what = (
                f"{subject.noun} {kernel + 1} of {kernels}, "
                f"slice {slice_ + 1} of {self._axes.slices}"
            )
        else:
            what = f"{subject.noun} {address.kernel} of {kernels}"
        colormap = self._colormap(self._by_slice and address.kernel != SHEET)
        return (
            f"Layer {address.layer} `{subject.name}` ({subject.kind}), {what}, "
            f"epoch {address.epoch}. {subject.values.capitalize()}: "
            f"{describe_scale(colormap, limits, position, whole=address.kernel == SHEET)}."
        )

    def _colormap(self, single_slices: bool) -> str:
        gray = self._style.colormap == RGB and (single_slices or not self._rgb)
        return GRAY if gray else self._style.colormap

    def _sheet_entry(self, limits: Limits) -> SheetEntry | None:
        if self.sheet is None:
            return None
        return SheetEntry(
            low=limits.low.tolist(),
            high=limits.high.tolist(),
            scale=self.sheet.scale,
            columns=self.sheet.columns,
            gap=self.sheet.gap,
            stacked=self._sheet_row is not None,
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
