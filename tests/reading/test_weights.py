"""Pictures give back the weights they stand for."""

import keras
import numpy as np
import pytest

from tb_kernels import (
    KernelLogger,
    LogWarning,
    open_log,
    read_kernels,
)
from tests.helpers.kinds import KINDS
from tests.helpers.models import two_convolutions


def test_entries_of_two_loggers_stand_side_by_side(model, tmp_path):
    """Each picture is read by the entry of its own logger, also if that came in another training."""
    kernels = read_kernels(model)
    for options in ({"layers": "first"}, {"layers": "second", "normalize": "kernel"}):
        with KernelLogger(tmp_path, **options) as logger:
            logger.log(model, 1)
    for picture in open_log(tmp_path):
        expected = kernels[picture.address.layer][picture.address.kernel - 1]
        span = np.ptp(kernels[picture.address.layer])
        assert np.abs(picture.weights() - expected).max() <= span / 510 * 1.001


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "style",
    [
        {"sheets": True},
        {"normalize": "kernel", "sheets": True},
        {"normalize": "symmetric", "colormap": "viridis", "sheets": True},
        {"colormap": "rgb", "sheets": True},
        {"slices": True},
        {"slices": True, "normalize": "kernel"},
    ],
    ids=["layer", "kernel", "viridis", "rgb", "slices", "slices by kernel"],
)
def test_pictures_give_the_weights_back(kind, style, tmp_path):
    """Of every kind of layer, to within half a level; sheets too."""
    layer, shape, _ = KINDS[kind]
    model = keras.Sequential([keras.Input(shape), layer.__class__.from_config(layer.get_config())])
    with KernelLogger(tmp_path, strict=True, **style) as logger:
        logger.log(model, 3)
    kernels = read_kernels(model)
    log = open_log(tmp_path)
    assert {picture.address.layer for picture in log} == set(kernels)
    for picture in log:
        expected = kernels[picture.address.layer]
        levels = 1 if style.get("colormap") == "viridis" else 0.5
        most = levels * np.abs(expected).max() * 2 / 255 * 1.001
        number = picture.address.kernel
        if style.get("slices"):
            slices = expected.reshape(len(expected), -1, *expected.shape[-2:])
            place, kernel = divmod(number - 1, len(expected))
            expected = slices[kernel, place][None]
        elif number:
            expected = expected[number - 1]
        found = picture.weights()
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= most
        assert picture.tiles().ndim == 4


@pytest.mark.parametrize(
    "kind", ["Conv2D", "Conv2D of three slices", "Conv1D", "Conv3D", "one pixel"]
)
def test_redrawn_is_what_a_logger_draws(kind, tmp_path):
    """Another scale, or another number of columns, gives the pixels of a logger with these."""
    layer, shape, _ = KINDS[kind]
    model = keras.Sequential([keras.Input(shape), layer.__class__.from_config(layer.get_config())])
    logs = {}
    wanted = {"scale": 7, "columns": 2}
    for name, style in {"plain": {}, "scale": {"scale": 7}, "both": wanted}.items():
        with KernelLogger(tmp_path / name, sheets=name != "both", **style) as logger:
            logger.log(model, 1)
        logs[name] = open_log(tmp_path / name)
    for picture in logs["plain"]:
        at_scale = logs["scale"].picture(picture.address)
        assert np.array_equal(picture.redraw(scale=7), at_scale.pixels())
        assert np.array_equal(picture.redraw(), picture.pixels())
    for picture in logs["both"]:
        plain = logs["plain"].picture(picture.address)
        assert np.array_equal(plain.redraw(**wanted), picture.pixels())


def test_the_newest_entry_counts(model, tmp_path):
    """Two loggers of one epoch, the first once more: each picture is read as it was drawn last."""
    layer = read_kernels(model)["1"]
    with KernelLogger(tmp_path) as one, KernelLogger(tmp_path, kernels=[1], normalize="kernel") as other:  # fmt: skip
        for logger in (one, other, one):
            logger.log(model, 1)
            logger.flush()
    found = open_log(tmp_path).picture("1_1_1").weights()
    assert np.abs(found - layer[0]).max() <= np.ptp(layer) / 510 * 1.001


def test_weights_that_are_not_finite(tmp_path):
    """Red pixels come back as NaN, the others as they are."""
    model = two_convolutions()
    kernel = np.array(model.layers[0].kernel)
    kernel[0, 1, 2, 3] = np.inf
    model.layers[0].kernel.assign(kernel)
    for colormap in ("gray", "viridis"):
        with pytest.warns(LogWarning, match="not finite"), KernelLogger(tmp_path / colormap, colormap=colormap) as logger:  # fmt: skip
            logger.log(model, 1)
        weights = open_log(tmp_path / colormap).picture("1_4_1").weights()
        assert np.argwhere(np.isnan(weights)).tolist() == [[2, 0, 1]]
