"""How large pictures may be: what is drawn can be read."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tb_kernels.drawing import bounds, png
from tb_kernels.drawing.bounds import is_readable, lowered
from tb_kernels.drawing.layer_pictures import LayerPictures
from tb_kernels.drawing.layouts import Layout
from tb_kernels.drawing.style import Style
from tb_kernels.drawing.subjects import Subject
from tb_kernels.reading.decoding import MOST_PIXELS
from tb_kernels.schema.axes import Axes


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 70_000, 3), (70_000, 1, 3), (1500, 1500, 3)])
@pytest.mark.parametrize("levels", [2, 200, 255, 256])
def test_no_png_takes_more_than_is_reckoned(size, levels):
    """Noise cannot be compressed, and of some levels it nearly can."""
    noise = np.random.default_rng(0).integers(0, levels, size).astype(np.uint8)
    assert len(png.encode(noise)) <= png.most_bytes(*size)


def test_what_is_readable_is_decoded():
    """The bound of bytes is the narrower one."""
    side = math.isqrt(MOST_PIXELS)
    assert not is_readable(Layout(1, side, side, 1, 1, 0), 1)
    assert not is_readable(Layout(1, 1, MOST_PIXELS, 1, 1, 0), 1)


@given(
    *[st.integers(1, 6)] * 4,
    st.integers(1, 40),
    st.booleans(),
    st.sampled_from([1, 3]),
    st.integers(1, 400),
    st.integers(200, 20_000),
)
def test_a_scale_is_lowered_as_far_as_it_takes(
    tiles, height, width, columns, scale, seamless, channels, longest, most
):
    """Found by trying each; at 1 where none fits."""
    layout = Layout.fit(tiles, height, width, columns=columns, scale=scale, seamless=seamless)
    tried = (layout.at(lower) for lower in range(scale, 0, -1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounds, "LARGEST", most + (1 << 20))
        found = (one for one in tried if max(one.size) <= longest and is_readable(one, channels))
        assert lowered(layout, channels, longest) == next(found, layout.at(1))


def pictures_of(axes, **wanted):
    """The pictures of a layer with these axes, drawn as is usual but for what is wanted."""
    usual = {"layers": None, "kernels": None, "normalize": "layer", "colormap": "gray",
             "columns": None, "scale": None, "group": True, "sheets": True}  # fmt: skip
    given = {name: wanted.pop(name, value) for name, value in usual.items()}
    return LayerPictures(Subject("1", "c", "c", "Conv2D", axes), Style.checked(**given), **wanted)


@pytest.mark.parametrize("scale", [10**9, 10**18])
def test_any_scale_is_answered_at_once(scale):
    """It becomes the largest that can be read."""
    layer = pictures_of(Axes("hwio", (3, 3, 4, 6)), scale=scale)
    assert not layer.too_large
    assert is_readable(layer.layout, 1)
    assert not is_readable(layer.layout.at(layer.layout.scale + 1), 1)
    assert max(layer.sheet.size) <= 8192


@pytest.mark.parametrize(
    ("axes", "wanted", "drawn", "told"),
    [
        (Axes("hwio", (512, 512, 100, 2)), {}, 2, ["the sheet of layer 1 'c', 51,299 x 1,025 pixels"]),
        (Axes("hwio", (512, 512, 4096, 2)), {}, 0, ["the kernels of layer 1 'c', 32,831 x 32,831 pixels"]),
        (Axes("hwio", (512, 512, 4096, 2)), {"kernels": [2], "sheets": False}, 0, ["the kernels of layer 1 'c', 32,831 x 32,831 pixels"]),
        (Axes("hwio", (512, 512, 4096, 2)), {"kernels": [3]}, 0, []),
        (Axes("hwio", (512, 512, 4096, 2)), {"by_slice": True}, 8192, ["the sheet of layer 1 'c', 2,101,247 x 1,025 pixels"]),
        (Axes("nhwc", (1, 512, 512, 100)), {"sheet_row": 16}, 100, []),
        (Axes("nhwc", (1, 512, 512, 200)), {"sheet_row": 16}, 200, ["the sheet of layer 1 'c', 8,207 x 6,668 pixels"]),
        (Axes("nhwc", (1, 512, 512, 64)), {"sheet_row": 16, "colormap": "viridis"}, 64, ["the sheet of layer 1 'c', 8,207 x 2,051 pixels"]),
        (Axes("hwio", (3, 3, 1024, 1024)), {}, 1024, []),
    ],
)  # fmt: skip
def test_what_is_too_large_is_left_out_and_told(axes, wanted, drawn, told):
    """Sheets and pictures, each by its size; the rest is drawn."""
    layer = pictures_of(axes, **wanted)
    assert (
        len(layer.numbers) == layer.kernels_drawn * (drawn // (layer.kernels_drawn or 1)) == drawn
    )
    assert layer.too_large == told
    assert layer.count == drawn + (drawn > 0 and not told)
