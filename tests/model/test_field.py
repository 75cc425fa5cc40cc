"""Which part of a picture a value sees: as papers reckon it, and as the real network shows."""

import keras
import numpy as np
import pytest

from tb_kernels.model.canvas import Canvas
from tb_kernels.model.field import Reach, field_of
from tb_kernels.model.linear import Linear
from tb_kernels.model.selection import select_layer
from tests.helpers.receptive_field import fields

L = keras.layers

# Of VGG16, as it is found all over the literature; 212 behind its last pooling in Araujo et al.
VGG16 = {
    **{"block1_conv1": 3, "block1_conv2": 5, "block1_pool": 6},
    **{"block2_conv1": 10, "block2_conv2": 14, "block2_pool": 16},
    **{"block3_conv1": 24, "block3_conv2": 32, "block3_conv3": 40, "block3_pool": 44},
    **{"block4_conv1": 60, "block4_conv2": 76, "block4_conv3": 92, "block4_pool": 100},
    **{"block5_conv1": 132, "block5_conv2": 164, "block5_conv3": 196, "block5_pool": 212},
}


def architecture(family):
    """With random weights, for colour pictures of any size."""
    keras.utils.set_random_seed(3)
    build = getattr(keras.applications, family)
    return build(weights=None, include_top=False, input_shape=(None, None, 3))


def found(model, name):
    """The field of a layer's middle value, and the side of the pictures that it lies in."""
    field, canvas = field_of(Reach(model, select_layer(model, "layer", name), None), Linear(model))
    assert field.map[0] == field.map[1]
    assert field.top == field.left
    assert field.height == field.width
    assert canvas.shape[0] == canvas.shape[1]
    return field, canvas.shape[0]


def assert_as_reckoned(model, names):
    """Size and place are those of the recursion, and the pictures hold the whole field."""
    for name in names:
        field, side = found(model, name)
        reckoned = fields(model, side)[name]
        middle = reckoned.length // 2
        expected = reckoned.length, middle, reckoned.of(middle), reckoned.size
        assert (field.map[0], field.position[0], field.top, field.height) == expected, name
        assert 0 <= field.top <= side - field.height, name


@pytest.mark.slow
def test_as_published_of_vgg16():
    """All convolutions and poolings."""
    model = architecture("VGG16")
    assert {name: fields(model, 224)[name].size for name in VGG16} == VGG16
    assert_as_reckoned(model, VGG16)


def test_branches_reach_as_far_as_the_farthest():
    """Sums and concatenations; strides, padding of all kinds, kernels of even sides."""
    inputs = keras.Input((None, None, 2))
    x = L.Conv2D(4, 4, strides=2, padding="same", activation="relu", name="even")(inputs)
    y = L.DepthwiseConv2D(5, padding="same", name="wide")(L.Conv2D(4, 1)(x))
    x = L.Add(name="sum")([x, y])
    x = L.Concatenate(name="both")([L.MaxPooling2D(3, 2)(L.ZeroPadding2D(((2, 0), (2, 0)))(x)), L.AveragePooling2D(2, padding="same")(x)])  # fmt: skip
    model = keras.Model(inputs, L.SeparableConv2D(3, 2, name="last")(x))
    assert_as_reckoned(model, ["even", "wide", "sum", "both", "last"])


@pytest.mark.parametrize("turned", [False, True], ids=["wide", "high"])
def test_height_and_width_are_two_things(turned):
    """A field far wider than high, or higher than wide, in pictures of which either side is small."""

    def pair(small, large):
        return (large, small) if turned else (small, large)

    layers = [
        L.Conv2D(2, pair(3, 15), padding="same", name="one"),
        L.Conv2D(2, pair(2, 5), strides=pair(1, 3), padding="same", name="two"),
    ]
    model = keras.Sequential([keras.Input((12, 12, 2)), *layers])
    for name, stride, expected in (("one", (1, 1), (3, 15)), ("two", (1, 3), (4, 19))):
        field, canvas = field_of(Reach(model, select_layer(model, "layer", name), None), Linear(model))  # fmt: skip
        assert (field.height, field.width, field.channels) == (*pair(*expected), 2)
        for side, begin, length, size, map_, position, jump in zip(
            canvas.shape,
            (field.top, field.left),
            (field.height, field.width),
            pair(*expected),
            field.map,
            field.position,
            pair(*stride),
            strict=False,
        ):
            assert 0 <= begin <= side - length
            assert size <= side < size + 2 * jump
            assert map_ == side // jump
            assert position == map_ // 2


