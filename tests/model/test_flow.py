"""Which layer is meant where nobody says which: by name and number, as a summary lists them."""

import keras
import numpy as np
import pytest

from examples import digits
from tb_kernels import HeatmapLogger, PatternLogger, compute_heatmaps
from tb_kernels.errors import ArgumentError
from tb_kernels.model.flow import last_convolution, last_layer

L = keras.layers

# Heatmaps: the last layer with spatial output before the head. Patterns: the last convolution
# larger than one pixel. As the papers and Keras' own names have them.
FAMILIES = {
    "VGG16": (64, "block5_conv3", "block5_conv3"),
    "ResNet50": (64, "conv5_block3_out", "conv5_block3_2_conv"),
    "MobileNetV2": (64, "out_relu", "block_16_depthwise"),
    "EfficientNetB0": (64, "top_activation", "block7a_dwconv"),
    # The sum at the end of its blocks is no layer; what is added last is.
    "ConvNeXtTiny": (
        64,
        "convnext_tiny_stage_3_block_2_identity",
        "convnext_tiny_stage_3_block_2_depthwise_conv",
    ),
    "InceptionV3": (107, "mixed10", None),
    "DenseNet121": (64, "relu", "conv5_block16_2_conv"),
}


class Residual(L.Layer):
    """Two convolutions and a shortcut of one pixel, which is made last."""

    def __init__(self, filters, **options):
        super().__init__(**options)
        self.first = L.Conv2D(filters, 3, padding="same", activation="relu", name="first")
        self.second = L.Conv2D(filters, 3, padding="same", name="second")
        self.shortcut = L.Conv2D(filters, 1, name="shortcut")

    def build(self, shape):
        inside = (*shape[:-1], self.first.filters)
        for layer, given in ((self.first, shape), (self.second, inside), (self.shortcut, shape)):
            layer.build(given)
        self.built = True

    def call(self, inputs):
        return keras.ops.relu(self.second(self.first(inputs)) + self.shortcut(inputs))


def pictures(model):
    shape = [size or 12 for size in model.inputs[0].shape[1:]]
    return np.random.default_rng(0).uniform(size=(2, *shape)).astype("float32")


def seen(model, inputs=None):
    """The layers of heatmaps, for class 0, and of patterns: each number, name and shape."""
    inputs = keras.ops.convert_to_tensor(pictures(model) if inputs is None else inputs)
    last = last_layer(model, inputs, lambda outputs: keras.ops.sum(outputs[:, 0]))
    wide = last_convolution(model, inputs)
    return str(last), str(wide)


def classifier(*layers, shape=(12, 12, 3)):
    return keras.Sequential([keras.Input(shape), *layers, L.Flatten(), L.Dense(2, "softmax")])


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_real_networks(family):
    """By the names that their authors gave; each is the number of its row."""
    side, last, wide = FAMILIES[family]
    build = getattr(keras.applications, family)
    model = build(weights=None, classes=3, input_shape=(side, side, 3))
    number = {layer.name: row for row, layer in enumerate(model.layers, start=1)}
    if wide is None:
        # Keras counts the names of Inception's convolutions: it is the last row that is larger.
        wide = [layer.name for layer in model.layers if isinstance(layer, L.Conv2D) and max(layer.kernel_size) > 1][-1]  # fmt: skip
    found = seen(model)
    for name, told in zip((last, wide), found, strict=True):
        shape = tuple(model.get_layer(name).output.shape)[1:]
        assert told == f"layer {number[name]} {name!r} {shape}"


def test_the_example_and_its_like():
    """The last convolution, where only pooling and dropout stand before the head."""
    model = digits.build((8, 8, 1))
    name = model.layers[2].name
    assert seen(model) == (f"layer 3 {name!r} (4, 4, 64)",) * 2


@pytest.mark.parametrize("layer", [L.MaxPooling2D, lambda: L.AveragePooling2D(2), lambda: L.SpatialDropout2D(0.5), lambda: L.GaussianNoise(1.0), L.ZeroPadding2D, L.Cropping2D, lambda: L.Reshape((6, 24, 4)), L.Identity, L.ActivityRegularization])  # fmt: skip
def test_what_only_passes_on_or_thins_out_is_of_the_head(layer):
    """Behind the last layer that computes something, also twice."""
    model = classifier(L.Conv2D(4, 1), L.ReLU(name="last"), layer(), L.Dropout(0.5))
    assert seen(model)[0] == "layer 2 'last' (12, 12, 4)"


