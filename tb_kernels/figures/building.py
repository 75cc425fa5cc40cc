"""Panels → a figure of matplotlib, which lays out texts, bars and margins around them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from matplotlib.axes import Axes
from matplotlib.layout_engine import ConstrainedLayoutEngine

from tb_kernels.errors import LogError
from tb_kernels.figures.aligning import align
from tb_kernels.figures.bars import draw_bar
from tb_kernels.figures.fitting import fit
from tb_kernels.figures.mosaics import Mosaic
from tb_kernels.figures.panels import Panel, Placed
from tb_kernels.figures.paper import INCH, Paper
from tb_kernels.figures.saving import Drawing, plain_style
from tb_kernels.figures.texts import CAPTION, TITLE, text_width, wrapped

# A figure of more pixels is not drawn.
_MOST_PIXELS = 40_000_000
_LONGEST_SIDE = 60_000

# Of a bar, and of a figure that has nothing wide in it, in millimetres.
_BAR_HEIGHT, _SHORTEST_BAR, _LONGEST_BAR = 2.0, 32.0, 60.0

# Around everything, in points; and between an axis and its labels.
_MARGIN, _PAD = 4.0, 2.0

# Between panels beside each other, in points.
_APART = 12.0

# Of the width of a figure, what the labels of rows may take.
_LABELS = 0.3

# Pixels that no file tells of.
_MORE = 1e-10

# While texts are measured there is room for all of them, in inches: at the least, and for a row.
_ROOM, _ROOM_OF_ROW = 6.0, 2.0


class TooLargeError(LogError):
    """A figure has more pixels than are drawn."""


def build(panels: Sequence[Sequence[Panel]], paper: Paper, scale: int | None = None) -> Drawing:
    """Draws panels in rows.

    matplotlib lays out what stands around the pictures, in a figure of any size, to see how much
    that takes; the pictures then get all that is left, in whole pixels of each weight, and what
    is around them keeps its distance.

    Args:
        panels: In rows of equal length, each with one picture at least.
        paper: What it is drawn for.
        scale: Pixels along the side of a weight; None for what fits.

    Raises:
        TooLargeError: If the figure would be too large.
        LogError: If a picture cannot be drawn.
    """
    with plain_style():
        sheet = _Sheet(panels, paper)
        placed = sheet.fit(scale)
        sheet.resize(placed)
        sheet.fill(placed)
        return sheet.figure


class _Sheet:
    """A figure in the making: for each panel the axes of its pictures, and those of its bar."""

    def __init__(self, panels: Sequence[Sequence[Panel]], paper: Paper) -> None:
        self._panels = panels
        self._paper = paper
        down, across = len(panels), len(panels[0])
        width = _ROOM if paper.width is None else paper.width / INCH
        face = "none" if paper.background == "transparent" else "white"
        self.figure = Drawing(
            figsize=(width, _ROOM + _ROOM_OF_ROW * down), dpi=paper.dpi, facecolor=face
        )
        # What a line of text may take, and of that what stands beside the pictures.
        self._room = round(0.9 * self._paper.in_pixels(width * INCH)) // across
        self._panels = panels = [[self._with_labels(one) for one in row] for row in panels]
        # Axes cost time, and those of many rows room: a row without bars has none.
        barred = [any(panel.bar for panel in row) for row in panels]
        grid = self.figure.add_gridspec(down + sum(barred), across)
        # Row by row, as the panels.
        self._axes: list[tuple[Axes, Axes | None]] = []
        # Row and column of each in the grid.
        self._cells: dict[Axes, tuple[int, int]] = {}
        # Where each begins, in pixels from the left and from above.
        self._corners: dict[Axes, tuple[int, int]] = {}
        at = 0
        for row, has_bars in zip(panels, barred, strict=True):
            for column, panel in enumerate(row):
                axes = self.figure.add_subplot(grid[at, column])
                bar = self.figure.add_subplot(grid[at + 1, column]) if panel.bar else None
                self._axes.append((axes, bar))
                self._cells |= {axes: (at, column)} | ({bar: (at + 1, column)} if bar else {})
                room = self._label(axes, panel)
                if panel.bar and bar:
                    draw_bar(bar, panel.bar, self._paper.in_pixels(_SHORTEST_BAR), room, paper)
            at += 2 if has_bars else 1

    def fit(self, scale: int | None) -> list[list[Placed]]:
        """Places the pictures where matplotlib leaves room."""
        pad = _MARGIN / 72
        layout = ConstrainedLayoutEngine(w_pad=pad, h_pad=pad / 2, hspace=0, wspace=0)
        layout.execute(self.figure)
        # One axes of each row of the grid, from above.
        rows = {row: axes for axes, (row, _) in self._cells.items()}.values()
        self._inner_heights = [axes.bbox.height for axes in rows]
        wide, high = self.figure.bbox.size
        across = len(self._panels[0])
        room = int(sum(axes.bbox.width for axes, _ in self._axes[:across]))
        # What all else takes.
        self._wide = int(wide) - room
        self._high = int(high - sum(self._inner_heights)) + 1
        placed = [self._fit_row(row, room, scale) for row in self._panels]
        return align(placed, self._panels, self._paper, room)

    def resize(self, placed: list[list[Placed]]) -> None:
        """Makes the figure as large as pictures and texts need."""
        paper = self._paper
        columns = zip(zip(*placed, strict=True), zip(*self._panels, strict=True), strict=True)
        apart = paper.pixels(_APART) if len(placed[0]) > 1 else 0
        widths = [
            max(*(one.width for one in pictures), *map(self._least_width, panels)) + apart
            for pictures, panels in columns
        ]
        heights = []
        for row, panels in zip(placed, self._panels, strict=True):
            heights.append(max(one.height for one in row))
            if any(one.bar for one in panels):
                colors = any(one.bar and one.bar.colors is not None for one in panels)
                heights.append(self._paper.in_pixels(_BAR_HEIGHT) if colors else 1)
        wide = sum(widths) + self._wide
        if paper.width is not None:
            wide = self._paper.in_pixels(paper.width)
            widths = [(wide - self._wide) // len(widths)] * len(widths)
        high = sum(heights) + self._high
        if wide * high > _MOST_PIXELS or max(wide, high) > _LONGEST_SIDE:
            raise TooLargeError(
                f"a figure of {wide:,} x {high:,} pixels is not drawn; select fewer epochs or "
                "kernels, or give a smaller scale or dpi"
            )
        # A little more: inches that do not come out even would be cut off to a pixel less.
        self._stretch(widths, heights)
        self.figure.set_size_inches((wide + _MORE) / paper.dpi, (high + _MORE) / paper.dpi)

    def _stretch(self, widths: Sequence[int], heights: Sequence[int]) -> None:
        """Finds the corner of each axes, with columns and rows so large and all else as it is."""
        _, high = self.figure.bbox.size
        across = self._axes[: len(widths)]
        wider = [new - axes.bbox.width for new, (axes, _) in zip(widths, across, strict=True)]
        higher = [new - old for new, old in zip(heights, self._inner_heights, strict=True)]
        for axes, (row, column) in self._cells.items():
            left = axes.bbox.x0 + sum(wider[:column])
            top = high - axes.bbox.y1 + sum(higher[:row])
            self._corners[axes] = round(left), round(top)

    def fill(self, placed: list[list[Placed]]) -> None:
        """Puts the pictures into their axes, on whole pixels."""
        panels = zip(chain(*self._panels), self._axes, chain(*placed), strict=True)
        for panel, (axes, bar), one in panels:
            self._set(axes, one.width, one.height)
            axes.add_image(Mosaic(axes, one.mosaic()))
            axes.set(xlim=(0, one.width), ylim=(one.height, 0))
            _set_ticks(axes, one.columns, panel.column_labels, one.rows, panel.row_labels)
            self._caption(axes, one)
            if bar:
                self._set(bar, self._bar_length(bar, one), self._paper.in_pixels(_BAR_HEIGHT))

    def _bar_length(self, bar: Axes, placed: Placed) -> int:
        """As long as the pictures, within what can be read and what the paper has room for."""
        shortest, longest = map(self._paper.in_pixels, (_SHORTEST_BAR, _LONGEST_BAR))
        left, _ = self._corners[bar]
        room = int(self.figure.bbox.width) - left - self._paper.pixels(_MARGIN)
        return min(max(placed.width, shortest), longest, room)

    def _fit_row(self, row: Sequence[Panel], room: int, scale: int | None) -> list[Placed]:
        if self._paper.width is None:
            return [fit(one, self._paper, None, scale) for one in row]
        # Panels are farther apart than the pictures of one.
        share = room // len(row) - (self._paper.pixels(_APART) if row[1:] else 0)
        return [fit(one, self._paper, share, scale) for one in row]

    def _with_labels(self, panel: Panel) -> Panel:
        """A panel with its labels in lines that leave room for pictures."""
        room, dpi = int(self._room * _LABELS), self._paper.dpi
        return panel._replace(
            row_labels=[wrapped(one, CAPTION, dpi, room) for one in panel.row_labels]
        )

    def _label(self, axes: Axes, panel: Panel) -> int:
        """Puts title and labels at axes; the pixels that a line above or below may take."""
        labelled = bool(panel.row_labels or panel.column_labels)
        if labelled:
            axes.set_frame_on(False)
            axes.tick_params(length=0, pad=_PAD, labelsize=CAPTION)
            axes.xaxis.tick_top()
        else:
            # An axis costs time, also without ticks.
            axes.set_axis_off()
        # Until the pictures have their places, the one that takes most, in the middle: at a row's
        # edge it would take more, and each takes time.
        dpi = self._paper.dpi
        widest = sorted(panel.row_labels, key=lambda label: _width_of(label, dpi))[-1:]
        _set_ticks(axes, [0.5], panel.column_labels[:1], [0.5], widest)
        if panel.title:
            title = wrapped(panel.title, TITLE, self._paper.dpi, self._line(panel))
            # Above the labels, which takes time to find out.
            y = None if labelled else 1.0
            axes.set_title(title, loc="left", y=y, fontsize=TITLE, parse_math=False, pad=2 * _PAD)
        return self._line(panel)

    def _line(self, panel: Panel) -> int:
        """Pixels that a line above or below pictures may take: it begins where they do."""
        labels = (_width_of(label, self._paper.dpi) for label in panel.row_labels)
        return self._room - max(labels, default=0)

    def _caption(self, axes: Axes, placed: Placed) -> None:
        for cell, layout, x, y in placed.places:
            if cell.caption:
                axes.text(
                    x + layout.size[1] / 2,
                    y - self._paper.pixels(1),
                    cell.caption,
                    fontsize=CAPTION,
                    horizontalalignment="center",
                    verticalalignment="bottom",
                    linespacing=1.0,
                    # A name may have dollar signs in it.
                    parse_math=False,
                )

    def _least_width(self, panel: Panel) -> int:
        """What title and bar take, whatever the pictures do."""
        dpi = self._paper.dpi
        texts = {TITLE: panel.title, CAPTION: panel.bar.note if panel.bar else ""}
        widths = [
            text_width(line, points, dpi)
            for points, text in texts.items()
            for line in wrapped(text, points, dpi, self._line(panel)).splitlines()
        ]
        return max(self._paper.in_pixels(_SHORTEST_BAR) if panel.bar else 1, *widths, 1)

    def _set(self, axes: Axes, width: int, height: int) -> None:
        """Gives axes so many pixels from their top left corner."""
        wide, high = self.figure.bbox.size
        left, top = self._corners[axes]
        # From below, where the lowest pixel begins.
        below = int(high) - top - height
        axes.set_position((left / wide, below / high, width / wide, height / high))


def _width_of(label: str, dpi: int) -> int:
    return max((text_width(line, CAPTION, dpi) for line in label.splitlines()), default=0)


def _set_ticks(
    axes: Axes,
    columns: Sequence[float],
    column_labels: Sequence[str],
    rows: Sequence[float],
    row_labels: Sequence[str],
) -> None:
    axes.set_xticks(columns if column_labels else [], column_labels)
    axes.set_yticks(rows if row_labels else [], row_labels)
    for text in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        text.set_parse_math(False)
