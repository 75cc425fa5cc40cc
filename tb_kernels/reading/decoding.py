"""PNG bytes → pixels, of files that anybody may have written."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL.PngImagePlugin import PngImageFile

from tb_kernels.errors import LogError, reason_of

# A picture of more pixels is not decoded: the largest sheets have 8192 x 8192.
MOST_PIXELS = 8192 * 8192

# Width and height, where every PNG has them.
_SIZE, _SIZE_AT = struct.Struct(">II"), 16

_BROKEN = (OSError, SyntaxError, ValueError, EOFError, MemoryError, struct.error, zlib.error)


def measure(png: bytes) -> tuple[int, int]:
    """The width and the height that a PNG claims; both 0 if it is too short to say so."""
    return _SIZE.unpack_from(png, _SIZE_AT) if len(png) >= _SIZE_AT + _SIZE.size else (0, 0)


def decode(png: bytes) -> NDArray[np.uint8]:
    """The pixels of a PNG.

    Returns:
        Shape (height, width) if it is grey, (height, width, 3) in red, green and blue
        otherwise.

    Raises:
        LogError: If it is broken, or claims more than `MOST_PIXELS` pixels.
    """
    try:
        width, height = _SIZE.unpack_from(png, _SIZE_AT)
        if width * height > MOST_PIXELS:
            raise LogError(
                f"a picture of {width:,} x {height:,} pixels is not decoded; expected at "
                f"most {MOST_PIXELS:,} pixels"
            )
        # Not by Image.open, which warns of sizes of its own choice.
        with PngImageFile(io.BytesIO(png)) as image:
            # A PNG can be made to say its size twice.
            if image.size != (width, height):
                raise LogError("a picture cannot be decoded, it is broken")
            return np.asarray(image if image.mode == "L" else image.convert("RGB"))
    except LogError:
        raise
    except _BROKEN as error:
        raise LogError(f"a picture cannot be decoded ({reason_of(error)})") from None
