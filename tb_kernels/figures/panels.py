"""Pictures in rows and columns, in whole pixels: what stands where, and how large."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.colors import paint
from tb_kernels.drawing.layouts import Layout, assemble
from tb_kernels.drawing.levels import Limits, find_nonfinite, to_levels
from tb_kernels.errors import LogError
from tb_kernels.figures.paper import DPI, Paper
from tb_kernels.figures.scale import Bar, Scale
from tb_kernels.figures.texts import CAPTION, line_height, text_width
from tb_kernels.reading.picture import Picture

# Between pictures, in points; and as many times the gap between slices, whichever is more.
_GAP, _TIMES = 4.0, 3

Flow = Literal["row", "column", "square"]


@dataclass(frozen=True)
class Cell:
    """A picture of a figure.

    Attributes:
        caption: What stands above it, a line or some.
        layout: How its tiles stand, at the scale that it was logged with.
        tiles: Gives them, (tiles, height, width, channels), once the figure has its place.
        as_logged: Whether they have the colours of the log.
    """

    caption: str
    layout: Layout
    tiles: Callable[[], NDArray[np.uint8]]
    as_logged: bool = False


class Panel(NamedTuple):
    """Pictures on one scale.

    Attributes:
        rows: Of equal length; None leaves a place empty.
        title: Above all; empty for none.
        row_labels: At the left of each row; empty for none.
        column_labels: Above each column; empty for none.
        bar: Its scale; None if that is told elsewhere.
        flow: How the pictures of a single row go on in more of them; None if they do not.
    """

    rows: Sequence[Sequence[Cell | None]]
    title: str = ""
    row_labels: Sequence[str] = ()
    column_labels: Sequence[str] = ()
    bar: Bar | None = None
    flow: Flow | None = None


class Place(NamedTuple):
    """Where a picture stands: its top left corner in pixels, and its layout there."""

    cell: Cell
    layout: Layout
    x: int
    y: int


@dataclass(frozen=True)
class Placed:
    """A panel with its pictures in their places.

    Attributes:
        places: Of each picture.
        width: In pixels.
        height: In pixels.
        columns: The middle of each column.
        rows: The middle of each row.
        widths: Of the columns, in pixels.
        gap: Pixels between columns.
        zoom: How many times as large as logged.
    """

    places: list[Place]
    width: int
    height: int
    columns: list[float]
    rows: list[float]
    widths: list[int]
    gap: int
    zoom: float

    def mosaic(self) -> NDArray[np.uint8]:
        """All pictures in one, (height, width, 4): red, green, blue, and nothing between them."""
        canvas = np.zeros((self.height, self.width, 4), np.uint8)
        for cell, layout, x, y in self.places:
            (pixels,) = assemble(cell.tiles()[None], layout)
            height, width = pixels.shape[:2]
            place = canvas[y : y + height, x : x + width]
            place[..., :3] = pixels
            place[..., 3] = 255
        return canvas


def cell_of(
    picture: Picture,
    caption: str,
    scale: Scale,
    limits: Limits | None,
    columns: int | None = None,
) -> Cell:
    """A logged picture on the scale of a figure.

    Args:
        picture: Which.
        caption: What stands above it.
        scale: Of the figure.
        limits: The weights that its ends stand for; None for as it was logged.
        columns: Slices in a row; None for as logged.
    """
    try:
        legend = picture.legend
    except LogError:
        layout = Layout(1, picture.height, picture.width, 1, 1, 0)
        return Cell(caption, layout, partial(_whole, picture), as_logged=True)
    layout = legend.layout
    if columns is not None and legend.wrapped:
        layout = replace(layout, columns=min(columns, layout.tiles))
    colormap = scale.painted(legend, limits)
    if limits is None or (legend.limits.equal(limits) and colormap == legend.colormap):
        return Cell(caption, layout, picture.tiles, as_logged=True)
    return Cell(caption, layout, partial(_repainted, picture, limits, colormap))


def painted(weights: NDArray[np.float64], limits: Limits, colormap: str) -> NDArray[np.uint8]:
    """A kernel's weights, (slices, [depth,] height, width), as tiles of their colours."""
    kernel = weights[None].astype(np.float32)
    levels = to_levels(np.nan_to_num(kernel), limits)
    return paint(levels, colormap, find_nonfinite(kernel))[0]  # type: ignore[no-any-return]


