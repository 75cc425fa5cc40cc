"""The indexes of a log, read when asked for, and checked: anybody may have written them."""

from __future__ import annotations

import functools
import json
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Any, cast

from tb_kernels.errors import LogError
from tb_kernels.reading.catalog import Catalog
from tb_kernels.reading.legends import Legend, legend_of
from tb_kernels.reading.sources import Tell
from tb_kernels.schema.index import FORMAT, HeatmapEntry, LayerEntry, axes_of, entry_key
from tb_kernels.schema.naming import SHEET, Address
from tb_kernels.wording import shown

_LARGEST = 2**31 - 1

# Of pixels along the side of a weight.
_LARGEST_SCALE = 2**16

# How much text of indexes is kept as read.
_KEPT_TEXT = 8_000_000

# An epoch that was logged again and again has an index each time; the newest count.
_NEWEST_INDEXES = 64

# An index of more bytes is not read: of a hundred thousand kernels it has a twentieth.
_LONGEST_INDEX = 1 << 24

_Entries = dict[tuple[str, str], list[LayerEntry]]


class IndexCache:
    """The newest indexes of a log, a bounded number of them kept as read.

    Args:
        catalog: Of a log directory.
        tell: Is told of indexes that are wrong.
    """

    def __init__(self, catalog: Catalog, tell: Tell) -> None:
        self._catalog = catalog
        self._tell = tell
        self._kept: OrderedDict[tuple[str, int], tuple[int, _Entries]] = OrderedDict()

    def legend(self, folder: str, group: str, address: Address) -> Legend:
        """How a picture is to be read.

        Raises:
            LogError: If the log has no index of it, or a wrong one.
        """
        layer, kernel, epoch = address
        entries = self._index(folder, epoch).get((layer, group), ())
        fitting = [entry for entry in entries if draws(entry, kernel)]
        if not fitting:
            raise LogError(
                f"the index of epoch {epoch} does not tell of {address} in "
                f"{shown(folder)!r}, so its layout and its weights are not known"
            )
        return legend_of(fitting[-1], kernel)

    def name(self, folder: str, group: str, number: str, epoch: int) -> str:
        """A layer's name in the model: as the index says, or else as its group does."""
        entries = self._index(folder, epoch).get((number, group))
        return entries[-1]["name"] if entries else group.removeprefix(f"{number}-")

    def _index(self, folder: str, epoch: int) -> _Entries:
        """The layers of an epoch's indexes by number and group, of each the newest last."""
        asked = folder, epoch
        if asked not in self._kept:
            spans = self._catalog.indexes.get(asked, [])[-_NEWEST_INDEXES:]
            newest: dict[Hashable, LayerEntry] = {}
            tell = functools.partial(self._tell_of_index, folder, epoch)
            for span in spans:
                if span.length > _LONGEST_INDEX:
                    tell(f"expected at most {_LONGEST_INDEX:,} bytes, got {span.length:,}")
                    continue
                for entry in parse_index(self._catalog.read(span), tell):
                    newest.pop(entry_key(entry), None)
                    newest[entry_key(entry)] = entry
            entries: _Entries = {}
            for entry in newest.values():
                entries.setdefault((entry["number"], entry["group"]), []).append(entry)
            self._kept[asked] = sum(span.length for span in spans), entries
            while len(self._kept) > 1 and sum(size for size, _ in self._kept.values()) > _KEPT_TEXT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(asked)
        return self._kept[asked][1]

    def _tell_of_index(self, folder: str, epoch: int, problem: str) -> None:
        self._tell(f"{shown(folder)}, index of epoch {epoch}: {problem}; that layer is left out")


