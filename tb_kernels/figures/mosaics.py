"""An image of whole pixels, which matplotlib draws as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.transforms import Affine2D
from numpy.typing import NDArray

# Of a pixel, at each end.
_LESS = 0.01


class Mosaic(AxesImage):
    """An image that fills its axes, never interpolated.

    At the figure's own resolution each of its pixels is one of the figure's. At another one
    pixels are repeated or left out; matplotlib's own way to do so takes a second for some
    million pixels.

    Args:
        axes: As large as the image, in pixels of the figure.
        pixels: Shape (height, width, 4): red, green, blue and opacity.
    """

    def __init__(self, axes: Axes, pixels: NDArray[np.uint8]) -> None:
        height, width = pixels.shape[:2]
        super().__init__(axes, extent=(0, width, height, 0), interpolation="nearest")
        self.set_data(pixels)

    def draw(self, renderer: Any) -> None:
        """Hands the pixels to a renderer of matplotlib's."""
        if not self.get_visible():
            return
        times = renderer.get_image_magnification()
        box, pixels = self.axes.bbox, np.asarray(self.get_array())
        rows = _chosen(pixels.shape[0], round(box.height * times))
        columns = _chosen(pixels.shape[1], round(box.width * times))
        pixels = pixels if rows is None else pixels[rows]
        pixels = pixels if columns is None else pixels[:, columns]
        # A place that is whole, but for rounding; rows from below, as renderers count.
        left, below = (round(one * times) / times for one in (box.x0, box.y0))
        context = renderer.new_gc()
        # In a PDF file what ends where a pixel ends goes on into the next, and is stretched.
        if hasattr(renderer, "file"):
            less = Affine2D().scale(*((size - 2 * _LESS) / times for size in pixels.shape[1::-1]))
            left, below = left + _LESS / times, below + _LESS / times
            renderer.draw_image(context, left, below, pixels[::-1], less)
        else:
            renderer.draw_image(context, left, below, pixels[::-1])
        context.restore()
        self.stale = False


def _chosen(have: int, wanted: int) -> NDArray[np.intp] | None:
    """Which of the pixels along a side are drawn; None for all as they are."""
    if have == wanted:
        return None
    return (np.arange(wanted) * have // max(1, wanted)).astype(np.intp)
