"""A model called as a linear network: what each rule gives, by NumPy, and what depends on what."""

import keras
import numpy as np
import pytest

from tb_kernels.model import backend
from tb_kernels.model.linear import Linear

L = keras.layers


def as_linear(model, x, *, structure=False):
    """What a model gives as a linear network, and the slopes of its sum at the inputs."""
    with Linear(model).within(structure=structure):
        (slopes,) = backend.gradients(
            lambda given: keras.ops.sum(model(given)), [keras.ops.convert_to_tensor(x)]
        )
        return np.array(model(x)), np.array(slopes)


def model_of(build, shape=(4, 6, 3)):
    inputs = keras.Input(shape)
    return keras.Model(inputs, build(inputs))


def pictures(shape=(2, 4, 6, 3)):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def gate(activation, x):
    """One for each place and channel."""
    return L.Conv2D(3, 1, activation=activation)(x)


def test_a_product_is_scaled_by_its_gates_at_zero():
    """Each sigmoid is half open there, and a tanh is shut; whichever factor comes first."""
    x = pictures()
    for names, open_ in ((["sigmoid"], 0.5), (["sigmoid", "hard_sigmoid"], 0.25), (["tanh"], 0)):
        for order in (1, -1):
            model = model_of(
                lambda x, names=names, order=order: L.Multiply()(
                    [x, *(gate(name, x) for name in names)][::order]
                )
            )
            values, slopes = as_linear(model, x)
            np.testing.assert_allclose(values, open_ * x, atol=1e-6)
            np.testing.assert_allclose(slopes, np.full_like(x, open_), atol=1e-6)


def test_a_product_of_gates_alone_has_no_rule():
    """It is what it is, of the tangents that its factors are."""
    model = model_of(lambda x: L.Multiply()([L.Activation("sigmoid")(x), L.Activation("sigmoid")(x)]))  # fmt: skip
    values, _ = as_linear(model, pictures())
    np.testing.assert_allclose(values, (0.5 + pictures() / 4) ** 2, atol=1e-5)


class Gated(L.Layer):
    """What a tanh lets through, which stands in the layer itself."""

    def __init__(self):
        super().__init__()
        self.activation, self.multiply = keras.activations.tanh, L.Multiply()

    def call(self, inputs):
        return self.multiply([inputs, self.activation(inputs)])


def test_nothing_is_hidden_by_a_gate_that_is_shut():
    """Where only what depends on what counts, a tanh lets through what it is zero for."""
    model = keras.Sequential([keras.Input((4, 6, 3)), Gated()])
    np.testing.assert_array_equal(as_linear(model, pictures())[1], np.zeros((2, 4, 6, 3)))
    _, slopes = as_linear(model, pictures(), structure=True)
    np.testing.assert_array_equal(slopes, np.ones_like(slopes))


def test_what_is_one_for_a_whole_map_is_a_constant():
    """Its own value, whatever it depends on."""
    x = pictures()
    for pool, factor in (
        (L.GlobalAveragePooling2D(keepdims=True), x.mean(axis=(1, 2), keepdims=True)),
        (L.AveragePooling2D((4, 6)), x.mean(axis=(1, 2), keepdims=True)),
    ):
        values, slopes = as_linear(model_of(lambda x, pool=pool: L.Multiply()([x, pool(x)])), x)
        np.testing.assert_allclose(values, x * factor, atol=1e-6)
        np.testing.assert_allclose(slopes, np.broadcast_to(factor, x.shape), atol=1e-6)


@pytest.mark.parametrize("scaled", [True, False], ids=["scaled", "plain"])
def test_layer_normalization_is_centred_along_one_axis_alone(scaled):
    """Whichever axis that is, times what was learned; along several it is not centred."""
    x, random = pictures(), np.random.default_rng(1)
    for axis in (-1, 1, [3], [2], [2, 3], [1, 2, 3]):
        axes = tuple(axis) if isinstance(axis, list) else (axis,)
        layer = L.LayerNormalization(axis=axis, center=False, scale=scaled)
        model = keras.Sequential([keras.Input((4, 6, 3)), layer])
        shape = [x.shape[one] if one in [each % 4 for each in axes] else 1 for one in range(4)]
        gamma = random.uniform(0.5, 2, shape) if scaled else 1
        if scaled:
            layer.gamma.assign(gamma.reshape(layer.gamma.shape))
        mean = x.mean(axis=axes, keepdims=True) if len(axes) == 1 else 0
        values, slopes = as_linear(model, x)
        np.testing.assert_allclose(values, (x - mean) * gamma, atol=1e-5)
        centred = slopes.mean(axis=axes) if not scaled and len(axes) == 1 else 0
        np.testing.assert_allclose(centred, 0, atol=1e-6)
        # Where only what depends on what counts, nothing cancels out.
        assert (as_linear(model, x, structure=True)[1] > 0).all()


