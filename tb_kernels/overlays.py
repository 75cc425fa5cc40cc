"""Heatmaps → named pictures: the maps of one layer, laid over the inputs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tb_kernels.colors import GRAY, NONFINITE_COLOR, lookup_table
from tb_kernels.index import HeatmapEntry, SheetEntry
from tb_kernels.levels import Limits, find_nonfinite, to_levels
from tb_kernels.naming import SHEET, Address, group_of, picture_path
from tb_kernels.pictures import Layout, PictureBatch, assemble
from tb_kernels.style import Style

# A map with one axis of space is drawn as a band, one row high for so many places.
_PLACES_PER_ROW = 8


class Overlays:
    """Draws the heatmaps of one layer.

    Args:
        number: The layer's number.
        name: The layer's name.
        kind: The Keras class that the layer is of.
        shape: Of its maps: (inputs, height, width).
        backdrop: What they are laid over, uint8 of shape (inputs, height, width, 3), to
            whose size they are scaled; None for nothing.
        style: How they are drawn.
        strength: How much of a pixel is the map's colour, 0 to 1.
        numbers: The numbers of the inputs that are drawn; None for all.
    """

    def __init__(
        self,
        number: str,
        name: str,
        kind: str,
        shape: tuple[int, int, int],
        backdrop: NDArray[np.uint8] | None,
        style: Style,
        strength: float,
        numbers: frozenset[int] | None,
    ) -> None:
        self.number, self.name, self.kind = number, name, kind
        self._shape = shape
        self._backdrop = backdrop
        self._style = style
        self._strength = 1.0 if backdrop is None else strength
        every = range(1, shape[0] + 1)
        self._numbers = None if numbers is None else sorted(numbers.intersection(every))
        self.numbers: Sequence[int] = every if self._numbers is None else self._numbers
        self.group = group_of(number, name)
        self._group = self.group if style.group else None
        size = self._size()
        self._layout = Layout.fit(1, *size, scale=style.scale)
        square = style.columns or math.ceil(math.sqrt(shape[0]))
        self._sheet = (
            Layout.fit(shape[0], *size, columns=square, scale=style.scale) if style.sheets else None
        )

    @property
    def count(self) -> int:
        """How many pictures an epoch has."""
        return len(self.numbers) + (self._sheet is not None)

    @property
    def size(self) -> int:
        """Roughly the bytes that an epoch takes: each PNG twice, and its summary's text."""
        # Photographs hardly shrink.
        pixels = math.prod(self._layout.size) // self._layout.scale
        return self.count * (2 * 3 * pixels + 500)

    def draw(
        self,
        maps: NDArray[np.float32],
        limits: Limits,
        meanings: Sequence[str],
        epoch: int,
    ) -> Iterator[PictureBatch]:
        """The pictures of an epoch.

        Args:
            maps: Shape (inputs, height, width).
            limits: What the ends of the colour map stand for, in all maps or in each.
            meanings: What each map speaks of, for its description.
            epoch: For the names.
        """
        pixels = self._lay_over(maps, limits)
        if self._sheet is not None:
            yield self._named(assemble(pixels[None], self._sheet), [SHEET], [""], epoch)
        tiles = pixels[np.asarray(self.numbers) - 1][:, None]
        descriptions = [
            f"{meanings[number - 1]} {self._describe_scale(*limits.at(number - 1))}"
            for number in self.numbers
        ]
        yield self._named(assemble(tiles, self._layout), self.numbers, descriptions, epoch)

    def entry(self, limits: Limits, classes: list[int] | None, scores: list[float]) -> HeatmapEntry:
        """How the pictures drawn with these limits are to be read."""
        normalize = self._style.normalize
        return HeatmapEntry(
            number=self.number,
            name=self.name,
            group=self._group or "",
            kind=self.kind,
            shape=list(self._shape),
            axes="nhw",
            kernels=self._shape[0],
            slices=1,
            tile=[self._layout.height, self._layout.width],
            pictures="kernels",
            drawn=self._numbers,
            normalize=list(normalize) if isinstance(normalize, tuple) else normalize,
            low=limits.low.tolist(),
            high=limits.high.tolist(),
            scale=self._layout.scale,
            columns=1,
            gap=self._layout.gap,
            colormap=self._style.colormap,
            sheet=self._sheet_entry(limits),
            strength=self._strength,
            classes=classes,
            scores=scores,
        )

    def _size(self) -> tuple[int, int]:
        if self._backdrop is not None:
            return self._backdrop.shape[1:3]
        _, height, width = self._shape
        return (max(1, width // _PLACES_PER_ROW) if height == 1 else height), width

    def _lay_over(self, maps: NDArray[np.float32], limits: Limits) -> NDArray[np.uint8]:
        """Shape (inputs, height, width, 3), in the size of the backdrop."""
        nonfinite = find_nonfinite(maps)
        values = np.nan_to_num(maps, posinf=0, neginf=0) if nonfinite is not None else maps
        levels = to_levels(resize(values, self._size()), limits)
        if self._style.colormap == GRAY:
            colors = np.repeat(levels[..., None], 3, axis=-1)
        else:
            colors = lookup_table(self._style.colormap)[levels]
        if nonfinite is not None:
            colors[resize(nonfinite.astype(np.float32), self._size()) > 0] = NONFINITE_COLOR
        if self._backdrop is None:
            return colors
        mixed = (1 - self._strength) * self._backdrop + self._strength * colors
        return np.rint(mixed).astype(np.uint8)

    def _named(
        self,
        pixels: NDArray[np.uint8],
        numbers: Sequence[int],
        descriptions: Sequence[str],
        epoch: int,
    ) -> PictureBatch:
        addresses = [Address(self.number, number, epoch) for number in numbers]
        return PictureBatch(
            pixels,
            paths=[picture_path(address, self._group) for address in addresses],
            titles=[str(address) for address in addresses],
            descriptions=[
                f"{self._describe(address)} {description}".rstrip()
                for address, description in zip(addresses, descriptions, strict=True)
            ],
        )

    def _describe(self, address: Address) -> str:
        inputs = self._shape[0]
        what = (
            f"all {inputs} inputs"
            if address.kernel == SHEET
            else f"input {address.kernel} of {inputs}"
        )
        return f"Layer {self.number} `{self.name}` ({self.kind}), {what}, epoch {address.epoch}."

    def _describe_scale(self, low: float, high: float) -> str:
        over = (
            "" if self._backdrop is None else f", {self._strength:.0%} of the pixel over the input"
        )
        return f"Heatmap: low end of {self._style.colormap} {low:.4g}, high end {high:.4g}{over}."

    def _sheet_entry(self, limits: Limits) -> SheetEntry | None:
        if self._sheet is None:
            return None
        return SheetEntry(
            low=limits.low.tolist(),
            high=limits.high.tolist(),
            scale=self._sheet.scale,
            columns=self._sheet.columns,
            gap=self._sheet.gap,
            stacked=False,
            colormap=self._style.colormap,
        )


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
    """Scales maps of shape (inputs, height, width) linearly, pixels being squares side by side."""
    down, across = (
        _weights(length, wanted) for length, wanted in zip(maps.shape[1:], size, strict=True)
    )
    scaled: NDArray[Any] = np.einsum("yh,nhw,xw->nyx", down, maps, across, optimize=True)
    return scaled.astype(np.float32)


def _weights(length: int, wanted: int) -> NDArray[np.float64]:
    """How much each of so many values takes part in each of those wanted."""
    centers = (np.arange(wanted) + 0.5) * length / wanted - 0.5
    return np.stack([np.interp(centers, np.arange(length), one) for one in np.eye(length)], axis=1)
