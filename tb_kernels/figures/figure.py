"""`Log.figure`: one figure that answers one question about what was selected."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from matplotlib.figure import Figure

from tb_kernels.arguments import check_size
from tb_kernels.errors import ArgumentError
from tb_kernels.figures.choosing import Choosing, chosen_strips
from tb_kernels.figures.context import TOP, draw_context
from tb_kernels.figures.curves import curves_figure
from tb_kernels.figures.difference import End, draw_difference, of_trainings, over_time
from tb_kernels.figures.kinds import draw_grid, draw_runs, draw_sheet, draw_strip, draw_views
from tb_kernels.figures.manner import Manner
from tb_kernels.figures.saving import Drawing
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.log import Log
from tb_kernels.schema.naming import SHEET
from tb_kernels.wording import count, did_you_mean, enumerate_some, ranges

_OPTIONS = tuple(inspect.signature(Manner.checked).parameters)

# More pictures are nobody's figure.
_MOST = 4096


def draw_figure(
    log: Log,
    kind: str = "auto",
    *,
    order: Any = None,
    top: int | None = None,
    name: str | None = None,
    **options: Any,
) -> Figure:
    """As `Log.figure`, which says what the arguments are."""
    unknown = set(options) - set(_OPTIONS)
    if unknown:
        raise ArgumentError(
            f"figure: unknown {', '.join(sorted(map(repr, unknown)))}; expected some of "
            f"{', '.join(('order', 'top', 'name', *_OPTIONS))}"
        )
    manner, top = Manner.checked(**options), check_size("top", top)
    kind = _kind_of(log) if kind == "auto" else kind
    if kind == "curves":
        return curves_figure(log, name or "loss", paper=manner.paper)
    if kind not in KINDS:
        raise ArgumentError(
            f"kind: unknown {kind!r}; expected one of "
            f"{', '.join(map(repr, ('auto', *KINDS, 'curves')))}{did_you_mean(kind, KINDS)}"
        )
    if len(log) > _MOST:
        raise ArgumentError(
            f"figure: {count(len(log), 'picture')} are too many for one figure; select a layer, "
            "some kernels or some epochs"
        )
    return KINDS[kind](log, manner, Choosing(order, top))


def _kind_of(log: Log) -> str:
    """What answers best of what was selected."""
    if len(log.runs) > 1:
        return "runs"
    if len(log.views) > 1:
        return "views"
    if log.strip_count == 1:
        return "strip"
    return "sheet" if len(log.epochs) == 1 else "grid"


def _draw_strip(log: Log, manner: Manner, choosing: Choosing) -> Drawing:
    strips = list(log.strips())
    if len(strips) != 1:
        raise ArgumentError(
            f"kind: a strip is of one kernel in one view, and {count(len(strips), 'kernel')} "
            "are selected; expected a selection such as log.select(layers=1, kernels=6), or "
            "kind='grid'"
        )
    return draw_strip(strips[0], manner)


def _draw_sheet(log: Log, manner: Manner, choosing: Choosing) -> Drawing:
    layer = _one_layer(log, "sheet")
    if len(log.epochs) != 1:
        raise ArgumentError(
            f"kind: a sheet is of one epoch, and {ranges(log.epochs)} are selected; expected a "
            "selection such as log.select(layers=1, epochs='last'), or kind='grid'"
        )
    pictures = {one.address.kernel: one for one in log}
    return draw_sheet([pictures[one] for one in choosing.of(log, layer) or pictures], manner)


def _draw_grid(log: Log, manner: Manner, choosing: Choosing) -> Drawing:
    return draw_grid(chosen_strips(log, _one_layer(log, "grid"), choosing), manner)


def _draw_views(log: Log, manner: Manner, choosing: Choosing) -> Drawing:
    addresses = {one.address[:2] for one in log}
    if len(addresses) != 1 or len(log.runs) != 1:
        raise ArgumentError(
            f"kind: views are of one kernel, and {len(addresses)} are selected; expected a "
            "selection such as log.select(kernels='3_2')"
        )
    strips = list(log.strips())
    return draw_views([one for one in strips if one[-1].is_beside(strips[0][-1])], manner)


def _draw_runs(log: Log, manner: Manner, choosing: Choosing) -> Drawing:
    """The kernels that come first in the first of them."""
    runs = {run: log.select(runs=run) for run in log.runs}
    layers = [_one_layer(one, "figure of runs") for one in runs.values()]
    first = next(iter(runs.values()))
    numbers = choosing.of(first, layers[0]) or [SHEET]
    strips = {
        run: [strip for strip in one.strips() if strip[0].address.kernel in numbers]
        for run, one in runs.items()
    }
    return draw_runs({run: found for run, found in strips.items() if found}, manner)


def _draw_difference(log: Log, manner: Manner, choosing: Choosing) -> Drawing:
    return draw_difference(log, *_ends_of(log), manner, choosing)


def _ends_of(log: Log) -> tuple[End, End]:
    """Two epochs, the first and the last; or two trainings, each at its last.

    Raises:
        ArgumentError: If a log has neither, or more than one layer.
    """
    if len(log.runs) == 2:
        one, other = (_one_layer(log.select(runs=run), "difference") for run in log.runs)
        return of_trainings(one, other)
    if len(log.runs) > 1 or len(log.epochs) < 2:
        raise ArgumentError(
            f"kind: a difference is of two epochs or of two runs; epochs {ranges(log.epochs)} "
            f"of {count(len(log.runs), 'run')} are selected"
        )
    return over_time(_one_layer(log, "difference"))


def _draw_context(log: Log, manner: Manner, choosing: Choosing) -> Drawing:
    if log.strip_count != 1:
        raise ArgumentError(
            f"kind: a context is of one kernel, and {log.strip_count} are selected; expected a "
            "selection such as log.select(views='kernels', kernels='3_6')"
        )
    return draw_context(log, list(log)[-1], manner, choosing.top or TOP)


KINDS: dict[str, Callable[[Log, Manner, Choosing], Drawing]] = {
    "strip": _draw_strip,
    "grid": _draw_grid,
    "sheet": _draw_sheet,
    "views": _draw_views,
    "runs": _draw_runs,
    "difference": _draw_difference,
    "context": _draw_context,
}


def _one_layer(log: Log, what: str) -> LoggedLayer:
    if len(log.layers) != 1:
        have = enumerate_some(f"{one.view} of {one.number}" for one in log.layers)
        raise ArgumentError(
            f"kind: a {what} is of one layer in one view, and there are {have}; expected a "
            "selection such as log.select(views='kernels', layers=1)"
        )
    return log.layers[0]
