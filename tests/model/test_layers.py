"""Numbers and names of layers, wherever a model keeps them."""

import keras
import numpy as np
import pytest

from tb_kernels import ArgumentError, read_kernels
from tb_kernels.model.layers import find_kernels, owners, walk
from tests.helpers.oracle import assert_shows, picture_of, read_png

L = keras.layers


def numbered(model):
    return [(weight.number, weight.name) for weight in find_kernels(model)]


class Residual(keras.layers.Layer):
    """A residual block as people write it: a layer that holds layers, one list among them."""

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.norm = L.BatchNormalization()
        self.inner = [L.Conv2D(filters, 3, padding="same", name=f"inner{i}") for i in range(2)]
        self.skip = L.Conv2D(filters, 1, name="skip")

    def call(self, x):
        y = self.norm(x)
        for layer in self.inner:
            y = layer(y)
        return y + self.skip(x)


def test_sequential_counts_no_input_layer():
    """The layer's place in model.layers: an Input is none there in a Sequential model."""
    model = keras.Sequential([keras.Input((8, 8, 1)), L.Conv2D(2, 3, name="a"), L.ReLU(), L.Conv2D(2, 3, name="b")])  # fmt: skip
    assert numbered(model) == [("1", "a"), ("3", "b")]


def test_functional_counts_its_input_layer():
    """A functional model has the InputLayer as its layer 1, as in its summary."""
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, L.Conv2D(2, 3, name="b")(L.Conv2D(2, 3, name="a")(inputs)))
    assert numbered(model) == [("2", "a"), ("3", "b")]


def test_number_is_the_row_of_the_summary():
    """For a branched model the number is the row that model.summary() prints."""
    model = keras.applications.MobileNetV2(input_shape=(32, 32, 3), weights=None)
    rows = [layer.name for layer in model.layers]
    assert len(numbered(model)) > 50
    for number, name in numbered(model):
        assert rows[int(number) - 1] == name


def test_nested_model_goes_on_with_a_dash():
    """`2-3` is the third layer of the second."""
    inputs = keras.Input((8, 8, 3))
    x = L.Conv2D(3, 3, name="x", padding="same")(inputs)
    backbone = keras.Model(inputs, L.Conv2D(2, 3, name="y")(x), name="backbone")
    model = keras.Sequential([keras.Input((8, 8, 3)), L.ReLU(), backbone, L.Conv2D(1, 1, name="z")])
    assert numbered(model) == [("2-2", "x"), ("2-3", "y"), ("3", "z")]


def test_composite_layer_goes_on_with_a_dash(tmp_path):
    """A residual block's layers are numbered in the order the block tracks them, and drawn right."""
    from tb_kernels import KernelLogger

    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, Residual(4)(inputs))
    assert numbered(model) == [("2-2", "inner0"), ("2-3", "inner1"), ("2-4", "skip")]
    with KernelLogger(tmp_path) as logger:
        logger.log(model, 1)
    for place, layer in zip(("2-2", "2-3", "2-4"), [*model.layers[1].inner, model.layers[1].skip], strict=True):  # fmt: skip
        for kernel in range(1, 5):
            picture = read_png(tmp_path / f"kernels/{place}-{layer.name}/{place}_{kernel}_1.png")
            assert_shows(picture, picture_of("Conv2D", np.array(layer.kernel), kernel))


def test_block_in_block():
    """Depth has no limit."""

    class Stage(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.blocks = [Residual(2), Residual(2)]

        def call(self, x):
            for block in self.blocks:
                x = block(x)
            return x

    model = keras.Sequential([keras.Input((4, 4, 2)), Stage()])
    assert [number for number, _ in numbered(model)] == [
        "1-1-2", "1-1-3", "1-1-4", "1-2-2", "1-2-3", "1-2-4",
    ]  # fmt: skip


def test_wrapper_shares_its_number():
    """TimeDistributed and SpectralNormalization stand at the place of what they wrap."""
    model = keras.Sequential(
        [
            keras.Input((4, 8, 8, 3)),
            L.TimeDistributed(L.Conv2D(2, 3, name="a")),
            L.TimeDistributed(L.TimeDistributed(L.Conv1D(2, 3, name="b"))),
            L.TimeDistributed(L.SpectralNormalization(L.Conv2D(2, 3, name="c"))),
        ]
    )
    assert numbered(model) == [("1", "a"), ("2", "b"), ("3", "c")]


def test_wrapped_model_goes_on_with_a_dash():
    """TimeDistributed over a model shares the model's number; its layers follow the dash."""
    inner = keras.Sequential([keras.Input((8, 8, 3)), L.ReLU(), L.Conv2D(2, 3, name="a")])
    model = keras.Sequential([keras.Input((4, 8, 8, 3)), L.TimeDistributed(inner)])
    assert numbered(model) == [("1-2", "a")]


def test_bidirectional_has_two_layers():
    """Forward is 1, backward is 2, each with the two kernel weights of a ConvLSTM."""
    model = keras.Sequential([keras.Input((3, 6, 4)), L.Bidirectional(L.ConvLSTM1D(2, 3))])
    assert [number for number, _ in numbered(model)] == ["1-1-1", "1-1-2", "1-2-1", "1-2-2"]


def test_shared_layer_is_drawn_once():
    """A layer used twice has one number, the place of its first use."""
    shared = L.Conv2D(3, 3, padding="same", name="shared")
    inputs = keras.Input((8, 8, 3))
    inner = keras.Model(inputs, shared(inputs))
    model = keras.Model(inputs, inner(shared(shared(inputs))))
    assert numbered(model) == [("2", "shared")]


def test_layers_are_found_by_what_they_are():
    """Neither a name with 'conv' in it nor one without decides; a subclass is what it extends."""

    class Mine(L.Conv2D):
        pass

    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            L.ReLU(name="conv_in_name"),
            Mine(2, 3, name="plain"),
            L.Flatten(),
            L.Dense(3, name="conv2d"),
        ]
    )
    assert numbered(model) == [("2", "plain")]
    assert find_kernels(model)[0].kind == "Conv2D"


