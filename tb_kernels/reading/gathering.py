"""What event files hold, found one by one → the newest of each name, in the order shown."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb_kernels.reading.curves import Curve, curve_of
from tb_kernels.reading.entries import names_in
from tb_kernels.reading.summaries import (
    Found,
    FoundIndex,
    FoundPicture,
    FoundPoint,
    FoundTraining,
)
from tb_kernels.schema.naming import VIEWS, natural_order, order_of

# Where a picture lies, what it shows, and which index was written with it: a row for each.
_ROW = struct.Struct("<IIIIQIIII")
_FIELDS = ("layer", "kernel", "epoch", "file", "offset", "length", "width", "height", "index")
ROW = np.dtype([(name, "<u8" if name == "offset" else "<u4") for name in _FIELDS])
_INDEX_PLACE = ROW.fields["index"][1]  # type: ignore[index]
_INDEX = struct.Struct("<I")

# Where the text of an index lies.
_SPAN = struct.Struct("<IQI")
SPAN = np.dtype([("file", "<u4"), ("offset", "<u8"), ("length", "<u4")])

# In a row: no index was written with the picture.
NO_INDEX = 2**32 - 1

# So many curves are read, and one more for so many bytes; each takes a kilobyte whatever its
# length. Honest ones have a point for each epoch, of a hundred bytes.
_CURVES, _CURVE_EACH = 100_000, 300

# A layer's folder, group and number.
LayerKey = tuple[str, str, str]


class _Age(NamedTuple):
    """What puts the event files of a folder in the order in which they were begun."""

    training: int
    wall_time: float
    file: int


class Gathering:
    """What was found so far. It is told where files and records begin and end, too.

    Attributes:
        left_out: How many points of curves there was no room for.
    """

    def __init__(self) -> None:
        self.left_out = 0
        self._room_for_curves: float = _CURVES
        self._layers: dict[LayerKey, int] = {}
        self._rows = bytearray()
        self._spans = bytearray()
        self._points: dict[str, dict[str, dict[int, tuple[array[int], array[float]]]]] = {}
        self._ages: dict[int, _Age] = {}
        # By layer and file: one layer may be called otherwise in another training.
        self._names: dict[tuple[LayerKey, int], str] = {}
        self._folder, self._file = ".", 0
        # Of the record at hand: its index, what this calls the layers as soon as that is asked
        # for, and whether pictures stand behind it.
        self._index: FoundIndex | None = None
        self._told: dict[tuple[str, str], str] | None = None
        self._used = False
        # In format 1 the index of an epoch follows its pictures, in a record of its own.
        # By epoch, the layer and kernel of those that wait for it → where their row begins.
        self._waiting: dict[int, dict[tuple[LayerKey, int], int]] = {}

    def begin_file(self, folder: str, file: int) -> None:
        """What is added from now on is of this file."""
        self._folder, self._file = folder, file
        self._ages[file] = _Age(0, math.inf, file)
        self.begin_gap()

    def begin_gap(self) -> None:
        """Here something of the file is missing, which may have been an index."""
        self._waiting.clear()

    def begin_record(self, wall_time: float, size: int) -> None:
        """What is added from now on was written in one piece, of so many bytes."""
        self._room_for_curves += size / _CURVE_EACH
        self._index, self._told, self._used = None, None, False
        age = self._ages[self._file]
        if age.wall_time == math.inf:
            self._ages[self._file] = age._replace(wall_time=wall_time)

    def end_record(self) -> None:
        """The record was read whole: pictures that have waited for its index have it now."""
        if self._index is None or self._used:
            return
        number = self._number_of(self._index)
        bound = self._waiting.pop(self._index.epoch, {})
        for row in bound.values():
            _INDEX.pack_into(self._rows, row + _INDEX_PLACE, number)
        self._name({layer for layer, _ in bound}, self._index)

    def add(self, found: Found) -> None:
        """Adds one thing."""
        match found:
            case FoundPicture():
                self._add_picture(found)
            case FoundIndex():
                self._index, self._told = found, None
            case FoundTraining(training):
                self._ages[self._file] = self._ages[self._file]._replace(training=training.number)
            case FoundPoint():
                self._add_point(found)

    def pictures(self) -> tuple[list[LayerKey], NDArray[np.void]]:
        """The layers as they were met, and the rows of the newest pictures in the order shown."""
        layers = list(self._layers)
        rows = np.frombuffer(self._rows, ROW)
        order, age = _ranks(map(_order, layers)), self._by_age()
        # lexsort keeps the order of equals, here that in which one file was written.
        rows = rows[
            np.lexsort((age[rows["file"]], rows["epoch"], rows["kernel"], order[rows["layer"]]))
        ]
        newest = np.ones(len(rows), bool)
        names = [rows[name] for name in ("layer", "kernel", "epoch")]
        newest[:-1] = np.any([name[1:] != name[:-1] for name in names], axis=0)
        return layers, rows[newest]

    def spans(self) -> NDArray[np.void]:
        """Where the indexes lie, by the numbers that stand in the rows."""
        return np.frombuffer(self._spans, SPAN)

    def names(self) -> dict[LayerKey, str]:
        """What layers are called, in the newest training that says so."""
        age = self._by_age()
        oldest_first = sorted(self._names, key=lambda named: age[named[1]])
        return {layer: self._names[layer, file] for layer, file in oldest_first}

    def curves(self) -> dict[str, dict[str, Curve]]:
        """The curves, a point for each step."""
        age = self._by_age()
        return {
            folder: {
                tag: curve_of([points[file] for file in sorted(points, key=age.__getitem__)])
                for tag, points in sorted(curves.items())
            }
            for folder, curves in self._points.items()
        }

    def _add_picture(self, found: FoundPicture) -> None:
        group, (number, kernel, epoch), *where = found
        layer = self._folder, group, number
        index = NO_INDEX
        if self._index is not None:
            index, self._used = self._number_of(self._index), True
            self._name({layer}, self._index)
        else:
            waiting = self._waiting.setdefault(epoch, {})
            if (layer, kernel) in waiting:
                # The epoch was logged once more, and the index of the first time is missing.
                waiting.clear()
            waiting[layer, kernel] = len(self._rows)
        place = self._layers.setdefault(layer, len(self._layers))
        self._rows += _ROW.pack(place, kernel, epoch, self._file, *where, index)

    def _add_point(self, found: FoundPoint) -> None:
        curves = self._points.setdefault(self._folder, {})
        points = curves.get(found.tag, {}).get(self._file)
        if points is None:
            if self._room_for_curves < 1:
                self.left_out += 1
                return
            self._room_for_curves -= 1
            points = array("q"), array("d")
            curves.setdefault(found.tag, {})[self._file] = points
        points[0].append(found.step)
        points[1].append(found.value)

    def _number_of(self, index: FoundIndex) -> int:
        """Its number, that of a new one if it has none yet."""
        span = _SPAN.pack(self._file, index.offset, len(index.text))
        if self._spans[-_SPAN.size :] != span:
            self._spans += span
        return len(self._spans) // _SPAN.size - 1

    def _name(self, layers: set[LayerKey], index: FoundIndex) -> None:
        unnamed = {layer for layer in layers if (layer, self._file) not in self._names}
        if unnamed and self._told is None:
            self._told = names_in(index.text)
        for layer in unnamed:
            _, group, number = layer
            told = (self._told or {}).get((number, group), group.removeprefix(f"{number}-"))
            self._names[layer, self._file] = told

    def _by_age(self) -> NDArray[np.intp]:
        """By file: how many files were begun before."""
        return _ranks(self._ages.values())


def _ranks(keys: Iterable[Any]) -> NDArray[np.intp]:
    """For each key: how many are less."""
    keys = list(keys)
    ranks = np.empty(len(keys), np.intp)
    ranks[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    return ranks


def _order(layer: LayerKey) -> tuple[object, ...]:
    folder, group, number = layer
    training, _, view = folder.rpartition("/")
    place = VIEWS.index(view) if view in VIEWS else len(VIEWS)
    return natural_order(training), place, view, order_of(number), group
