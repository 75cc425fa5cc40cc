"""Maps laid over the inputs that they explain."""

import numpy as np
import pytest
import tensorflow as tf

from tb_kernels.drawing.explanations import Explained
from tb_kernels.drawing.levels import Limits, find_nonfinite
from tb_kernels.drawing.overlays import Overlay, backdrop, resize
from tb_kernels.schema.axes import Axes

RED = (255, 0, 0)


def painted(overlay, maps, size, inputs=None):
    """The maps in grey over their inputs, black 0 and white 1: (inputs, height, width, 3)."""
    inputs = np.arange(len(maps)) if inputs is None else np.array(inputs)
    maps = np.asarray(maps, np.float32)[:, None]
    return overlay.paint(maps, find_nonfinite(maps), Limits.of(0, 1), "gray", inputs=inputs, size=size)[:, 0]  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "size"), [((4, 5), (12, 25)), ((3, 3), (3, 3)), ((1, 6), (3, 54))]
)
def test_maps_are_scaled_linearly(shape, size):
    """As TensorFlow scales pictures, where the middle of a value's square is that of a pixel."""
    maps = np.random.default_rng(0).uniform(size=(2, *shape)).astype(np.float32)
    expected = tf.image.resize(maps[..., None], size, method="bilinear").numpy()[..., 0]
    np.testing.assert_allclose(resize(maps, size), expected, atol=1e-6)


@pytest.mark.parametrize(("shape", "size"), [((4, 5), (9, 20)), ((7, 7), (224, 224)), ((8, 10), (10, 12)), ((2, 1), (3, 2)), ((4, 4), (8, 8))])  # fmt: skip
def test_every_value_is_found_in_its_pixel(shape, size):
    """The one nearest to the middle of its square; of two the one farther out. Linear in between."""
    maps = np.random.default_rng(0).uniform(size=(2, *shape)).astype(np.float32)

    def pixels(length, wanted):
        centers = np.arange(wanted) + 0.5
        nearest = []
        for place in range(length):
            away = np.abs(centers - (place + 0.5) * wanted / length)
            (tied,) = np.nonzero(away < away.min() + 1e-9)
            nearest.append(max(tied, key=lambda pixel: (abs(centers[pixel] - wanted / 2), pixel)))
        return nearest

    rows, columns = pixels(shape[0], size[0]), pixels(shape[1], size[1])
    found = resize(maps, size)
    np.testing.assert_allclose(found[:, rows][:, :, columns], maps, rtol=1e-6)
    for one, large in zip(maps, found, strict=True):
        across = np.stack([np.interp(np.arange(size[1]), columns, row) for row in one])
        expected = np.stack([np.interp(np.arange(size[0]), rows, column) for column in across.T])
        np.testing.assert_allclose(large, expected.T, atol=1e-6)


def test_smaller_pictures_keep_the_largest_values():
    """Each pixel is the largest of those in it, also where they do not fit."""
    maps = np.random.default_rng(0).uniform(size=(2, 7, 6)).astype(np.float32)
    expected = np.array([[[one[y : y + n, x : x + 2].max() for x in (0, 2, 4)] for y, n in ((0, 3), (3, 4))] for one in maps])  # fmt: skip
    np.testing.assert_array_equal(resize(maps, (2, 3)), expected)
    assert resize(maps, (14, 3)).shape == (2, 14, 3)
    np.testing.assert_array_equal(resize(maps, (14, 3)).max(axis=(1, 2)), maps.max(axis=(1, 2)))


def test_each_map_over_its_own_input():
    """Also where only some of the inputs are drawn; the strength is that of the map."""
    pictures = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1) * np.full((2, 2, 3), 40, np.uint8)
    maps = np.array([1.0, 0.0]).reshape(2, 1, 1) * np.ones((2, 2))
    found = painted(Overlay(pictures, 0.25), maps, (2, 2), inputs=[4, 1])
    np.testing.assert_array_equal(found[0], np.full((2, 2, 3), round(0.75 * 160 + 0.25 * 255)))
    np.testing.assert_array_equal(found[1], np.full((2, 2, 3), 30))


def test_what_is_not_finite_is_red_and_spoils_no_other():
    """Red all around where it takes part in a pixel; every other map and pixel as it would be."""
    maps = np.random.default_rng(0).uniform(size=(2, 4, 4)).astype(np.float32)
    fine = painted(Overlay(None, 0.5), maps, (8, 8))
    maps[1, 0, 0] = np.nan
    found = painted(Overlay(None, 0.5), maps, (8, 8))
    red = (found == RED).all(axis=-1)
    # A value takes part in the pixels up to that in which the next one stands, the third.
    assert np.argwhere(red).tolist() == [[1, y, x] for y in range(2) for x in range(2)]
    np.testing.assert_array_equal(found[~red], fine[~red])


def test_without_inputs_a_map_stands_alone():
    """At full strength; a map with one axis of space is a band."""
    alone = Overlay(None, 0.3)
    assert alone.strength == 1
    assert painted(alone, np.ones((1, 1, 1)), (1, 1)).tolist() == [[[[255] * 3]]]
    assert alone.tile(Axes("nhw", (2, 5, 6))) == (5, 6)
    assert alone.tile(Axes("nw", (2, 40))) == (5, 40)
    assert alone.tile(Axes("nw", (2, 7))) == (1, 7)
    over = Overlay(np.zeros((2, 9, 11, 3), np.uint8), 0.3)
    assert (over.strength, over.tile(Axes("nhw", (2, 5, 6)))) == (0.3, (9, 11))


@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_inputs_as_pictures(channels, channels_first):
    """Three channels are red, green and blue, of others the mean is grey; lowest black, highest white."""
    values = np.random.default_rng(0).normal(size=(2, 4, 5, channels)).astype(np.float32)
    shown = values if channels == 3 else np.repeat(values.mean(axis=-1, keepdims=True), 3, axis=-1)
    given = np.moveaxis(values, -1, 1) if channels_first else values
    for ends in ((None, None), (-0.5, None), (None, 0.5), (-0.5, 0.5)):
        low, high = (own if end is None else end for end, own in zip(ends, (shown.min(), shown.max()), strict=True))  # fmt: skip
        expected = np.clip(255 * (shown - low) / (high - low), 0, 255)
        found = backdrop(given, *ends, channels_first=channels_first)
        assert np.abs(found - expected).max() <= 0.51


def test_what_is_told_of_an_input():
    """Its own class and score; of a score of one's own no class."""
    scores = np.float32([1.5, -2.25, 3])
    explained = Explained(np.array([7, 0, 4]), scores)
    assert explained.describe(2) == "Class 0, score -2.25 (before softmax or sigmoid)."
    assert explained.describe(3) == "Class 4, score 3 (before softmax or sigmoid)."
    assert Explained(None, scores).describe(1) == "Score 1.5."
