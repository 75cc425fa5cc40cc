"""Loss, metrics and statistics over epochs, the logged epochs marked."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tb_kernels.reading.catalog import Curve
from tb_kernels.report.board import DPI, NO_METADATA, plain_style
from tb_kernels.report.thinning import thin_out
from tb_kernels.wording import shown

# Of up to four lines, on white and on a dark page.
_COLORS = ("#2a6fdb", "#d9622b", "#2a9d6a", "#9a4fd0")
_BRIGHT_COLORS = ("#6ea8ff", "#ff9a66", "#5fd3a0", "#c792ff")

# So many lines are named; of more some are.
_NAMED = 8
_LONGEST_NAME = 40

_SVG = {"svg.hashsalt": "tb_kernels", "svg.fonttype": "path"}

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
    with plain_style(**_SVG | (_DARK if dark else {})):
        figure = build_curves(title, lines, logged, dark=dark)
        stream = io.BytesIO()
        figure.savefig(
            stream,
            format=format,
            dpi=DPI,
            metadata=NO_METADATA[format],
            transparent=format == "svg",
        )
    return stream.getvalue()


def build_curves(
    title: str, lines: Mapping[str, Curve], logged: Sequence[int], *, dark: bool = False
) -> Figure:
    """The figure that `draw_curves` encodes."""
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.add_subplot()
    for epoch in logged:
        axes.axvline(epoch, color="#888888", alpha=0.45, linewidth=0.8, linestyle=(0, (3, 3)))
    named = thin_out(list(lines), _NAMED)
    for place, (name, curve) in enumerate(lines.items()):
        axes.plot(
            curve.steps + 1,
            curve.values,
            color=_color(place, len(lines), dark=dark),
            # matplotlib hides what begins with an underscore.
            label=shown(name, _LONGEST_NAME).lstrip("_") if name in named else "",
            marker="o" if len(curve.steps) == 1 else None,
            linewidth=1.6,
        )
    axes.set_xlabel("epoch (dashed: logged)", parse_math=False)
    axes.set_title(shown(title, 80), parse_math=False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    if len(lines) > 1 and any(axes.get_legend_handles_labels()):
        for text in axes.legend(frameon=False, fontsize="small").get_texts():
            text.set_parse_math(False)
    return figure


def _color(place: int, lines: int, *, dark: bool) -> Any:
    if lines <= len(_COLORS):
        return (_BRIGHT_COLORS if dark else _COLORS)[place]
    # In the order of the network, from the first layer to the last, none as the page.
    part = place / (lines - 1)
    return mpl.colormaps["viridis"](0.15 + 0.85 * part if dark else 0.9 * part)
