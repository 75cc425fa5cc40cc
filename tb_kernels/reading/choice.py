"""Which pictures of a log: what the user asked for, looked up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tb_kernels.arguments import check_layers, check_list, check_whole
from tb_kernels.errors import ArgumentError
from tb_kernels.naming import belongs, natural_order, order_of
from tb_kernels.reading.labels import Labels
from tb_kernels.wording import enumerate_some, ranges, shown

LAST = "last"

_OF_LAYER = re.compile(r"(.+)_([0-9]{1,9})")


@dataclass(frozen=True)
class Choice:
    """What was asked for; None for all.

    Attributes:
        runs: Names of runs.
        views: Names of views.
        layers: Names and numbers of layers.
        kernels: Kernel numbers, and texts such as `"3_2"` for a kernel of one layer.
        epochs: Numbers of epochs, and `"last"`.
    """

    runs: Any = None
    views: Any = None
    layers: Any = None
    kernels: Any = None
    epochs: Any = None

    def among(
        self, rows: NDArray[np.void], labels: Sequence[Labels], where: str
    ) -> NDArray[np.bool_]:
        """Which rows of a catalog were asked for.

        Args:
            rows: The pictures that there are.
            labels: Of each layer.
            where: The log's name, for errors.

        Raises:
            ArgumentError: If something asked for is not among them; it says what is.
        """
        present = [labels[number] for number in np.unique(rows["layer"])]
        names = [
            (_names("runs", self.runs, present, where), "run"),
            (_names("views", self.views, present, where), "view"),
        ]
        asked = [
            all(wanted is None or getattr(one, field) in wanted for wanted, field in names)
            and self._has_layer(one)
            for one in labels
        ]
        self._check_layers(present, where)
        chosen = np.array(asked, bool)[rows["layer"]] if labels else np.zeros(0, bool)
        chosen &= self._of_kernels(rows, labels, chosen, where)
        return chosen & self._of_epochs(rows, chosen, where)

    def _has_layer(self, one: Labels) -> bool:
        wanted = check_layers(self.layers)
        return wanted is None or any(_is_layer(one, layer) for layer in wanted)

    def _check_layers(self, present: Sequence[Labels], where: str) -> None:
        for layer in check_layers(self.layers) or []:
            if not any(_is_layer(one, layer) for one in present):
                have = dict.fromkeys(
                    f"{one.name} ({one.number})" if one.name else one.number
                    for one in sorted(present, key=lambda one: order_of(one.number))
                )
                raise ArgumentError(
                    f"layers: no layer {layer!r} in {shown(where)!r}; it has {enumerate_some(have)}"
                )

    def _of_kernels(
        self, rows: NDArray[np.void], labels: Sequence[Labels], among: NDArray[np.bool_], where: str
    ) -> NDArray[np.bool_]:
        if self.kernels is None:
            return np.ones(len(rows), bool)
        chosen = np.zeros(len(rows), bool)
        for asked in _listed("kernels", self.kernels, "[1, 6] or ['3_2']"):
            layer, kernel = _kernel_of(asked)
            found = rows["kernel"] == kernel
            if layer is not None:
                found &= np.array([_is_layer(one, layer) for one in labels], bool)[rows["layer"]]
            if not (found & among).any():
                have = np.unique(rows["kernel"][among]).tolist()
                raise ArgumentError(
                    f"kernels: no picture of kernel {asked!r} in {shown(where)!r}, as far as runs, "
                    f"views and layers were chosen; there are {ranges(have) or 'none'}"
                )
            chosen |= found
        return chosen

    def _of_epochs(
        self, rows: NDArray[np.void], among: NDArray[np.bool_], where: str
    ) -> NDArray[np.bool_]:
        if self.epochs is None:
            return np.ones(len(rows), bool)
        have = np.unique(rows["epoch"][among]).tolist()
        chosen = np.zeros(len(rows), bool)
        expected = "expected whole numbers from 0, or 'last'"
        for asked in _listed("epochs", self.epochs, "[1, 6, 10]"):
            epoch = have[-1] if asked == LAST and have else asked
            if check_whole("epochs", epoch, 0, expected) not in have:
                raise ArgumentError(
                    f"epochs: no picture of epoch {asked} in {shown(where)!r}, as far as others "
                    f"were chosen; there are {ranges(have) or 'none'}"
                )
            chosen |= rows["epoch"] == epoch
        return chosen


def _listed(argument: str, wanted: Any, example: str) -> list[Any]:
    single = isinstance(wanted, str) or hasattr(wanted, "__index__")
    return [wanted] if single else check_list(argument, wanted, example)


def _names(
    argument: str, wanted: Any, present: Sequence[Labels], where: str
) -> frozenset[str] | None:
    if wanted is None:
        return None
    names = [wanted] if isinstance(wanted, str) else check_list(argument, wanted, "['kernels']")
    field = argument.removesuffix("s")
    have = sorted({getattr(one, field) for one in present}, key=natural_order)
    for name in names:
        if name not in have:
            raise ArgumentError(
                f"{argument}: no {field} {name!r} in {shown(where)!r}; "
                f"it has {enumerate_some(have)}"
            )
    return frozenset(names)


def _kernel_of(asked: Any) -> tuple[str | None, int]:
    expected = "expected kernel numbers, 0 for sheets, or texts such as '3_2'"
    if isinstance(asked, str):
        match = _OF_LAYER.fullmatch(asked)
        if match is None:
            raise ArgumentError(f"kernels: {expected}, got {asked!r}")
        return match[1], int(match[2])
    return None, check_whole("kernels", asked, 0, expected)


def _is_layer(one: Labels, wanted: int | str) -> bool:
    return belongs(one.number, str(wanted)) or wanted in (one.name, one.group)
