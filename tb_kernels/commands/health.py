"""`tb-kernels health`: kernels near zero, channels never active, layers that stopped moving."""

from __future__ import annotations

import json
from typing import Any

import click

from tb_kernels.commands.options import choosing, open_chosen
from tb_kernels.commands.tables import bound, print_table
from tb_kernels.commands.terminal import Lines
from tb_kernels.reading.health import STILL_BELOW, ZERO_BELOW, LayerHealth
from tb_kernels.schema.naming import ACTIVATIONS, KERNELS, plain_epoch
from tb_kernels.wording import finite, ranges, shown

_COLUMNS = ("layer", "name", "epochs", "near zero", "nonfinite", "change", "inactive")

_NOT_LOGGED = "-"

_EPOCHS = ("since", "epoch", "active_epoch")


@click.command("health")
@click.argument("log_dir", metavar="LOG_DIR")
@choosing
@click.option(
    "--zero-below",
    type=click.FloatRange(0, 1),
    default=ZERO_BELOW,
    show_default=True,
    help="Near zero is a norm of at most this fraction of the layer's median.",
)
@click.option(
    "--still-below",
    type=click.FloatRange(0, 1),
    default=STILL_BELOW,
    show_default=True,
    help="Still is a layer that changed by less than this fraction of its norm.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs: a list of objects.")
def command(
    log_dir: str, zero_below: float, still_below: float, as_json: bool, **choice: Any
) -> None:
    """What LOG_DIR tells of the health of each layer, at the last of its epochs.

    \b
    near zero  kernels with a norm that is next to nothing, beside the others'
    nonfinite  weights that are infinite or not a number
    change     of the layer's weights between the two epochs, as a fraction of their norm
    inactive   channels that are nowhere above zero on the inputs logged

    A dash is what was not logged. A value is exact, or within what stands behind ±, where it comes
    from pictures. These are numbers, no verdicts.
    """  # noqa: D301
    lines = Lines()
    log = open_chosen(log_dir, lines, **choice)
    chosen = [view for view in (KERNELS, ACTIVATIONS) if view in log.views]
    runs = log.select(views=chosen).runs if chosen else log.runs
    found = [
        (run, log.health(run=run, zero_below=zero_below, still_below=still_below)) for run in runs
    ]
    lines.close()
    if as_json:
        facts = [{"run": run, **_facts(row)} for run, rows in found for row in rows]
        click.echo(json.dumps(facts, indent=2))
        return
    thresholds = (
        f"near zero: a norm of at most {zero_below:g} of the layer's median; "
        f"still: a change below {still_below:g}"
    )
    for run, rows in found:
        title = thresholds if run == "." else f"{shown(run)}: {thresholds}"
        print_table(title, _COLUMNS, map(_cells, rows))


def _cells(row: LayerHealth) -> tuple[str, ...]:
    epoch = row.active_epoch if row.epoch is None else row.epoch
    return (
        row.layer,
        row.name,
        ranges(dict.fromkeys(one for one in (row.since, epoch) if one is not None)),
        _counted(row.near_zero, row.near_zero_error, row.kernels),
        _counted(row.nonfinite, 0),
        _change(row),
        _active(row, epoch),
    )


def _counted(number: int | None, error: int | None, all_: int | None = None) -> str:
    if number is None:
        return _NOT_LOGGED
    return f"{number}{f' ± {error}' if error else ''}{'' if all_ is None else f' of {all_}'}"


def _change(row: LayerHealth) -> str:
    if row.relative_change is None:
        return _NOT_LOGGED
    still = ", still" if row.still else ""
    return f"{row.relative_change:.3g}{bound(row.relative_change_error or 0)}{still}"


def _active(row: LayerHealth, epoch: int | None) -> str:
    when = "" if row.active_epoch in (None, epoch) else f" at epoch {row.active_epoch}"
    return f"{_counted(row.inactive, row.inactive_error, row.channels)}{when}"


def _facts(row: LayerHealth) -> dict[str, Any]:
    """What JSON can hold: null for what was not logged, and for what is no finite number."""
    return {name: _plain(name, value) for name, value in row._asdict().items()}


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, float):
        return finite(value)
    return plain_epoch(value) if name in _EPOCHS and value is not None else value
