"""A figure of pictures and texts, placed in pixels: the pictures keep every pixel they have."""

from __future__ import annotations

import io
from typing import Any, Literal

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tb_kernels.errors import LogError

# Pixels per inch: how large a figure is in print, and text against pictures.
DPI = 150

# A figure of more pixels is not drawn.
_MOST_PIXELS = 100_000_000
_LONGEST_SIDE = 60_000

# Width of a letter and height of a line, as parts of the font's size; letters are monospaced.
_ADVANCE, _LINE = 0.602, 1.3

Format = Literal["png", "pdf"]


def text_size(text: str, points: float) -> tuple[int, int]:
    """Width and height in pixels that a line of text takes."""
    em = points / 72 * DPI
    return round(len(text) * _ADVANCE * em) + 1, round(_LINE * em)


class Board:
    """An empty white figure.

    Args:
        width: In pixels.
        height: In pixels.

    Raises:
        LogError: If it would be too large to be drawn.
    """

    def __init__(self, width: int, height: int) -> None:
        if width * height > _MOST_PIXELS or max(width, height) > _LONGEST_SIDE:
            raise LogError(
                f"a figure of {width:,} x {height:,} pixels is not drawn; select fewer epochs or "
                "kernels, or give a smaller scale"
            )
        self._canvas = np.full((height, width, 3), 255, np.uint8)
        self._texts: list[tuple[str, int, int, float, str]] = []

    def put(self, pixels: NDArray[np.uint8], x: int, y: int) -> None:
        """Places a picture (height, width[, 3]), its top left corner at (x, y)."""
        height, width = pixels.shape[:2]
        self._canvas[y : y + height, x : x + width] = pixels.reshape(height, width, -1)

    def write(
        self, text: str, x: int, y: int, points: float, align: Literal["left", "center", "right"]
    ) -> None:
        """Places a line of text, its top at y; x is its left end, centre or right end."""
        self._texts.append((text, x, y, points, align))

    def encode(self, format: Format) -> bytes:
        """The figure as a file; equal figures give equal bytes."""
        # What tells of the day or of the program that made it is left out.
        metadata: dict[str, Any] = (
            {"Software": None} if format == "png" else {"CreationDate": None, "Producer": None}
        )
        stream = io.BytesIO()
        self._figure().savefig(stream, format=format, metadata=metadata)
        return stream.getvalue()

    def pixels(self) -> NDArray[np.uint8]:
        """The figure as a picture, shape (height, width, 3)."""
        canvas = FigureCanvasAgg(self._figure())
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def _figure(self) -> Figure:
        height, width = self._canvas.shape[:2]
        figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
        figure.figimage(self._canvas, origin="upper")
        for text, x, y, points, align in self._texts:
            figure.text(
                x / width,
                1 - y / height,
                text,
                fontsize=points,
                fontfamily="monospace",
                horizontalalignment=align,
                verticalalignment="top",
                # A name may have dollar signs in it.
                parse_math=False,
            )
        return figure
