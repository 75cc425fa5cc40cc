"""A layer at an epoch → its pictures as numbers, one pixel a weight, and how to read them.

The browser gives the numbers their colours: on any scale, in any order, subtracted from each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing import png
from tb_kernels.drawing.colors import GRAY, RGB, lookup_table
from tb_kernels.errors import LogError
from tb_kernels.reading.legends import Legend
from tb_kernels.reading.picture import Picture
from tb_kernels.reading.weights import MOST_WEIGHTS
from tb_kernels.schema.naming import EXAMPLES, KERNELS, SHEET

# A browser draws no image of many more pixels; a layer of more weights has several.
_MOST_PIXELS = 1 << 22
_WIDTH = 1 << 12

# What marks a weight that is not finite, beside its level.
_NONFINITE = 255


# Of an addition's makers so many are told, the last.
_MOST_MAKERS = 2

_Inputs = list[tuple[int, list[tuple[str, int]]]]


@dataclass(frozen=True, eq=False)
class Sprite:
    """The pictures of a layer at an epoch.

    Attributes:
        numbers: The kernel number of each.
        values: Shape (kernels, slices, height, width, channels), uint8. Levels of weights have one
            channel, and where some are not finite two: the level, and 255 for those. The pixels of
            pictures that cannot be read as weights have three: red, green, blue.
        limits: The weights that level 0 and 255 stand for: of all, or of each; none of pictures.
        columns: How many slices stand in a row.
        colormap: What the log has drawn levels in.
        captions: What each means, in a line.
        inputs: Of each slice its input channel, and layer and number of the filters that make it:
            one row for all kernels, or one for each; none where that is not known.
    """

    numbers: list[int]
    values: NDArray[np.uint8]
    limits: list[tuple[float, float]]
    columns: int
    colormap: str
    captions: list[str]
    inputs: list[_Inputs] = field(default_factory=list)

    @cached_property
    def parts(self) -> list[dict[str, int]]:
        """Of each image: its first kernel, counted from 0, how many it holds, and its size."""
        one = int(np.prod(self.values.shape[1:4]))
        each, kernels = max(1, _MOST_PIXELS // one), len(self.values)
        found = []
        for first in range(0, kernels, each):
            count = min(each, kernels - first)
            width = min(count * one, _WIDTH)
            height = -(-count * one // width)
            found.append({"first": first, "count": count, "width": width, "height": height})
        return found

    def told(self) -> dict[str, Any]:
        """How the images are to be read, for JSON."""
        _, *window, channels = self.values.shape
        return {
            "mode": "levels" if self.limits else "pictures",
            "numbers": self.numbers,
            "window": window,
            "limits": self.limits or None,
            "columns": self.columns,
            "colormap": self.colormap,
            "palette": _palette(self.colormap) if self.limits else None,
            "rgb": bool(self.limits) and self.colormap == RGB,
            "finite": channels != 2,
            "captions": self.captions,
            "inputs": self.inputs,
            "parts": self.parts,
        }

    def image(self, part: int) -> bytes:
        """The PNG of a part, by its place in `parts`."""
        first, count, width, height = self.parts[part].values()
        values = self.values[first : first + count]
        channels = values.shape[-1]
        pixels = np.zeros((height * width, 1 if channels == 1 else 3), np.uint8)
        flat = values.reshape(-1, channels)
        pixels[: len(flat), :channels] = flat
        return png.encode(pixels.reshape(height, width, -1))


def range_of(pictures: Iterable[Picture]) -> tuple[float, float] | None:
    """The lowest and the highest weight that indexes tell of; None if none do.

    Args:
        pictures: Of one layer, one of each index.
    """
    found = []
    for picture in pictures:
        try:
            entry, legend = picture.entry, picture.legend
        except LogError:
            continue
        if picture.view != EXAMPLES and not legend.overlay:
            found += [float(np.min(entry["low"])), float(np.max(entry["high"]))]
    return (min(found), max(found)) if found else None


def sprite_of(pictures: Sequence[Picture]) -> Sprite:
    """The numbers of a layer's pictures at an epoch.

    Args:
        pictures: Of one layer at one epoch, at least one.

    Raises:
        LogError: If a picture cannot be read, or they are too many.
    """
    alone = [one for one in pictures if one.address.kernel != SHEET]
    try:
        read = [one.legend for one in alone or pictures[:1]]
        if pictures[0].view != EXAMPLES and not any(legend.overlay for legend in read):
            return _of_weights(alone or list(pictures[:1]), read)
    except LogError:
        # Without an index they are pictures, and no more.
        pass
    return _of_pixels(alone or list(pictures[:1]))


def _of_weights(pictures: Sequence[Picture], legends: Sequence[Legend]) -> Sprite:
    first = legends[0]
    window = first.window
    if any(one.window != window or one.colormap != first.colormap for one in legends):
        raise LogError("pictures of one layer at one epoch that are not of one shape")
    kernels = first.kernels or len(pictures)
    _check_size(kernels * int(np.prod(window)), pictures[0])
    levels = np.empty((kernels, *window), np.float32)
    if first.kernels is not None:
        levels[:] = first.levels(pictures[0].pixels())
        numbers = list(range(1, kernels + 1))
        limits = [first.limits.at(kernel) for kernel in range(kernels)]
        captions = [""] * kernels
    else:
        for place, (picture, legend) in enumerate(zip(pictures, legends, strict=True)):
            levels[place] = legend.levels(picture.pixels())
        numbers = [one.address.kernel for one in pictures]
        limits = [one.limits.at(0) for one in legends]
        captions = [one.caption for one in pictures]
    nonfinite = np.isnan(levels)
    values = np.where(nonfinite, 0, np.rint(levels)).astype(np.uint8)[..., None]
    if nonfinite.any():
        marks = np.where(nonfinite, _NONFINITE, 0).astype(np.uint8)
        values = np.concatenate([values, marks[..., None]], axis=-1)
    return Sprite(
        numbers,
        values.reshape(kernels, -1, *window[-2:], values.shape[-1]),
        limits[:1] if len(set(limits)) == 1 else limits,
        first.layout.columns,
        first.colormap,
        captions,
        [] if first.kernels is not None else _inputs_of(pictures),
    )


def _inputs_of(pictures: Sequence[Picture]) -> list[_Inputs]:
    if pictures[0].view != KERNELS or pictures[0].entry["pictures"] != "kernels":
        return []
    # Only a convolution in groups, or a depthwise one, has others for another kernel.
    ends = [_inputs(pictures[0]), _inputs(pictures[-1])]
    return ends[:1] if ends[0] == ends[1] else [_inputs(one) for one in pictures]


def _inputs(picture: Picture) -> _Inputs:
    return [
        (channel, [(one.layer, one.number) for one in filters[-_MOST_MAKERS:]])
        for channel, filters in picture.inputs()
    ]


def _of_pixels(pictures: Sequence[Picture]) -> Sprite:
    """Each picture at its smallest, on white if they are not of one size."""
    drawn = [_smallest(one) for one in pictures]
    height, width = (max(one.shape[axis] for one in drawn) for axis in (0, 1))
    _check_size(len(drawn) * height * width, pictures[0])
    values = np.full((len(drawn), 1, height, width, 3), 255, np.uint8)
    for place, pixels in enumerate(drawn):
        values[place, 0, : pixels.shape[0], : pixels.shape[1]] = pixels
    numbers = [one.address.kernel for one in pictures]
    return Sprite(numbers, values, [], 1, "", [one.caption for one in pictures])


def _smallest(picture: Picture) -> NDArray[np.uint8]:
    try:
        pixels = picture.redraw(1)
    except LogError:
        pixels = picture.pixels()
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _check_size(weights: int, picture: Picture) -> None:
    if weights > MOST_WEIGHTS:
        raise LogError(
            f"layer {picture.address.layer} has {weights:,} weights; expected at most "
            f"{MOST_WEIGHTS:,} to be shown"
        )


def _palette(colormap: str) -> list[str] | None:
    """The colours of a scale from low to high; None for grey, and for red, green and blue."""
    if colormap in (GRAY, RGB):
        return None
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in lookup_table(colormap)]
