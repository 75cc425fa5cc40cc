"""Every row of the table of layers: the file's pixels against the weights, one weight at a time."""

import keras
import numpy as np
import pytest

from tb_kernels import KernelLogger, read_kernels
from tests.helpers.kinds import COUNT, KINDS
from tests.helpers.oracle import (
    assert_shows,
    folder_of,
    picture_of,
    read_index,
    read_png,
    slices_of,
)


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
        folder = tmp_path / "kernels" / folder_of(number, layer)
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


@pytest.mark.parametrize(
    ("type_", "told"),
    [
        ("float16", ""),
        ("float32", ""),
        ("float64", ""),
        ("bfloat16", "bfloat16 weights are stored as float32, without loss"),
    ],
)
def test_it_is_told_where_weights_are_stored_as_another_type(tmp_path, type_, told):
    """And nowhere else; what they take is of the type stored."""
    layer = keras.layers.Conv2D(2, 3, dtype=type_)
    model = keras.Sequential([keras.Input((5, 5, 1)), layer])
    view = KernelLogger(tmp_path, weights=True)._look_at(model)
    assert view.remark == told
    stored = view.array_file(view.capture(), 1)
    assert view.size_beside == sum(one.nbytes for one in stored.arrays.values()) > 0
