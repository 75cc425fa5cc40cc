"""`tb-kernels list`: what there is in a log directory."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

import click

from tb_kernels.commands.options import choosing, open_chosen
from tb_kernels.commands.tables import print_table
from tb_kernels.commands.terminal import Lines
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.wording import count, ranges, readable_size, shown


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
        click.echo(json.dumps([layer.facts() for layer in layers], indent=2))
        return
    for run, of_run in groupby(layers, key=lambda layer: layer.run):
        _print_table(run, list(of_run))


def _print_table(run: str, layers: list[LoggedLayer]) -> None:
    pictures = sum(layer.pictures for layer in layers)
    size = readable_size(sum(layer.bytes for layer in layers))
    title = f"{'' if run == '.' else f'{shown(run)}: '}{count(pictures, 'picture')}, {size}"
    rows = (
        (
            layer.view,
            layer.number,
            layer.name,
            ", ".join(filter(None, (ranges(layer.kernels), "sheets" if layer.sheets else ""))),
            ranges(layer.epochs),
            f"{layer.size[0]} x {layer.size[1]}",
        )
        for layer in layers
    )
    print_table(title, ("view", "layer", "name", "kernels", "epochs", "pixels"), rows)
