"""Bytes of an event → its values, each found before it is parsed.

An event of empty parts takes fifty times its bytes when protobuf parses it whole. So it is
walked through first, and its values are parsed one by one; that is quicker for honest ones too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

# A record with more parts is damage: the loggers write some thousands at most, TensorBoard
# and Keras some.
_MOST_PARTS = 100_000

# An event of ours has its summary among so many.
_FIRST_PARTS = 8

# What a value may hold beside long strings, so many bytes for each part: whatever it is,
# parsed it takes less than fifty times as much.
LOOSE, _PART = 1 << 20, 16

# Numbers of fields in TensorBoard's event.proto and summary.proto, TensorFlow's tensor.proto.
_WALL_TIME, _STEP, _SUMMARY = 1, 2, 5
_VALUE = 1
_TENSOR = 8
_LONG = {4, 8}  # of a tensor: its content, and its strings

# The forms in which a field stands on the wire.
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_FIXED = {_EIGHT: 8, _FOUR: 4}

_DOUBLE = struct.Struct("<d")

# A number has 64 bits, seven in a byte, whose highest says that more bytes follow.
_MORE = 1 << 7
_LONGEST_VARINT = 10

Span = tuple[int, int]


class Parts(NamedTuple):
    """What an event is made of.

    Attributes:
        wall_time: When it was written, in seconds since 1970.
        step: At which step.
        values: Where each value of its summary begins and ends.
    """

    wall_time: float
    step: int
    values: list[Span]


def split_event(data: bytes) -> Parts:
    """Finds the parts of an event.

    Raises:
        ValueError: If it is none, or has too many parts.
    """
    wall_time, step, values = 0.0, 0, []
    left = _MOST_PARTS
    for number, start, end in _fields(data, 0, len(data)):
        left -= 1
        if number == _SUMMARY:
            for inner, begin, finish in _fields(data, start, end):
                left -= 1
                if inner == _VALUE:
                    values.append((begin, finish))
                if left < 0:
                    break
        elif number == _WALL_TIME and end - start == _DOUBLE.size:
            wall_time = _DOUBLE.unpack_from(data, start)[0]
        elif number == _STEP:
            step = _signed(_varint(data, start)[0])
        if left < 0:
            raise ValueError(f"more than {_MOST_PARTS:,} parts")
    return Parts(wall_time, step, values)


class Beginning(NamedTuple):
    """The beginning of an event.

    Attributes:
        wall_time: When it was written, in seconds since 1970.
        value: Where the first value of its summary begins and ends.
        end: Where its summary ends.
    """

    wall_time: float
    value: Span
    end: int


def begin_event(data: bytes, length: int) -> Beginning | None:
    """Finds the first value of an event; None if it has none, or it is not where it should be.

    Args:
        data: The event, or its beginning.
        length: Of all of it.
    """
    wall_time = 0.0
    try:
        for number, start, end in islice(_fields(data, 0, length), _FIRST_PARTS):
            if number == _SUMMARY:
                inner, begin, finish = next(_fields(data, start, end))
                return Beginning(wall_time, (begin, finish), end) if inner == _VALUE else None
            if number == _WALL_TIME and end - start == _DOUBLE.size:
                wall_time = _DOUBLE.unpack_from(data, start)[0]
    except (ValueError, IndexError, StopIteration, struct.error):
        # It may also be that what was read ends before.
        pass
    return None


def is_lean(data: bytes, start: int, end: int) -> bool:
    """Whether a value, parsed, takes little more than its bytes, or than `LOOSE`.

    Raises:
        ValueError: If it is none.
    """
    if end - start <= LOOSE:
        return True
    loose = 0
    for number, begin, finish in _fields(data, start, end):
        if number == _TENSOR:
            for inner, first, last in _fields(data, begin, finish):
                loose += _PART + (0 if inner in _LONG else last - first)
                if loose > LOOSE:
                    return False
        else:
            loose += _PART + finish - begin
        if loose > LOOSE:
            return False
    return True


def _fields(data: bytes, place: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The number of each field of a message, and where what it holds begins and ends."""
    while place < end:
        key = data[place]
        # Nearly all keys have one byte, and most lengths two: no function need be called.
        key, place = (key, place + 1) if key < _MORE else _varint(data, place)
        form, start = key & 7, place
        if form == _BYTES:
            if place + 1 < end and data[place] >= _MORE > data[place + 1]:
                length, start = data[place] - _MORE | data[place + 1] << 7, place + 2
            else:
                length, start = _varint(data, place)
            place = start + length
        elif form == _VARINT:
            place = _varint(data, place)[1]
        elif form in _FIXED:
            place += _FIXED[form]
        else:
            raise ValueError("no field of any form")
        if place > end:
            raise ValueError("a field is cut off")
        yield key >> 3, start, place


def _varint(data: bytes, place: int) -> Span:
    """The number that begins there, and where it ends."""
    value = shift = 0
    for at in range(place, min(place + _LONGEST_VARINT, len(data))):
        byte = data[at]
        if byte < _MORE:
            return value | byte << shift, at + 1
        value |= (byte - _MORE) << shift
        shift += 7
    raise ValueError("a number without end")


def _signed(number: int) -> int:
    number &= 2**64 - 1
    return number - 2**64 if number >= 2**63 else number
