"""What other programs read of our PNG files."""

import io

import numpy as np
import pytest
from PIL import Image

from tb_kernels.drawing import png


@pytest.mark.parametrize("dpi", [None, 72, 96, 150, 300])
@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_and_how_many_are_an_inch(channels, dpi):
    """The pixels as they were given; and where it was said, their size in print."""
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels), np.uint8)
    with Image.open(io.BytesIO(png.encode(pixels, dpi))) as found:
        np.testing.assert_array_equal(np.asarray(found).reshape(pixels.shape), pixels)
        if dpi is None:
            assert "dpi" not in found.info
        else:
            assert found.info["dpi"] == pytest.approx((dpi, dpi), abs=0.02)
