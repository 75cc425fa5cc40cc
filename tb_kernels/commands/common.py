"""What the subcommands share: options that choose pictures, and lines to the user."""

from __future__ import annotations

import os
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


class Items(click.ParamType[list[Any]]):
    """A list such as `1,6,10`; parts that are whole numbers become these.

    Args:
        name: In the help.
        ranges: Whether `1-16` stands for every number from 1 to 16.
    """

    def __init__(self, name: str, *, ranges: bool = False) -> None:
        self.name = name
        self._ranges = ranges

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[Any]:
        """Reads the text of the command line."""
        items: list[Any] = []
        for part in str(value).split(","):
            text = part.strip()
            first, dash, last = text.partition("-")
            if not text:
                self.fail(f"expected a list such as {self.name}, got {value!r}", param, ctx)
            elif text.isdecimal():
                items.append(int(text))
            elif self._ranges and dash and first.isdecimal() and last.isdecimal():
                if not int(first) <= int(last) <= int(first) + 100_000:
                    self.fail(f"expected a range such as 1-16, got {text!r}", param, ctx)
                items.extend(range(int(first), int(last) + 1))
            else:
                items.append(text)
        return items


def choosing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that choose pictures."""
    for option in reversed(
        [
            click.option("--runs", type=Items("a,b"), help="Only these trainings."),
            click.option("--views", type=Items("kernels,patterns"), help="Only these views."),
            click.option(
                "--layers",
                type=Items("conv2d,3,2-5"),
                help="Only these layers, by name or number.",
            ),
            click.option(
                "--kernels",
                type=Items("1-6,3_2", ranges=True),
                help="Only these kernels; 3_2 is kernel 2 of layer 3.",
            ),
            click.option(
                "--epochs", type=Items("1,6,last", ranges=True), help="Only these epochs."
            ),
        ]
    ):
        function = option(function)
    return function


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
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(told, total=total)
        yield lambda: bar.advance(task)
