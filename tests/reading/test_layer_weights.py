"""A whole layer as one array: exact where it was stored, from pictures within its error."""

import keras
import numpy as np
import pytest

from tb_kernels import KernelLogger, LogWarning, open_log, read_kernels
from tests.helpers.kinds import COUNT, KINDS
from tests.helpers.oracle import slices_of
from tests.views.test_kernels import weight_of


def layer_of(row):
    """A model of one layer of the table, the layer, and the parts of it that have a number."""
    config, shape, parts = KINDS[row]
    layer = type(config).from_config(config.get_config())
    return keras.Sequential([keras.Input(shape), layer]), layer, parts


def expected_of(kind, weight):
    """All kernels of a weight as the oracle cuts them: (kernels, slices, height, width)."""
    kernels = range(1, 1 + COUNT[kind](weight.shape))
    cut = [slices_of(kind, weight, kernel)[0] for kernel in kernels]
    # The oracle's one-dimensional kernel is one tile, a row for each slice.
    return np.stack([np.concatenate(one)[:, None] if "1D" in kind else one for one in cut])


def flat(values):
    """The depth among the slices, as the oracle has it."""
    return values.reshape(len(values), -1, *values.shape[-2:])


@pytest.mark.parametrize("row", KINDS)
def test_exact_weights_are_the_models(row, tmp_path):
    """Bit for bit, in the order of the kernel numbers; the file has them in Keras' own shape."""
    model, layer, parts = layer_of(row)
    with KernelLogger(tmp_path, weights=True, strict=True) as logger:
        logger.log(model, 2)
    log = open_log(tmp_path)
    with np.load(tmp_path / "kernels/kernels_2.npz") as stored:
        assert stored.files == [number for number, _, _ in parts]
        for number, kind, name in parts:
            weight = weight_of(layer, name)
            assert stored[number].dtype == weight.dtype
            np.testing.assert_array_equal(stored[number], weight)
            np.testing.assert_array_equal(log.arrays("kernels")[number], weight[None])
            found = log.weights(number, 2)
            assert found.exact
            assert found.values.dtype == np.float64
            assert found.values.shape == read_kernels(model)[number].shape
            np.testing.assert_array_equal(flat(found.values), expected_of(kind, weight))
            assert found.numbers.tolist() == list(range(1, 1 + len(found.values)))
            assert found.error.tolist() == [0] * len(found.values)


@pytest.mark.parametrize("row", KINDS)
@pytest.mark.parametrize(
    "style",
    [
        {},
        {"normalize": "kernel"},
        {"normalize": "symmetric", "colormap": "viridis"},
        {"colormap": "jet"},
        {"colormap": "rgb"},
        {"slices": True, "normalize": "kernel", "sheets": True},
        {"kernels": 1, "sheets": True},
    ],
    ids=["layer", "kernel", "viridis", "jet", "rgb", "slices", "sheet"],
)
def test_weights_of_pictures_are_within_their_error(row, style, tmp_path):
    """Of every kind of layer, and no looser than the scale is coarse."""
    model, layer, parts = layer_of(row)
    with KernelLogger(tmp_path, strict=True, **style) as logger:
        logger.log(model, 2)
    log = open_log(tmp_path)
    for number, kind, name in parts:
        found, expected = log.weights(number, 2), expected_of(kind, weight_of(layer, name))
        assert not found.exact
        assert found.values.shape == read_kernels(model)[number].shape
        assert found.numbers.tolist() == list(range(1, 1 + len(expected)))
        off = np.abs(flat(found.values) - expected).max(axis=(1, 2, 3))
        assert (off <= found.error).all()
        of_each = style.get("normalize") == "kernel"
        low, high = expected.min(), expected.max()
        if style.get("normalize") == "symmetric":
            low, high = -np.abs(expected).max(), np.abs(expected).max()
        span = np.ptp(expected, axis=(1, 2, 3)) if of_each else np.full(len(expected), high - low)
        levels = {"viridis": 1, "jet": 2}.get(style.get("colormap"), 0.5)
        assert (found.error <= levels * span / 255 * 1.001 + 1e-7).all()


@pytest.fixture(autouse=True)
def no_warning(recwarn):
    """What is not warned of here is not expected."""
    yield
    assert not [one for one in recwarn if issubclass(one.category, LogWarning)]
