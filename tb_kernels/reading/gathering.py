"""What event files hold, found one by one, of all trainings and all times."""

from __future__ import annotations

import copy
import math
import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb_kernels.reading.curves import Points
from tb_kernels.reading.entries import names_in
from tb_kernels.reading.rows import NO_INDEX, Rows
from tb_kernels.reading.summaries import (
    Found,
    FoundIndex,
    FoundLayers,
    FoundPicture,
    FoundPictures,
    FoundPoint,
    FoundTraining,
)
from tb_kernels.schema.training import UNKNOWN, Training

# Where the text of an index lies.
_SPAN = struct.Struct("<IQI")
SPAN = np.dtype([("file", "<u4"), ("offset", "<u8"), ("length", "<u4")])

# A layer's folder, group and number.
LayerKey = tuple[str, str, str]

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


class Gathering:
    """What was found so far. It is told where files and records begin and end, too.

    Attributes:
        files: The event files, by their numbers.
        rows: The pictures.
        points: Those of curves.
        names: What a layer is called in a file: it may be otherwise in another training.
    """

    def __init__(self) -> None:
        self.files: list[FileFacts] = []
        self.rows = Rows()
        self.points = Points()
        self.names: dict[tuple[LayerKey, int], str] = {}
        self._layers: dict[LayerKey, int] = {}
        self._spans = bytearray()
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
        same._layers, same.names = dict(self._layers), dict(self.names)
        same.rows, same._spans = self.rows.copy(), self._spans[:]
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
        self.rows.make_room(size)
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
            self.rows.bind(row, number)
        self._name({layer for layer, _ in bound}, self._index)

    def has_room(self, found: FoundPictures) -> bool:
        """Whether these can be added, though not all bytes were read that they stand in."""
        return self.rows.has_room(len(found.places))

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

    def _add_picture(self, found: FoundPicture) -> None:
        group, (number, kernel, epoch), *where = found
        layer = self._folder, group, number
        index = self._index_of(layer)
        place = self._layers.setdefault(layer, len(self._layers))
        row = self.rows.add(place, kernel, epoch, self._file, *where, index)
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
        self.rows.add_placed(found.places, place, found.epoch, *where, index)

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
        unnamed = {layer for layer in layers if (layer, self._file) not in self.names}
        if unnamed and self._told is None:
            self._told = names_in(index.text)
        for layer in unnamed:
            _, group, number = layer
            told = (self._told or {}).get((number, group), group.removeprefix(f"{number}-"))
            self.names[layer, self._file] = told
