"""Logs that versions before wrote: two are kept, with the weights that a callback recorded.

`0.1.0` has one index for an epoch, behind its pictures; `0.1.0-indexed` is of a later state of
that version, with an index before the pictures of a layer and no record of the training. Both
are of three epochs of one convolution of three kernels, with its sheet, and its gradient.
"""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from tb_kernels import KernelLogger, open_log
from tb_kernels.cli import main
from tests.helpers.format_1 import rewrite
from tests.helpers.models import two_convolutions

OLD = sorted((Path(__file__).parent / "old_logs").iterdir())


def network():
    """Of the shape that both logs are of."""
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(1)]
    )


@pytest.fixture(params=OLD, ids=lambda path: path.name)
def old(request, tmp_path):
    """A copy of an old log, and its weights by epoch."""
    shutil.copytree(request.param, tmp_path / "old")
    with np.load(tmp_path / "old" / "weights.npz") as weights:
        return tmp_path / "old", {int(epoch): weights[epoch] for epoch in weights}


def test_the_weights_are_the_recorded(old):
    """Of every kernel and sheet at every epoch, to within half a level; all that there is."""
    log_dir, recorded = old
    log = open_log(log_dir)
    assert (log.superseded, len(log.select(views=["kernels"])), len(log)) == (0, 12, 15)
    for picture in log.select(views=["kernels"]):
        kernel = recorded[picture.address.epoch]
        expected = np.moveaxis(kernel, (3, 2), (0, 1))
        if picture.address.kernel:
            expected = expected[picture.address.kernel - 1]
        assert np.abs(picture.weights() - expected).max() <= np.ptp(kernel) / 510 * 1.001


def test_whole_layers_are_the_recorded(old):
    """As one array, within the error that it tells."""
    log_dir, recorded = old
    log = open_log(log_dir)
    for epoch, kernel in recorded.items():
        found = log.weights(1, epoch)
        off = np.abs(found.values - np.moveaxis(kernel, (3, 2), (0, 1))).max(axis=(1, 2, 3))
        assert (found.exact, found.numbers.tolist()) == (False, [1, 2, 3])
        assert (off <= found.error).all()
        assert (found.error <= np.ptp(kernel) / 510 * 1.001).all()


def test_it_is_listed_and_exported(old, capsys):
    """With nothing left out, and nothing said to be."""
    log_dir, _ = old
    assert main(["list", str(log_dir)]) == 0
    listed = capsys.readouterr()
    assert listed.err == ""
    rows = [line.split() for line in listed.out.splitlines()]
    assert rows[2:] == [
        ["kernels", "1", "conv2d", "1-3,", "sheets", "1-3", "131", "x", "63"],
        ["gradients", "1", "conv2d", "1-3", "3", "131", "x", "63"],
    ]
    out = log_dir.parent / "out"
    assert main(["export", str(log_dir), str(out), "--only", "images"]) == 0
    assert capsys.readouterr().err == ""
    found = {path.stem for path in out.rglob("*.png")}
    assert found == {f"1_{kernel}_{epoch}" for kernel in range(4) for epoch in (1, 2, 3)}


def test_a_training_goes_on_in_it(old):
    """Epochs before its first stay, as they were; the one of the same number is the new one."""
    log_dir, recorded = old
    model = network()
    model.compile("sgd", "mse")
    x = np.ones((4, 6, 6, 2), "float32")
    model.fit(x, x.sum((1, 2, 3)), initial_epoch=2, epochs=4, verbose=0, callbacks=[KernelLogger(log_dir)])  # fmt: skip
    log = open_log(log_dir)
    recorded |= {3: None, 4: np.array(model.layers[0].kernel)}
    kernels = list(log.select(views=["kernels"], layers=[1], kernels=[2]))
    assert [picture.address.epoch for picture in kernels] == [1, 2, 3, 4]
    for picture in kernels:
        kernel = recorded[picture.address.epoch]
        if kernel is not None:
            expected = np.moveaxis(kernel[..., 1], -1, 0)
            assert np.abs(picture.weights() - expected).max() <= np.ptp(kernel) / 510 * 1.001
    assert log.trainings[-1].first == 3


@pytest.mark.parametrize("kernels", [None, [1, 2, 3, 4, 9, 12]])
def test_slices_are_on_the_scale_of_their_kernel(tmp_path, kernels):
    """In 0.1.0 there was a pair of ends for each kernel of the layer, whichever were drawn."""
    model = two_convolutions()
    with KernelLogger(tmp_path, layers="first", kernels=kernels, slices=True, normalize="kernel") as logger:  # fmt: skip
        logger.log(model, 1)
    (path,) = (tmp_path / "kernels").glob("events*")
    rewrite(path)
    kernel = np.array(model.layers[0].kernel)
    log = open_log(tmp_path)
    assert len(log) == (kernel.shape[2] * kernel.shape[3] if kernels is None else len(kernels))
    for picture in log:
        place, number = divmod(picture.address.kernel - 1, kernel.shape[3])
        error = picture.weights()[0] - kernel[:, :, place, number]
        assert np.abs(error).max() <= np.ptp(kernel[..., number]) / 510 * 1.001
