"""Arrays → named pictures: one layer's share of an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.bounds import is_readable, lowered
from tb_kernels.drawing.colors import GRAY, RGB, draws_rgb, paint
from tb_kernels.drawing.explanations import Explanation
from tb_kernels.drawing.layouts import LONGER_SIDE, Layout, assemble, least_gap
from tb_kernels.drawing.levels import Limits, to_levels
from tb_kernels.drawing.overlays import Overlay
from tb_kernels.drawing.sheets import fit_sheet, stack
from tb_kernels.drawing.style import Style
from tb_kernels.drawing.subjects import Subject, describe_scale
from tb_kernels.schema.index import LayerEntry
from tb_kernels.schema.naming import SHEET, Address, picture_path
from tb_kernels.schema.outputs import PictureBatch

# Pixels drawn at a time: what the drawing of a layer of any size needs beside its weights.
_BATCH_PIXELS = 4_000_000

# A batch is one record, and small pictures have more text than pixels.
_BATCH_PICTURES = 4096


@dataclass(frozen=True)
class Moment:
    """An array of a layer at one epoch, and the scale that it is drawn on.

    Attributes:
        epoch: For the names.
        kernels: Shape (kernels, slices, [depth,] height, width).
        nonfinite: Where they are not finite, in the same shape; None if nowhere.
        limits: What black and white stand for, in the layer or in each kernel.
        whole: What they stand for on the sheet, which may be one pair or each kernel's own.
        explained: What else there is to tell of the layer's pictures.
        outside: Where there is nothing to be drawn, in the shape of `kernels`; None if nowhere.
    """

    epoch: int
    kernels: NDArray[np.float32]
    nonfinite: NDArray[np.bool_] | None
    limits: Limits
    whole: Limits
    explained: Explanation | None = None
    outside: NDArray[np.bool_] | None = None


class LayerPictures:
    """The pictures of one layer: one for each kernel, or each slice, and perhaps a sheet.

    Args:
        subject: What is drawn.
        style: Which pictures of it, and how.
        by_slice: Whether each slice is a picture of its own.
        sheet_row: So many kernels stand in a row of the sheet, and their slices below
            each other; None for a row for each kernel, its slices side by side.
        overlay: What heatmaps are laid over; None for what is no heatmap.
        longer_side: How many pixels the longer side has at least, if the scale is not given.

    Attributes:
        subject: What is drawn.
        style: Which pictures of it, and how.
        most: The highest kernel number that a picture could have.
        numbers: The kernel numbers of the pictures that are drawn.
        layout: Of one kernel's picture, or of one slice's where each has its own.
        sheet: Of the whole layer's sheet; None if there is none.
        too_large: What is not drawn because no reader would take it, in words.
    """

    def __init__(
        self,
        subject: Subject,
        style: Style,
        *,
        by_slice: bool = False,
        sheet_row: int | None = None,
        overlay: Overlay | None = None,
        longer_side: int = LONGER_SIDE,
    ) -> None:
        self.subject = subject
        self.style = style
        self._by_slice = by_slice
        self._sheet_row = sheet_row
        self._overlay = overlay
        self._longer_side = longer_side
        axes = subject.axes
        self._axes = axes
        self._tile = axes.tile if overlay is None else overlay.tile(axes)
        self._rgb = draws_rgb(style.colormap, axes.channels)
        self._group = subject.group if style.group else None
        self.most = subject.kernels * (axes.slices if by_slice else 1)
        every = range(1, self.most + 1)
        self._chosen = None if style.kernels is None else sorted(style.kernels.intersection(every))
        self.numbers: Sequence[int] = every if self._chosen is None else self._chosen
        self.layout = self._fit()
        self.sheet: Layout | None = None
        self.too_large: list[str] = []
        if self.numbers and not self._fits(f"the {subject.noun}s", self.layout, by_slice):
            self.numbers = self._chosen = []
        if style.sheets and self.numbers:
            sheet = self._fit_sheet()
            self.sheet = sheet if self._fits("the sheet", sheet, single_slices=False) else None

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
        if self._overlay is not None:
            # Photographs hardly shrink.
            return self.count * (2 * 3 * math.prod(self._tile) + 500)
        tiles = self.layout.tiles * self.layout.height * self.layout.width
        size = len(self.numbers) * _picture_size(tiles)
        if self.sheet is not None:
            size += _picture_size(math.prod(self._axes.shape))
        return size

    def draw(self, moment: Moment) -> Iterator[PictureBatch]:
        """The pictures of an epoch, a batch at a time."""
        kernels, limits = moment.kernels, moment.limits
        nonfinite, outside = moment.nonfinite, moment.outside
        if self.sheet is not None:
            every = np.arange(len(kernels))
            tiles = self._tiles(kernels, nonfinite, outside, moment.whole, every)
            if self._sheet_row is not None:
                tiles = stack(tiles, self.sheet.columns)
            pixels = assemble(tiles.reshape(1, -1, *tiles.shape[-3:]), self.sheet)
            yield self._batch(pixels, [SHEET], moment.whole, moment)
        if self._by_slice:
            kernels, limits = _split(kernels), limits.repeated(self._axes.slices)
            nonfinite = None if nonfinite is None else _split(nonfinite)
        height, width = self.layout.size
        most = max(1, min(_BATCH_PICTURES, _BATCH_PIXELS // (height * width)))
        for start in range(0, len(self.numbers), most):
            numbers = self.numbers[start : start + most]
            part = np.asarray(numbers) - 1
            if self.subject.of is not None:
                part = np.arange(start, start + len(numbers))
            some = limits.take(part)
            marked = None if nonfinite is None else nonfinite[part]
            blank = None if outside is None else outside[part]
            tiles = self._tiles(kernels[part], marked, blank, some, part)
            yield self._batch(assemble(tiles, self.layout), numbers, some, moment)

    def _fit(self) -> Layout:
        fit = partial(
            Layout.fit,
            scale=self.style.scale,
            longer_side=self._longer_side,
            least_gap=least_gap(self._axes),
        )
        if self._by_slice:
            layout = fit(1, *self._tile)
        elif self._axes.flat:
            layout = fit(self._tiles_each, *self._tile, columns=1, seamless=True)
        else:
            columns = self._axes.depth or self.style.columns
            if self._axes.has_examples:
                # In two rows, for a card of TensorBoard is about as high as it is wide.
                columns = self.style.columns or -(-self._tiles_each // 2)
            layout = fit(self._tiles_each, *self._tile, columns=columns)
        return lowered(layout, self._channels(self._by_slice))

    def _fit_sheet(self) -> Layout:
        kernels, each, channels = self._axes.kernels, self._tiles_each, self._channels(False)
        row, scale = self._sheet_row, self.style.scale
        return fit_sheet(
            kernels,
            each,
            self._tile,
            row=row,
            scale=scale,
            channels=channels,
            longer_side=self._longer_side,
            least_gap=least_gap(self._axes),
        )

    def _fits(self, what: str, layout: Layout, single_slices: bool) -> bool:
        """Whether a reader will take it; remembers it if not."""
        if is_readable(layout, self._channels(single_slices)):
            return True
        (height, width), subject = layout.size, self.subject
        told = f"{what} of layer {subject.number} {subject.name!r}, {width:,} x {height:,} pixels"
        self.too_large.append(told)
        return False

    def _channels(self, single_slices: bool) -> int:
        """Of the pixels of pictures in which all is finite."""
        return 1 if self._overlay is None and self._colormap(single_slices) == GRAY else 3

    @property
    def _tiles_each(self) -> int:
        """Of one kernel: its slices, of which a colour picture joins three."""
        return self._axes.slices // 3 if self._rgb else self._axes.slices

    def _tiles(
        self,
        kernels: NDArray[np.float32],
        nonfinite: NDArray[np.bool_] | None,
        outside: NDArray[np.bool_] | None,
        limits: Limits,
        which: NDArray[np.intp],
    ) -> NDArray[np.uint8]:
        """The tiles of these kernels: shape (kernels, tiles, height, width, colours)."""
        colormap = self.style.colormap
        if self._overlay is not None:
            return self._overlay.paint(
                kernels, nonfinite, limits, colormap, inputs=which, size=self._tile
            )
        tiles = paint(to_levels(kernels, limits), colormap, nonfinite, outside)
        return tiles.reshape(len(kernels), -1, *tiles.shape[2:])

    def _batch(
        self, pixels: NDArray[np.uint8], numbers: Sequence[int], limits: Limits, moment: Moment
    ) -> PictureBatch:
        """Pictures with these kernel numbers, named and explained."""
        addresses = [Address(self.subject.number, number, moment.epoch) for number in numbers]
        return PictureBatch(
            pixels,
            paths=[picture_path(address, self._group) for address in addresses],
            titles=[str(address) for address in addresses],
            descriptions=[
                self._describe(address, limits, position, moment.explained)
                for position, address in enumerate(addresses)
            ],
            entry=self._entry(numbers, limits, moment.explained),
        )

    def _entry(
        self, numbers: Sequence[int], limits: Limits, explained: Explanation | None
    ) -> LayerEntry:
        normalize = self.style.normalize
        whole = SHEET in numbers
        layout = self.sheet if whole and self.sheet is not None else self.layout
        entry = LayerEntry(
            number=self.subject.number,
            name=self.subject.name,
            group=self._group or "",
            kind=self.subject.kind,
            shape=list(self._axes.shape),
            axes=self._axes.letters,
            kernels=self.subject.kernels,
            slices=self._axes.slices,
            tile=[layout.height, layout.width],
            pictures="sheet" if whole else "slices" if self._by_slice else "kernels",
            drawn=list(numbers),
            normalize=list(normalize) if isinstance(normalize, tuple) else normalize,
            low=limits.low.tolist(),
            high=limits.high.tolist(),
            scale=layout.scale,
            columns=layout.columns,
            gap=layout.gap,
            stacked=whole and self._sheet_row is not None,
            colormap=self._colormap(self._by_slice and not whole),
        )
        if explained is None:
            return entry
        return explained.enter(entry, self.numbers if whole else numbers)

    def _describe(
        self, address: Address, limits: Limits, position: int, explained: Explanation | None
    ) -> str:
        whole = address.kernel == SHEET
        colormap = self._colormap(self._by_slice and not whole)
        scale = describe_scale(colormap, limits, position, whole=whole)
        told = self.subject.describe(address, by_slice=self._by_slice, scale=scale)
        if explained is None or whole:
            return told
        return f"{told} {explained.describe(address.kernel)}"

    def _colormap(self, single_slices: bool) -> str:
        gray = self.style.colormap == RGB and (single_slices or not self._rgb)
        return GRAY if gray else self.style.colormap


def _picture_size(weights: int) -> int:
    # Random weights in grey take 2 (many small squares) to 4 (few large ones) bytes each.
    return 2 * (100 + 3 * weights) + 350


def _split(kernels: NDArray[Any]) -> NDArray[Any]:
    """Makes a kernel of every slice: (slices x kernels, 1, height, width), slice by slice."""
    height, width = kernels.shape[-2:]
    slices = kernels.reshape(len(kernels), -1, height, width).swapaxes(0, 1)
    return slices.reshape(-1, 1, height, width)
