"""Which pictures of a log: what the user asked for, looked up."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tb_kernels.arguments import LAST, check_layers, check_list, check_whole
from tb_kernels.errors import ArgumentError
from tb_kernels.reading.captions import noun_of
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.schema.naming import FINAL, belongs, epoch_of, natural_order, order_of
from tb_kernels.wording import did_you_mean, enumerate_some, ranges, shown

# A number of a layer inside another, which may be meant as a range.
_DASHED = re.compile("([1-9][0-9]{0,8})-([1-9][0-9]{0,8})")
_TOP = re.compile("[0-9]+")

_OF_LAYER = re.compile(r"(.+)_([0-9]{1,9})")

_Item = TypeVar("_Item")
_Rows = NDArray[np.void]
_Mask = NDArray[np.bool_]
_Layers = Mapping[int, LoggedLayer]


class Choice:
    """What was asked for, of each None for all. A `range` in a list takes what there is of it.

    Args:
        runs: Names of runs.
        views: Names of views.
        layers: Names and numbers of layers.
        kernels: Kernel numbers, and texts such as `"3_2"` for a kernel of one layer.
        epochs: Numbers of epochs, `"last"` and `"final"`.

    Raises:
        ArgumentError: If one of these is no list, or an empty one.
    """

    def __init__(self, runs: Any, views: Any, layers: Any, kernels: Any, epochs: Any) -> None:
        self._runs = _listed("runs", runs, "['a', 'b']")
        self._views = _listed("views", views, "['kernels']")
        self._layers = check_layers(layers)
        self._kernels = _listed("kernels", kernels, "[1, 6] or ['3_2']")
        self._epochs = _listed("epochs", epochs, "[1, 6, 10]")

    def among(self, rows: _Rows, layers: _Layers, where: str) -> _Mask:
        """Which rows of a catalog were asked for.

        What is asked for first narrows what the next can be: runs, views, layers,
        kernels, epochs.

        Args:
            rows: The pictures that there are.
            layers: By the number that stands in the rows.
            where: The log's name, for errors.

        Raises:
            ArgumentError: If something asked for is not among them; it says what is.
        """
        search = _Search(rows, layers, where)
        if self._runs is not None:
            search.take_names("run", self._runs)
        if self._views is not None:
            search.take_names("view", self._views)
        if self._layers is not None:
            search.take_layers(self._layers)
        if self._kernels is not None:
            search.take_kernels(self._kernels)
        if self._epochs is not None:
            search.take_epochs(self._epochs)
        return search.chosen


class _Search:
    """Rows of a catalog that get fewer."""

    def __init__(self, rows: _Rows, layers: _Layers, where: str) -> None:
        self.chosen: _Mask = np.ones(len(rows), bool)
        self._rows = rows
        self._layers = layers
        self._where = shown(where)

    def take_names(self, field: str, names: Sequence[Any]) -> None:
        """Takes what is of these runs, or of these views."""
        have: set[str] = {getattr(one, field) for one in self._present}
        for name in names:
            if name not in have:
                ordered = sorted(have, key=natural_order)
                listed = enumerate_some(ordered)
                meant = did_you_mean(str(name), have)
                raise ArgumentError(
                    f"{field}s: no {field} {name!r} in {self._where!r}; it has {listed}{meant}"
                )
        self.chosen &= self._of_layers(lambda one: getattr(one, field) in names)

    def take_layers(self, wanted: Sequence[int | str]) -> None:
        """Takes what is of these layers."""
        for layer in wanted:
            present = self._present
            if not any(_is_layer(one, layer) for one in present):
                have = dict.fromkeys(
                    f"{one.name} ({one.number})" if one.name else one.number
                    for one in sorted(present, key=lambda one: order_of(one.number))
                )
                names = {name for one in present for name in (one.name, one.group, one.number)}
                raise ArgumentError(
                    f"layers: no layer {layer!r} in {self._where!r}, as far as runs and views were "
                    f"chosen; there are {enumerate_some(have)}"
                    + (_told_dash(layer, present) or did_you_mean(str(layer), names))
                )
        self.chosen &= self._of_layers(lambda one: any(_is_layer(one, layer) for layer in wanted))

    def take_kernels(self, wanted: Sequence[Any]) -> None:
        """Takes these kernels, each of any layer or of one."""
        taken = np.zeros(len(self._rows), bool)
        for asked in wanted:
            found = self._numbered("kernel", asked, _kernel_of)
            layer = _layer_of(asked)
            if layer is not None:
                found &= self._of_layers(functools.partial(_is_layer, wanted=layer))
            taken |= self._checked("kernel", asked, found)
        self.chosen &= taken

    def take_epochs(self, wanted: Sequence[Any]) -> None:
        """Takes these epochs; the last is that of each run and view."""
        taken = np.zeros(len(self._rows), bool)
        for asked in wanted:
            if asked == LAST:
                taken |= self._last_epochs()
            else:
                found = self._numbered("epoch", asked, _epoch_of)
                taken |= self._checked("epoch", asked, found)
        self.chosen &= taken

    @property
    def _present(self) -> list[LoggedLayer]:
        present = set(np.unique(self._rows["layer"][self.chosen]).tolist())
        return [one for number, one in self._layers.items() if number in present]

    def _of_layers(self, wanted: Callable[[LoggedLayer], bool]) -> _Mask:
        return np.isin(
            self._rows["layer"], [number for number, one in self._layers.items() if wanted(one)]
        )

    def _numbered(self, field: str, asked: Any, number_of: Callable[[Any], int]) -> _Mask:
        numbers = self._rows[field]
        found: _Mask
        if isinstance(asked, range):
            # Of a range without end no list is made.
            found = np.isin(numbers, [one for one in np.unique(numbers).tolist() if one in asked])
        else:
            found = numbers == number_of(asked)
        return found

    def _checked(self, field: str, asked: Any, found: _Mask) -> _Mask:
        if not (found & self.chosen).any():
            have = (
                ranges(map(epoch_of, np.unique(self._rows[field][self.chosen]).tolist())) or "none"
            )
            joined = isinstance(asked, range) and asked.step == 1
            told = f"{asked.start}-{asked.stop - 1}" if joined else repr(asked)
            # What the second number counts, if that is one thing in all of them.
            nouns = {noun_of(one.view) for one in self._present}
            noun = nouns.pop() if field == "kernel" and len(nouns) == 1 else field
            raise ArgumentError(
                f"{field}s: no picture of {noun} {told} in {self._where!r}, as far as others were "
                f"chosen; there are {have}"
            )
        return found

    def _last_epochs(self) -> _Mask:
        """The last epoch of each run and view: trainings may be of different lengths."""
        last = np.zeros(len(self._rows), bool)
        for folder in dict.fromkeys(one.folder for one in self._present):
            of_one = self._of_layers(functools.partial(_is_in, folder)) & self.chosen
            epochs = self._rows["epoch"][of_one]
            # The model as training leaves it is an epoch of its own, and no last one.
            epochs = epochs[epochs != FINAL] if (epochs != FINAL).any() else epochs
            last |= of_one & (self._rows["epoch"] == epochs.max())
        return last


def _listed(argument: str, wanted: Any, example: str) -> list[Any] | None:
    if wanted is None:
        return None
    single = isinstance(wanted, str) or hasattr(wanted, "__index__")
    items = [wanted] if single else check_list(argument, wanted, example)
    for item in items:
        if isinstance(item, range) and not item:
            check_list(argument, item, example)
    return items


def _epoch_of(asked: Any) -> int:
    if asked == str(FINAL):
        return FINAL
    return check_whole("epochs", asked, 0, "expected whole numbers from 0, 'last' or 'final'")


def _kernel_of(asked: Any) -> int:
    expected = "expected kernel numbers, 0 for sheets, or texts such as '3_2'"
    if not isinstance(asked, str):
        return check_whole("kernels", asked, 0, expected)
    match = _OF_LAYER.fullmatch(asked)
    if match is None:
        raise ArgumentError(f"kernels: {expected}, got {asked!r}")
    return int(match[2])


def _layer_of(asked: Any) -> str | None:
    match = _OF_LAYER.fullmatch(asked) if isinstance(asked, str) else None
    return match and match[1]


def _told_dash(wanted: int | str, present: Iterable[LoggedLayer]) -> str:
    """What a dash means, to somebody who seems to mean a range of layers; else empty."""
    match = _DASHED.fullmatch(wanted) if isinstance(wanted, str) else None
    if match is None:
        return ""
    first, last = int(match[1]), int(match[2])
    if first >= last:
        return ""
    tops = sorted({int(_TOP.match(one.number)[0]) for one in present})  # type: ignore[index]
    between = [str(number) for number in tops if first <= number <= last]
    told = f"; a dash leads into a layer: {wanted} is layer {last} inside layer {first}"
    if not between:
        return told
    return (
        f"{told}; for layers {first} to {last} say {','.join(between)}, in Python "
        f"[{', '.join(between)}]"
    )


def _is_in(folder: str, one: LoggedLayer) -> bool:
    return one.folder == folder


def _is_layer(one: LoggedLayer, wanted: int | str) -> bool:
    return belongs(one.number, str(wanted)) or wanted in (one.name, one.group)


def thin_out(items: Sequence[_Item], most: int) -> list[_Item]:
    """At most so many of the items, evenly chosen, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    places = np.linspace(0, len(items) - 1, most).round().astype(int)
    return [items[place] for place in places]
