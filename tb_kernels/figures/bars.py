"""The bar of a scale: its colours, its ends and zero, and what is to be said of it."""

from __future__ import annotations

from matplotlib.axes import Axes

from tb_kernels.figures.paper import Paper
from tb_kernels.figures.scale import Bar
from tb_kernels.figures.texts import CAPTION, text_width, wrapped


def draw_bar(axes: Axes, bar: Bar, shortest: int, room: int, paper: Paper) -> None:
    """Draws a bar from low to high.

    Args:
        axes: It fills them.
        bar: What it tells.
        shortest: Pixels that it will be long at least.
        room: Pixels that a line of text may take.
        paper: Of the figure.
    """
    axes.tick_params(length=2, pad=1, labelsize=CAPTION, width=0.5)
    for spine in axes.spines.values():
        spine.set(linewidth=0.5, color="#808080")
    axes.yaxis.set_visible(False)
    axes.set_xticks([])
    axes.set_frame_on(bar.colors is not None)
    if bar.note:
        note = wrapped(bar.note, CAPTION, paper.dpi, room)
        axes.set_xlabel(note, loc="left", fontsize=CAPTION, parse_math=False, labelpad=1)
    if bar.colors is None:
        return
    low, high = (0.0, 1.0) if bar.low is None or bar.high is None else (bar.low, bar.high)
    ticks = {low: number(low), high: number(high)}
    if bar.low is None:
        ticks = {low: "low", high: "high"}
    elif low == high:
        # All weights are equal, and mid-grey.
        low, high, ticks = low - 1, high + 1, {low: number(low)}
    elif low < 0 < high:
        ticks = {low: number(low), 0.0: _zero(low, high, shortest, paper), high: number(high)}
    axes.imshow(bar.colors[None], extent=(low, high, 0, 1), aspect="auto", interpolation="nearest")
    axes.set_xticks(list(ticks), list(ticks.values()))
    texts = axes.get_xticklabels()
    if len(texts) > 1:
        # Within the bar, so that nothing beside it is met.
        texts[0].set_horizontalalignment("left")
        texts[-1].set_horizontalalignment("right")


def number(value: float) -> str:
    """A weight as people read it."""
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")


def _zero(low: float, high: float, shortest: int, paper: Paper) -> str:
    """Zero by its name, unless that would meet those of the ends."""
    at = -low / (high - low) * shortest
    first, own, last = (text_width(number(one), CAPTION, paper.dpi) for one in (low, 0, high))
    return "0" if first + own < at < shortest - own - last else ""