@pytest.mark.parametrize("padding", [(4, 0), (0, 4)], ids=["before", "behind"])
def test_a_field_that_one_edge_of_the_picture_cuts_off_is_found_whole(padding):
    """The model's own pictures are too small for it at one side alone."""
    layers = [L.ZeroPadding2D((padding, padding)), L.Conv2D(1, 5, name="last")]
    model = keras.Sequential([keras.Input((6, 6, 1)), *layers])
    field, side = found(model, "last")
    assert field.height == 5
    assert field.top == field.position[0] - padding[0] >= 0
    assert field.top + 5 <= side


def test_a_field_without_end(monkeypatch):
    """Pictures are made no larger than 1,024 pixels a side in search of it; then it is the model's own."""
    inputs = keras.Input((48, 48, 1))
    x = L.Conv2D(1, 3, padding="same", use_bias=False)(inputs)
    x = L.Add()([x, L.GlobalAveragePooling2D(keepdims=True)(x)])
    model = keras.Model(inputs, L.Conv2D(1, 1, name="last")(x))
    sides, made = [], Canvas.__init__

    def watched(canvas, model, shape):
        sides.extend(shape[:2] if shape else ())
        assert max(sides, default=0) <= 1024
        made(canvas, model, shape)

    monkeypatch.setattr(Canvas, "__init__", watched)
    field, side = found(model, "last")
    assert (field.height, side) == (48, 48)
    assert max(sides) == 48 * 16


# Of each stage the first block and a later one; the last layers take seconds each.
RESNET50 = [
    "conv1_conv",
    "pool1_pool",
    *(f"conv2_block1_{part}" for part in ("0_conv", "1_conv", "2_conv", "3_conv")),
    "conv2_block3_2_conv",
    *(f"conv3_block1_{part}" for part in ("0_conv", "1_conv", "2_conv", "3_conv")),
    "conv3_block4_2_conv",
    *("conv4_block1_2_conv", "conv4_block6_2_conv"),
    *("conv5_block1_0_conv", "conv5_block3_3_conv", "conv5_block3_out"),
]


@pytest.mark.slow
def test_as_reckoned_of_resnet50():
    """Convolutions and sums of every stage; 483 pixels at the end, as Araujo et al. have it."""
    model = architecture("ResNet50")
    assert fields(model, 224)["conv5_block3_out"].size == 483
    assert_as_reckoned(model, RESNET50)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "names"),
    [
        ("VGG16", ["block1_conv1", "block2_conv2", "block3_conv3", "block4_conv2", "block5_conv3"]),
        ("ResNet50", ["conv1_conv", "conv2_block1_2_conv", "conv3_block1_2_conv", "conv4_block1_0_conv", "conv5_block1_0_conv"]),
    ],
)  # fmt: skip
def test_the_real_network_sees_just_this(family, names):
    """With its ReLU and max pooling: each corner pixel tells, and nothing outside of the field."""
    model = architecture(family)
    random = np.random.default_rng(3)
    for weight in model.weights:
        if weight.path.endswith("kernel"):
            # Positive: nothing cancels out, and what is seen comes through every ReLU and pooling.
            weight.assign(random.uniform(0.5, 1.5, weight.shape) / weight.shape[2])
    for name in names:
        field, side = found(model, name)
        begin, end = field.top, field.top + field.height
        assert begin >= 0, name
        assert end <= side, name
        pictures = np.zeros((5, side, side, 3), "float32")
        for picture, corner in enumerate(np.ndindex(2, 2)):
            row, column = ((begin, end - 1)[one] for one in corner)
            pictures[picture, row, column, picture % 3] = 1
        pictures[4] = random.uniform(1, 2, (side, side, 3))
        pictures[4, begin:end, begin:end] = 0
        part = keras.Model(model.input, model.get_layer(name).output)
        row, column = field.position
        values = part.predict(pictures, batch_size=1, verbose=0)[:, row, column]
        assert values[:4].min() > 0, name
        assert not values[4].any(), name
