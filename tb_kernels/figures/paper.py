"""The paper of a figure: how wide it is in print, at which resolution, and how it is saved."""

from __future__ import annotations

import contextlib
import io
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib import cbook
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tb_kernels.arguments import check_count
from tb_kernels.drawing import png
from tb_kernels.errors import ArgumentError

Format = Literal["png", "pdf", "svg"]
Background = Literal["white", "transparent"]

DPI = 150

# Millimetres in an inch; and in the units that a width may have.
INCH = 25.4
_UNITS = {"mm": 1.0, "cm": 10.0, "in": INCH}
_WIDTH = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(mm|cm|in)\s*")

# Narrower no caption can be read, and wider nothing is printed; in millimetres.
_NARROWEST, _WIDEST = 20.0, 2000.0
_FINEST = 2400

# What tells of the day, or of the program that made a file, is left out.
NO_METADATA: dict[str, dict[str, Any]] = {
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


@dataclass(frozen=True)
class Paper:
    """What a figure is drawn for.

    Attributes:
        width: In millimetres; None for as wide as what is drawn needs.
        dpi: Pixels to the inch.
        background: Behind texts and between kernels.
    """

    width: float | None = None
    dpi: int = DPI
    background: Background = "white"

    @classmethod
    def checked(cls, width: Any = None, dpi: Any = DPI, background: Any = "white") -> Paper:
        """From what a user has given.

        Args:
            width: A text such as `"85mm"`, `"8.5cm"` or `"3.3in"`, a number of inches as
                matplotlib takes them, or None.
            dpi: From 1 to 2,400.
            background: `"white"` or `"transparent"`.

        Raises:
            ArgumentError: If one of these is not what is expected.
        """
        if check_count("dpi", dpi) > _FINEST:
            raise ArgumentError(f"dpi: expected at most {_FINEST:,} pixels to the inch, got {dpi}")
        if background not in ("white", "transparent"):
            raise ArgumentError(
                f"background: expected 'white' or 'transparent', got {background!r}"
            )
        return cls(None if width is None else parse_width(width), int(dpi), background)

    def pixels(self, points: float) -> int:
        """Points of print → whole pixels, at least one."""
        return max(1, round(points / 72 * self.dpi))


def parse_width(width: Any) -> float:
    """A width in millimetres.

    Args:
        width: A text with its unit, mm, cm or in; or a number of inches.

    Raises:
        ArgumentError: If it is neither, or no width that can be drawn.
    """
    expected = "expected a width such as '85mm', '8.5cm' or '3.3in'"
    if isinstance(width, str):
        match = _WIDTH.fullmatch(width)
        if match is None:
            raise ArgumentError(f"width: {expected}, got {width!r}")
        found = float(match[1]) * _UNITS[match[2]]
    elif isinstance(width, (int, float)) and not isinstance(width, bool):
        found = width * INCH
    else:
        raise ArgumentError(f"width: {expected}, or a number of inches, got {width!r}")
    if not _NARROWEST <= found <= _WIDEST:
        raise ArgumentError(
            f"width: {expected}, from {_NARROWEST:g} mm to {_WIDEST:g} mm, got {width!r}"
        )
    return found


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


def encode(figure: Figure, format: Format) -> bytes:
    """A figure as a file; equal figures give equal bytes.

    Args:
        figure: Drawn at its own resolution.
        format: `"png"`, `"pdf"` or `"svg"`.
    """
    if format == "png" and figure.get_facecolor()[3] == 1:
        # Without opacity, which is most of the time that it takes otherwise.
        return png.encode(pixels_of(figure), figure.dpi)
    stream = io.BytesIO()
    with plain_style(**_SAVED):
        figure.savefig(
            stream,
            format=format,
            dpi=figure.dpi,
            metadata=NO_METADATA[format],
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


@contextlib.contextmanager
def plain_style(**changes: Any) -> Iterator[None]:
    """Draws the same figure for everybody, whatever their matplotlibrc says."""
    with warnings.catch_warnings(), mpl.rc_context():
        # Of letters that the font does not have.
        warnings.simplefilter("ignore", UserWarning)
        mpl.rcParams.update(_DEFAULTS | changes)
        yield