def place(
    panel: Panel,
    zoom: float,
    paper: Paper,
    width: int | None = None,
    like: Placed | None = None,
) -> Placed:
    """Places the pictures of a panel, each column as wide as its widest.

    Args:
        panel: Its rows as they are to stand.
        zoom: How many times as large as logged.
        paper: For the size of captions.
        width: Pixels that are to be filled by wider gaps, up to three times as wide.
        like: A panel whose first columns are as wide, and as far apart; None for none.
    """
    layouts = [[None if one is None else at(one.layout, zoom) for one in row] for row in panel.rows]
    gap = gap_between((one for row in layouts for one in row if one), paper)
    line = line_height(CAPTION, paper.dpi)
    widths = [
        max(
            _longest(layout.size[1] for layout in column if layout),
            _longest(caption_width(cell, paper) for cell in cells if cell),
            _label_width(label, paper),
            narrowest,
        )
        for column, cells, label, narrowest in zip(
            zip(*layouts, strict=True),
            zip(*panel.rows, strict=True),
            panel.column_labels or [""] * len(layouts[0]),
            like.widths[: len(layouts[0])] if like else [0] * len(layouts[0]),
            strict=True,
        )
    ]
    spare = 0 if width is None else width - sum(widths) - gap * (len(widths) - 1)
    between = gap + max(0, min(spare // max(1, len(widths) - 1), 2 * gap))
    lefts = _starts(widths, like.gap if like else between)
    places, middles, y = [], [], 0
    for row, own in zip(panel.rows, layouts, strict=True):
        y += line * _longest(caption_lines(cell) for cell in row if cell)
        height = _longest(layout.size[0] for layout in own if layout)
        # A label has room, however flat its row is.
        height = max(height, line * _longest(map(_lines, panel.row_labels)), 1)
        for cell, layout, x, width in zip(row, own, lefts, widths, strict=True):
            if cell and layout:
                places.append(Place(cell, layout, x + (width - layout.size[1]) // 2, y))
        middles.append(y + height / 2)
        y += height + gap
    columns = [x + width / 2 for x, width in zip(lefts, widths, strict=True)]
    whole = lefts[-1] + widths[-1]
    return Placed(places, whole, y - gap, columns, middles, widths, between, zoom)


def natural(paper: Paper) -> float:
    """How many times as large as logged a picture is drawn, if nobody says otherwise."""
    return paper.dpi / DPI


def at(layout: Layout, zoom: float) -> Layout:
    """A layout so many times as large, in whole pixels of each weight."""
    return layout.at(max(1, int(layout.scale * zoom + 1e-6)))


def gap_between(layouts: Iterable[Layout], paper: Paper) -> int:
    """Pixels between pictures: always more than between the slices of one."""
    return max(paper.pixels(_GAP), _TIMES * _longest(one.gap for one in layouts))


def caption_width(cell: Cell, paper: Paper) -> int:
    """Pixels that the longest line of a caption takes."""
    return _longest(_label_width(line, paper) for line in cell.caption.splitlines())


def caption_lines(cell: Cell) -> int:
    """How many lines a caption has."""
    return _lines(cell.caption)


def _lines(text: str) -> int:
    return len(text.splitlines())


def _label_width(text: str, paper: Paper) -> int:
    return text_width(text, CAPTION, paper.dpi) if text else 0


def _longest(lengths: Iterable[int]) -> int:
    return max(lengths, default=0)


def _starts(lengths: Sequence[int], gap: int) -> list[int]:
    starts = [0]
    for length in lengths[:-1]:
        starts.append(starts[-1] + length + gap)
    return starts


def _whole(picture: Picture) -> NDArray[np.uint8]:
    """A picture of which the log has no index, as a single tile."""
    pixels = picture.pixels()
    return pixels.reshape(1, *pixels.shape[:2], -1)


def _repainted(picture: Picture, limits: Limits, colormap: str) -> NDArray[np.uint8]:
    return painted(picture.weights(), limits, colormap)
