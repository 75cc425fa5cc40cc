"""One kernel across epochs: the figure of a report."""

from __future__ import annotations

from collections.abc import Sequence

from tb_kernels.reading.picture import Picture
from tb_kernels.report.board import Board
from tb_kernels.report.grids import Cell, draw_grid, in_rows, largest
from tb_kernels.report.job import Direction

# Pictures wider than so many heights stand below each other: rows of more than four slices.
_WIDE = 5

# A longer row goes on in the next one.
_LONGEST_ROW = 8000


def draw_strip(
    pictures: Sequence[Picture],
    *,
    direction: Direction = "auto",
    scale: int | None = None,
    columns: int | None = None,
) -> Board:
    """Draws the pictures of one kernel in the order of epochs, each below its address.

    Args:
        pictures: At least one.
        direction: `"across"`, side by side; `"down"`, below each other; `"auto"`, down
            for pictures that are much wider than high.
        scale: Pixels along the side of a weight; None for as logged.
        columns: Slices in a row; None for as logged.

    Raises:
        LogError: If a picture cannot be read or redrawn, or they are too many.
    """
    cells = [Cell.of(one, str(one.address), scale, columns) for one in pictures]
    height, width = largest(cell.size for cell in cells)
    if direction == "auto":
        direction = "down" if width > _WIDE * height else "across"
    side = width if direction == "across" else height
    most = max(1, _LONGEST_ROW // side)
    lines = in_rows(cells, most)
    if direction == "down":
        lines = [list(row) for row in zip(*lines, strict=True)]
    return draw_grid(lines)


def draw_views(
    views: Sequence[Sequence[Picture]], *, scale: int | None = None, columns: int | None = None
) -> Board:
    """Draws one address in several views: a row for each, a column for each epoch.

    Args:
        views: The pictures of the address in each view; at least one in each.
        scale: As in `draw_strip`.
        columns: Likewise.

    Raises:
        LogError: If a picture cannot be read or redrawn, or they are too many.
    """
    epochs = sorted({one.address.epoch for pictures in views for one in pictures})
    rows: list[list[Cell | None]] = []
    for pictures in views:
        at = {
            one.address.epoch: Cell.of(one, f"{one.view} {one.address}", scale, columns)
            for one in pictures
        }
        rows.append([at.get(epoch) for epoch in epochs])
    return draw_grid(rows)
