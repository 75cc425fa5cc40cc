"""The fonts of texts, and how much room they take as matplotlib will draw them."""

from __future__ import annotations

import textwrap
from functools import lru_cache

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties, fontManager

# In points: what stands at pictures, and above them. Publishers ask for six at least.
CAPTION, TITLE = 7.0, 8.0

# A line's height as a part of its letters'.
LINE = 1.25


# Matplotlib's own font has no letters of these scripts; the first that is there of a line has.
_OTHERS = (
    ("WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Microsoft YaHei", "Yu Gothic", "IPAGothic"),
    ("Arial Unicode MS", "Malgun Gothic", "NanumGothic", "UnDotum"),
    ("Noto Sans Devanagari", "Nirmala UI", "Lohit Devanagari"),
    ("Noto Sans Thai", "Leelawadee UI", "Loma"),
)


@lru_cache(maxsize=1)
def families() -> list[str]:
    """Fonts that a text's letters are looked up in, in turn; those of this machine.

    Of another make than TrueType none is taken: a PDF file would hold it whole.
    """
    here = {font.name for font in fontManager.ttflist if font.fname.endswith((".ttf", ".ttc"))}
    found = (next((name for name in names if name in here), None) for names in _OTHERS)
    return ["DejaVu Sans", *filter(None, found)]


@lru_cache(maxsize=4096)
def text_width(text: str, points: float, dpi: int) -> int:
    """Pixels that a line of text takes."""
    width, _, _ = _renderer(dpi).get_text_width_height_descent(text, text_font(points), False)
    return int(width) + 1


def line_height(points: float, dpi: int) -> int:
    """Pixels from one line to the next."""
    return round(points * LINE / 72 * dpi)


def wrapped(text: str, points: float, dpi: int, width: int) -> str:
    """A text in lines of so many pixels at most; a word that is too long is broken."""
    letters = max(4, int(len(text) * width / max(1, text_width(text, points, dpi))))
    while letters > 4:
        lines = textwrap.wrap(text, letters) or [""]
        if max(text_width(line, points, dpi) for line in lines) <= width:
            break
        letters -= max(1, letters // 16)
    return "\n".join(textwrap.wrap(text, letters))


@lru_cache(maxsize=8)
def _renderer(dpi: int) -> RendererAgg:
    return RendererAgg(1, 1, dpi)


@lru_cache(maxsize=8)
def text_font(points: float) -> FontProperties:
    """The font of texts, so many points high."""
    return FontProperties(family=families(), size=points)
