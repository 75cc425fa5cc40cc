"""How large a picture may be: so that a reader takes it, whatever it shows."""

from __future__ import annotations

import math
from bisect import bisect_left

from tb_kernels.drawing import png
from tb_kernels.drawing.layouts import Layout
from tb_kernels.schema.records import LARGEST

# What a record has beside a picture, its names and its description, takes less.
_BESIDE = 1 << 20


def fits_record(size: int) -> bool:
    """Whether the record of a PNG of so many bytes is read."""
    return size <= LARGEST - _BESIDE


def is_readable(layout: Layout, channels: int) -> bool:
    """Whether a picture is never too large to be read, even of noise."""
    return fits_record(png.most_bytes(*layout.size, channels))


def lowered(layout: Layout, channels: int, longest: float = math.inf) -> Layout:
    """The layout if it can be read, or at the largest smaller scale that can; at 1 if none can.

    Args:
        layout: What was asked for.
        channels: Of its pixels, 1 or 3.
        longest: So many pixels a side may have.
    """

    def fits(layout: Layout) -> bool:
        return max(layout.size) <= longest and is_readable(layout, channels)

    # Searched by halves: a scale may be any number.
    scales = range(layout.scale, 0, -1)
    place = bisect_left(scales, True, key=lambda scale: fits(layout.at(scale)))
    return layout.at(scales[place] if place < len(scales) else 1)
