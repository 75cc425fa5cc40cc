"""What a model is given beside its pictures, and how large these are."""

import keras
import numpy as np
import pytest

from tb_kernels.errors import ArgumentError
from tb_kernels.model.canvas import Canvas

L = keras.layers


def symbols(place):
    """Three inputs, of which the one at this place is the picture, and the names of all."""
    others = [
        keras.Input((4,), name="vector"),
        keras.Input((None, 2), name="words", dtype="int32"),
    ]
    return [*others[:place], keras.Input((6, 8, 3), name="picture"), *others[place:]]


def model_of(inputs):
    flat = [L.GlobalAveragePooling1D()(L.Rescaling(1.0)(x)) if len(x.shape) == 3 else L.Flatten()(x) for x in keras.tree.flatten(inputs)]  # fmt: skip
    return keras.Model(inputs, L.Dense(2)(L.Concatenate()(flat)))


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("named", [False, True], ids=["list", "dict"])
def test_all_but_the_picture_is_zero(place, named):
    """Wherever it stands: as many of each as there are pictures, in its own shape and type."""
    given = symbols(place)
    model = model_of({one.name: one for one in given} if named else given)
    canvas = Canvas(model, None)
    assert canvas.shape == (6, 8, 3)
    pictures = np.random.default_rng(0).uniform(1, 2, (5, 6, 8, 3)).astype("float32")
    found = canvas.inputs(keras.ops.convert_to_tensor(pictures))
    assert model(found).shape == (5, 2)
    if named:
        assert list(found) == [one.name for one in given]
    found = dict(zip([one.name for one in given], found.values() if named else found, strict=True))
    np.testing.assert_array_equal(found["picture"], pictures)
    np.testing.assert_array_equal(found["vector"], np.zeros((5, 4)))
    np.testing.assert_array_equal(found["words"], np.zeros((5, 1, 2)))
    assert keras.backend.standardize_dtype(found["words"].dtype) == "int32"


def test_channels_come_where_the_model_has_them():
    """Pictures always have them last."""
    layer = L.Conv2D(2, 3, data_format="channels_first")
    canvas = Canvas(keras.Sequential([keras.Input((3, 6, 8)), layer]), None)
    assert canvas.shape == (6, 8, 3)
    pictures = np.random.default_rng(0).normal(size=(2, 6, 8, 3)).astype("float32")
    np.testing.assert_array_equal(canvas.inputs(pictures), np.moveaxis(pictures, -1, 1))


def test_size_is_the_models_own_where_nobody_says_another():
    """One number is both sides; 128 where the model takes any; channels have to be known."""
    any_size = keras.Sequential([keras.Input((None, 8, 3)), L.Conv2D(2, 3)])
    for size, shape in (
        (None, (128, 8, 3)),
        (7, (7, 7, 3)),
        (np.int64(7), (7, 7, 3)),
        ((5, 9), (5, 9, 3)),
        ((5, 9, 4), (5, 9, 4)),
    ):
        assert Canvas(any_size, size).shape == shape
    other = keras.Sequential([keras.Input((8, None, 3)), L.Conv2D(2, 3)])
    assert Canvas(other, None).shape == (8, 128, 3)
    no_channels = keras.Sequential([keras.Input((8, 9, None)), L.ReLU()], name="grey")
    assert Canvas(no_channels, (5, 9, 4)).shape == (5, 9, 4)
    for size in (None, 5, (5, 9)):
        with pytest.raises(ArgumentError, match="'grey' does not say how many channels"):
            Canvas(no_channels, size)
    for size in ((5,), (1, 2, 3, 4), "ab"):
        with pytest.raises(ArgumentError, match="size: expected"):
            Canvas(any_size, size)


class Own(keras.Model):
    """Of which nobody sees the inputs."""

    def __init__(self):
        super().__init__(name="own")
        self.conv = L.Conv2D(2, 3)

    def call(self, inputs):
        several = isinstance(inputs, dict | list)
        return self.conv(keras.tree.flatten(inputs)[0] if several else inputs)


def test_a_model_of_ones_own_is_given_the_picture_alone():
    """Of the size that it was built with; one of several inputs cannot be."""
    picture = np.ones((2, 6, 8, 3), "float32")
    model = Own()
    model(picture)
    assert Canvas(model, None).shape == (6, 8, 3)
    assert Canvas(model, (5, 9)).shape == (5, 9, 3)
    np.testing.assert_array_equal(Canvas(model, None).inputs(picture), picture)
    for several in ([picture, picture], {"a": picture, "b": picture}):
        model = Own()
        model(several)
        with pytest.raises(ArgumentError, match="'own' takes several inputs and is no functional"):
            Canvas(model, None)


def test_batches_hold_a_bounded_number_of_pixels():
    """Every kernel once and in order; at most so many, and one at least."""
    kernels = list(range(1, 40))
    for size, at_most, lengths in (
        ((64, 64, 1), None, [16, 16, 7]),
        ((64, 128, 1), None, [8, 8, 8, 8, 7]),
        ((64, 64, 1), 20, [16, 16, 7]),
        ((64, 64, 1), 13, [13, 13, 13]),
        ((512, 512, 1), None, [1] * 39),
    ):
        model = keras.Sequential([keras.Input(size), L.Conv2D(1, 1)])
        batches = list(Canvas(model, None).batches(kernels, at_most))
        assert [len(one) for one in batches] == lengths
        assert [kernel for one in batches for kernel in one] == kernels
