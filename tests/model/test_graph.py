"""Which filter makes an input channel: without it, the channel is zero."""

import keras
import numpy as np
import pytest

from tb_kernels.model.graph import find_makers, layers_in_words
from tb_kernels.model.layers import walk

L = keras.layers


def rows(*found):
    """As `Makers` has them, of short tuples: first channel, how many, layer, first filter."""
    return [tuple(one) for one in found]


def model_of(shape, build):
    inputs = keras.Input(shape)
    return keras.Model(inputs, build(inputs))


def makers_of(model, name):
    found = find_makers(model)
    (number,) = [number for number, layer in walk(model) if layer.name == name]
    return [tuple(one) for one in found[number]]


def test_what_leaves_channels_as_they_are():
    """Normalization, activation, pooling, dropout, padding, and depthwise with its multiplier."""

    def build(x):
        x = L.Conv2D(3, 3)(x)
        for layer in (L.BatchNormalization(), L.ReLU(), L.MaxPooling2D(), L.Dropout(0.1), L.ZeroPadding2D()):  # fmt: skip
            x = layer(x)
        x = keras.ops.relu(x * 2.0 + 1.0)
        x = L.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(x)
        return L.Conv2D(5, 1, name="last")(x)

    model = model_of((12, 12, 3), build)
    assert makers_of(model, "depthwise") == [(1, 3, "2", 1)]
    assert makers_of(model, "last") == [
        (1, 1, "2", 1),
        (2, 1, "2", 1),
        (3, 1, "2", 2),
        (4, 1, "2", 2),
        (5, 1, "2", 3),
        (6, 1, "2", 3),
    ]


def test_depthwise_without_a_multiplier():
    """One run of channels, as it came: a network of a thousand is told in a few words."""

    def build(x):
        x = L.DepthwiseConv2D(3)(L.Conv2D(30, 3)(x))
        return L.Conv2D(5, 1, name="last")(x)

    assert makers_of(model_of((12, 12, 3), build), "last") == [(1, 30, "2", 1)]


def test_concatenations_shift_and_additions_have_several():
    """Also of the picture itself, whose channels nobody makes."""

    def build(x):
        one = L.Conv2D(4, 3, padding="same", name="one")(x)
        two = L.Conv2D(4, 3, padding="same", name="two")(x)
        three = L.Concatenate()([x, one, two])
        four = L.Conv2D(2, 1, name="joined")(three)
        five = L.Add()([one, two])
        return [four, L.Conv2D(2, 1, name="added")(five), L.Conv2D(1, 1, name="plus")(one + two)]

    model = model_of((6, 6, 3), build)
    numbers = {layer.name: number for number, layer in walk(model)}
    one, two = numbers["one"], numbers["two"]
    assert makers_of(model, "one") == []
    assert makers_of(model, "joined") == [(4, 4, one, 1), (8, 4, two, 1)]
    assert makers_of(model, "added") == [(1, 4, one, 1), (1, 4, two, 1)]
    assert makers_of(model, "plus") == makers_of(model, "added")


def test_models_in_models_and_channels_first():
    """By their numbers in the whole; a gate makes no channel."""

    def part(channels):
        inputs = keras.Input((channels, 6, 6))
        x = L.Conv2D(4, 3, padding="same", data_format="channels_first", name="inside")(inputs)
        gate = L.GlobalAveragePooling2D(keepdims=True, data_format="channels_first")(x)
        gate = L.Conv2D(4, 1, activation="sigmoid", data_format="channels_first", name="gate")(gate)
        return keras.Model(inputs, L.Multiply()([x, gate]), name=f"part{channels}")

    inputs = keras.Input((3, 6, 6))
    x = L.Concatenate(axis=1)([inputs, part(3)(inputs)])
    model = keras.Model(inputs, L.Conv2D(2, 3, data_format="channels_first", name="last")(x))
    assert makers_of(model, "last") == [(4, 4, "2-2", 1)]
    assert makers_of(model, "gate") == [(1, 4, "2-2", 1)]
    sequential = keras.Sequential([keras.Input((8, 8, 1)), keras.Sequential([L.Conv2D(2, 3), L.ReLU()]), L.Conv2D(3, 3)])  # fmt: skip
    assert find_makers(sequential) == {"1-1": [], "2": rows((1, 2, "1-1", 1))}


def test_one_place_may_get_axes_of_space_and_lose_them():
    """As gates of their own networks have it; where values change places nobody is named."""

    def build(x):
        x = L.Conv2D(4, 3, name="first")(x)
        vector = L.GlobalAveragePooling2D()(x)
        upright = L.Conv2D(2, 1, name="upright")(L.Reshape((1, 1, 4))(vector))
        again = L.Reshape((1, 1, 4))(L.Reshape((4,))(L.GlobalMaxPooling2D(keepdims=True)(x)))
        spread = L.Reshape((2, 2, 1))(vector)
        whole = L.Reshape((1, 1, 64))(x)
        return [upright, L.Conv2D(2, 1, name="again")(again), L.Conv2D(2, 1, name="spread")(spread), L.Conv2D(2, 1, name="whole")(whole)]  # fmt: skip

    model = model_of((6, 6, 3), build)
    (first,) = [number for number, layer in walk(model) if layer.name == "first"]
    for name, makers in (("upright", [(1, 4, first, 1)]), ("again", [(1, 4, first, 1)]), ("spread", []), ("whole", [])):  # fmt: skip
        assert makers_of(model, name) == makers, name


