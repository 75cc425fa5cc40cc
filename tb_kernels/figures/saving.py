"""A figure of matplotlib → a file, the same for everybody."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import cbook
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tb_kernels.drawing import png
from tb_kernels.figures.paper import Format
from tb_kernels.figures.texts import families

# What tells of the day, or of the program that made a file, is left out.
_NO_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    "svg": {"Date": None, "Creator": None},
}

# Letters stay letters, in fonts that publishers take; equal figures have equal names inside.
_SAVED = {
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "tb_kernels",
}

# The backend is not a matter of style, and is left as it is.
_DEFAULTS = {
    name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith("backend")
}


class Drawing(Figure):
    """A figure of matplotlib; saved, its letters stay letters and its squares sharp.

    In a notebook it shows itself.
    """

    def savefig(self, fname: Any, **options: Any) -> None:
        """As matplotlib's, with TrueType fonts, and images that no browser smoothes."""
        suffix = Path(fname).suffix[1:] if isinstance(fname, (str, os.PathLike)) else ""
        asked = options.get("format") or suffix or mpl.rcParams["savefig.format"]
        with mpl.rc_context(_SAVED):
            if str(asked).lower() != "svg":
                super().savefig(fname, **options)
                return
            stream = io.StringIO()
            super().savefig(stream, **options | {"format": "svg"})
        text = stream.getvalue().replace("<image ", '<image style="image-rendering: pixelated" ')
        if isinstance(fname, io.TextIOBase):
            fname.write(text)
            return
        if isinstance(fname, (str, os.PathLike)) and not suffix and not options.get("format"):
            fname = f"{os.fspath(fname)}.svg"
        with cbook.open_file_cm(fname, "wb") as file:
            file.write(text.encode())

    def _repr_png_(self) -> bytes:
        return encode(self, "png")


def encode(figure: Figure, format: Format, **style: Any) -> bytes:
    """A figure as a file; equal figures give equal bytes.

    Args:
        figure: Drawn at its own resolution.
        format: `"png"`, `"pdf"` or `"svg"`.
        **style: Settings of matplotlib that it was built with, and that count when it is drawn.
    """
    if format == "png" and figure.get_facecolor()[3] == 1:
        # Without opacity, which is most of the time that it takes otherwise.
        return png.encode(_plain(pixels_of(figure)), figure.dpi)
    stream = io.BytesIO()
    with plain_style(**_SAVED | style):
        figure.savefig(
            stream,
            format=format,
            dpi=figure.dpi,
            metadata=_NO_METADATA[format],
            facecolor=figure.get_facecolor(),
        )
    return stream.getvalue()


def pixels_of(figure: Figure) -> NDArray[np.uint8]:
    """A figure as a picture, shape (height, width, 3), at its own resolution."""
    with plain_style():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        pixels: NDArray[np.uint8] = np.asarray(canvas.buffer_rgba())[..., :3]
    return pixels


def _plain(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture with one channel if it has no colours."""
    red, green, blue = np.moveaxis(pixels, -1, 0)
    grey = np.array_equal(red, green) and np.array_equal(red, blue)
    return pixels[..., :1] if grey else pixels


@contextlib.contextmanager
def plain_style(**changes: Any) -> Iterator[None]:
    """Draws the same figure for everybody, whatever their matplotlibrc says."""
    told = logging.getLogger("matplotlib.font_manager")
    level = told.level
    with warnings.catch_warnings(), mpl.rc_context():
        # Of letters that no font here has, drawn as boxes; of fonts that are a little bolder.
        warnings.simplefilter("ignore", UserWarning)
        told.setLevel(logging.ERROR)
        mpl.rcParams.update(_DEFAULTS | {"font.family": families()} | changes)
        try:
            yield
        finally:
            told.setLevel(level)
