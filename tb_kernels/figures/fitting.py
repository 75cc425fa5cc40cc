"""How large the pictures of a panel are drawn, and how many stand in a row."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tb_kernels.drawing.layouts import Layout
from tb_kernels.errors import LogError
from tb_kernels.figures.panels import (
    Cell,
    Panel,
    Placed,
    at,
    caption_lines,
    caption_width,
    gap_between,
    natural,
    place,
)
from tb_kernels.figures.paper import INCH, Paper
from tb_kernels.figures.texts import CAPTION, line_height

# As wide as a page, or, for all kernels of a layer, as a poster; in millimetres.
_PAGE, _POSTER = 170.0, 520.0

# A picture is not made narrower to get more of them into a row; in millimetres.
_NARROWEST = 8.0

# A sheet is about so many times as high as it is wide, at most.
_HIGHEST = 1.25

# Pictures below each other, before the next column begins.
_MOST_DOWN = 40


class TooWideError(LogError):
    """A row of pictures is wider than the paper."""


def fit(panel: Panel, paper: Paper, width: int | None, scale: int | None = None) -> Placed:
    """Places the pictures of a panel, as large as there is room.

    Args:
        panel: Whose pictures may go on in more rows, by its `flow`.
        paper: Of the figure.
        width: Pixels that it may take; None for as many as it needs at the size of the log.
        scale: Pixels along the side of a weight; None for what fits.

    Raises:
        TooWideError: If there is not room for a pixel of each weight.
    """
    cells = [cell for cell in panel.rows[0] if cell]
    if panel.flow is None:
        return _fitted(panel, paper, width, scale)
    if panel.flow == "column":
        down = math.ceil(len(cells) / math.ceil(len(cells) / _MOST_DOWN))
        lines = _in_rows(cells, down)
        turned = [list(row) for row in zip(*lines, strict=True)]
        return _fitted(panel._replace(rows=turned), paper, width, scale)
    across, width = _Flowing.of(cells, paper).across(panel.flow, width, scale)
    return _fitted(panel._replace(rows=_in_rows(cells, across)), paper, width, scale)


class _Flowing(NamedTuple):
    """Pictures that fill rows, each in a place as large as the largest of them needs.

    Attributes:
        number: How many.
        layouts: Those that differ.
        caption: Width of the widest caption.
        lines: Lines of the longest one.
        paper: Of the figure.
    """

    number: int
    layouts: list[Layout]
    caption: int
    lines: int
    paper: Paper

    @classmethod
    def of(cls, cells: Sequence[Cell], paper: Paper) -> _Flowing:
        return cls(
            len(cells),
            list({cell.layout: None for cell in cells}),
            max(caption_width(cell, paper) for cell in cells),
            max(map(caption_lines, cells)),
            paper,
        )

    def across(self, flow: str, width: int | None, scale: int | None) -> tuple[int, int | None]:
        """How many stand in a row, and the pixels that it may take; None for all it needs."""
        if scale is not None:
            zoom: float | None = scale / max(one.scale for one in self.layouts)
        else:
            zoom = natural(self.paper) if width is None else None
        if flow == "row":
            most = width or self.paper.in_pixels(_PAGE)
            numbers = range(self.number, 1, -1)
            return next((one for one in numbers if self._reads(one, most, zoom)), 1), width
        most = width or self.paper.in_pixels(_POSTER)
        if zoom is not None:
            height, wide = self._place(zoom)
            square = round(math.sqrt(self.number * height / wide))
            room = most // wide
            # If there is no room for a square, first smaller pictures, then fewer in a row.
            if room >= square or scale is not None:
                return max(1, min(square, room)), width
        numbers = range(1, self.number + 1)
        fitting = [one for one in numbers if self._zoom(one, most) is not None]
        if not fitting and width is None:
            # One that is wider than any paper, a pixel for each weight.
            return 1, self._width(1, 0)
        flat = (one for one in fitting if self._height(one, most) <= _HIGHEST * most)
        return next(flat, max(fitting, default=1)), most

    def _reads(self, across: int, width: int, zoom: float | None) -> bool:
        """Whether so many fit into a row, none of them too narrow."""
        if zoom is not None:
            return self._width(across, zoom) <= width
        found = self._zoom(across, width)
        return found is not None and self._size(found)[1] >= self.paper.in_pixels(_NARROWEST)

    def _zoom(self, across: int, width: int) -> float | None:
        return _largest(self.layouts, lambda zoom: self._width(across, zoom) <= width)

    def _width(self, across: int, zoom: float) -> int:
        return across * self._place(zoom)[1] - gap_between(self._at(zoom), self.paper)

    def _height(self, across: int, width: int) -> float:
        zoom = self._zoom(across, width)
        return math.ceil(self.number / across) * self._place(zoom)[0] if zoom else math.inf

    def _place(self, zoom: float) -> tuple[int, int]:
        """Height and width of a picture with its caption and its gap."""
        height, width = self._size(zoom)
        gap = gap_between(self._at(zoom), self.paper)
        lines = self.lines * line_height(CAPTION, self.paper.dpi)
        return height + lines + gap, max(width, self.caption) + gap

    def _size(self, zoom: float) -> tuple[int, int]:
        sizes = [one.size for one in self._at(zoom)]
        return max(height for height, _ in sizes), max(width for _, width in sizes)

    def _at(self, zoom: float) -> list[Layout]:
        return [at(one, zoom) for one in self.layouts]


def _fitted(panel: Panel, paper: Paper, width: int | None, scale: int | None) -> Placed:
    layouts = [cell.layout for row in panel.rows for cell in row if cell]

    def largest(width: int) -> float | None:
        return _largest(layouts, lambda zoom: place(panel, zoom, paper).width <= width)

    if scale is not None:
        zoom: float | None = scale / max(one.scale for one in layouts)
    elif width is not None:
        zoom = largest(width)
    else:
        zoom = min(natural(paper), largest(paper.in_pixels(_PAGE)) or math.inf)
    placed = None if zoom is None else place(panel, zoom, paper, width)
    if placed is None or (width is not None and placed.width > width):
        wide = place(panel, 0, paper).width if placed is None else placed.width
        raise too_wide(len(panel.rows[0]), wide, width, paper)
    return placed


def too_wide(number: int, wide: int, room: int | None, paper: Paper) -> TooWideError:
    """What is said of a row of so many pictures that takes more pixels than there are."""
    takes, has = (pixels / paper.dpi * INCH for pixels in (wide, room or 0))
    return TooWideError(
        f"a row of {number} pictures takes {takes:.0f} mm at {paper.dpi} pixels to the inch, and "
        f"has {has:.0f} mm; expected a width of more, a finer dpi, or fewer kernels or epochs"
    )


def _largest(layouts: Sequence[Layout], fits: Callable[[float], bool]) -> float | None:
    """The largest zoom that fits, in whole pixels of the largest weights; None if none does."""
    base = max(one.scale for one in layouts)
    low, high = 0, 1
    while high < 1 << 14 and fits(high / base):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle / base) else (low, middle)
    return low / base if low else None


def _in_rows(cells: Sequence[Cell], across: int) -> list[list[Cell | None]]:
    """Cells in rows of so many, the last filled up with empty places."""
    starts = range(0, len(cells), across)
    rows: list[list[Cell | None]] = [list(cells[start : start + across]) for start in starts]
    rows[-1] += [None] * (len(rows[0]) - len(rows[-1]))
    return rows
