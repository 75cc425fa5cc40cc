"""Options that subcommands share: lists, and those that choose pictures of a log."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import click

from tb_kernels.commands.terminal import Lines
from tb_kernels.errors import LogError
from tb_kernels.reading.log import Log
from tb_kernels.reading.opening import read_log
from tb_kernels.wording import count, shown

_NUMBER = re.compile("[0-9]{1,9}")
_RANGE = re.compile("([0-9]{1,9})-([0-9]{1,9})")

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def listed(
    name: str,
    example: str,
    told: str,
    *,
    numbers: bool = False,
    ranges: bool = False,
    **more: Any,
) -> _Decorator:
    """An option that takes a list such as `kernels,patterns`.

    Args:
        name: With its dashes.
        example: For the error of a list that is none.
        told: In the help.
        numbers: Whether parts that are whole numbers become these.
        ranges: Whether `1-16` stands for what there is from 1 to 16, too.
        **more: As for `click.option`.
    """

    def read(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
        if value is None:
            return None
        items: list[int | str | range] = []
        for part in map(str.strip, value.split(",")):
            span = _RANGE.fullmatch(part) if ranges else None
            if not part or (span and int(span[1]) > int(span[2])):
                raise click.BadParameter(f"expected a list such as {example}, got {value!r}")
            if span:
                items.append(range(int(span[1]), int(span[2]) + 1))
            else:
                items.append(int(part) if (numbers or ranges) and _NUMBER.fullmatch(part) else part)
        return items

    return click.option(name, metavar="LIST", help=told, callback=read, **more)


def read_top(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """`--top`: how many kernels of each layer; 0 for all, None where it was not given."""
    if value is None or value == "all":
        return None if value is None else 0
    if not (value.isascii() and value.isdecimal() and int(value) >= 1):
        raise click.BadParameter(f"expected a whole number from 1 or 'all', got {value!r}")
    return int(value)


def choosing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that choose pictures."""
    for option in reversed(_CHOICES):
        function = option(function)
    return function


_CHOICES = (
    listed("--runs", "a,b", "Only these trainings: directories below LOG_DIR."),
    listed("--views", "kernels,patterns", "Only these views, such as kernels,patterns."),
    listed("--layers", "conv2d,3,2-5", "Only these layers, such as conv2d,3,2-5.", numbers=True),
    listed(
        "--kernels",
        "1-6,3_2",
        "Only these kernels, such as 1-6; 3_2 is kernel 2 of layer 3.",
        ranges=True,
    ),
    listed("--epochs", "1,6,last", "Only these epochs, such as 0-5,last,final.", ranges=True),
)


def open_chosen(log_dir: str, lines: Lines, *, verified: bool = False, **choice: Any) -> Log:
    """The pictures of a log that the options choose.

    Args:
        log_dir: Where it is.
        lines: Is told of what is damaged or left out.
        verified: Whether all of a long log is, too: a report is made of nothing that is damaged.
        **choice: As for `Log.select`.

    Raises:
        LogError: If there are no pictures in it at all.
        ArgumentError: If there is no such directory, or something chosen is not there.
    """
    log = read_log(log_dir, lines, math.inf) if verified else read_log(log_dir, lines)
    if not len(log):
        raise LogError(
            f"no pictures of tb_kernels in {shown(log_dir)!r}; expected the directory that a "
            "logger of tb_kernels wrote to"
        )
    chosen = log.select(**choice)
    if chosen.superseded:
        lines(
            f"{count(chosen.superseded, 'picture')} of earlier trainings left out, which newer "
            "ones in the same directory have superseded; open_log(...).trainings has them"
        )
    return chosen
