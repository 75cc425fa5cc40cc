"""Batches of what the user gives, and which of the arrays in them are pictures."""

import keras
import numpy as np
import tensorflow as tf

from tb_kernels.model.streams import Pictures, Stream

L = keras.layers


def taking(*shapes, first=False):
    """A model that takes arrays of these shapes."""
    inputs = [keras.Input(shape, name=f"input{place}") for place, shape in enumerate(shapes)]
    where = "channels_first" if first else "channels_last"
    maps = [L.Conv2D(2, 3, data_format=where)(x) if len(x.shape) == 4 else x for x in inputs]
    outputs = [L.Flatten(data_format=where)(x) for x in maps]
    return keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0])


def random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def test_pictures_without_an_axis_for_their_one_channel():
    """Keras adds it; so do we, also where an array before has as many axes."""
    x, words = random(3, 6, 8), random(3, 6, 8) + 1
    model = taking((6, 8, 1))
    found = Pictures.among(model, x)
    np.testing.assert_array_equal(found.of(x), x[..., None])
    assert found.canvas(model, x).shape == (6, 8, 1)
    model = taking((6, 8), (6, 8, 1))
    for batch in ([words, x], {"input0": words, "input1": x}):
        found = Pictures.among(model, batch)
        np.testing.assert_array_equal(found.of(batch), x[..., None])


def test_pictures_with_their_channels_last_or_first():
    """The first array of pictures, whatever stands before and behind it."""
    x, other = random(3, 6, 8, 2), random(3, 6, 8, 2) + 1
    for first, given in ((False, x), (True, np.moveaxis(x, -1, 1))):
        shape = given.shape[1:]
        model = taking((5,), shape, shape, first=first)
        batch = [random(3, 5), given, np.moveaxis(other, -1, 1) if first else other]
        found = Pictures.among(model, batch)
        assert found.position == 1
        np.testing.assert_array_equal(found.of(batch), x)
        # Of several nobody knows which are to be made.
        assert found.canvas(model, batch) is None
        alone = taking(shape, first=first)
        assert Pictures.among(alone, given).canvas(alone, given).shape == (6, 8, 2)


def test_batches_are_all_inputs_once_and_in_order():
    """As large as asked for, and the rest; those of a data set as they come, without targets."""
    x, y = random(10, 2), random(10)
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
    for inputs, size, lengths in ((x, 3, [3, 3, 3, 1]), (x, 5, [5, 5]), (x, 11, [10]), (dataset, 3, [4, 4, 2])):  # fmt: skip
        stream = Stream("inputs", inputs, size)
        # As often as they are asked for.
        for _ in "12":
            batches = list(stream)
            assert [len(one) for one in batches] == lengths
            np.testing.assert_array_equal(np.concatenate(batches), x)
        np.testing.assert_array_equal(stream.first, batches[0])
        assert stream.total == (None if inputs is dataset else 10)


def test_no_pictures():
    """Words, vectors, volumes, data that do not go with the model."""
    assert Pictures.among(taking((2, 6, 8, 1)), random(3, 2, 6, 8, 1)) is None
    assert Pictures.among(taking((6, 8)), random(3, 6, 8)) is None
    assert Pictures.among(taking((5,)), random(3, 5)) is None
    assert Pictures.among(taking((6, 8, 1)), [random(3, 6, 8), random(3, 6, 8)]) is None