@pytest.mark.parametrize("kind", ["GroupNormalization", "RMSNormalization"])
def test_other_normalizations_are_what_they_have_learned(kind):
    """By channel; nothing is taken off."""
    if not hasattr(L, kind):
        pytest.skip("this version of Keras does not have it")
    layer = L.GroupNormalization(3) if kind == "GroupNormalization" else L.RMSNormalization()
    model, factor = keras.Sequential([keras.Input((4, 6, 3)), layer]), np.float32([0.5, 2, -3])
    layer.weights[0].assign(factor)
    values, slopes = as_linear(model, pictures())
    np.testing.assert_allclose(values, pictures() * factor, atol=1e-6)
    np.testing.assert_allclose(slopes, np.broadcast_to(factor, slopes.shape), atol=1e-6)


def test_global_max_pooling_is_the_mean():
    """Of one, two and three axes of space; channels may come first, and space may stay."""
    for rank, kind in ((1, L.GlobalMaxPooling1D), (2, L.GlobalMaxPooling2D), (3, L.GlobalMaxPooling3D)):  # fmt: skip
        x = pictures((2, 3, 4, 5, 6)[: rank + 2])
        for first in (False, True):
            axes = tuple(range(2, rank + 2) if first else range(1, rank + 1))
            for keepdims in (False, True):
                where = "channels_first" if first else "channels_last"
                layer = kind(data_format=where, keepdims=keepdims)
                values, _ = as_linear(keras.Sequential([keras.Input(x.shape[1:]), layer]), x)
                np.testing.assert_allclose(values, x.mean(axes, keepdims=keepdims), atol=1e-6)


@pytest.mark.parametrize("first", [False, True], ids=["channels last", "channels first"])
@pytest.mark.parametrize("kind", [L.Conv2D, L.DepthwiseConv2D, L.SeparableConv2D])
def test_a_convolution_depends_on_its_window_in_all_channels(kind, first):
    """Of its middle value: three rows and two columns, nothing beside; the output is as ever."""
    filters = () if kind is L.DepthwiseConv2D else (5,)
    layer = kind(*filters, (3, 2), data_format="channels_first" if first else "channels_last")
    shape = (3, 6, 7) if first else (6, 7, 3)
    model = keras.Sequential([keras.Input(shape), layer])
    kernels = 3 if kind is L.DepthwiseConv2D else 5
    for kernel in range(kernels):
        at = (0, kernel, 1, 4) if first else (0, 1, 4, kernel)
        with Linear(model).within(structure=True):
            values = model(np.ones((1, *shape), "float32"))
            (slopes,) = backend.gradients(
                lambda given, at=at: model(given)[at], [keras.ops.ones((1, *shape))]
            )
        assert values.shape == ((1, kernels, 4, 6) if first else (1, 4, 6, kernels))
        expected = np.zeros((1, 6, 7, 3), bool)
        expected[:, 1:4, 4:6] = True
        seen = np.array(slopes) != 0
        np.testing.assert_array_equal(np.moveaxis(seen, 1, -1) if first else seen, expected)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "silu", "gelu"])
def test_activations_are_their_tangents_at_zero(name):
    """Value and slope by differences."""
    function = keras.activations.get(name)
    below, zero, above = np.array(function(np.float32([-1e-2, 0, 1e-2])), float)
    values, slopes = as_linear(model_of(L.Activation(name)), pictures())
    slope = (above - below) / 2e-2
    np.testing.assert_allclose(values, zero + slope * pictures(), atol=1e-3)
    np.testing.assert_allclose(slopes, np.full_like(slopes, slope), atol=1e-3)
