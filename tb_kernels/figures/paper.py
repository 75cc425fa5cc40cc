"""The paper of a figure: how wide it is in print, at which resolution, and how epochs stand.

Light, so that a command can offer it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from tb_kernels.arguments import check_count
from tb_kernels.errors import ArgumentError

Format = Literal["png", "pdf", "svg"]
Background = Literal["white", "transparent"]
Direction = Literal["auto", "across", "down"]

# Pixels to the inch: the usual, and the most.
DPI, FINEST = 150, 2400

# Millimetres in an inch; and in the units that a width may have.
INCH = 25.4
_UNITS = {"mm": 1.0, "cm": 10.0, "in": INCH}
_WIDTH = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(mm|cm|in)\s*")

# Narrower no caption can be read, and wider nothing is printed; in millimetres.
_NARROWEST, _WIDEST = 20.0, 2000.0


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
        if check_count("dpi", dpi) > FINEST:
            raise ArgumentError(f"dpi: expected at most {FINEST:,} pixels to the inch, got {dpi}")
        if background not in ("white", "transparent"):
            raise ArgumentError(
                f"background: expected 'white' or 'transparent', got {background!r}"
            )
        return cls(None if width is None else parse_width(width), int(dpi), background)

    def pixels(self, points: float) -> int:
        """Points of print → whole pixels, at least one."""
        return max(1, round(points / 72 * self.dpi))

    def in_pixels(self, millimetres: float) -> int:
        """Millimetres of print → whole pixels, at least one."""
        return max(1, round(millimetres / INCH * self.dpi))


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
