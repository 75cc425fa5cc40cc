"""Where the pictures of a record stand, so that a long log is opened without reading them.

It is the plugin's own content in the metadata of the index's summary. Of each picture it has the
checksum, too: whoever has not read the record whole sees by it that a picture is what was written.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import NamedTuple

import google_crc32c
import numpy as np
from numpy.typing import NDArray

# A checksum of the rest, and of the index's tag and JSON; then how many bytes stand behind the
# index's summary, how many pictures they hold, and the width and the height of these; then a
# `PLACE` for each, and what stands before the kernel in their tags.
_CHECKSUM = struct.Struct("<I")
_HEAD = struct.Struct("<IIII")
PLACE = np.dtype([(name, "<u4") for name in ("kernel", "offset", "length", "checksum")])

# The bytes of the smallest PNG.
_LEAST = 67

# What stands before the kernel in a tag is a file's name, two at most.
_LONGEST_LAYER = 1024

# How much of a picture is looked for before all of it is compared.
_BEGINNING = 64


class Places(NamedTuple):
    """Where the pictures of a record stand.

    Attributes:
        layer: Their tags up to the layer's number, `"1-conv2d/1"`.
        behind: How many bytes of values stand behind the index's: all that belongs to it.
        width: Of each picture, in pixels.
        height: Likewise.
        pictures: `PLACE`: of each the kernel's number, where its PNG begins in these bytes, how
            many it has, and their CRC-32C.
    """

    layer: str
    behind: int
    width: int
    height: int
    pictures: NDArray[np.void]

    def are_in(self, data: bytes, end: int) -> bool:
        """Whether each picture is where it was, behind the index's value, which ends there."""
        return all(
            google_crc32c.value(data[end + start : end + start + length]) == checksum
            for _, start, length, checksum in self.pictures.tolist()
        )


def pack_places(
    index: bytes, layer: str, values: bytes, pngs: Mapping[int, bytes], size: tuple[int, int]
) -> bytes:
    """Notes where pictures stand.

    Args:
        index: Its tag, which tells the epoch, and the JSON behind it.
        layer: Their tags up to the layer's number.
        values: The summaries behind it, in one piece.
        pngs: The pictures in them by their kernels' numbers, in their order.
        size: Width and height of each, in pixels.
    """
    places = np.empty(len(pngs), PLACE)
    end = 0
    for number, (kernel, png) in enumerate(pngs.items()):
        start = find_part(values, png, end)
        end = start + len(png)
        places[number] = kernel, start, len(png), google_crc32c.value(png)
    head = _HEAD.pack(len(values), len(places), *size)
    told = b"".join((head, places.tobytes(), layer.encode()))
    return _checksum(index, told) + told


def parse_places(index: bytes, data: bytes) -> Places | None:
    """Reads what `pack_places` has made; None if it is nothing of the kind, or damaged."""
    told = data[_CHECKSUM.size :]
    if data[: _CHECKSUM.size] != _checksum(index, told) or len(told) < _HEAD.size:
        return None
    behind, number, width, height = _HEAD.unpack_from(told)
    end = _HEAD.size + number * PLACE.itemsize
    if not (number and width and height) or not end <= len(told) <= end + _LONGEST_LAYER:
        return None
    places = np.frombuffer(told, PLACE, number, _HEAD.size)
    offsets, lengths = places["offset"], places["length"]
    if np.add(offsets, lengths, dtype=np.int64).max() > behind:
        return None
    # Each takes as many bytes as a picture of one pixel at least, and none those of another: what
    # is kept of them is less than what was read.
    if lengths.min() < _LEAST or lengths.sum(dtype=np.int64) > behind:
        return None
    return Places(told[end:].decode(errors="replace"), behind, width, height, places)


def find_part(data: bytes, part: bytes, start: int) -> int:
    """Where the part stands in a record, from `start` on.

    Equal bytes before it would be an equal picture.
    """
    # Its beginning first: to look for all of a picture takes ten times as long.
    found = data.find(part[:_BEGINNING], start)
    return found if data.startswith(part, found) else data.find(part, start)


def _checksum(index: bytes, told: bytes) -> bytes:
    return _CHECKSUM.pack(google_crc32c.extend(google_crc32c.value(index), told))
