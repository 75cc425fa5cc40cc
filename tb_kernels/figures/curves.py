"""Loss, metrics and statistics over epochs, the logged epochs marked."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tb_kernels.figures.board import DPI
from tb_kernels.reading.catalog import Curve
from tb_kernels.wording import shown

# Of up to four lines, on white and on a dark page.
_COLORS = ("#2a6fdb", "#d9622b", "#2a9d6a", "#9a4fd0")
_BRIGHT_COLORS = ("#6ea8ff", "#ff9a66", "#5fd3a0", "#c792ff")

# So many lines are named; of more some are.
_NAMED = 8
_LONGEST_NAME = 40

_DARK = {
    "text.color": "#e6e6e6",
    "axes.labelcolor": "#e6e6e6",
    "axes.edgecolor": "#8a8a8a",
    "xtick.color": "#c8c8c8",
    "ytick.color": "#c8c8c8",
}


def draw_curves(
    title: str,
    lines: Mapping[str, Curve],
    logged: Sequence[int],
    *,
    format: Literal["png", "pdf", "svg"],
    dark: bool = False,
) -> bytes:
    """Draws curves over epochs.

    Args:
        title: What they are, `"loss"`.
        lines: By name; a point at step s is epoch s + 1.
        logged: The epochs that have pictures.
        format: Of the file. Equal curves give equal bytes.
        dark: Whether it is for a dark page; without a background of its own.
    """
    style: dict[str, Any] = {"svg.hashsalt": "tb_kernels", "svg.fonttype": "path"}
    with mpl.rc_context(style | (_DARK if dark else {})):
        figure = Figure(figsize=(6, 3.4), dpi=DPI, layout="constrained")
        axes = figure.add_subplot()
        for epoch in logged:
            axes.axvline(epoch, color="#888888", alpha=0.45, linewidth=0.8, linestyle=(0, (3, 3)))
        for place, (name, curve) in enumerate(lines.items()):
            axes.plot(
                curve.steps + 1,
                curve.values,
                color=_color(place, len(lines), dark=dark),
                label=shown(name, _LONGEST_NAME).lstrip("_") if _is_named(place, lines) else "",
                marker="o" if len(curve.steps) == 1 else None,
                linewidth=1.6,
            )
        axes.set_xlabel("epoch (dashed: logged)", parse_math=False)
        axes.set_title(shown(title, 80), parse_math=False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
        if len(lines) > 1:
            legend = axes.legend(frameon=False, fontsize="small")
            for text in legend.get_texts():
                text.set_parse_math(False)
        stream = io.BytesIO()
        metadata: dict[str, Any] = {
            "png": {"Software": None},
            "pdf": {"CreationDate": None, "Producer": None},
            "svg": {"Date": None, "Creator": None},
        }[format]
        figure.savefig(stream, format=format, metadata=metadata, transparent=format == "svg")
        return stream.getvalue()


def _color(place: int, lines: int, *, dark: bool) -> Any:
    if lines <= len(_COLORS):
        return (_BRIGHT_COLORS if dark else _COLORS)[place]
    # In the order of the network, from the first layer to the last, none as the page.
    part = place / (lines - 1)
    return mpl.colormaps["viridis"](0.15 + 0.85 * part if dark else 0.9 * part)


def _is_named(place: int, lines: Mapping[str, Curve]) -> bool:
    named = np.linspace(0, len(lines) - 1, min(len(lines), _NAMED)).round()
    return place in named
