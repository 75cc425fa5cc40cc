"""What event files hold, found one by one → what of it is shown, in its order.

Of several trainings in a folder the newest is shown: one that begins at epoch 0 or 1 supersedes
those before it, one that goes on keeps their epochs before its own. Of what bears the same name,
and of points at one step, the newest counts.
"""

from __future__ import annotations

import copy
import math
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb_kernels.reading.curves import Curve, Points
from tb_kernels.reading.entries import names_in
from tb_kernels.reading.rows import NO_INDEX, Rows, sorted_by
from tb_kernels.reading.summaries import (
    Found,
    FoundIndex,
    FoundLayers,
    FoundPicture,
    FoundPictures,
    FoundPoint,
    FoundTraining,
)
from tb_kernels.schema.naming import VIEWS, natural_order, order_of
from tb_kernels.schema.training import UNKNOWN, Training

# Where the text of an index lies.
_SPAN = struct.Struct("<IQI")
SPAN = np.dtype([("file", "<u4"), ("offset", "<u8"), ("length", "<u4")])

# A layer's folder, group and number.
LayerKey = tuple[str, str, str]

# Behind every epoch.
_BEYOND = 2**32 - 1

_Waiting = dict[int, dict[tuple[LayerKey, int], int]]


class FileFacts(NamedTuple):
    """What an event file says of itself.

    Attributes:
        folder: Where it lies.
        training: Who wrote it.
        wall_time: When it was begun; infinite if it has no record.
        layers: Where in it the text begins that tells of the model's layers, and its length;
            None without.
    """

    folder: str
    training: Training
    wall_time: float
    layers: tuple[int, int] | None


class Shown(NamedTuple):
    """What is shown of all that was found.

    Attributes:
        rows: The pictures, `ROW`, in the order shown.
        names: What layers are called, in the newest training that says so.
        curves: By folder and tag, a point for each step.
        superseded: By folder, how many pictures are left out for a newer training.
    """

    rows: NDArray[np.void]
    names: dict[LayerKey, str]
    curves: dict[str, dict[str, Curve]]
    superseded: Counter[str]


