"""Tiles to pictures and back; pictures to PNG and back."""

import io

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from tb_kernels.drawing import png
from tb_kernels.drawing.layouts import Layout, assemble
from tests.helpers.oracle import draw

small = st.integers(1, 6)


@st.composite
def tiled(draw_from):
    """Tiles of random levels and a layout for them."""
    tiles, height, width = draw_from(st.integers(1, 30)), draw_from(small), draw_from(small)
    layout = Layout.fit(
        tiles,
        height,
        width,
        columns=draw_from(st.none() | st.integers(1, 40)),
        scale=draw_from(st.none() | st.integers(1, 9)),
        seamless=draw_from(st.booleans()),
    )
    channels = draw_from(st.sampled_from([1, 3]))
    shape = (draw_from(st.integers(1, 3)), tiles, height, width, channels)
    return draw_from(arrays(np.uint8, shape)), layout


@given(tiled())
def test_tiles_cut_apart_give_the_slices_back(case):
    """Every pixel of every square is its weight; all that is left is white."""
    tiles, layout = case
    pictures = assemble(tiles, layout)
    assert pictures.shape == (len(tiles), *layout.size, tiles.shape[-1])
    rest = np.ones(layout.size, bool)
    for t in range(layout.tiles):
        y = t // layout.columns * (layout.height * layout.scale + layout.gap)
        x = t % layout.columns * (layout.width * layout.scale + layout.gap)
        square = (
            slice(y, y + layout.height * layout.scale),
            slice(x, x + layout.width * layout.scale),
        )
        rest[square] = False
        cut = pictures[:, square[0], square[1]]
        expected = np.kron(tiles[:, t], np.ones((1, layout.scale, layout.scale, 1), np.uint8))
        np.testing.assert_array_equal(cut, expected)
    assert (pictures[:, rest] == 255).all()


@given(st.integers(1, 70), small, small)
def test_layout_is_the_contracts(tiles, height, width):
    """Size by default: rows, gaps and the smallest scale, as the oracle draws them."""
    expected = draw([np.zeros((height, width))] * tiles)
    layout = Layout.fit(tiles, height, width)
    assert layout.size == expected.shape
    assert max(layout.size) >= 128
    if layout.scale > 1:
        smaller = Layout.fit(tiles, height, width, scale=layout.scale - 1)
        assert max(smaller.size) < 128


@pytest.mark.parametrize(("scale", "gap"), [(1, 1), (3, 1), (7, 1), (8, 2), (40, 10)])
def test_gaps_and_columns(scale, gap):
    """A gap is a quarter of a weight, at least a pixel; no column is empty, however many are asked for."""
    layout = Layout.fit(3, 2, 5, columns=8, scale=scale)
    assert (layout.gap, layout.columns, layout.rows) == (gap, 3, 1)
    assert layout.size == (2 * scale, 15 * scale + 2 * gap)
    seamless = Layout.fit(3, 2, 5, columns=2, scale=scale, seamless=True)
    assert seamless.size == (4 * scale, 10 * scale)


@given(st.sampled_from([1, 3]).flatmap(lambda c: arrays(np.uint8, st.tuples(small, small, st.just(c)))))  # fmt: skip
def test_png_decodes_to_the_same_pixels(picture):
    """Pillow, which verifies every checksum, and TensorFlow read what was drawn."""
    data = png.encode(picture)
    with Image.open(io.BytesIO(data)) as image:
        image.verify()
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == {1: "L", 3: "RGB"}[picture.shape[2]]
        np.testing.assert_array_equal(np.asarray(image).reshape(picture.shape), picture)
    np.testing.assert_array_equal(tf.io.decode_png(data).numpy(), picture)
