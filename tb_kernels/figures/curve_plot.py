"""Curves over epochs → a matplotlib figure: scale, colours, marks of the logged epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tb_kernels.figures.line_labels import LineLabels, fitted
from tb_kernels.figures.paper import INCH, Paper
from tb_kernels.figures.saving import Drawing
from tb_kernels.reading.curves import WRITERS, Curve
from tb_kernels.schema.naming import FINAL

# In inches, and what is left of it for texts in points.
_SIZE = (6.0, 3.4)
_ROOM_FOR_TITLE, _ROOM_FOR_LABEL, _ROOM_FOR_NAME = 415.0, 180.0, 140.0
_TITLE, _TEXT, _NOTE = 11.0, 9.0, 8.0

# So many lines are all named; of more, so many.
_ALL_NAMED = 12
_NAMED = 8

# The axis is logarithmic where the largest value is more than so many times the smallest.
# It shows so many orders of magnitude, and what is smaller as on a linear axis.
_WIDE, _WIDEST = 100.0, 1e12

# Between these matplotlib can draw a logarithmic axis and its margins.
_MATPLOTLIB_LEAST, _MATPLOTLIB_MOST = 1e-280, 1e280

# With more logged epochs than this their marks are finer.
_FEW_EPOCHS = 20

# So that lines can also be told apart in grey print.
_MARKERS = ("o", "s", "^", "D", "v", "P")

# What the names of our statistics mean: a title, and what the axis counts.
_STATISTICS = {
    "kernels kernel_norm": ("kernels: norm", "mean norm of a layer's kernels"),
    "kernels relative_change": (
        "kernels: relative change",
        "change of the weights / their norm",
    ),
    "gradients gradient_norm": ("gradients: norm", "norm of a layer's gradient"),
}


class _Palette(NamedTuple):
    """Colours of a page.

    Attributes:
        first: Of the first line, as a place in matplotlib's "plasma", which is told apart by
            the colour-blind and in grey print; its lightness rises all the way.
        last: Of the last.
        rest: Of lines without a name.
        mark: Of the logged epochs.
    """

    first: float
    last: float
    rest: str
    mark: str


# Every colour of a name has a contrast of 3.8 or more to its page.
_ON_WHITE = _Palette(0.0, 0.55, "#b9bcc2", "#6b6f76")
_ON_DARK = _Palette(0.93, 0.5, "#585d66", "#a0a6b0")


def build_curves(
    name: str,
    lines: Mapping[str, Curve],
    logged: Sequence[int],
    *,
    dark: bool = False,
    paper: Paper | None = None,
) -> Drawing:
    """Draws curves over epochs, each with its name at the end of its line.

    Of more than 12 lines the 8 that end with the largest values are named; the others are grey,
    and the figure says so. The axis is logarithmic where positive values span more than two orders
    of magnitude: with zeros among them, linear below the smallest; in any case below a 10^12th of
    the largest; with negative ones, throughout. Values that are not finite leave gaps.

    Args:
        name: What they are, as in `CurveFigure`.
        lines: By name, in the order in which they are coloured; a point at step s is epoch s + 1.
        logged: The epochs that have pictures.
        dark: Whether it is for a dark page.
        paper: What it is drawn for; without a width it is 6 inches wide.
    """
    palette, paper = _ON_DARK if dark else _ON_WHITE, paper or Paper()
    times = 1.0 if paper.width is None else paper.width / INCH / _SIZE[0]
    figure = Drawing(
        figsize=(times * _SIZE[0], times * _SIZE[1]),
        dpi=paper.dpi,
        layout="constrained",
        facecolor="none" if paper.background == "transparent" else "white",
    )
    axes = figure.add_subplot()
    title, label = words_of(name, lines)
    place_of_final = max(
        (int(one.steps[-1]) + 1 for one in lines.values() if len(one.steps)), default=0
    )
    marked = [place_of_final if epoch == FINAL else epoch for epoch in logged]
    _mark_epochs(axes, logged, marked, palette)
    named = _largest(lines, _NAMED) if len(lines) > _ALL_NAMED else list(lines)
    drawn: list[Line2D] = []
    for line, curve in lines.items():
        if line in named:
            one = _draw_named(axes, curve, marked, len(drawn), len(named), palette)
            drawn.append(one)
        else:
            (one,) = axes.plot(*_points(curve), color=palette.rest, linewidth=0.7, zorder=1.5)
        one.set_label(line)
    note = _set_scale(axes, lines)
    axes.set_ylabel(
        "\n".join([fitted(label, _TEXT, times * _ROOM_FOR_LABEL), *filter(None, [note])]),
        fontsize=_TEXT,
        parse_math=False,
    )
    axes.set_xlabel(f"epoch{_told_marks(logged)}", fontsize=_TEXT, parse_math=False)
    axes.tick_params(labelsize=_NOTE)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.margins(x=0.03)
    axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(
        fitted(title, _TITLE, times * _ROOM_FOR_TITLE),
        x=0.012,
        horizontalalignment="left",
        fontsize=_TITLE,
        parse_math=False,
    )
    if len(named) < len(lines):
        figure.supxlabel(
            f"{len(named)} of {len(lines)} layers named, the largest at their last epoch; "
            "the rest grey",
            x=0.012,
            horizontalalignment="left",
            fontsize=_NOTE,
        )
    LineLabels(axes, drawn, _NOTE, min(1.0, times) * _ROOM_FOR_NAME)
    return figure


def words_of(name: str, lines: Mapping[str, Curve]) -> tuple[str, str]:
    """The title of a figure of curves, and what its axis counts.

    Args:
        name: As in `CurveFigure`.
        lines: As in `CurveFigure`.
    """
    if name in _STATISTICS:
        title, label = _STATISTICS[name]
        if name.endswith("relative_change"):
            # A loop of one's own may log some epochs only, and the change is from one to the next.
            every = all(np.array_equal(one.steps, range(len(one.steps))) for one in lines.values())
            title += " per epoch" if every else " since the epoch measured before"
        return title, label
    if not set(lines) <= set(WRITERS):
        view, _, statistic = name.partition(" ")
        return f"{view}: {statistic.replace('_', ' ')}", statistic.replace("_", " ")
    return name.replace("_", " "), name.replace("_", " ")


def _mark_epochs(
    axes: Axes, logged: Sequence[int], marked: Sequence[int], palette: _Palette
) -> None:
    alpha = 0.5 if len(logged) <= _FEW_EPOCHS else 0.2
    for epoch, place in zip(logged, marked, strict=True):
        style = "-" if epoch == FINAL else (0, (3, 3))
        axes.axvline(place, color=palette.mark, alpha=alpha, linewidth=0.8, linestyle=style)


def _told_marks(logged: Sequence[int]) -> str:
    told = ["dashed: logged"] if any(epoch != FINAL for epoch in logged) else []
    told += ["0: before training"] if 0 in logged else []
    told += ["solid: final"] if FINAL in logged else []
    return f" ({'; '.join(told)})" if told else ""


def _draw_named(
    axes: Axes, curve: Curve, marked: Sequence[int], place: int, lines: int, palette: _Palette
) -> Line2D:
    share = place / max(1, lines - 1)
    epochs, values = _points(curve)
    # A point between gaps would be no line, and not be seen.
    drawn = np.isfinite(values)
    beside = np.pad(drawn, 1)
    alone = drawn & ~beside[:-2] & ~beside[2:]
    (line,) = axes.plot(
        epochs,
        values,
        color=mpl.colormaps["plasma"](palette.first + share * (palette.last - palette.first)),
        linewidth=1.5,
        marker=_MARKERS[place % len(_MARKERS)],
        markersize=4.5 if len(marked) <= _FEW_EPOCHS else 2.5,
        markevery=np.flatnonzero(np.isin(epochs, marked) | alone).tolist(),
    )
    return line


def _points(curve: Curve) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Epochs and values of a curve, both of shape (points,); what is not finite is a gap."""
    return curve.steps + 1, np.where(np.isfinite(curve.values), curve.values, np.nan)


