"""`tb-kernels list`: what there is in a log directory."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import groupby
from typing import Any

import click

from tb_kernels.commands.options import choosing, open_chosen
from tb_kernels.commands.terminal import Lines
from tb_kernels.reading.labels import LoggedLayer
from tb_kernels.wording import count, ranges, readable_size, shown

# Of a name in the table; --json has all of it.
_LONGEST_NAME = 40


@click.command("list")
@click.argument("log_dir", metavar="LOG_DIR")
@choosing
@click.option("--json", "as_json", is_flag=True, help="For programs: a list of objects.")
def command(log_dir: str, as_json: bool, **choice: Any) -> None:
    """What there is in LOG_DIR: a table for each training, a row for each layer of a view.

    LOG_DIR is what `tensorboard --logdir` is given, or any directory above it.
    """
    lines = Lines()
    layers = open_chosen(log_dir, lines, **choice).layers
    lines.close()
    if as_json:
        click.echo(json.dumps([asdict(layer) for layer in layers], indent=2))
        return
    for run, of_run in groupby(layers, key=lambda layer: layer.run):
        _print_table(run, list(of_run))


def _print_table(run: str, layers: list[LoggedLayer]) -> None:
    # Here, because a program that asks for JSON does not need it.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    pictures = sum(layer.pictures for layer in layers)
    size = readable_size(sum(layer.bytes for layer in layers))
    title = f"{'' if run == '.' else f'{shown(run)}: '}{count(pictures, 'picture')}, {size}"
    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
    for name in ("view", "layer", "name", "kernels", "epochs", "pixels"):
        table.add_column(name, justify="left", overflow="fold")
    for layer in layers:
        kernels = ranges(layer.kernels)
        sheets = "sheets" if layer.sheets else ""
        cells = (
            layer.view,
            layer.number,
            shown(layer.name, _LONGEST_NAME),
            ", ".join(filter(None, (kernels, sheets))),
            ranges(layer.epochs),
            f"{layer.size[0]} x {layer.size[1]}",
        )
        # As text: a name may look like a style.
        table.add_row(*(Text(shown(cell)) for cell in cells))
    Console(highlight=False).print(table)
