"""What the subcommands share: options that choose pictures, and lines to the user."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from tb_kernels.errors import LogError
from tb_kernels.reading.log import Log, read_log
from tb_kernels.wording import shown

# So many lines about damage are printed; the rest are counted.
_MOST_LINES = 20

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
    listed("--epochs", "1,6,last", "Only these epochs, such as 0-5,last.", ranges=True),
)


class Lines:
    """Lines to the user on standard error, of which there cannot be too many."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, line: str) -> None:
        """Prints a line."""
        self.count += 1
        if self.count <= _MOST_LINES:
            click.echo(f"tb-kernels: {shown(line, 500)}", err=True)

    def close(self) -> None:
        """Says how many more there were."""
        if self.count > _MOST_LINES:
            click.echo(f"tb-kernels: … and {self.count - _MOST_LINES:,} more lines", err=True)


def open_chosen(log_dir: str, lines: Lines, **choice: Any) -> Log:
    """The pictures of a log that the options choose.

    Raises:
        LogError: If there are no pictures in it at all.
        ArgumentError: If there is no such directory, or something chosen is not there.
    """
    log = read_log(log_dir, lines)
    if not len(log):
        raise LogError(
            f"no pictures of tb_kernels in {shown(log_dir)!r}; expected the directory that a "
            "logger of tb_kernels wrote to"
        )
    return log.select(**choice)


@contextmanager
def progress(told: str, total: int) -> Iterator[Callable[[], None]]:
    """Shows how far the work is, where somebody looks; gives what is called after each piece."""
    # A notebook's terminal cannot write over a line.
    if not sys.stderr.isatty() or "JPY_PARENT_PID" in os.environ:
        yield lambda: None
        return
    # Here, because only work that somebody looks at needs it.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(told, total=total)
        yield lambda: bar.advance(task)
