"""PNG files → pixels."""

import numpy as np
import pytest

from tb_kernels import LogError
from tb_kernels.drawing import png
from tb_kernels.reading.decoding import decode


def test_a_picture_of_the_largest_size():
    """It is decoded; one with a pixel more in each row is not."""
    pixels = np.zeros((8192, 8193, 1), np.uint8)
    pixels[-1, -2:] = 7
    largest = decode(png.encode(pixels[:, :-1]))
    assert largest.shape == (8192, 8192)
    assert largest[-1, -1] == 7
    with pytest.raises(LogError, match="8,193 x 8,192 pixels is not decoded; expected at most 67,108,864 pixels"):  # fmt: skip
        decode(png.encode(pixels))
