"""What the user of a command is told while it works: lines on standard error, and progress."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from tb_kernels.wording import shown

# So many lines about damage are printed; the rest are counted.
_MOST_LINES = 20

# The bar is drawn anew at most so often, in seconds.
_REFRESH = 0.1


def tell(line: str, longest: int = 2000) -> None:
    """Prints a line, cut if it is longer."""
    click.echo(f"tb-kernels: {shown(line, longest)}", err=True)


class Lines:
    """Lines to the user on standard error, of which there cannot be too many."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, line: str) -> None:
        """Prints a line."""
        self.count += 1
        if self.count <= _MOST_LINES:
            tell(line, 500)

    def close(self) -> None:
        """Says how many more there were."""
        if self.count > _MOST_LINES:
            tell(f"… and {self.count - _MOST_LINES:,} more lines")


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
    console = Console(stderr=True)
    # Without a thread, beside which no process can be forked.
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as display:
        task = display.add_task(told, total=total)
        shown_at = 0.0

        def step() -> None:
            nonlocal shown_at
            display.advance(task)
            if time.monotonic() > shown_at + _REFRESH:
                display.refresh()
                shown_at = time.monotonic()

        yield step
