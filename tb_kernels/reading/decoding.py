"""PNG bytes → pixels, of files that anybody may have written."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tb_kernels.errors import LogError, reason_of

# A picture of more pixels is not decoded: the largest sheets have 8192 x 8192.
MOST_PIXELS = 8192 * 8192

_BROKEN = (OSError, SyntaxError, ValueError, EOFError, MemoryError, struct.error, zlib.error)


def decode(png: bytes) -> NDArray[np.uint8]:
    """The pixels of a PNG.

    Returns:
        Shape (height, width) if it is grey, (height, width, 3) in red, green and blue
        otherwise.

    Raises:
        LogError: If it is broken, or claims more than `MOST_PIXELS` pixels.
    """
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise LogError(
                    f"a picture of {width:,} x {height:,} pixels is not decoded; expected at "
                    f"most {MOST_PIXELS:,} pixels"
                )
            return np.asarray(image if image.mode == "L" else image.convert("RGB"))
    except (LogError, Image.DecompressionBombError) as error:
        raise LogError(str(error)) from None
    except UnidentifiedImageError:
        raise LogError("a picture cannot be decoded: it is no PNG") from None
    except _BROKEN as error:
        raise LogError(f"a picture cannot be decoded ({reason_of(error)})") from None
