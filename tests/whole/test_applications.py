"""Real architectures: every convolution is found, and its pictures are its weights, or expanded."""

from contextlib import nullcontext

import keras
import numpy as np
import pytest
import tensorflow as tf

from tb_kernels import KernelLogger, LogWarning, expand_kernels
from tests.helpers.kinds import COUNT
from tests.helpers.linear_copy import linear_copy
from tests.helpers.oracle import assert_shows, folder_of, picture_of, read_index, read_png
from tests.helpers.receptive_field import fields

FAMILIES = {
    "VGG16": {},
    "ResNet50": {},
    "MobileNetV2": {},
    "Xception": {"input_shape": (71, 71, 3)},
    "EfficientNetB0": {},
    "ConvNeXtTiny": {},
    "DenseNet121": {},
    "NASNetMobile": {"input_shape": (224, 224, 3)},
    "InceptionV3": {"input_shape": (75, 75, 3)},
}

# By the last part of a weight's path, in layers of these classes and no others.
CONVOLUTIONS = {
    "Conv2D": {"kernel": "Conv2D"},
    "DepthwiseConv2D": {"kernel": "DepthwiseConv2D"},
    "SeparableConv2D": {"depthwise_kernel": "DepthwiseConv2D", "pointwise_kernel": "Conv2D"},
}


def kernels_by_hand(model, prefix=""):
    """Number, layer, kind and weight of every convolution, by plain recursion over models."""
    for place, layer in enumerate(model.layers, start=1):
        number = f"{prefix}{place}"
        if isinstance(layer, keras.Model):
            yield from kernels_by_hand(layer, f"{number}-")
        kinds = CONVOLUTIONS.get(type(layer).__name__, {})
        weights = [w for w in layer.weights if w.path.split("/")[-1] in kinds] if kinds else []
        for part, weight in enumerate(weights, start=1):
            kind = kinds[weight.path.split("/")[-1]]
            yield f"{number}-{part}" if len(weights) > 1 else number, layer, kind, weight


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_every_convolution_is_drawn_right(family, tmp_path):
    """All layers are found; first, last and eight random kernels of each equal the weights."""
    keras.utils.set_random_seed(7)
    random = np.random.default_rng(7)
    options = {"input_shape": (64, 64, 3), **FAMILIES[family]}
    model = getattr(keras.applications, family)(weights=None, include_top=False, **options)
    expected = list(kernels_by_hand(model))
    chosen = {}
    for number, _, kind, weight in expected:
        count = COUNT[kind](weight.shape)
        some = random.choice(count, size=min(8, count), replace=False) + 1
        chosen[number] = sorted({1, count, *map(int, some)})
    many = sum(COUNT[kind](weight.shape) for _, _, kind, weight in expected) > 50_000
    notice = pytest.warns(LogWarning, match=r"pictures.*epochs=") if many else nullcontext()
    with KernelLogger(tmp_path, strict=True) as logger, notice:
        logger.log(model, 1)

    index = read_index(tmp_path / "kernels")[1]["layers"]
    assert [entry["number"] for entry in index] == [number for number, _, _, _ in expected]
    # Nothing of the kind exists that the recursion above has not seen.
    assert len(expected) == sum(
        len(weight.shape) == 4 for weight in model.weights if "kernel" in weight.path.split("/")[-1]
    )
    for (number, layer, kind, weight), entry in zip(expected, index, strict=True):
        assert (entry["name"], entry["shape"]) == (layer.name, list(weight.shape))
        folder = tmp_path / "kernels" / folder_of(number, layer)
        assert len(list(folder.iterdir())) == COUNT[kind](weight.shape)
        array = np.array(weight)
        for kernel in chosen[number]:
            picture = read_png(folder / f"{number}_{kernel}_1.png")
            assert_shows(picture, picture_of(kind, array, kernel))


# Larger fields are seen as far as they lie in a picture of the model's own size.
LARGEST, OWN = 1024, 64


def as_trained(model):
    """Statistics, scales and offsets of all normalizations and scaled layers, as none begins with."""
    random = np.random.default_rng(11)
    for weight in model.weights:
        name = weight.path.split("/")[-1]
        # ConvNeXt's scales have no name of their own, and begin so small that nothing comes through.
        if name in ("moving_variance", "gamma") or name.startswith("variable"):
            weight.assign(random.uniform(0.5, 2, weight.shape))
        elif name in ("moving_mean", "beta", "bias"):
            weight.assign(random.normal(size=weight.shape))
    return model


def derivatives(model, layer, kernels):
    """Of the values in the middle of a layer's map by the picture, by TensorFlow, of a linear copy."""
    seen = fields(model, OWN)[layer.name]
    # Whole strides, so that pictures of every size are padded alike at their edges.
    whole = seen.size <= LARGEST
    side = (-(-seen.size // seen.jump) + 4) * seen.jump if whole else OWN
    copy = linear_copy(model, layer, side)
    seen = fields(model, side)[layer.name]
    middle = seen.length // 2
    picture = tf.random.stateless_normal((1, side, side, 3), seed=(1, 2))

    @tf.function
    def derivative(kernel):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            value = tf.gather(copy(picture)[0, middle, middle], kernel - 1)
        return tape.gradient(value, picture)[0]

    found = np.array([derivative(tf.constant(kernel)) for kernel in kernels])
    if not whole:
        return found
    begin = seen.of(middle)
    part = found[:, begin : begin + seen.size, begin : begin + seen.size].copy()
    found[:, begin : begin + seen.size, begin : begin + seen.size] = 0
    assert not found.any()
    return part


@pytest.mark.slow
@pytest.mark.parametrize("family", ["VGG16", "ResNet50", "MobileNetV2", "DenseNet121", "ConvNeXtTiny"])  # fmt: skip
def test_expanded_kernels_are_derivatives(family):
    """Of two kernels of the first, the middle and the last convolution: differentiated by others."""
    keras.utils.set_random_seed(7)
    build = getattr(keras.applications, family)
    model = as_trained(build(weights=None, include_top=False, input_shape=(OWN, OWN, 3)))
    convolutions = list(kernels_by_hand(model))
    for which in (0, (len(convolutions) - 1) // 2, -1):
        number, layer, _, _ = convolutions[which]
        # The first and the last.
        channels = layer.output.shape[-1]
        found = expand_kernels(model, number, kernels=[1, channels])
        expected = derivatives(model, layer, [1, channels])
        assert found.shape == expected.shape
        apart = np.abs(found - expected).max() / np.abs(expected).max()
        assert np.abs(expected).max(axis=(1, 2, 3)).min() > 0
        assert apart < 1e-5
