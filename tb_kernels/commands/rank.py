"""`tb-kernels rank`: which kernels changed most, are the largest, or seldom active."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

import click

from tb_kernels.commands.options import choosing, open_chosen, read_top
from tb_kernels.commands.tables import bound, print_table
from tb_kernels.commands.terminal import Lines
from tb_kernels.reading.criteria import CRITERIA, Criterion
from tb_kernels.reading.ranking import Ranking, rank_layers
from tb_kernels.schema.naming import KERNELS, plain_epoch
from tb_kernels.wording import finite, shown

# For a table that one can look through.
_FIRST = 10

# What the heading says, of the epochs that count.
_HEADINGS = {
    "change": "norm of the change from epoch {} to {}, largest first",
    "relative_change": "change from epoch {} to {} as a fraction of the norm before, largest first",
    "norm": "norm at epoch {}, largest first",
    "activity": "share of places above zero at epoch {}, smallest first",
    "number": "by number",
}


@click.command("rank")
@click.argument("log_dir", metavar="LOG_DIR")
@click.option(
    "--by",
    type=click.Choice(CRITERIA),
    default="change",
    show_default=True,
    help="The number that orders them.",
)
@click.option(
    "--top",
    metavar="N|all",
    default=str(_FIRST),
    show_default=True,
    callback=read_top,
    help="How many of each layer.",
)
@choosing
@click.option("--json", "as_json", is_flag=True, help="For programs: a list of objects.")
def command(log_dir: str, by: Criterion, top: int | None, as_json: bool, **choice: Any) -> None:
    """Order the kernels of each layer of LOG_DIR.

    \b
    change           norm of the difference of the weights at two epochs
    relative_change  the same as a fraction of the norm at the first of them
    norm             norm of the weights
    activity         share of places at which the feature map is above zero
    number           the kernel's number

    Changes compare the first and the last epoch, of those chosen with --epochs; the others take the
    last. A value is exact, or within what stands behind ±, where it comes from pictures.
    --views activations ranks the channels of layers without kernels, by activity.
    """  # noqa: D301
    lines = Lines()
    log = open_chosen(log_dir, lines, **choice)
    views = choice["views"] or [KERNELS]
    if len(views) > 1:
        raise click.BadParameter("--views: kernels of one view are ranked, expected one name")
    runs = log.select(views=views).runs
    rankings = [
        one for run in runs for one in rank_layers(log, by, view=views[0], run=run, top=top or None)
    ]
    lines.close()
    if as_json:
        click.echo(json.dumps(_facts(rankings, by), indent=2))
        return
    for told, same in groupby(rankings, key=lambda one: (one.layer.run, one.epochs)):
        _print(*told, list(same), by)


def _print(run: str, epochs: tuple[int, ...], rankings: list[Ranking], by: Criterion) -> None:
    title = _HEADINGS[by].format(*epochs)
    if any(len(one.ranked) < one.kernels for one in rankings):
        title += f"; of each layer the first {max(len(one.ranked) for one in rankings)}"
    # Of a kernel's number there is no more to say than the number.
    names: tuple[str, ...] = ("layer", "name", "kernel")
    names = names if by == "number" else (*names, by.replace("_", " "))
    rows = [
        (one.layer, one.name, str(one.kernel), f"{one.value:.4g}{bound(one.error)}")[: len(names)]
        for ranking in rankings
        for one in ranking.ranked
    ]
    print_table(title if run == "." else f"{shown(run)}: {title}", names, rows)


def _facts(rankings: list[Ranking], by: Criterion) -> list[dict[str, Any]]:
    """What JSON can hold: null for what is no finite number."""
    return [
        {
            "run": ranking.layer.run,
            "view": ranking.layer.view,
            **one._asdict(),
            "by": by,
            "epochs": [plain_epoch(epoch) for epoch in ranking.epochs],
            "value": finite(one.value),
            "error": finite(one.error),
        }
        for ranking in rankings
        for one in ranking.ranked
    ]
