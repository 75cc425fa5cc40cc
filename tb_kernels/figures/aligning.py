"""Panels below each other: the columns of one below those of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from tb_kernels.drawing.layouts import Layout
from tb_kernels.figures.fitting import too_wide
from tb_kernels.figures.panels import Panel, Placed, place
from tb_kernels.figures.paper import Paper

# How much smaller pictures are tried where they do not fit, and when that is given up.
_SMALLER, _SMALLEST = 0.9, 1 / 256


def align(
    placed: list[list[Placed]], panels: Sequence[Sequence[Panel]], paper: Paper, room: int
) -> list[list[Placed]]:
    """Places panels anew so that their columns are as wide and as far apart as each other's.

    Those of the same pictures, such as a grid that goes on below, are as large as each other.

    Args:
        placed: As each fits alone.
        panels: In rows; those beside each other, or that flow, stay as they are.
        paper: Of the figure.
        room: Pixels that a row may take, where the paper has a width.

    Raises:
        TooWideError: If their columns together are wider than that.
    """
    rows = [(row[0], own[0]) for row, own in zip(placed, panels, strict=True)]
    if len(rows) == 1 or any(panel.flow for _, panel in rows) or len(placed[0]) > 1:
        return placed
    layouts = [_layouts(panel) for _, panel in rows]
    zooms = [
        min(other.zoom for (other, _), those in zip(rows, layouts, strict=True) if those == own)
        for own in layouts
    ]
    times, wide = 1.0, 0
    while times >= _SMALLEST:
        again = [
            place(panel, times * zoom, paper) for zoom, (_, panel) in zip(zooms, rows, strict=True)
        ]
        widths = [max(own) for own in zip_longest(*(one.widths for one in again), fillvalue=0)]
        gap = max(one.gap for one in again)
        wide = sum(widths) + gap * (len(widths) - 1)
        if paper.width is None or wide <= room:
            break
        # Columns that are widest in different rows take more than any of these.
        times *= _SMALLER
    else:
        raise too_wide(len(widths), wide, room, paper)
    wider = min(one.gap for one, _ in rows)
    if paper.width is None or wide + (wider - gap) * (len(widths) - 1) <= room:
        gap = max(gap, wider)
    like = replace(again[0], widths=widths, gap=gap)
    return [
        [place(panel, one.zoom, paper, like=like)]
        for one, (_, panel) in zip(again, rows, strict=True)
    ]


def _layouts(panel: Panel) -> set[Layout]:
    return {cell.layout for row in panel.rows for cell in row if cell}
