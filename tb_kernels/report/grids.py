"""Pictures with captions, in rows and columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from tb_kernels.reading.picture import Picture
from tb_kernels.report.board import Board, text_size

MARGIN = 16
GAP = 12
_CAPTION, _TITLE = 8.0, 9.0

_Item = TypeVar("_Item")


class Cell(NamedTuple):
    """A picture of a figure.

    Attributes:
        caption: What stands above it.
        size: Height and width in pixels.
        draw: Gives it, (height, width[, 3]), once the figure has its place.
    """

    caption: str
    size: tuple[int, int]
    draw: Callable[[], NDArray[np.uint8]]

    @classmethod
    def of(
        cls, picture: Picture, caption: str, scale: int | None = None, columns: int | None = None
    ) -> Cell:
        """A logged picture, perhaps at another scale or with rows of another length.

        Raises:
            LogError: If that is asked for and the log has no index of it.
        """
        draw = partial(picture.redraw, scale, columns)
        return cls(caption, picture.size_at(scale, columns), draw)


class Bar(NamedTuple):
    """The scale of a figure.

    Attributes:
        colors: From low to high, (levels, 3); None for no colours, but a note alone.
        low: What the first stands for.
        high: What the last stands for.
        note: What else is to be said, or instead.
    """

    colors: NDArray[np.uint8] | None = None
    low: str = ""
    high: str = ""
    note: str = ""


def largest(sizes: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """The greatest height and the greatest width among sizes; at least one."""
    heights, widths = zip(*sizes, strict=True)
    return max(heights), max(widths)


def in_rows(cells: Sequence[Cell], most: int) -> list[list[Cell | None]]:
    """Cells in rows of so many, the last filled up with empty places."""
    rows: list[list[Cell | None]] = [list(cells[i : i + most]) for i in range(0, len(cells), most)]
    rows[-1] += [None] * (len(rows[0]) - len(rows[-1]))
    return rows


def thin_out(items: Sequence[_Item], most: int) -> list[_Item]:
    """At most so many of the items, evenly chosen, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    places = np.linspace(0, len(items) - 1, most).round().astype(int)
    return [items[place] for place in places]


def draw_grid(
    rows: Sequence[Sequence[Cell | None]], title: str = "", bar: Bar | None = None
) -> Board:
    """Draws cells in rows, each column as wide as its widest cell.

    Args:
        rows: Of equal length; None leaves a place empty.
        title: Above all.
        bar: The scale, below all.

    Raises:
        LogError: If the figure would be too large, or a picture cannot be drawn.
    """
    caption_height = text_size("", _CAPTION)[1]
    widths = [max(map(_width, column), default=0) for column in zip(*rows, strict=True)]
    heights = [
        max((cell.size[0] for cell in row if cell), default=0) + caption_height for row in rows
    ]
    bar_size = (0, 0) if bar is None else _bar_size(bar)
    title_size = text_size(title, _TITLE) if title else (0, 0)
    top = MARGIN + (title_size[1] + GAP if title else 0)
    content = sum(widths) + GAP * (len(widths) - 1)
    board = Board(
        2 * MARGIN + max(content, title_size[0], bar_size[0]),
        top + sum(heights) + GAP * (len(rows) - 1) + MARGIN + (GAP + bar_size[1] if bar else 0),
    )
    if title:
        board.write(title, MARGIN, MARGIN, _TITLE, "left")
    y = top
    for row, height in zip(rows, heights, strict=True):
        x = MARGIN
        for cell, width in zip(row, widths, strict=True):
            if cell is not None:
                board.write(cell.caption, x + width // 2, y, _CAPTION, "center")
                left = x + (width - cell.size[1]) // 2
                board.put(cell.draw(), left, y + caption_height)
            x += width + GAP
        y += height + GAP
    if bar is not None:
        _draw_bar(board, bar, MARGIN, y)
    return board


def _width(cell: Cell | None) -> int:
    return 0 if cell is None else max(cell.size[1], text_size(cell.caption, _CAPTION)[0])


_BAR_HEIGHT = 20


def _bar_size(bar: Bar) -> tuple[int, int]:
    texts = [text_size(text, _CAPTION)[0] for text in (bar.low, bar.high, bar.note)]
    colors = 0 if bar.colors is None else len(bar.colors)
    return sum(texts) + colors + 3 * GAP, max(_BAR_HEIGHT, text_size("", _CAPTION)[1])


def _draw_bar(board: Board, bar: Bar, x: int, y: int) -> None:
    if bar.colors is not None:
        board.write(bar.low, x, y, _CAPTION, "left")
        x += text_size(bar.low, _CAPTION)[0] + GAP
        # A thin frame, since the ends may be as white as the page.
        framed = np.full((_BAR_HEIGHT, len(bar.colors), 3), 128, np.uint8)
        framed[1:-1, 1:-1] = bar.colors[1:-1]
        board.put(framed, x, y)
        x += len(bar.colors) + GAP
        board.write(bar.high, x, y, _CAPTION, "left")
        x += text_size(bar.high, _CAPTION)[0] + GAP
    board.write(bar.note, x, y, _CAPTION, "left")
