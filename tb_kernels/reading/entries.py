"""Text of an index → entries, checked: anybody may have written it."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np

from tb_kernels.reading.notes import notes_of
from tb_kernels.schema.index import FORMAT, HeatmapEntry, LayerEntry, axes_of
from tb_kernels.schema.naming import SHEET
from tb_kernels.wording import shown

# An index of more bytes is not read: of a hundred thousand kernels it has some more than half.
LONGEST = 8_000_000

# One with more lists, objects and their fields is damage: each takes a hundred bytes and more
# as read, and a layer has some thirty.
_MOST_PARTS = 500_000

# So many wrong entries are told of one by one.
_TOLD = 8

_LARGEST = 2**31 - 1

# Of an array.
_MOST_AXES = 16

# Of pixels along the side of a weight.
_LARGEST_SCALE = 2**16


def parse_index(text: bytes, tell: Callable[[str], None]) -> Iterator[LayerEntry | HeatmapEntry]:
    """The entries of an index, their long lists as arrays, which take little memory.

    Args:
        text: The JSON.
        tell: Is told what is wrong with what is left out.
    """
    index = _load(text)
    layers = index.get("layers") if isinstance(index, dict) else None
    known = {1: (_FORMAT_1, _of_format_1), FORMAT: (_ENTRY, _as_it_is)}
    format_ = index.get("format") if isinstance(index, dict) else None
    if not isinstance(layers, list) or type(format_) is not int or format_ not in known:
        tell(f"expected an index of format {FORMAT} with layers, got {_brief(index)}")
        return
    checks, convert = known[format_]
    wrong = 0
    for number, entry in enumerate(layers):
        if isinstance(entry, dict):
            # Only heatmaps say it: beneath others lies nothing. And only examples have a mean.
            entry.setdefault("strength", 1.0)
            entry.setdefault("means", None)
        problem = _problem(entry, checks) or _problem_of_axes(entry)
        if problem is None:
            yield from map(_compact, convert(entry))
            continue
        wrong += 1
        if wrong <= _TOLD:
            tell(f"layers[{number}].{problem}")
    if wrong > _TOLD:
        tell(f"layers: {wrong - _TOLD:,} more are wrong")


def names_in(text: bytes) -> dict[tuple[str, str], str]:
    """The names of layers in an index by number and group, of what is right in it."""
    index = _load(text)
    layers = index.get("layers") if isinstance(index, dict) else None
    return {
        (entry["number"], entry["group"]): entry["name"]
        for entry in (layers if isinstance(layers, list) else ())
        if not _problem(entry, _NAMES)
    }


def _load(text: bytes) -> Any:
    if len(text) > LONGEST or sum(map(text.count, (b"[", b"{", b":"))) > _MOST_PARTS:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _as_it_is(entry: Any) -> Iterator[LayerEntry]:
    yield entry


def _of_format_1(entry: Any) -> Iterator[LayerEntry]:
    """The entries of today for one of format 1, which told of a whole layer and its sheet."""
    entry = dict(entry)
    sheet, drawn = entry.pop("sheet"), entry["drawn"]
    kernels = entry["kernels"]
    if drawn is None:
        most = kernels * (entry["slices"] if entry["pictures"] == "slices" else 1)
        entry["drawn"] = range(1, most + 1)
    else:
        # It had a scale for each kernel of the layer, whichever were drawn.
        for end in ("low", "high"):
            if isinstance(entry[end], list) and len(entry[end]) == kernels:
                entry[end] = [entry[end][(kernel - 1) % kernels] for kernel in drawn]
    yield cast("LayerEntry", entry | {"stacked": False})
    if sheet is not None:
        yield cast("LayerEntry", entry | sheet | {"pictures": "sheet", "drawn": [SHEET]})


def _compact(entry: LayerEntry) -> LayerEntry:
    """What is known of an entry, its long lists as arrays."""
    kept: dict[str, Any] = {field: value for field, value in entry.items() if field in _ENTRY}
    for field in ("low", "high"):
        kept[field] = np.asarray(kept[field], np.float64)
        # All pictures of the entry share it.
        kept[field].flags.writeable = False
    if kept["means"] is not None:
        kept["means"] = np.asarray(kept["means"], np.float64)
    kept["notes"] = notes_of(cast("dict[str, Any]", entry))
    if isinstance(kept["drawn"], list):
        kept["drawn"] = np.asarray(kept["drawn"], np.int64)
    return cast("LayerEntry", kept)


def _whole(least: int, most: int = _LARGEST) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    # Compared as they are: a whole number may be too large to become a float.
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _list_of(check: Callable[[Any], bool], most: float = math.inf) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and len(value) <= most and all(map(check, value))


def _either(*checks: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: any(check(value) for check in checks)


_Check = tuple[Callable[[Any], bool], str]

_SIZE: _Check = (_whole(1), "a whole number from 1")
_LIMIT: _Check = (_either(_number, _list_of(_number)), "a number, or a list of numbers")
_TEXT: _Check = (_text, "a text")

_NAMES: dict[str, _Check] = {"number": _TEXT, "name": _TEXT, "group": _TEXT}

# How tiles stand and what their levels mean; in format 1 a sheet said it once more.
_LAYOUT: dict[str, _Check] = {
    "low": _LIMIT,
    "high": _LIMIT,
    "scale": (_whole(1, _LARGEST_SCALE), "a whole number from 1"),
    "columns": _SIZE,
    "gap": (_whole(0), "a whole number from 0"),
    "colormap": _TEXT,
}

_STACKED: dict[str, _Check] = {
    "stacked": (lambda value: isinstance(value, bool), "true or false"),
}

_ENTRY: dict[str, _Check] = {
    **_NAMES,
    **_LAYOUT,
    **_STACKED,
    "kind": _TEXT,
    "shape": (_list_of(_whole(1), _MOST_AXES), "a list of whole numbers from 1"),
    "axes": _TEXT,
    "kernels": _SIZE,
    "slices": _SIZE,
    "tile": (
        lambda value: _list_of(_whole(1), 2)(value) and len(value) == 2,
        "two whole numbers from 1",
    ),
    "pictures": (
        lambda value: value in ("kernels", "slices", "sheet"),
        "'kernels', 'slices' or 'sheet'",
    ),
    "drawn": (_list_of(_whole(0)), "a list of whole numbers from 0"),
    "strength": (_number, "a number"),
    "normalize": (_either(_text, _list_of(_number, 2)), "a text, or two numbers"),
    "means": (
        _either(_list_of(_number), lambda value: value is None),
        "a list of numbers, or null",
    ),
}

_FORMAT_1: dict[str, _Check] = {
    **{field: check for field, check in _ENTRY.items() if field not in _STACKED},
    "pictures": (lambda value: value in ("kernels", "slices"), "'kernels' or 'slices'"),
    "drawn": (
        _either(_list_of(_whole(1)), lambda value: value is None),
        "a list of whole numbers from 1, or null",
    ),
    "sheet": (
        lambda value: value is None or not _problem(value, _LAYOUT | _STACKED),
        "how the sheet is laid out, or null",
    ),
}


def _problem(entry: Any, checks: dict[str, _Check]) -> str | None:
    if not isinstance(entry, dict):
        return f": expected an object, got {_brief(entry)}"
    for field, (check, expected) in checks.items():
        if field not in entry:
            return f"{field}: expected {expected}, got nothing"
        if not check(entry[field]):
            return f"{field}: expected {expected}, got {_brief(entry[field])}"
    return None


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
