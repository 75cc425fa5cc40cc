"""A figure of pictures and texts, placed in pixels: the pictures keep every pixel they have."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tb_kernels.drawing import png
from tb_kernels.errors import LogError
from tb_kernels.report.job import Format

# Pixels per inch: how large a figure is in print, and text against pictures.
DPI = 150

# A figure of more pixels is not drawn.
_MOST_PIXELS = 40_000_000
_LONGEST_SIDE = 60_000

# A pixel without a text, its four bytes as one number.
_WHITE = 2**32 - 1

# Width of a letter and height of a line, as parts of the font's size; letters are monospaced.
_ADVANCE, _LINE = 0.602, 1.3

# What tells of the day, or of the program that made a file, is left out.
NO_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}

# The backend is not a matter of style, and is left as it is.
_DEFAULTS = {
    name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith("backend")
}


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
        place = self._canvas[y : y + height, x : x + width]
        for channel in range(3):
            # One by one, which takes a fifth of the time for a grey picture.
            place[..., channel] = pixels if pixels.ndim == 2 else pixels[..., channel]

    def write(
        self, text: str, x: int, y: int, points: float, align: Literal["left", "center"]
    ) -> None:
        """Places a line of text, its top at y; x is its left end or its centre."""
        self._texts.append((text, x, y, points, align))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self._canvas.shape[:2]
        return height, width

    def encode(self, format: Format) -> bytes:
        """The figure as a file; equal figures give equal bytes."""
        if format == "png":
            return png.encode(self.pixels())
        stream = io.BytesIO()
        with plain_style():
            figure = self._figure()
            figure.figimage(self._canvas, origin="upper")
            figure.savefig(stream, format=format, dpi=DPI, metadata=NO_METADATA[format])
        return stream.getvalue()

    def pixels(self) -> NDArray[np.uint8]:
        """The figure as a picture, shape (height, width, 3)."""
        with plain_style():
            canvas = FigureCanvasAgg(self._figure())
            canvas.draw()
            texts = np.asarray(canvas.buffer_rgba())
            # The canvas and each text are in circles with their figure: what they have drawn on
            # would stay until these are looked for.
            canvas.renderer = None
            for text in canvas.figure.texts:
                text._renderer = None
        # Black letters on white beside the pictures: the darker of both is the figure, and
        # the pictures need not go through matplotlib, which takes a hundred bytes a pixel.
        written = (texts.view(np.uint32)[..., 0] != _WHITE).any(axis=1)
        figure = self._canvas.copy()
        figure[written] = np.minimum(figure[written], texts[written, :, :3])
        return figure

    def _figure(self) -> Figure:
        """The texts alone."""
        height, width = self.size
        # Half a pixel more: inches would else be cut off to a pixel less.
        figure = Figure(figsize=((width + 0.5) / DPI, (height + 0.5) / DPI), dpi=DPI)
        for text, x, y, points, align in self._texts:
            figure.text(
                x / (width + 0.5),
                1 - (y + 0.5) / (height + 0.5),
                text,
                fontsize=points,
                fontfamily="monospace",
                horizontalalignment=align,
                verticalalignment="top",
                # A name may have dollar signs in it.
                parse_math=False,
            )
        return figure


@contextlib.contextmanager
def plain_style(**changes: Any) -> Iterator[None]:
    """Draws the same figure for everybody, whatever their matplotlibrc says."""
    with warnings.catch_warnings(), mpl.rc_context():
        # Of letters that the font does not have.
        warnings.simplefilter("ignore", UserWarning)
        mpl.rcParams.update(_DEFAULTS | changes)
        yield