def test_what_computes_behind_a_convolution_is_the_last_layer():
    """Normalisation, activation, an elementwise layer of one's own; patterns keep to the kernels."""

    class Halve(L.Layer):
        def call(self, inputs):
            return inputs / 2

    layers = [L.Conv2D(4, 3, name="conv"), L.BatchNormalization(), L.ReLU(), Halve(name="halve")]
    assert seen(classifier(*layers)) == ("layer 4 'halve' (10, 10, 4)", "layer 1 'conv' (10, 10, 4)")  # fmt: skip


def test_a_residual_block_of_ones_own_is_one_layer(tmp_path, capsys):
    """Its output, not the shortcut that is called last; the line at the start says so."""
    model = classifier(Residual(4), L.MaxPooling2D(), Residual(5, name="block"))
    assert seen(model) == ("layer 3 'block' (6, 6, 5)", "layer 3-2 'second' (6, 6, 5)")
    x = pictures(model)
    np.testing.assert_array_equal(compute_heatmaps(model, x), compute_heatmaps(model, x, layer="block"))  # fmt: skip
    model.compile("sgd", "sparse_categorical_crossentropy")
    loggers = [HeatmapLogger(tmp_path, x), PatternLogger(tmp_path, steps=1, kernels=[1, 2])]
    model.fit(x, np.zeros(2), epochs=2, verbose=0, callbacks=loggers)
    assert {path.parent.name for path in tmp_path.rglob("*.png")} == {"3-block", "3-2-second"}
    heatmaps, patterns = [line for line in capsys.readouterr().out.splitlines() if "tb_kernels" in line]  # fmt: skip
    assert heatmaps.startswith("tb_kernels: 2 heatmaps of layer 3 'block' (6, 6, 5), 2 epochs: 4 pictures, ")  # fmt: skip
    assert patterns.startswith("tb_kernels: 2 patterns of layer 3-2 'second' (6, 6, 5), 2 epochs: 4 pictures, ")  # fmt: skip


def test_layers_that_were_asked_for_are_counted(tmp_path, capsys):
    """As before: who named them knows them."""
    model = classifier(L.Conv2D(4, 3, name="conv"))
    with HeatmapLogger(tmp_path, pictures(model), layer="conv") as logger:
        logger.log(model, 1)
    assert "tb_kernels: 1 layer, 2 heatmaps: 2 pictures" in capsys.readouterr().out


def test_a_block_that_gives_a_vector_is_looked_into():
    """It has no map, but what it holds does."""

    class Head(L.Layer):
        def __init__(self):
            super().__init__(name="head")
            self.conv, self.pool = L.Conv2D(4, 3, name="inside"), L.GlobalMaxPooling2D()

        def build(self, shape):
            self.conv.build(shape)
            self.built = True

        def call(self, inputs):
            return self.pool(self.conv(inputs))

    model = keras.Sequential([keras.Input((12, 12, 3)), L.Conv2D(3, 3, name="before"), Head(), L.Dense(2, "softmax")])  # fmt: skip
    assert seen(model) == ("layer 2-1 'inside' (8, 8, 4)",) * 2


def test_a_nested_model_is_looked_into():
    """Transfer learning: the layer inside it, with a dash in its number; however deep."""
    base = keras.Sequential([keras.Input((12, 12, 3)), L.Conv2D(4, 3, name="conv"), L.ReLU(name="relu"), L.MaxPooling2D()], name="base")  # fmt: skip
    inputs = keras.Input((12, 12, 3))
    hidden = L.GlobalAveragePooling2D()(base(L.Rescaling(2.0)(inputs), training=False))
    model = keras.Model(inputs, L.Dense(2, "softmax")(hidden))
    assert seen(model) == ("layer 3-2 'relu' (10, 10, 4)", "layer 3-1 'conv' (10, 10, 4)")
    outer = keras.Sequential([keras.Input((12, 12, 3)), model])
    assert seen(outer)[0] == "layer 1-3-2 'relu' (10, 10, 4)"


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_of_branches_it_is_the_last_row(order):
    """In whichever order Keras calls them; heatmaps and patterns agree."""
    inputs = keras.Input((12, 12, 3))
    branches = {name: L.Conv2D(3, 3, name=name)(inputs) for name in "ab"}
    pooled = {name: L.GlobalMaxPooling2D()(branch) for name, branch in branches.items()}
    joined = L.Concatenate()([pooled[name] for name in order])
    model = keras.Model(inputs, L.Dense(2, "softmax")(joined))
    last = [layer.name for layer in model.layers if layer.name in "ab"][-1]
    assert seen(model) == (f"layer 3 {last!r} (10, 10, 3)",) * 2