def parse_index(text: bytes, tell: Callable[[str], None]) -> Iterator[LayerEntry | HeatmapEntry]:
    """The layers of an index.

    Args:
        text: The JSON.
        tell: Is told what is wrong with what is left out.
    """
    try:
        index = json.loads(text)
    except (ValueError, RecursionError):
        index = None
    layers = index.get("layers") if isinstance(index, dict) else None
    if not isinstance(layers, list) or index.get("format") != FORMAT:
        tell(f"expected an index of format {FORMAT} with layers, got {_brief(index)}")
        return
    for number, entry in enumerate(layers):
        problem = _problem(entry, _ENTRY) or _problem_of_axes(entry) or _problem_of_sheet(entry)
        if problem:
            tell(f"layers[{number}].{problem}")
        else:
            yield cast("LayerEntry", entry)


def draws(entry: LayerEntry, kernel: int) -> bool:
    """Whether a layer's pictures have one of this number."""
    if kernel == SHEET:
        return entry["sheet"] is not None
    if entry["drawn"] is not None:
        return kernel in entry["drawn"]
    return kernel <= entry["kernels"] * (entry["slices"] if entry["pictures"] == "slices" else 1)


def _whole(least: int, most: int = _LARGEST) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    # Compared as they are: a whole number may be too large to become a float.
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _list_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _either(*checks: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: any(check(value) for check in checks)


_Check = tuple[Callable[[Any], bool], str]

_SIZE: _Check = (_whole(1), "a whole number from 1")
_LIMIT: _Check = (_either(_number, _list_of(_number)), "a number, or a list of numbers")
_TEXT: _Check = (_text, "a text")

_ENTRY: dict[str, _Check] = {
    "number": _TEXT,
    "name": _TEXT,
    "group": _TEXT,
    "kind": _TEXT,
    "shape": (_list_of(_whole(1)), "a list of whole numbers from 1"),
    "axes": _TEXT,
    "kernels": _SIZE,
    "slices": _SIZE,
    "tile": (
        lambda value: _list_of(_whole(1))(value) and len(value) == 2,
        "two whole numbers from 1",
    ),
    "pictures": (lambda value: value in ("kernels", "slices"), "'kernels' or 'slices'"),
    "drawn": (
        _either(_list_of(_whole(1)), lambda value: value is None),
        "a list of whole numbers from 1, or null",
    ),
    "normalize": (_either(_text, _list_of(_number)), "a text, or two numbers"),
    "low": _LIMIT,
    "high": _LIMIT,
    "scale": (_whole(1, _LARGEST_SCALE), "a whole number from 1"),
    "columns": _SIZE,
    "gap": (_whole(0), "a whole number from 0"),
    "colormap": _TEXT,
    "sheet": (lambda value: value is None or isinstance(value, dict), "an object, or null"),
}

_SHEET_ENTRY: dict[str, _Check] = {
    "low": _LIMIT,
    "high": _LIMIT,
    "scale": _ENTRY["scale"],
    "columns": _SIZE,
    "gap": _ENTRY["gap"],
    "stacked": (lambda value: isinstance(value, bool), "true or false"),
    "colormap": _TEXT,
}


def _problem(entry: Any, checks: dict[str, _Check]) -> str | None:
    if not isinstance(entry, dict):
        return f": expected an object, got {_brief(entry)}"
    for field, (check, expected) in checks.items():
        if not check(entry.get(field)):
            return f"{field}: expected {expected}, got {_brief(entry.get(field))}"
    return None


def _problem_of_sheet(entry: Any) -> str | None:
    sheet = entry["sheet"]
    problem = None if sheet is None else _problem(sheet, _SHEET_ENTRY)
    return f"sheet.{problem}" if problem else None


def _problem_of_axes(entry: Any) -> str | None:
    try:
        axes = axes_of(entry)
        fits = len(axes.letters) == len(axes.shape) and axes.slices == entry["slices"]
        fits = fits and axes.tile[1] >= 1 and axes.kernels <= entry["kernels"]
    except (ValueError, StopIteration):
        fits = False
    return None if fits else f"axes: {_brief(entry['axes'])} do not fit the shape and the slices"


def _brief(value: Any) -> str:
    return shown(repr(value), 60)
