"""`Log.figure`: one figure that answers one question about what was selected."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tb_kernels.arguments import check_count
from tb_kernels.errors import ArgumentError
from tb_kernels.figures.context import TOP, draw_context
from tb_kernels.figures.kinds import (
    Manner,
    draw_difference,
    draw_grid,
    draw_runs,
    draw_sheet,
    draw_strip,
    draw_views,
    when,
)
from tb_kernels.figures.paper import Drawing
from tb_kernels.reading.log import Log
from tb_kernels.reading.picture import Picture
from tb_kernels.schema.naming import SHEET
from tb_kernels.wording import count, enumerate_some, ranges

_OPTIONS = tuple(inspect.signature(Manner.checked).parameters)

# More pictures are nobody's figure.
_MOST = 4096


def draw_figure(log: Log, kind: str = "auto", *, top: int = TOP, **options: Any) -> Drawing:
    """As `Log.figure`, which says what the arguments are."""
    unknown = set(options) - set(_OPTIONS)
    if unknown:
        raise ArgumentError(
            f"figure: unknown {', '.join(sorted(map(repr, unknown)))}; expected some of "
            f"{', '.join(('top', *_OPTIONS))}"
        )
    manner = Manner.checked(**options)
    kind = _kind_of(log) if kind == "auto" else kind
    if kind not in KINDS:
        raise ArgumentError(
            f"kind: unknown {kind!r}; expected one of {', '.join(map(repr, ('auto', *KINDS)))}"
        )
    check_count("top", top)
    if len(log) > _MOST:
        raise ArgumentError(
            f"figure: {count(len(log), 'picture')} are too many for one figure; select a layer, "
            "some kernels or some epochs"
        )
    draw = partial(_draw_context, top=top) if kind == "context" else KINDS[kind]
    return draw(log, manner)


def _kind_of(log: Log) -> str:
    """What answers best of what was selected."""
    if len(log.runs) > 1:
        return "runs"
    if len(log.views) > 1:
        return "views"
    if log.strip_count == 1:
        return "strip"
    return "sheet" if len(log.epochs) == 1 else "grid"


def _draw_strip(log: Log, manner: Manner) -> Drawing:
    strips = list(log.strips())
    if len(strips) != 1:
        raise ArgumentError(
            f"kind: a strip is of one kernel in one view, and {count(len(strips), 'kernel')} "
            "are selected; expected a selection such as log.select(layers=1, kernels=6), or "
            "kind='grid'"
        )
    return draw_strip(strips[0], manner)


def _draw_sheet(log: Log, manner: Manner) -> Drawing:
    _one_layer(log, "sheet")
    if len(log.epochs) != 1:
        raise ArgumentError(
            f"kind: a sheet is of one epoch, and {ranges(log.epochs)} are selected; expected a "
            "selection such as log.select(layers=1, epochs='last'), or kind='grid'"
        )
    return draw_sheet(_kernels(log), manner)


def _draw_grid(log: Log, manner: Manner) -> Drawing:
    _one_layer(log, "grid")
    return draw_grid(_strips(log), manner)


def _draw_views(log: Log, manner: Manner) -> Drawing:
    addresses = {one.address[:2] for one in log}
    if len(addresses) != 1 or len(log.runs) != 1:
        raise ArgumentError(
            f"kind: views are of one kernel, and {len(addresses)} are selected; expected a "
            "selection such as log.select(kernels='3_2')"
        )
    strips = list(log.strips())
    return draw_views([one for one in strips if one[-1].is_beside(strips[0][-1])], manner)


def _draw_runs(log: Log, manner: Manner) -> Drawing:
    runs = {run: log.select(runs=run) for run in log.runs}
    for run in runs.values():
        _one_layer(run, "figure of runs")
    return draw_runs({run: _strips(one) for run, one in runs.items()}, manner)


def _draw_difference(log: Log, manner: Manner) -> Drawing:
    """Of two epochs, the first and the last; or of two trainings at the last."""
    if len(log.runs) == 2:
        halves = [log.select(runs=run) for run in log.runs]
        halves = [half.select(epochs=half.epochs[-1]) for half in halves]
        names = tuple(log.runs)
    else:
        if len(log.runs) > 1 or len(log.epochs) < 2:
            raise ArgumentError(
                f"kind: a difference is of two epochs or of two runs; epochs {ranges(log.epochs)} "
                f"of {count(len(log.runs), 'run')} are selected"
            )
        ends = log.epochs[0], log.epochs[-1]
        halves = [log.select(epochs=_told(epoch)) for epoch in ends]
        names = tuple(map(when, ends))
    for half in halves:
        _one_layer(half, "difference")
    before, after = map(_kernels, halves)
    return draw_difference(before, after, names, manner)  # type: ignore[arg-type]


def _draw_context(log: Log, manner: Manner, top: int = TOP) -> Drawing:
    if log.strip_count != 1:
        raise ArgumentError(
            f"kind: a context is of one kernel, and {log.strip_count} are selected; expected a "
            "selection such as log.select(views='kernels', kernels='3_6')"
        )
    return draw_context(log, list(log)[-1], manner, top)


KINDS: dict[str, Callable[[Log, Manner], Drawing]] = {
    "strip": _draw_strip,
    "grid": _draw_grid,
    "sheet": _draw_sheet,
    "views": _draw_views,
    "runs": _draw_runs,
    "difference": _draw_difference,
    "context": _draw_context,
}


def _one_layer(log: Log, what: str) -> None:
    if len(log.layers) != 1:
        have = enumerate_some(f"{one.view} of {one.number}" for one in log.layers)
        raise ArgumentError(
            f"kind: a {what} is of one layer in one view, and there are {have}; expected a "
            "selection such as log.select(views='kernels', layers=1)"
        )


def _kernels(log: Log) -> list[Picture]:
    """The pictures of kernels, or of sheets where there is nothing else."""
    pictures = list(log)
    return [one for one in pictures if one.address.kernel != SHEET] or pictures


def _strips(log: Log) -> Sequence[Sequence[Picture]]:
    strips = list(log.strips())
    return [one for one in strips if one[0].address.kernel != SHEET] or strips


def _told(epoch: int) -> int | str:
    text = str(epoch)
    return epoch if text.isdigit() else text