def _largest(lines: Mapping[str, Curve], most: int) -> list[str]:
    """The lines whose last finite values are the largest, in their order."""

    def last(name: str) -> float:
        finite = lines[name].values[np.isfinite(lines[name].values)]
        return float(finite[-1]) if len(finite) else -np.inf

    largest = sorted(lines, key=last, reverse=True)[:most]
    return [name for name in lines if name in largest]


def _set_scale(axes: Axes, lines: Mapping[str, Curve]) -> str:
    """Makes an axis of a wide range logarithmic; gives what is to be told of it."""
    values = np.concatenate([np.empty(0), *(one.values for one in lines.values())])
    values = values[np.isfinite(values)]
    positive = values[values > 0]
    if not len(positive) or values.min() < 0:
        return ""
    smallest, largest = float(positive.min()), float(positive.max())
    if largest / _WIDE <= smallest or not _MATPLOTLIB_LEAST < largest < _MATPLOTLIB_MOST:
        return ""
    if values.min() >= largest / _WIDEST:
        axes.set_yscale("log")
        return "(logarithmic)"
    linear = max(smallest, largest / _WIDEST)
    # As high as one decade, or as two lines of text where there are many.
    axes.set_yscale("symlog", linthresh=linear, linscale=max(1, np.log10(largest / linear) / 6))
    axes.set_ylim(bottom=-linear / 5)
    return f"(logarithmic, linear below {linear:.2g})"
