"""Where a layer's values look: what changes when a pixel changes, pixel by pixel."""

import keras
import numpy as np
import pytest

from tb_kernels.model.canvas import Canvas
from tb_kernels.model.field import Reach
from tb_kernels.model.frames import frames_of
from tb_kernels.model.selection import select_layer

L = keras.layers


def positive(model):
    """Weights above 0, so that a pixel that grows is seen through everything but a gate."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        if keras.backend.is_float_dtype(weight.dtype):
            weight.assign(random.uniform(0.5, 1, weight.shape))
    return model


def fields(model, layer, size):
    """Of every place of the map, which pixels its values depend on: (rows, columns, h, w)."""
    before = keras.Model(model.inputs, model.get_layer(layer).output)
    height, width, _ = size
    plain = np.ones((1, *size), "float32")
    changed = np.repeat(plain, height * width, axis=0)
    for pixel, (row, column) in enumerate(np.ndindex(height, width)):
        changed[pixel, row, column] += 50
    change = before.predict(changed, verbose=0) - before.predict(plain, verbose=0)
    touched = (change > 1).any(axis=-1)
    return np.moveaxis(touched.reshape(height, width, *touched.shape[1:]), (0, 1), (2, 3))


def same(filters, side, **options):
    return L.Conv2D(filters, side, padding="same", **options)


NETWORKS = {
    "valid": [L.Conv2D(2, 3), L.Conv2D(2, (2, 3))],
    "same": [same(2, 3, activation="relu"), L.MaxPooling2D(), same(2, 3)],
    "strides of an even side": [same(2, 3, strides=2), same(2, 3, strides=2)],
    "strides of both sides": [same(2, 5, strides=(3, 1)), same(2, (1, 4), strides=2)],
    "dilation": [same(2, 3, dilation_rate=2), L.Conv2D(2, 2, dilation_rate=(1, 3))],
    "normalized": [L.DepthwiseConv2D(3, padding="same"), L.BatchNormalization(), L.SeparableConv2D(2, 3)],
    "padded": [L.ZeroPadding2D(((3, 0), (1, 2))), L.Conv2D(2, 3, strides=2), L.Cropping2D(1), same(2, 3)],
    "upsampled": [L.MaxPooling2D(), same(2, 3), L.UpSampling2D(), L.Conv2D(2, 3)],
    "transposed": [L.Conv2D(2, 3, strides=2), L.Conv2DTranspose(2, 3, strides=2)],
}  # fmt: skip


@pytest.mark.parametrize(
    "size", [(13, 17, 2), pytest.param((16, 12, 1), marks=pytest.mark.slow)], ids=str
)
@pytest.mark.parametrize("kind", NETWORKS)
def test_fields_are_what_values_depend_on(kind, size):
    """Of every place of the map, at the edges too, in pictures of any size."""
    layers = [layer.__class__.from_config(layer.get_config()) for layer in NETWORKS[kind]]
    layers[-1].name = "last"
    model = positive(keras.Sequential([keras.Input(size), *layers]))
    frames, seen = found(model, "last", size), fields(model, "last", size)
    assert frames.known
    regular = kind not in ("upsampled", "transposed")
    for row, column in np.ndindex(seen.shape[:2]):
        for axis, (side, place) in enumerate(zip(frames[:2], (row, column), strict=True)):
            along = np.flatnonzero(seen[row, column].any(axis=1 - axis))
            begin, end, _ = side.within(place)
            inner = along[0] > 0 and along[-1] < size[axis] - 1
            if regular:
                # Where padding of a map on the way, or a hole, lies in it a field is seen shorter.
                exact = kind not in ("padded", "dilation") or place == seen.shape[axis] // 2
                assert begin <= along[0]
                assert end > along[-1]
                assert not exact or (begin, end - 1) == (along[0], along[-1])
                assert not (inner and exact) or side.length == end - begin
            else:
                # Fields of several lengths are all cut as the longest is.
                assert begin <= along[0]
                assert end > along[-1]
                assert side.length - 2 <= len(along) or not inner


def found(model, layer, size):
    place = select_layer(model, "layer", layer)
    map_ = tuple(model.get_layer(layer).output.shape[1:3])
    return frames_of(Reach(model, place, None), Canvas(model, size), size, map_)


def test_what_sees_all_of_a_picture_is_shown_all():
    """A field longer than the picture, attention, a layer that no gradient goes through."""

    class Rounds(L.Layer):
        def call(self, inputs):
            return keras.ops.cast(keras.ops.cast(inputs, "int32"), "float32")

    inputs = keras.Input((8, 10, 2))
    x = L.Conv2D(3, 3, padding="same", name="first")(inputs)
    tokens = L.Reshape((80, 3))(x)
    attended = L.Reshape((8, 10, 3))(L.MultiHeadAttention(1, 2)(tokens, tokens))
    long = L.Conv2D(2, (9, 3), padding="same", name="long")(x)
    behind = [
        L.Conv2D(2, 3, name="attended")(attended),
        long,
        L.Conv2D(2, 3, name="rounded")(Rounds()(x)),
    ]
    model = keras.Model(inputs, behind)
    assert found(model, "first", (8, 10, 2)).known
    for layer, shape in (("attended", (8, 10)), ("long", (8, 5)), ("rounded", (8, 10))):
        frames = found(model, layer, (8, 10, 2))
        assert not frames.known
        assert frames.shape == (*shape, 2)
        assert not frames.rows.starts.any()


def test_fields_with_holes_are_at_equal_distances_up_to_the_edges():
    """A value near an edge, of which a hole hides the first or the last row, looks as all others."""
    layer = same(1, 3, dilation_rate=(2, 3), name="last")
    frames = found(positive(keras.Sequential([keras.Input((13, 17, 1)), layer])), "last", (13, 17, 1))  # fmt: skip
    assert frames.known
    for side, size, reach in ((frames.rows, 13, 2), (frames.columns, 17, 3)):
        assert (side.length, side.size) == (2 * reach + 1, size)
        assert side.starts.tolist() == [place - reach for place in range(size)]


def test_fields_as_long_as_the_picture_are_known():
    """Only of longer ones the whole picture is shown."""
    layer = same(1, (7, 9), name="last")
    frames = found(positive(keras.Sequential([keras.Input((7, 9, 1)), layer])), "last", (7, 9, 1))
    assert frames.known
    assert frames.shape == (7, 9, 1)
    assert frames.rows.starts.tolist() == [place - 3 for place in range(7)]
    assert frames.columns.starts.tolist() == [place - 4 for place in range(9)]


def test_the_field_of_the_only_place_is_what_it_sees():
    """Though it begins where the picture does."""
    layer = L.Conv2D(1, (5, 4), strides=9, name="last")
    frames = found(positive(keras.Sequential([keras.Input((7, 9, 1)), layer])), "last", (7, 9, 1))
    assert frames.known
    assert frames.shape == (5, 4, 1)
    assert frames.rows.starts.tolist() == frames.columns.starts.tolist() == [0]


def test_fields_at_unequal_distances_begin_outside_too():
    """Of a map that is made larger, each two places look at the same rows, cut off or not."""
    layers = [L.UpSampling2D(2), same(1, 3, name="last")]
    frames = found(positive(keras.Sequential([keras.Input((6, 8, 1)), *layers])), "last", (6, 8, 1))
    assert frames.known
    for side, size in ((frames.rows, 12), (frames.columns, 16)):
        assert side.length == 2
        assert side.starts.tolist() == [(place - 1) // 2 for place in range(size)]


def test_cutting_and_placing():
    """What lies in the field, and around it what is no number."""
    model = positive(keras.Sequential([keras.Input((5, 5, 1)), same(1, 3, name="last")]))
    frames = found(model, "last", (5, 5, 1))
    picture = np.arange(25.0).reshape(5, 5, 1)
    assert frames.cut(picture, 0, 2)[..., 0].tolist() == [[1, 2, 3], [6, 7, 8]]
    placed = frames.place(frames.cut(picture, 0, 2), 0, 2)[..., 0]
    assert np.isnan(placed[0]).all()
    assert placed[1:].tolist() == [[1, 2, 3], [6, 7, 8]]
    corner = frames.place(frames.cut(picture, 4, 4), 4, 4)[..., 0]
    np.testing.assert_array_equal(corner, [[18, 19, np.nan], [23, 24, np.nan], [np.nan] * 3])