class Shuffle(L.Layer):
    def call(self, inputs):
        return inputs[..., ::-1]


def test_nobody_is_named_where_nobody_knows():
    """A layer of the user's own, other axes, a graph that cannot be read."""
    model = model_of((6, 6, 3), lambda x: L.Conv2D(2, 1, name="last")(Shuffle()(L.Conv2D(3, 1)(x))))
    assert makers_of(model, "last") == []
    model = model_of((6, 6, 3), lambda x: L.Conv2D(2, 1, name="last")(L.Permute((3, 2, 1))(L.Conv2D(6, 1)(x))))  # fmt: skip
    assert makers_of(model, "last") == []
    model = model_of((6, 6, 3), lambda x: L.Conv2D(2, 1, name="last")(L.Concatenate(axis=1)([x, L.Conv2D(3, 1)(x)])))  # fmt: skip
    assert makers_of(model, "last") == []

    def first(layer, channels, **options):
        return layer(channels, 1, data_format="channels_first", **options)

    for axis in (2, 3, -1):
        model = model_of((3, 6, 6), lambda x, axis=axis: first(L.Conv2D, 2, name="last")(L.Concatenate(axis=axis)([x, first(L.Conv2D, 3)(x)])))  # fmt: skip
        assert makers_of(model, "last") == []

    class Concatenate(Shuffle):
        """Has no axis, unlike Keras' own."""

    model = model_of((6, 6, 3), lambda x: L.Conv2D(2, 1)(Concatenate()(L.Conv2D(3, 1)(x))))
    assert [layer["makers"] for layer in layers_in_words(model)] == [[]] * 4


FAMILIES = {
    **dict.fromkeys(["VGG16", "ResNet50", "ResNet50V2", "MobileNet", "MobileNetV2"], 64),
    **dict.fromkeys(["MobileNetV3Small", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0"], 64),
    **dict.fromkeys(["InceptionV3", "InceptionResNetV2", "Xception"], 96),
    **dict.fromkeys(["NASNetMobile", "ConvNeXtTiny"], 64),
}


def channels_of(outputs):
    return np.array(outputs).reshape(-1, outputs.shape[-1])


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_real_networks(family):
    """Without the filters named a channel is zero, with one of them, or without others, it is not.

    Biases are zero in new networks.
    """
    keras.utils.set_random_seed(7)
    side = FAMILIES[family]
    build = getattr(keras.applications, family)
    model = build(weights=None, include_top=False, input_shape=(side, side, 3))
    layers = dict(walk(model))
    for layer in layers.values():
        if type(layer).__name__ == "LayerScale":
            layer.gamma.assign(keras.ops.ones_like(layer.gamma))
    random = np.random.default_rng(0)
    found = [one for one in find_makers(model).items() if one[1]]
    if family == "ConvNeXtTiny":
        # Behind the first convolution stands a normalization of layers, by which 0 is another
        # number; and what is inside of a model in the model has no inputs in the whole.
        stem = found[0][1][0].layer
        found = [
            (number, makers)
            for number, makers in found
            if "-" not in number and all(one.layer != stem for one in makers)
        ]
    picture = random.normal(size=(1, side, side, 3)).astype("float32")
    seen = 0
    while seen < 10:
        number, makers = found[random.integers(len(found))]
        tensor = layers[number].input
        # Before what hides a share: an activation, or a mean that is taken off.
        hiding = L.ReLU | L.Activation | L.LayerNormalization | L.ZeroPadding2D
        while isinstance(tensor._keras_history.operation, hiding):
            tensor = tensor._keras_history.operation.input
        part = keras.Model(model.inputs, tensor)
        channel = int(random.integers(tensor.shape[-1]))
        named = [
            (layers[one.layer], one.filter - 1 + channel - (one.channel - 1))
            for one in makers
            if one.channel <= channel + 1 < one.channel + one.length
        ]
        assert named, f"nobody makes channel {channel} of layer {number}"

        def without(filters, part=part, channel=channel):
            weights = {id(layer): layer.get_weights() for layer, _ in filters}
            for layer, which in filters:
                kernel = getattr(layer, "pointwise_kernel", None)
                kernel = layer.kernel if kernel is None else kernel
                values = np.array(kernel)
                values[..., which] = 0
                kernel.assign(values)
            given = channels_of(part([picture]))[:, channel]
            for layer, _ in filters:
                layer.set_weights(weights[id(layer)])
            return np.abs(given).max()

        if without([]) == 0:
            # Silent by an activation on the way, whoever makes it.
            continue
        seen += 1
        assert without(named) == 0, f"channel {channel} of layer {number}"
        # The share of the last, since activations on the way may hide earlier ones.
        assert without(named[:-1]) > 0
        layer, which = named[-1]
        filters = layer.units if isinstance(layer, L.Dense) else layer.filters
        others = [(layer, other) for other in range(filters) if other != which]
        if filters > 1:
            assert without(others[:1]) > 0
