"""Which epochs are logged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tb_kernels.arguments import LAST, check_epoch, check_list


class Epochs:
    """The epochs asked for: all from 1, or some of 0 (before training), 1, 2, ..., "last".

    Raises:
        ArgumentError: If `wanted` is not None, `"last"`, or a non-empty collection
            of whole numbers from 0 and `"last"`.
    """

    def __init__(self, wanted: Any) -> None:
        self._numbers: frozenset[int] | None = None
        self.last = False
        if wanted is None:
            return
        alone = isinstance(wanted, str) and wanted == LAST
        items = [wanted] if alone else check_list("epochs", wanted, "[1, 6, 10]")
        self.last = LAST in items
        self._numbers = frozenset(
            check_epoch("epochs", item, "expected whole numbers from 0, or 'last'")
            for item in items
            if item != LAST
        )

    def __contains__(self, epoch: int) -> bool:
        return epoch >= 1 if self._numbers is None else epoch in self._numbers

    @property
    def chosen(self) -> bool:
        """Whether epochs were named, instead of all being taken."""
        return self._numbers is not None

    def count(self, first: int, final: int) -> int:
        """How many epochs a training from `first` to `final` will log."""
        trained = range(first, final + 1)
        if self._numbers is None:
            return len(trained)
        count = sum(epoch in trained for epoch in self._numbers)
        return count + (self.last and len(trained) > 0 and final not in self._numbers)

    def missing(self, reached: Iterable[int]) -> list[int]:
        """The epochs named that are not among those reached."""
        return sorted((self._numbers or frozenset()).difference(reached))
