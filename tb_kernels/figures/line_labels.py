"""Names at the ends of lines, in the lines' colours, moved apart so that none hides another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Bbox, IdentityTransform
from numpy.typing import NDArray

from tb_kernels.figures.texts import text_font
from tb_kernels.wording import shown

# In points, a seventy-second of an inch: from the axes to a name, and from the line that leads
# to it.
_AWAY, _GAP = 12.0, 2.0

# How much higher than a name its place is.
_LEADING = 1.15

# How much wider a letter may be in pixels than in print: half of one, of a hundred an inch.
_ROUNDING = 0.36

# No line holds more letters, however narrow they are.
_MOST_LETTERS = 400


class LineLabels(Artist):
    """The names of lines, right of their axes, each at the height where its line ends.

    They are placed whenever the figure is drawn, so they also stand apart after its size, its
    scale or its limits were changed.

    Args:
        axes: Where the lines are.
        lines: Those that are named, each by its label, which may be any text.
        points: The size of the letters.
        width: The most that a name may take, in points; a longer one is cut in its middle.
    """

    def __init__(self, axes: Axes, lines: Sequence[Line2D], points: float, width: float) -> None:
        super().__init__()
        self._beside = axes
        self._lines = list(lines)
        self.texts: list[Text] = []
        self._leaders: list[Line2D] = []
        for line in lines:
            name = str(line.get_label())
            told = name if _end_of(line) is not None else f"{name} (never finite)"
            text = Text(
                text=fitted(told, points, width),
                fontsize=points,
                color=line.get_color(),
                verticalalignment="center_baseline",
                parse_math=False,
            )
            leader = Line2D([], [], color=line.get_color(), linewidth=0.8, linestyle=":")
            self.texts.append(text)
            self._leaders.append(leader)
        for child in self.get_children():
            child.set_figure(axes.figure)
            child.set_transform(IdentityTransform())
        # What is clipped to the axes would be given no room beside them.
        self.set_clip_on(False)
        self.set_zorder(3)
        axes.add_artist(self)

    def get_children(self) -> list[Artist]:
        """The names and the lines that lead to them."""
        return [*self._leaders, *self.texts]

    def draw(self, renderer: Any) -> None:
        """Draws the names where the axes are now."""
        if self.get_visible():
            self._place(renderer)
            for child in self.get_children():
                child.draw(renderer)
            self.stale = False

    def get_window_extent(self, renderer: Any = None) -> Bbox:
        """The room that the names take beside the axes."""
        self._place(renderer)
        right = max((text.get_window_extent(renderer).x1 for text in self.texts), default=0)
        inside = self._beside.bbox
        return Bbox.from_extents(inside.x0, inside.y0, max(inside.x1, right), inside.y1)

    def get_tightbbox(self, renderer: Any = None) -> Bbox:
        """The same: the layout takes it for the axes' own."""
        return self.get_window_extent(renderer)

    def _place(self, renderer: Any) -> None:
        if not self.texts:
            return
        inside, pixels = self._beside.bbox, self._beside.figure.dpi / 72
        ends = [self._end(line) for line in self._lines]
        height = max(text.get_window_extent(renderer).height for text in self.texts)
        places = apart([y for _, y in ends], height * _LEADING, inside.y0, inside.y1)
        left = inside.x1 + _AWAY * pixels
        for text, leader, (x, y), place in zip(
            self.texts, self._leaders, ends, places.tolist(), strict=True
        ):
            text.set_position((left, place))
            leader.set_data([x, left - _GAP * pixels], [y, place])

    def _end(self, line: Line2D) -> tuple[float, float]:
        """Where a line ends, in pixels of the figure and within the axes."""
        inside, end = self._beside.bbox, _end_of(line)
        if end is None:
            return inside.x1, inside.y0
        x, y = np.clip(self._beside.transData.transform(end), inside.min, inside.max).tolist()
        return x, y


def apart(wanted: Sequence[float], height: float, low: float, high: float) -> NDArray[np.float64]:
    """Places of equal height that do not overlap, as near as can be to those wanted.

    The order stays; of equal ones the first stands uppermost. The sum of the squared distances
    is the least there is (isotonic regression, by pooling neighbours that are too close).

    Args:
        wanted: The middles, shape (places,), in any order.
        height: Of each place.
        low: Where the lowest place may begin.
        high: Where the uppermost may end. Places that do not fit stand around the middle.

    Returns:
        The middles, shape (places,), in the order of `wanted`.
    """
    order = sorted(range(len(wanted)), key=lambda place: (wanted[place], -place))
    # Each pool: the mean of what its members want less the places below them, and their number.
    pools: list[tuple[float, int]] = []
    for rank, place in enumerate(order):
        mean, members = wanted[place] - rank * height, 1
        while pools and pools[-1][0] > mean:
            before, more = pools.pop()
            mean = (before * more + mean * members) / (more + members)
            members += more
        pools.append((mean, members))
    first = low + height / 2
    last = high - height / 2 - (len(wanted) - 1) * height
    if last < first:
        first = last = (first + last) / 2
    lowest = np.repeat([mean for mean, _ in pools], [members for _, members in pools])
    places = np.empty(len(wanted))
    places[order] = np.clip(lowest, first, last) + height * np.arange(len(wanted))
    return places


def fitted(text: str, points: float, width: float) -> str:
    """A text on one line that is no wider than so many points, cut in its middle if it was."""
    text = shown(text, _MOST_LETTERS)
    if _width(text, points) <= width:
        return text
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        letters = (fits + too_long) // 2
        if _width(_shortened(text, letters), points) <= width:
            fits = letters
        else:
            too_long = letters
    return _shortened(text, fits)


def _shortened(text: str, letters: int) -> str:
    """So many letters of a text: of its end, which may tell most, a third."""
    end = letters // 3
    return f"{text[: letters - end]}…{text[len(text) - end :]}"


def _width(text: str, points: float) -> float:
    """The most that a text takes, in points, whatever it is drawn on."""
    width, _, _ = text_to_path.get_text_width_height_descent(text, text_font(points), False)
    return float(width) + _ROUNDING * len(text)


def _end_of(line: Line2D) -> tuple[float, float] | None:
    """The last point of a line that can be drawn."""
    x, y = (np.asarray(one, float) for one in line.get_data())
    drawn = np.flatnonzero(np.isfinite(y))
    return (float(x[drawn[-1]]), float(y[drawn[-1]])) if len(drawn) else None