class Gathering:
    """What was found so far. It is told where files and records begin and end, too.

    Attributes:
        files: The event files, by their numbers.
        points: Those of curves.
    """

    def __init__(self) -> None:
        self.points = Points()
        self._layers: dict[LayerKey, int] = {}
        self._rows = Rows()
        self._spans = bytearray()
        self.files: list[FileFacts] = []
        # By layer and file: one layer may be called otherwise in another training.
        self._names: dict[tuple[LayerKey, int], str] = {}
        self._folder, self._file = ".", 0
        # Of the record at hand: its index, what this calls the layers as soon as that is asked
        # for, and whether pictures stand behind it.
        self._index: FoundIndex | None = None
        self._told: dict[tuple[str, str], str] | None = None
        self._used = False
        # In format 1 the index of an epoch follows its pictures, in a record of its own.
        # By file and epoch, layer and kernel of those that wait for it → where their row begins.
        self._waits: list[_Waiting] = []

    def copy(self) -> Gathering:
        """The same, to which more can be added while others look at this."""
        same = Gathering()
        same.__dict__ |= self.__dict__
        same._layers, same._names = dict(self._layers), dict(self._names)
        same._rows, same._spans = self._rows.copy(), self._spans[:]
        same.files = list(self.files)
        same.points, same._waits = self.points.copy(), copy.deepcopy(self._waits)
        return same

    def begin_file(self, folder: str) -> None:
        """What is added from now on is of the next file."""
        self.files.append(FileFacts(folder, UNKNOWN, math.inf, None))
        self._waits.append({})
        self.go_on(len(self.files) - 1)

    def go_on(self, file: int) -> None:
        """What is added from now on is of this file, behind what was added of it before."""
        self._folder, self._file = self.files[file].folder, file

    def begin_gap(self) -> None:
        """Here something of the file is missing, which may have been an index."""
        self._waits[self._file].clear()

    def begin_record(self, wall_time: float, size: int) -> None:
        """What is added from now on was written in one piece, of which so many bytes were read."""
        self.points.make_room(size)
        self._rows.make_room(size)
        self._index, self._told, self._used = None, None, False
        facts = self.files[self._file]
        if facts.wall_time == math.inf:
            self.files[self._file] = facts._replace(wall_time=wall_time)

    def end_record(self) -> None:
        """The record was read whole: pictures that have waited for its index have it now."""
        if self._index is None or self._used:
            return
        number = self._number_of(self._index)
        bound = self._waits[self._file].pop(self._index.epoch, {})
        for row in bound.values():
            self._rows.bind(row, number)
        self._name({layer for layer, _ in bound}, self._index)

    def has_room(self, found: FoundPictures) -> bool:
        """Whether these can be added, though not all bytes were read that they stand in."""
        return self._rows.has_room(len(found.places))

    def add(self, found: Found) -> None:
        """Adds one thing."""
        match found:
            case FoundPicture():
                self._add_picture(found)
            case FoundPictures():
                self._add_pictures(found)
            case FoundIndex():
                self._index, self._told = found, None
            case FoundTraining(training):
                self.files[self._file] = self.files[self._file]._replace(training=training)
            case FoundLayers():
                place = found.offset, found.length
                self.files[self._file] = self.files[self._file]._replace(layers=place)
            case FoundPoint():
                self.points.add(self._folder, self._file, *found)

    @property
    def layers(self) -> list[LayerKey]:
        """The layers as they were met."""
        return list(self._layers)

    def spans(self) -> NDArray[np.void]:
        """Where the indexes lie, by the numbers that stand in the rows."""
        return np.frombuffer(bytes(self._spans), SPAN)

    def ages(self) -> NDArray[np.uint32]:
        """By file: how many files were begun before."""
        return _ranks(
            (facts.training.number, facts.wall_time, file) for file, facts in enumerate(self.files)
        )

    def shown(self, until: Mapping[str, int] | None = None) -> Shown:
        """What is shown: by the newest trainings.

        Args:
            until: By folder, the age of the newest file that counts; nothing of other folders
                does. None for all files.
        """
        age = self.ages()
        below = self._kept_below(age.tolist(), until)
        # There may be millions of rows: what is made of each is small, and gone soon.
        rows = self._rows.array()
        kept = rows["epoch"] < np.clip(below, 0, _BEYOND).astype(np.uint32)[rows["file"]]
        left_out = np.bincount(rows["file"][~kept], minlength=len(self.files))
        superseded: Counter[str] = Counter()
        for file in np.flatnonzero((left_out > 0) & (below >= 0)).tolist():
            superseded[self.files[file].folder] += int(left_out[file])
        order = _ranks(map(_order, self._layers))
        place = sorted_by(order[rows["layer"]], rows["kernel"], rows["epoch"], age[rows["file"]])
        place = place[kept[place]]
        older = np.ones(len(place), bool)
        older[-1:] = False
        for name in ("layer", "kernel", "epoch"):
            told = rows[name][place]
            older[:-1] &= told[1:] == told[:-1]
        # Six times as quick as to index by the places.
        rows = rows.take(place[~older])
        return Shown(rows, self._names_in(age, below), self.points.curves(age, below), superseded)

    def _kept_below(
        self, ages: Sequence[int], until: Mapping[str, int] | None
    ) -> NDArray[np.float64]:
        """By file: the epoch from which on it is superseded; -1 for a file that does not count."""
        below = np.full(len(self.files), -1.0)
        newer: dict[str, tuple[str, float, float]] = {}
        for file in sorted(range(len(self.files)), key=ages.__getitem__, reverse=True):
            folder, training = self.files[file].folder, self.files[file].training
            if until is not None and ages[file] > until.get(folder, -1):
                continue
            identifier, limit, keeps = newer.get(folder, ("", math.inf, math.inf))
            if not identifier or identifier != training.identifier:
                limit = min(limit, keeps)
            below[file] = limit
            newer[folder] = training.identifier, limit, training.keeps
        return below

    def trainings_at(
        self, folder: str, epochs: Sequence[int], until: Mapping[str, int] | None
    ) -> list[set[str]]:
        """By epoch, the identifiers of those whose files of a folder are shown; "" for unknown.

        Args:
            folder: Its name.
            epochs: Which.
            until: As for `shown`.
        """
        below = self._kept_below(self.ages().tolist(), until)
        files = [
            (facts.training.identifier, end)
            for facts, end in zip(self.files, below.tolist(), strict=True)
            if facts.folder == folder
        ]
        return [{identifier for identifier, end in files if epoch < end} for epoch in epochs]

    def _names_in(self, age: NDArray[np.uint32], below: NDArray[np.float64]) -> dict[LayerKey, str]:
        told = [named for named in self._names if below[named[1]] >= 0]
        told.sort(key=lambda named: age[named[1]])
        return {layer: self._names[layer, file] for layer, file in told}

    def _add_picture(self, found: FoundPicture) -> None:
        group, (number, kernel, epoch), *where = found
        layer = self._folder, group, number
        index = self._index_of(layer)
        place = self._layers.setdefault(layer, len(self._layers))
        row = self._rows.add(place, kernel, epoch, self._file, *where, index)
        if index == NO_INDEX:
            waiting = self._waits[self._file].setdefault(epoch, {})
            if (layer, kernel) in waiting:
                # The epoch was logged once more, and the index of the first time is missing.
                waiting.clear()
            waiting[layer, kernel] = row

    def _add_pictures(self, found: FoundPictures) -> None:
        layer = self._folder, found.group, found.layer
        index = self._index_of(layer)
        place = self._layers.setdefault(layer, len(self._layers))
        where = self._file, found.offset, found.width, found.height
        self._rows.add_placed(found.places, place, found.epoch, *where, index)

    def _index_of(self, layer: LayerKey) -> int:
        """The number of the record's index, which is used for this layer; `NO_INDEX` without."""
        if self._index is None:
            return NO_INDEX
        self._used = True
        self._name({layer}, self._index)
        return self._number_of(self._index)

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


def _ranks(keys: Iterable[Any]) -> NDArray[np.uint32]:
    """For each key: how many are less."""
    keys = list(keys)
    ranks = np.empty(len(keys), np.uint32)
    ranks[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    return ranks


def _order(layer: LayerKey) -> tuple[object, ...]:
    folder, group, number = layer
    training, _, view = folder.rpartition("/")
    place = VIEWS.index(view) if view in VIEWS else len(VIEWS)
    return natural_order(training), place, view, order_of(number), group