def test_convolution_that_holds_a_convolution():
    """A convolution's own kernel has its number, what it holds goes on with a dash."""

    class Gated(L.Conv2D):
        def build(self, shape):
            self.gate = L.Conv2D(self.filters, 1, name="gate")
            self.gate.build(shape)
            super().build(shape)

        def call(self, x):
            return super().call(x)

    model = keras.Sequential([keras.Input((8, 8, 3)), Gated(2, 3, name="gated")])
    assert numbered(model) == [("1", "gated"), ("1-1", "gate")]


def test_convolution_of_two_weights_that_holds_a_convolution():
    """Its own parts are counted first, so that no number stands for two."""

    class Gated(L.SeparableConv2D):
        def build(self, shape):
            self.gate = L.Conv2D(self.filters, 1, name="gate")
            self.gate.build(shape)
            super().build(shape)

    model = keras.Sequential([keras.Input((8, 8, 3)), Gated(2, 3, name="gated")])
    assert numbered(model) == [("1-1", "gated"), ("1-2", "gated"), ("1-3", "gate")]


def test_lora_kernel_is_the_effective_one():
    """With LoRA the kernel that the layer applies is read, not the frozen one."""
    layer = L.Conv2D(4, 3)
    model = keras.Sequential([keras.Input((8, 8, 3)), layer])
    layer.enable_lora(2)
    layer.lora_kernel_b.assign(np.full(layer.lora_kernel_b.shape, 0.3))
    a, b = np.array(layer.lora_kernel_a), np.array(layer.lora_kernel_b)
    # Older versions of Keras 3 know no alpha: their factor is 1.
    factor = getattr(layer, "lora_alpha", layer.lora_rank) / layer.lora_rank
    expected = np.array(layer._kernel) + factor * (a @ b)
    shown = read_kernels(model)["1"]
    np.testing.assert_allclose(shown.transpose(2, 3, 1, 0), expected, atol=1e-6)
    assert np.abs(expected - np.array(layer._kernel)).max() > 0.01


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16", "float64"])  # fmt: skip
def test_every_precision_is_read_as_float32(dtype, tmp_path):
    """Kernels of every floating type give float32 arrays and pictures of their values."""
    from tb_kernels import KernelLogger

    layer = L.Conv2D(4, 3, dtype=dtype, name="c")
    model = keras.Sequential([keras.Input((8, 8, 3)), layer])
    weight = np.array(keras.ops.convert_to_numpy(keras.ops.cast(layer.kernel, "float32")))
    shown = read_kernels(model)["1"]
    assert shown.dtype == np.float32
    np.testing.assert_array_equal(shown.transpose(2, 3, 1, 0), weight)
    with KernelLogger(tmp_path) as logger:
        logger.log(model, 1)
    assert_shows(read_png(tmp_path / "kernels/1-c/1_4_1.png"), picture_of("Conv2D", weight, 4))


def test_walk_has_every_layer_once():
    """No layer of a large model is missed or named twice, and numbers are unique."""
    model = keras.applications.ConvNeXtTiny(
        input_shape=(32, 32, 3), weights=None, include_top=False
    )
    flat = model._flatten_layers(include_self=False)
    # A Sequential hides its InputLayer and a functional twin of itself.
    twins = [layer._functional for layer in flat if isinstance(layer, keras.Sequential)]
    shown = {id(layer) for layer in flat if not isinstance(layer, L.InputLayer)}
    places = list(walk(model))
    assert len(places) == len({id(place.layer) for place in places})
    assert shown - {id(twin) for twin in twins} <= {id(place.layer) for place in places}
    assert len({place.number for place in places}) == len(places)


def test_owners_are_the_innermost_layers():
    """A variable is the layer's that has it, not that of the layers around; a shared one has one."""
    block = Residual(2, name="block")
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, L.TimeDistributed(L.Dense(2, name="inside"))(block(inputs)))
    model.layers[1].norm.gamma.trainable = False
    own = {place.layer.name: variables for place, variables in owners(model)}
    for layer in (*block.inner, block.skip, model.layers[2].layer):
        assert own[layer.name] == {id(layer.kernel), id(layer.bias)}
    assert own[block.norm.name] == {id(block.norm.beta)}
    assert own["block"] == own[model.layers[2].name] == set()


def test_model_that_is_not_built_is_told():
    """Kernels that do not exist yet cannot be read."""
    with pytest.raises(ArgumentError, match=r"model: 'late' is not built"):
        read_kernels(keras.Sequential([L.Conv2D(2, 3)], name="late"))


def test_no_model_is_told():
    """Something else is refused by what it is."""
    with pytest.raises(ArgumentError, match=r"model: expected a keras.Model, got list"):
        read_kernels([])
