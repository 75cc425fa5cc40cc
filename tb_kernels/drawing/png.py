"""Pictures → PNG bytes.

A picture costs little more than its file, so the encoder is the smallest there is:
one deflate stream of unfiltered rows, by ISA-L at its level 1. Milliseconds and
bytes of a 160 x 160 picture of 512 slices, its file included, two cores, medians of
`python -m tests.benchmarks.encoders`:

    ISA-L level 1                 0.44    8,962
    ISA-L level 1, two threads    0.39    8,962
    zlib level 1                  0.68    8,666
    zlib level 1, two threads     0.48    8,666
    TensorFlow graph              0.92    7,931    encode_png and write_file, compiled
    Pillow, compress_level=1      1.04    7,931

Most of that is the file. ISA-L itself takes 0.05 ms where zlib takes 0.23; so a
second thread would gain a tenth, and take a core from the training. Rows of an
upscaled picture repeat, and PNG's filter Up turns the repetitions into zeros; but
both compressors find them without help, and filtering costs more than it saves
(0.49 ms with ISA-L, 0.73 with zlib, files of the same size).
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


def encode(picture: NDArray[np.uint8], dpi: float | None = None) -> bytes:
    """Encodes a picture.

    Args:
        picture: Shape (height, width, channels), one channel (grey) or three (red,
            green, blue).
        dpi: Pixels to the inch in print; None where that is nobody's matter.

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
            b"" if dpi is None else _density(dpi),
            _chunk(b"IDAT", isal_zlib.compress(rows, _LEVEL)),
            _END,
        )
    )


def most_bytes(height: int, width: int, channels: int) -> int:
    """More bytes than a picture of this size takes, also where it cannot be compressed."""
    raw = height * (1 + width * channels)
    # Deflate stores what it cannot compress, in blocks of some kilobytes with a few bytes each.
    return raw + raw // 1000 + 200


def _density(dpi: float) -> bytes:
    per_metre = round(dpi / 0.0254)
    return _chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1))


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = isal_zlib.crc32(data, isal_zlib.crc32(name))
    return b"".join((struct.pack(">I4s", len(data), name), data, struct.pack(">I", checksum)))
