"""The pictures of a log as rows of numbers, 44 bytes each: a log may have millions."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tb_kernels.schema.places import PLACE

# Where a picture lies, what it shows, and which index was written with it. The checksum is that of
# pictures of which only the place was looked at, 0 of others.
_ROW = struct.Struct("<IIIIQIIIII")
_FIELDS = (
    *("layer", "kernel", "epoch", "file", "offset", "length", "width", "height", "index"),
    "checksum",
)
ROW = np.dtype([(name, "<u8" if name == "offset" else "<u4") for name in _FIELDS])
_INDEX = struct.Struct("<I")
_INDEX_AT = _ROW.size - 2 * _INDEX.size

# In a row: no index was written with the picture.
NO_INDEX = 2**32 - 1

# What tells pictures of a layer at an epoch from others: the file by its name, and of the index
# whether it has come yet.
_TOLD = ["file", "index", "kernel", "offset", "length", "checksum"]

# Of places so many rows are made, and one more for so many bytes that were read: while they are
# sorted a row takes a hundred. Honest ones have a picture for each thirty.
_ROOM, _ROW_EACH = 500_000, 32

# Of so many records rows are made at once.
_TOGETHER = 1000

# No file is longer.
_OFFSET_BITS = 44

# Of a whole number that has a sign.
_BITS = 64


class Rows:
    """Rows, as they were found."""

    def __init__(self) -> None:
        self._made = bytearray()
        # Of records whose index notes where their pictures stand: what a row has of all of them,
        # and the places.
        self._placed: list[tuple[bytes, NDArray[np.void]]] = []
        self._room: float = _ROOM

    def copy(self) -> Rows:
        """The same, to which more can be added."""
        self._make()
        same = Rows()
        same._made, same._room = self._made[:], self._room
        return same

    def make_room(self, size: int) -> None:
        """So many more bytes were read."""
        self._room += size / _ROW_EACH

    def has_room(self, number: int) -> bool:
        """Whether there is room for so many rows of what was only placed."""
        return self._room >= number

    def add(self, *fields: int) -> int:
        """Adds a row, all of its fields but the checksum; where it begins."""
        self._make()
        self._made += _ROW.pack(*fields, 0)
        return len(self._made) - _ROW.size

    def add_placed(self, places: NDArray[np.void], *shared: int) -> None:
        """Adds the rows of a record's pictures.

        Args:
            places: `PLACE` of each.
            shared: Layer, epoch, file, where the bytes begin in which they stand, width, height
                and index.
        """
        layer, epoch, file, offset, width, height, index = shared
        self._room -= len(places)
        row = _ROW.pack(layer, 0, epoch, file, offset, 0, width, height, index, 0)
        self._placed.append((row, places))
        if len(self._placed) == _TOGETHER:
            self._make()

    def bind(self, row: int, index: int) -> None:
        """Gives the row that begins there its index."""
        _INDEX.pack_into(self._made, row + _INDEX_AT, index)

    def array(self) -> NDArray[np.void]:
        """All of them, `ROW`; for as long as this is held none can be added."""
        self._make()
        return np.frombuffer(self._made, ROW)

    def _make(self) -> None:
        """Makes the rows of what was only placed: of many records at once, which is quicker."""
        if self._placed:
            shared, places = zip(*self._placed, strict=True)
            self._placed = []
            rows = np.repeat(np.frombuffer(b"".join(shared), ROW), list(map(len, places)))
            joined = np.frombuffer(b"".join(places), PLACE)
            for name in ("kernel", "length", "checksum"):
                rows[name] = joined[name]
            rows["offset"] += joined["offset"]
            self._made += rows.data


def place_of(rows: NDArray[np.void]) -> NDArray[np.uint64]:
    """Of each row where its picture lies, file and offset in one number."""
    place: NDArray[np.uint64] = rows["file"].astype(np.uint64) << _OFFSET_BITS | rows["offset"]
    return place


def versions_of(rows: NDArray[np.void], name_of: Callable[[int], str]) -> list[str]:
    """Of each epoch, ascending, what is another as soon as its pictures are.

    Args:
        rows: Those of a layer, in their order.
        name_of: What an event file is called.
    """
    order = np.argsort(rows["epoch"], kind="stable")
    told, epochs = rows[_TOLD][order], rows["epoch"][order]
    found = []
    for part in np.split(told, np.flatnonzero(epochs[1:] != epochs[:-1]) + 1):
        names = list(map(name_of, np.unique(part["file"]).tolist()))
        packed = b"".join(part[name].tobytes() for name in _TOLD[2:])
        packed += (part["index"] == NO_INDEX).tobytes()
        found.append(hashlib.blake2b(repr(names).encode() + packed, digest_size=8).hexdigest())
    return found


def sorted_by(*keys: NDArray[np.uint32]) -> NDArray[np.intp]:
    """What sorts by the first of some numbers, then the second, ...

    It keeps the order of equals.
    """
    bits = [int(key.max(initial=0)).bit_length() for key in keys]
    if sum(bits) >= _BITS:
        return np.lexsort(keys[::-1])
    # All in one number: five times as quick.
    joined = np.zeros(len(keys[0]), np.int64)
    for key, width in zip(keys, bits, strict=True):
        joined <<= width
        joined |= key
    return np.argsort(joined, kind="stable")