@pytest.mark.parametrize("aside", ["first", "last"])
def test_an_early_branch_to_the_head_is_not_the_last(aside):
    """Features of two depths side by side: the deeper one, though the head sees both."""
    inputs = keras.Input((12, 12, 3))
    early = L.Conv2D(3, 3, name="early")(inputs)
    late = L.Conv2D(3, 3, name="late")(early)
    pooled = [L.GlobalMaxPooling2D()(late), L.GlobalMaxPooling2D()(early)]
    joined = L.Concatenate()(pooled if aside == "last" else pooled[::-1])
    model = keras.Model(inputs, L.Dense(2, "softmax")(joined))
    assert seen(model) == ("layer 3 'late' (8, 8, 3)",) * 2


def test_a_layer_that_is_called_again_behind_all_others():
    """Its row is the first, its last call comes last; the head sees what is between, too."""
    inputs = keras.Input((12, 12, 3))
    again, between = (L.Conv2D(3, 3, padding="same", name=name) for name in ("again", "between"))
    middle = between(again(inputs))
    joined = L.Concatenate()([L.GlobalMaxPooling2D()(one) for one in (again(middle), middle)])
    model = keras.Model(inputs, L.Dense(2, "softmax")(joined))
    assert seen(model) == ("layer 2 'again' (12, 12, 3)",) * 2


def test_subclassed_models_go_by_the_order_of_calls():
    """Not by that of attributes; what leads nowhere does not count."""

    class Backwards(keras.Model):
        def __init__(self):
            super().__init__(name="backwards")
            self.late, self.early, self.aside = (L.Conv2D(3, 3, name=name) for name in ("late", "early", "aside"))  # fmt: skip
            self.block = Residual(4, name="block")
            self.pool, self.dense = L.GlobalMaxPooling2D(), L.Dense(2, activation="softmax")

        def call(self, inputs):
            hidden = self.late(self.block(self.early(inputs)))
            self.aside(hidden)
            return self.dense(self.pool(hidden))

    model, x = Backwards(), np.ones((2, 12, 12, 3), "float32")
    model(x)
    assert seen(model, x) == ("layer 1 'late' (8, 8, 3)",) * 2


def test_an_eager_model_is_seen_too():
    """Where nothing may be traced it is called."""
    model = classifier(L.Conv2D(4, 3, name="conv"), L.ReLU(name="relu"))
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    assert seen(model) == ("layer 2 'relu' (10, 10, 4)", "layer 1 'conv' (10, 10, 4)")


def test_where_all_kernels_are_one_pixel_it_is_the_last_of_them():
    """Also where a larger one leads nowhere; a wrapped convolution counts."""
    model = classifier(L.Conv2D(4, 1), L.SpectralNormalization(L.Conv2D(4, 1, name="one")))
    assert seen(model)[1] == "layer 2 'one' (12, 12, 4)"
    parts = classifier(L.Conv2D(4, 3), L.SeparableConv2D(4, 3, name="wide"), L.Conv2D(4, 1))
    assert seen(parts)[1] == "layer 2 'wide' (8, 8, 4)"


def test_what_has_none_is_refused():
    """No layer with a map; no convolution that the outputs depend on."""
    dense = classifier(L.Rescaling(0.5), L.MaxPooling2D())
    with pytest.raises(ArgumentError, match="has no layer with spatial output of one or two axes"):
        seen(dense)
    inputs = keras.Input((12, 12, 3))
    words = keras.ops.argmax(L.Conv2D(4, 3)(inputs), axis=-1)
    with pytest.raises(ArgumentError, match=r"do not depend on a convolution.* expected layers="):
        last_convolution(keras.Model(inputs, words), keras.ops.zeros((1, 12, 12, 3)))


def test_heads_of_attention_are_no_space():
    """The last map of a network of tokens is the one that these are made of."""
    inputs = keras.Input((16, 16, 3))
    patches = L.Conv2D(8, 4, strides=4, name="patches")(inputs)
    tokens = L.Reshape((16, 8))(patches)
    tokens = L.Add()([tokens, L.MultiHeadAttention(2, 4)(tokens, tokens)])
    model = keras.Model(inputs, L.Dense(3)(L.GlobalAveragePooling1D()(tokens)))
    assert seen(model)[0] == "layer 2 'patches' (4, 4, 8)"
