"""Tables that commands print, and what stands in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tb_kernels.wording import shown

# Of a layer's name; --json has all of it.
_LONGEST_NAME = 40


def print_table(title: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints a table.

    Args:
        title: Above it, on one line.
        names: Of the columns; long texts below `"name"` are cut.
        rows: The texts of each row.
    """
    # Here, because a program that asks for JSON does not need it.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, justify="left", overflow="fold")
    for row in rows:
        cells = zip(names, row, strict=True)
        cut = (
            shown(cell, _LONGEST_NAME) if name == "name" else shown(cell) for name, cell in cells
        )
        # As text: a name may look like a style.
        table.add_row(*map(Text, cut))
    console = Console(highlight=False)
    # Not as the table's title, which is no wider than the table.
    console.print(Text(title), soft_wrap=True)
    console.print(table)


def bound(error: float) -> str:
    """How far a value may be from the true one, behind it; empty where it is exact."""
    return f" ± {error:.2g}" if error > 0 else ""
