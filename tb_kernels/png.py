"""Pictures → PNG bytes.

TODO-DOC
"""

from __future__ import annotations

import struct

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = struct.pack(">I4sI", 0, b"IEND", isal_zlib.crc32(b"IEND"))
_COLOR_TYPES = {1: 0, 3: 2}  # channels → grey, truecolour
_LEVEL = 1


def encode(picture: NDArray[np.uint8]) -> bytes:
    """Encodes a picture.

    Args:
        picture: Shape (height, width, channels), one channel (grey) or three (red,
            green, blue).

    Returns:
        A whole PNG file: 8 bits per channel, no filter, no interlace.
    """
    height, width, channels = picture.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOR_TYPES[channels], 0, 0, 0)
    # Every row begins with its filter's number: 0, none.
    rows = np.zeros((height, 1 + width * channels), np.uint8)
    rows[:, 1:] = picture.reshape(height, width * channels)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", isal_zlib.compress(rows, _LEVEL)),
            _END,
        )
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = isal_zlib.crc32(data, isal_zlib.crc32(name))
    return b"".join((struct.pack(">I4s", len(data), name), data, struct.pack(">I", checksum)))
