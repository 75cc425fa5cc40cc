"""The index of an epoch, read back: checked, since anybody may have written it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any, cast

from tb_kernels.schema.axes import Axes
from tb_kernels.schema.index import FORMAT, HeatmapEntry, LayerEntry
from tb_kernels.schema.naming import SHEET
from tb_kernels.wording import shown

_LARGEST = 2**31 - 1

# Of pixels along the side of a weight.
_LARGEST_SCALE = 2**16


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


def axes_of(entry: LayerEntry) -> Axes:
    """The axes of the array that was drawn."""
    return Axes(entry["axes"], tuple(entry["shape"]))


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


def _none(value: Any) -> bool:
    return value is None


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
    "drawn": (_either(_none, _list_of(_whole(1))), "a list of whole numbers from 1, or null"),
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
