"""Heatmaps → named pictures: the maps of one layer, laid over the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.colors import NONFINITE_COLOR, paint
from tb_kernels.drawing.layer_pictures import LayerPictures
from tb_kernels.drawing.levels import Limits, to_levels
from tb_kernels.drawing.style import Style
from tb_kernels.drawing.subjects import Subject
from tb_kernels.schema.index import HeatmapEntry
from tb_kernels.schema.naming import SHEET, Address

# A map with one axis of space is drawn as a band, one row high for so many places.
_PLACES_PER_ROW = 8


class Overlays(LayerPictures):
    """Draws the heatmaps of one layer, a picture for each input.

    Args:
        subject: The layer, and the axes of its maps: inputs, height, width.
        style: How they are drawn.
        numbers: The numbers of the inputs asked for; None for all.
        backdrop: What they are laid over, uint8 of shape (inputs, height, width, 3), to
            whose size they are scaled; None for nothing.
        strength: How much of a pixel is the map's colour, 0 to 1.

    Attributes:
        classes: Of the maps drawn next; None where a score of one's own has none.
        scores: Likewise.
    """

    def __init__(
        self,
        subject: Subject,
        style: Style,
        *,
        numbers: frozenset[int] | None,
        backdrop: NDArray[np.uint8] | None,
        strength: float,
    ) -> None:
        self._backdrop = backdrop
        self._strength = 1.0 if backdrop is None else strength
        self.classes: Sequence[int] | None = None
        self.scores: Sequence[float] = ()
        super().__init__(subject, style, numbers=numbers)

    @property
    def size(self) -> int:
        """Roughly the bytes that an epoch takes: each PNG twice, and its summary's text."""
        height, width = self._tile
        # Photographs hardly shrink.
        return self.count * (2 * 3 * height * width + 500)

    def entry(self, limits: Limits, whole: Limits) -> HeatmapEntry:
        """How the pictures drawn with these limits are to be read."""
        return HeatmapEntry(
            **super().entry(limits, whole),
            strength=self._strength,
            classes=None if self.classes is None else list(self.classes),
            scores=list(self.scores),
        )

    @property
    def _tile(self) -> tuple[int, int]:
        if self._backdrop is not None:
            _, height, width, _ = self._backdrop.shape
            return height, width
        height, width = super()._tile
        return (max(1, width // _PLACES_PER_ROW) if self._axes.flat else height), width

    def _tiles(
        self,
        kernels: NDArray[np.float32],
        nonfinite: NDArray[np.bool_] | None,
        limits: Limits,
        which: NDArray[np.intp],
    ) -> NDArray[np.uint8]:
        maps = kernels if nonfinite is None else np.where(nonfinite, np.float32(0), kernels)
        levels = to_levels(resize(maps[:, 0], self._tile)[:, None], limits)
        colors = paint(levels, self._style.colormap)[:, 0]
        colors = np.broadcast_to(colors, (*colors.shape[:-1], 3))
        if nonfinite is not None:
            colors = colors.copy()
            colors[resize(nonfinite[:, 0].astype(np.float32), self._tile) > 0] = NONFINITE_COLOR
        if self._backdrop is not None:
            mixed = (1 - self._strength) * self._backdrop[which] + self._strength * colors
            colors = np.rint(mixed).astype(np.uint8)
        return colors[:, None]

    def _describe(self, address: Address, limits: Limits, position: int) -> str:
        told = super()._describe(address, limits, position)
        if address.kernel == SHEET:
            return told
        score = self.scores[address.kernel - 1]
        if self.classes is None:
            return f"{told} Score {score:.4g}."
        class_ = self.classes[address.kernel - 1]
        return f"{told} Class {class_}, score {score:.4g} (before softmax or sigmoid)."


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
