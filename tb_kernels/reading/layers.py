"""The layers of a log: what each is called, and what there is of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tb_kernels.reading.catalog import Catalog, split_by_layer
from tb_kernels.schema.naming import SHEET, epoch_of, group_of, plain_epoch

# What is told of a layer, in this order.
_NAMES = ("run", "view", "number", "name", "group")
_COUNTED = ("kernels", "epochs", "sheets", "size", "pictures", "bytes")

_COUNTER = re.compile("_[0-9]+$")


@dataclass(frozen=True, repr=False, eq=False)
class LoggedLayer:
    """The pictures of one layer in one view of one run: all of a log, or some.

    Attributes:
        folder: The view's folder below the log directory.
        run: The training's directory below the log directory; `"."` for this itself.
        view: What they show.
        number: The layer's number.
        name: Its name in the model.
        group: What stands before the addresses; empty for nothing.
        rows: The pictures, at least one, as in the catalog.
    """

    folder: str
    run: str
    view: str
    number: str
    name: str
    group: str
    rows: NDArray[np.void]

    @cached_property
    def kernels(self) -> list[int]:
        """The kernel numbers that have a picture, ascending."""
        kernels: list[int] = np.unique(self.rows["kernel"]).tolist()
        return [kernel for kernel in kernels if kernel != SHEET]

    @cached_property
    def epochs(self) -> list[int]:
        """The epochs, ascending."""
        return [epoch_of(number) for number in np.unique(self.rows["epoch"]).tolist()]

    @property
    def sheets(self) -> bool:
        """Whether there are sheets of the whole layer."""
        return bool((self.rows["kernel"] == SHEET).any())

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures in pixels: the largest; sheets count if alone."""
        plain = self.rows[self.rows["kernel"] != SHEET] if self.kernels else self.rows
        return int(plain["width"].max()), int(plain["height"].max())

    @property
    def pictures(self) -> int:
        """How many there are, sheets included."""
        return len(self.rows)

    @property
    def bytes(self) -> int:
        """What their PNG files take."""
        return int(self.rows["length"].sum(dtype=np.int64))

    @property
    def keys(self) -> list[str]:
        """What its arrays and curves may be called: its group, also where pictures have none."""
        # Of a name that Keras made up the group has no counter.
        names = (self.name, _COUNTER.sub("", self.name))
        groups = (self.group, *(group_of(self.number, name) for name in names))
        return list(dict.fromkeys(filter(None, groups)))

    def is_same(self, other: LoggedLayer) -> bool:
        """Whether both are of one layer, whichever pictures of it they hold."""
        return (self.folder, self.number, self.group) == (other.folder, other.number, other.group)

    def facts(self) -> dict[str, Any]:
        """What there is of it, by name: the object of `tb-kernels list --json`."""
        facts = {name: getattr(self, name) for name in (*_NAMES, *_COUNTED)}
        return facts | {"epochs": [plain_epoch(epoch) for epoch in self.epochs]}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LoggedLayer) and self.facts() == other.facts()

    __hash__ = None  # type: ignore[assignment]  # it holds lists

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in self.facts().items())
        return f"LoggedLayer({facts})"


def layers_of(catalog: Catalog) -> dict[int, LoggedLayer]:
    """The layers of a catalog by the number that stands in its rows, in the order shown."""
    layers = {}
    for rows in split_by_layer(catalog.rows):
        number = int(rows["layer"][0])
        folder, group, address = catalog.layers[number]
        run, view = catalog.source.split(folder)
        name = catalog.shown.names.get(catalog.layers[number], group.removeprefix(f"{address}-"))
        layers[number] = LoggedLayer(folder, run, view, address, name, group, rows)
    return layers
