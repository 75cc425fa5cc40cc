"""Pictures with captions, in rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb_kernels.figures.board import Board, text_size

MARGIN = 16
GAP = 12
_CAPTION, _TITLE = 8.0, 9.0


class Cell(NamedTuple):
    """A picture (height, width[, 3]) and what stands above it."""

    caption: str
    pixels: NDArray[np.uint8]


class Bar(NamedTuple):
    """A scale: its colours from low to high (levels, 3), None without any, and what to say."""

    colors: NDArray[np.uint8] | None
    low: str
    high: str


def draw_grid(
    rows: Sequence[Sequence[Cell | None]], title: str = "", bar: Bar | None = None
) -> Board:
    """Draws cells in rows, each column as wide as its widest cell.

    Args:
        rows: Of equal length; None leaves a place empty.
        title: Above all.
        bar: The scale, below all.

    Raises:
        LogError: If the figure would be too large.
    """
    caption_height = text_size("", _CAPTION)[1]
    widths = [max(map(_width, column), default=0) for column in zip(*rows, strict=True)]
    heights = [
        max((len(cell.pixels) for cell in row if cell), default=0) + caption_height for row in rows
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
                left = x + (width - cell.pixels.shape[1]) // 2
                board.put(cell.pixels, left, y + caption_height)
            x += width + GAP
        y += height + GAP
    if bar is not None:
        _draw_bar(board, bar, MARGIN, y)
    return board


def _width(cell: Cell | None) -> int:
    return 0 if cell is None else max(cell.pixels.shape[1], text_size(cell.caption, _CAPTION)[0])


_BAR_HEIGHT = 20


def _bar_size(bar: Bar) -> tuple[int, int]:
    texts = [text_size(text, _CAPTION) for text in (bar.low, bar.high)]
    colors = 0 if bar.colors is None else len(bar.colors)
    return sum(width for width, _ in texts) + colors + 2 * GAP, max(_BAR_HEIGHT, texts[0][1])


def _draw_bar(board: Board, bar: Bar, x: int, y: int) -> None:
    board.write(bar.low, x, y, _CAPTION, "left")
    if bar.colors is None:
        return
    x += text_size(bar.low, _CAPTION)[0] + GAP
    # A thin frame, since the ends may be as white as the page.
    framed = np.full((_BAR_HEIGHT, len(bar.colors), 3), 128, np.uint8)
    framed[1:-1, 1:-1] = bar.colors[1:-1]
    board.put(framed, x, y)
    board.write(bar.high, x + len(bar.colors) + GAP, y, _CAPTION, "left")
