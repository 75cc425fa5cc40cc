"""Bytes ↔ records: the form of an event file, which TensorFlow calls TFRecord.

A record is a length, the length's checksum, the data, the data's checksum. What lies
between two whole records is damage; reading goes on behind it.
"""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import google_crc32c
import numpy as np

_HEADER = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")

# A record of more bytes is not read: the loggers write none, and an event takes up to fifty
# times its bytes when it is parsed.
LARGEST = 1 << 25

# Behind damage, so many times the file's size is read at most in search of records: lengths
# that are none of records can be made to overlap.
_SEARCH = 2

# Of a record that is not read whole, so much is, its header included: that of an index of some
# hundred pictures.
_BEGINNING = 1 << 14

# How much is looked through at a time for the next record behind damage: first, and in the end.
_FIRST_BLOCK, _BLOCK = 1 << 14, 1 << 20


class Record(NamedTuple):
    """A record, read whole or in part.

    Attributes:
        offset: Where its data begins in the file.
        length: How many bytes these are.
        data: All of them, the checksum verified; or their beginning, unverified.
    """

    offset: int
    length: int
    data: bytes

    @property
    def whole(self) -> bool:
        """Whether all of it was read."""
        return len(self.data) == self.length

    @property
    def end(self) -> int:
        """Where the next record begins."""
        return self.offset + self.length + _CHECKSUM.size


class Damage(NamedTuple):
    """Bytes that belong to no whole record.

    Attributes:
        offset: Where they begin in the file.
        at_end: Whether they are its end: it was cut off there, or is still written to.
    """

    offset: int
    at_end: bool


def pack_record(*data: bytes) -> bytes:
    """The record of some data, which may come in pieces."""
    length = struct.pack("<Q", sum(map(len, data)))
    return b"".join((length, _masked_crc(length), *data, _masked_crc(*data)))


def read_records(
    file: BinaryIO, size: int, offset: int = 0, checked: float = math.inf
) -> Iterator[Record | Damage]:
    """Every whole record of a file, and the damage between them.

    Args:
        file: A stream that can be moved to any place.
        size: Where to end: what is added to the file behind that is not read.
        offset: Where to begin: 0, or where a whole record ended.
        checked: So many bytes are read, and verified; of a large record behind them only the
            beginning is, until somebody asks for the rest with `read_rest`.

    Raises:
        OSError: If it cannot be read.
    """
    searched, most = 0, _SEARCH * (size - offset)
    following: Iterator[int] | None = None
    checked += offset
    # Where the last record ended for sure: one that was not read whole may be cut off, and
    # others stand where it says that it goes on.
    sure = offset
    while offset < size:
        record = _record_at(file, offset, size, most=_BEGINNING if offset >= checked else LARGEST)
        if isinstance(record, Record):
            sure = record.end if record.whole else offset
            offset, following = record.end, None
            yield record
            # Before the next is read, which may be as large.
            del record
            continue
        searched += record + offset - sure
        if following is None:
            following = _find_headers(file, sure + 1, size)
        place = next(following, None) if searched <= most else None
        yield Damage(sure, at_end=place is None)
        sure = offset = size if place is None else place


def read_rest(file: BinaryIO, record: Record) -> Record | None:
    """The same record read whole; None if its checksum says that it is damaged.

    Raises:
        OSError: If it cannot be read.
    """
    file.seek(record.offset)
    data = file.read(record.length)
    return record._replace(data=data) if file.read(_CHECKSUM.size) == _masked_crc(data) else None


def _record_at(file: BinaryIO, offset: int, size: int, most: int) -> Record | int:
    """The record that begins there, or how many bytes were read to see that there is none.

    Args:
        file: The stream.
        offset: Where.
        size: Where the file ends.
        most: Of a record of more bytes, only so many are read, its header included.
    """
    file.seek(offset)
    header = file.read(_HEADER.size)
    start = offset + _HEADER.size
    if not _is_header(header):
        return 0
    length = _HEADER.unpack(header)[0]
    if length > LARGEST or start + length + _CHECKSUM.size > size:
        return 0
    if length > most:
        return Record(start, length, file.read(most - _HEADER.size))
    return read_rest(file, Record(start, length, b"")) or length


def _find_headers(file: BinaryIO, offset: int, size: int) -> Iterator[int]:
    """Where, from the offset on, a length stands with its checksum."""
    length = _FIRST_BLOCK
    while offset + _HEADER.size <= size:
        file.seek(offset)
        block = file.read(length)
        length = min(2 * length, _BLOCK)
        for place in _likely_headers(block):
            header = block[place : place + _HEADER.size]
            end = offset + place + len(header) + int.from_bytes(header[:8], "little")
            if end < size and _is_header(header):
                yield offset + place
        if len(block) < _HEADER.size:
            break
        offset += len(block) - _HEADER.size + 1


def _likely_headers(block: bytes) -> list[int]:
    """Where eight bytes can be the length of a record: not 0, the upper half 0."""
    zero = np.frombuffer(block, np.uint8) == 0
    count = len(block) - _HEADER.size + 1
    if count <= 0:
        return []
    runs = [zero[shift : shift + count] for shift in range(8)]
    lower = runs[0] & runs[1] & runs[2] & runs[3]
    upper = runs[4] & runs[5] & runs[6] & runs[7]
    likely: list[int] = np.flatnonzero(upper & ~lower).tolist()
    return likely


def _is_header(header: bytes) -> bool:
    return len(header) == _HEADER.size and header[8:] == _masked_crc(header[:8])


def _masked_crc(*data: bytes) -> bytes:
    crc = functools.reduce(google_crc32c.extend, data, 0)
    return _CHECKSUM.pack(((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
