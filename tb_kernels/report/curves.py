"""Loss, metrics and statistics over epochs: which figures there are, and what draws them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tb_kernels.errors import LogError, reason_of
from tb_kernels.figures.paper import DPI, NO_METADATA, plain_style
from tb_kernels.reading.curves import WRITERS, Curve
from tb_kernels.reading.log import Log
from tb_kernels.report.room import thin_out
from tb_kernels.schema.naming import FINAL
from tb_kernels.wording import shown

# What Keras puts before the names of its curves over epochs.
_PER_EPOCH = "epoch_"

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


class CurveFigure(NamedTuple):
    """A figure of curves.

    Attributes:
        name: What they are, `"loss"` or `"kernels relative_change"`.
        lines: The curves by name: of training and validation, or of the layers.
        logged: The epochs that have pictures.
    """

    name: str
    lines: dict[str, Curve]
    logged: list[int]

    @property
    def file(self) -> str:
        """The name of its file, without its ending."""
        return self.name.replace(" ", "-")


def curve_figures(log: Log, run: str) -> list[CurveFigure]:
    """The figures of a training: loss and metrics first."""
    logged = log.select(runs=run).epochs
    curves = log.scalars(run=run)
    figures: dict[str, dict[str, Curve]] = {}
    for writer in WRITERS:
        for tag, curve in curves.get(writer, {}).items():
            if tag.startswith(_PER_EPOCH):
                figures.setdefault(tag.removeprefix(_PER_EPOCH), {})[writer] = curve
    # The loss first, then the metrics, as in TensorBoard.
    figures = dict(sorted(figures.items(), key=lambda named: (named[0] != "loss", named[0])))
    for writer in sorted(set(curves).difference(WRITERS)):
        for tag, curve in curves[writer].items():
            layer, slash, statistic = tag.rpartition("/")
            if slash:
                figures.setdefault(f"{writer} {statistic}", {})[layer] = curve
    return [CurveFigure(name, lines, logged) for name, lines in figures.items()]


def draw_curves(
    name: str,
    lines: Mapping[str, Curve],
    logged: Sequence[int],
    *,
    format: Literal["png", "pdf", "svg"],
    dark: bool = False,
) -> bytes:
    """Draws curves over epochs.

    Args:
        name: What they are, as in `CurveFigure`.
        lines: By name; a point at step s is epoch s + 1.
        logged: The epochs that have pictures.
        format: Of the file. Equal curves give equal bytes.
        dark: Whether it is for a dark page; without a background of its own.

    Raises:
        LogError: If there are numbers among them that no axis can have.
    """
    stream = io.BytesIO()
    try:
        with plain_style(**_SVG | (_DARK if dark else {})):
            build_curves(name, lines, logged, dark=dark).savefig(
                stream,
                format=format,
                dpi=DPI,
                metadata=NO_METADATA[format],
                transparent=format == "svg",
            )
    except (ValueError, OverflowError) as error:
        raise LogError(reason_of(error)) from None
    return stream.getvalue()


def build_curves(
    name: str, lines: Mapping[str, Curve], logged: Sequence[int], *, dark: bool = False
) -> Figure:
    """The figure that `draw_curves` encodes."""
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.add_subplot()
    ends = [int(curve.steps[-1]) + 1 for curve in lines.values() if len(curve.steps)]
    for epoch in logged:
        # The model as training leaves it stands at its last epoch.
        place = max(ends, default=0) if epoch == FINAL else epoch
        axes.axvline(place, color="#888888", alpha=0.45, linewidth=0.8, linestyle=(0, (3, 3)))
    named = thin_out(list(lines), _NAMED)
    for place, (line, curve) in enumerate(lines.items()):
        axes.plot(
            curve.steps + 1,
            curve.values,
            color=_color(place, len(lines), dark=dark),
            # matplotlib hides what begins with an underscore.
            label=shown(line, _LONGEST_NAME).lstrip("_") if line in named else "",
            marker="o" if len(curve.steps) == 1 else None,
            linewidth=1.6,
        )
    axes.set_xlabel("epoch (dashed: logged)", parse_math=False)
    axes.set_title(shown(name, 80), parse_math=False)
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
    share = place / (lines - 1)
    return mpl.colormaps["viridis"](0.15 + 0.85 * share if dark else 0.9 * share)
