"""Real architectures: every convolution is found, and its pictures are its weights."""

from contextlib import nullcontext

import keras
import numpy as np
import pytest

from tb_kernels import KernelLogger, LogWarning
from tests.helpers.kinds import COUNT
from tests.helpers.oracle import assert_shows, folder_of, picture_of, read_index, read_png

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
