"""Loss, metrics and statistics over epochs: which figures there are of a log, and their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tb_kernels.errors import ArgumentError, LogError, reason_of
from tb_kernels.figures.curve_plot import build_curves, words_of
from tb_kernels.figures.paper import Format, Paper
from tb_kernels.figures.saving import Drawing, encode, plain_style
from tb_kernels.reading.curves import WRITERS, Curve
from tb_kernels.reading.log import Log
from tb_kernels.schema.naming import belongs, natural_order, number_of, order_of
from tb_kernels.wording import enumerate_some, shown

# What Keras puts before the names of its curves over epochs.
_PER_EPOCH = "epoch_"

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
        lines: The curves by name: of training and validation, or of the layers in network order.
        logged: The epochs that have pictures.
    """

    name: str
    lines: dict[str, Curve]
    logged: list[int]

    @property
    def file(self) -> str:
        """The name of its file, without its ending."""
        return self.name.replace(" ", "-")

    @property
    def title(self) -> str:
        """What they are in words, `"kernels: relative change per epoch"`."""
        return words_of(self.name, self.lines)[0]


def curve_figures(log: Log, run: str) -> list[CurveFigure]:
    """The figures of a training: loss and metrics first.

    Where layers or kernels were chosen, of the statistics those of their layers.
    """
    of_run = log.select(runs=run)
    curves = log.scalars(run=run)
    figures: dict[str, dict[str, Curve]] = {}
    for writer in WRITERS:
        for tag, curve in curves.get(writer, {}).items():
            if tag.startswith(_PER_EPOCH):
                figures.setdefault(tag.removeprefix(_PER_EPOCH), {})[writer] = curve
    # The loss first, then the metrics, as in TensorBoard.
    figures = dict(sorted(figures.items(), key=lambda named: (named[0] != "loss", named[0])))
    # A call and an output of a layer have a number of their own, and no statistics.
    numbers = {layer.number.partition("@")[0].partition("#")[0] for layer in of_run.layers}
    for writer in sorted(set(curves).difference(WRITERS)):
        for tag, curve in curves[writer].items():
            layer, slash, statistic = tag.rpartition("/")
            if slash and (not log.narrowed or _is_of(layer, numbers)):
                figures.setdefault(f"{writer} {statistic}", {})[layer] = curve
    return [CurveFigure(name, _in_order(lines), of_run.epochs) for name, lines in figures.items()]


def curves_figure(
    log: Log, name: str, run: str | None = None, paper: Paper | None = None
) -> Drawing:
    """A figure of the loss, of a metric or of a statistic of the layers over epochs.

    Args:
        log: A log, or some of it; where layers or kernels were chosen, statistics are of these.
        name: `"loss"`, a metric as `"accuracy"`, or view and statistic as
            `"kernels relative_change"`.
        run: Which training; it may be left out where there is only one.
        paper: What it is drawn for; without a width it is 6 inches wide.

    Returns:
        The caller's own: it can be changed and saved as anything.

    Raises:
        ArgumentError: If there are no such curves, or it is not clear of which training.
    """
    if run is None and len(log.runs) == 1:
        (run,) = log.runs
    if run not in log.runs:
        raise ArgumentError(
            f"run: expected one of those in {shown(log.where)!r}, "
            f"{enumerate_some(log.runs) or 'of which there are none'}; got {run!r}"
        )
    figures = curve_figures(log, str(run))
    for figure in figures:
        if name in (figure.name, figure.file):
            with plain_style():
                return build_curves(*figure, paper=paper)
    raise ArgumentError(
        f"name: no curves {name!r} in {shown(log.where)!r}; there are "
        f"{enumerate_some(figure.name for figure in figures) or 'none'}"
    )


def draw_curves(
    name: str,
    lines: Mapping[str, Curve],
    logged: Sequence[int],
    *,
    format: Format,
    dark: bool = False,
    paper: Paper | None = None,
) -> bytes:
    """Draws curves over epochs.

    Args:
        name: What they are, as in `CurveFigure`.
        lines: By name; a point at step s is epoch s + 1.
        logged: The epochs that have pictures.
        format: Of the file. Equal curves give equal bytes.
        dark: Whether it is for a dark page; without a background of its own.
        paper: What it is drawn for; None for 6 inches, and as SVG without a background.

    Raises:
        LogError: If there are numbers among them that no axis can have.
    """
    style = _DARK if dark else {}
    try:
        # matplotlib warns of numbers that are too large for it, and goes on.
        with plain_style(**style), np.errstate(all="ignore"):
            figure = build_curves(name, lines, logged, dark=dark, paper=paper)
            if paper is None and format == "svg":
                figure.set_facecolor("none")
            return encode(figure, format, **style)
    except (ValueError, OverflowError) as error:
        raise LogError(reason_of(error)) from None


def _is_of(group: str, numbers: set[str]) -> bool:
    number = number_of(group)
    return number is not None and any(belongs(number, one) for one in numbers)


def _in_order(lines: dict[str, Curve]) -> dict[str, Curve]:
    """Training before validation, and layers as they stand in the network."""
    if set(lines) <= set(WRITERS):
        return lines
    return dict(sorted(lines.items(), key=lambda named: _place(named[0])))


def _place(group: str) -> tuple[bool, list[tuple[str, int]], list[str | int]]:
    number = number_of(group)
    return number is None, order_of(number or ""), natural_order(group)
