"""Every row of the table of layers: the file's pixels against the weights, one weight at a time."""

import keras
import numpy as np
import pytest

from tb_kernels import KernelLogger, read_kernels
from tests.helpers.oracle import assert_shows, picture_of, read_index, read_png, slices_of

L = keras.layers

# (layer, its input's shape, its parts: number, what the oracle calls the kind, the weight's name)
KINDS = {
    "Conv2D": (L.Conv2D(5, (3, 2)), (9, 9, 7), [("1", "Conv2D", "kernel")]),
    "Conv2D of three slices": (L.Conv2D(5, 3), (9, 9, 3), [("1", "Conv2D", "kernel")]),
    "Conv2D with groups": (L.Conv2D(6, 3, groups=2), (9, 9, 8), [("1", "Conv2D", "kernel")]),
    "Conv2D without bias": (L.Conv2D(3, 3, use_bias=False), (9, 9, 2), [("1", "Conv2D", "kernel")]),
    "Conv2D, frozen": (L.Conv2D(3, 3, trainable=False), (9, 9, 2), [("1", "Conv2D", "kernel")]),
    "one pixel": (L.Conv2D(4, 1), (9, 9, 6), [("1", "Conv2D", "kernel")]),
    "Conv2DTranspose": (L.Conv2DTranspose(5, (2, 3)), (9, 9, 6), [("1", "Conv2DTranspose", "kernel")]),
    "DepthwiseConv2D": (
        L.DepthwiseConv2D((3, 2), depth_multiplier=2),
        (9, 9, 4),
        [("1", "DepthwiseConv2D", "kernel")],
    ),
    "SeparableConv2D": (
        L.SeparableConv2D(5, 3, depth_multiplier=2),
        (9, 9, 3),
        [("1-1", "DepthwiseConv2D", "depthwise_kernel"), ("1-2", "Conv2D", "pointwise_kernel")],
    ),
    "Conv1D": (L.Conv1D(5, 4), (9, 6), [("1", "Conv1D", "kernel")]),
    "Conv1DTranspose": (L.Conv1DTranspose(5, 4), (9, 6), [("1", "Conv1DTranspose", "kernel")]),
    "DepthwiseConv1D": (
        L.DepthwiseConv1D(4, depth_multiplier=2),
        (9, 3),
        [("1", "DepthwiseConv1D", "kernel")],
    ),
    "SeparableConv1D": (
        L.SeparableConv1D(5, 3),
        (9, 4),
        [("1-1", "DepthwiseConv1D", "depthwise_kernel"), ("1-2", "Conv1D", "pointwise_kernel")],
    ),
    "Conv3D": (L.Conv3D(4, (2, 3, 3)), (5, 5, 5, 3), [("1", "Conv3D", "kernel")]),
    "Conv3DTranspose": (L.Conv3DTranspose(4, (3, 2, 2)), (5, 5, 5, 2), [("1", "Conv3DTranspose", "kernel")]),
    "ConvLSTM1D": (
        L.ConvLSTM1D(2, 3),
        (4, 9, 5),
        [("1-1", "Conv1D", "kernel"), ("1-2", "Conv1D", "recurrent_kernel")],
    ),
    "ConvLSTM2D": (
        L.ConvLSTM2D(3, 3),
        (4, 7, 7, 2),
        [("1-1", "Conv2D", "kernel"), ("1-2", "Conv2D", "recurrent_kernel")],
    ),
    "ConvLSTM3D": (
        L.ConvLSTM3D(2, 2),
        (3, 5, 5, 5, 2),
        [("1-1", "Conv3D", "kernel"), ("1-2", "Conv3D", "recurrent_kernel")],
    ),
}  # fmt: skip

# Number of kernels by the oracle's kind, from the shape of the weight.
COUNT = {
    "Conv1D": lambda shape: shape[-1],
    "Conv2D": lambda shape: shape[-1],
    "Conv3D": lambda shape: shape[-1],
    "Conv1DTranspose": lambda shape: shape[-2],
    "Conv2DTranspose": lambda shape: shape[-2],
    "Conv3DTranspose": lambda shape: shape[-2],
    "DepthwiseConv1D": lambda shape: shape[-1] * shape[-2],
    "DepthwiseConv2D": lambda shape: shape[-1] * shape[-2],
}


def weight_of(layer, name):
    """The layer's weight of that name, found by its path and not by the package."""
    (weight,) = [w for w in layer.weights if w.path.split("/")[-1] == name]
    return np.array(weight)


@pytest.mark.parametrize("row", KINDS)
def test_pictures_are_the_weights(row, tmp_path):
    """Each kernel of each kind is the picture that the contract's table describes."""
    config, shape, parts = KINDS[row]
    layer = type(config).from_config(config.get_config())
    model = keras.Sequential([keras.Input(shape), layer])
    with KernelLogger(tmp_path) as logger:
        logger.log(model, 2)
    entries = {entry["number"]: entry for entry in read_index(tmp_path / "kernels")[2]["layers"]}
    assert list(entries) == [number for number, _, _ in parts]
    for number, kind, name in parts:
        weight = weight_of(layer, name)
        count = COUNT[kind](weight.shape)
        assert entries[number]["kernels"] == count
        assert entries[number]["shape"] == list(weight.shape)
        folder = tmp_path / "kernels" / f"{number}-{layer.name}"
        assert {path.name for path in folder.iterdir()} == {
            f"{number}_{kernel}_2.png" for kernel in range(1, count + 1)
        }
        for kernel in range(1, count + 1):
            picture = read_png(folder / f"{number}_{kernel}_2.png")
            if kind in ("Conv1D", "Conv1DTranspose"):
                # One picture without gaps: the oracle draws it as a single tile.
                assert entries[number]["gap"] == 0
            assert_shows(picture, picture_of(kind, weight, kernel))


@pytest.mark.parametrize("row", KINDS)
def test_read_kernels_has_the_order_of_the_pictures(row):
    """`read_kernels` gives (kernels, slices, [depth,] h, w), each slice as the oracle cuts it."""
    config, shape, parts = KINDS[row]
    layer = type(config).from_config(config.get_config())
    kernels = read_kernels(keras.Sequential([keras.Input(shape), layer]))
    assert list(kernels) == [number for number, _, _ in parts]
    for number, kind, name in parts:
        weight, array = weight_of(layer, name), kernels[number]
        assert array.dtype == np.float32
        assert array.flags.owndata
        assert array.ndim == (5 if "3D" in kind else 4)
        for kernel in range(1, 1 + COUNT[kind](weight.shape)):
            tiles, _ = slices_of(kind, weight, kernel)
            one = array[kernel - 1]
            flat = one.reshape(-1, *one.shape[-2:])
            # A one-dimensional kernel has a slice of height 1 for each row of its picture.
            expected = np.concatenate(tiles)[:, None] if "1D" in kind else np.stack(tiles)
            np.testing.assert_array_equal(flat, expected)


def test_read_kernels_is_a_copy(model):
    """What was read stays as it was when the model trains on, and cannot change the model."""
    before = np.array(model.layers[0].kernel)
    kernels = read_kernels(model)
    model.layers[0].kernel.assign(before + 1)
    np.testing.assert_array_equal(kernels["1"][2, 1], before[:, :, 1, 2])
    kernels["1"][:] = 7
    np.testing.assert_array_equal(np.array(model.layers[0].kernel), before + 1)
