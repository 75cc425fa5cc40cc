"""Which epochs are logged, and how far a training has come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tb_kernels.arguments import LAST, check_epoch, check_list
from tb_kernels.schema.naming import FINAL

_EXPECTED = "expected whole numbers from 0, 'last' or 'final'"


class Epochs:
    """The epochs asked for: all from 1, or some of 0 (before training), 1, 2, ..., last and final.

    Raises:
        ArgumentError: If `wanted` is not None, `"last"`, `"final"`, or a non-empty collection
            of these and whole numbers from 0.

    Attributes:
        last: Whether the last epoch that runs was asked for, whatever its number.
        final: Whether the model as training leaves it was asked for.
    """

    def __init__(self, wanted: Any) -> None:
        self._numbers: frozenset[int] | None = None
        self.last = self.final = False
        if wanted is None:
            return
        alone = isinstance(wanted, str) and wanted in (LAST, str(FINAL))
        items = [wanted] if alone else check_list("epochs", wanted, "[1, 6, 10]")
        self.last, self.final = LAST in items, str(FINAL) in items
        self._numbers = frozenset(
            check_epoch("epochs", item, _EXPECTED)
            for item in items
            if item not in (LAST, str(FINAL))
        )

    def __contains__(self, epoch: int) -> bool:
        if epoch == FINAL:
            return self.final
        return epoch >= 1 if self._numbers is None else epoch in self._numbers

    @property
    def chosen(self) -> bool:
        """Whether epochs were named, instead of all being taken."""
        return self._numbers is not None

    @property
    def words(self) -> list[str]:
        """What was named by a word, which every training has that trains an epoch."""
        named = ((LAST, self.last), (str(FINAL), self.final))
        return [word for word, is_named in named if is_named]

    def count(self, first: int, final: int) -> int:
        """How many epochs a training from `first` to `final` will log."""
        trained = range(first, final + 1)
        if self._numbers is None:
            return len(trained)
        count = sum(epoch in trained for epoch in self._numbers)
        last = self.last and final not in self._numbers
        return count + (last + self.final if trained else 0)

    def missing(self, reached: Iterable[int]) -> list[int]:
        """The epochs named that are not among those reached."""
        return sorted((self._numbers or frozenset()).difference(reached))


@dataclass
class Progress:
    """How far the training of a model has come, as one logger sees it.

    Attributes:
        first: Its first epoch; None before that begins.
        latest: The last epoch that ended; None before.
        reached: The epochs of it that were logged, also by a training that it goes on from.
        told: The epochs of which it was told that they were not reached.
    """

    first: int | None = None
    latest: int | None = None
    reached: set[int] = field(default_factory=set)
    told: set[int] = field(default_factory=set)

    def begin(self, first: int, logged: Iterable[int]) -> None:
        """The first epoch of a training begins.

        Args:
            first: Its number; of a training that goes on more than 1.
            logged: The epochs that the log holds pictures of.
        """
        if first == FINAL:
            # Drawn alone it stands behind what was there before.
            before = [epoch for epoch in (*self.reached, *logged) if epoch != FINAL]
            self.latest = max(before, default=None)
        else:
            self.latest = None
        self.first = first
        if first > 1:
            self.reached = {epoch for epoch in (*self.reached, *logged) if epoch < first}
        else:
            self.reached, self.told = set(), set()

    def missing(self, epochs: Epochs) -> list[str]:
        """The epochs named that a training did not reach, each number told once."""
        missing = epochs.missing(self.reached | self.told)
        self.told.update(missing)
        words = epochs.words if self.latest is None else []
        return [*map(str, missing), *words]
