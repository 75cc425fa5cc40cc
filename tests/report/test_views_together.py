"""Views that were logged at different epochs: each picture stands in its epoch's column."""

import keras
import numpy as np
import pytest

from tb_kernels import ActivationLogger, GradientLogger, KernelLogger, open_log
from tb_kernels.figures import fitting
from tests.helpers.models import sixteen_pictures, two_convolutions
from tests.helpers.oracle import read_png
from tests.helpers.reports import export, find

EPOCHS = {"kernels": (1, 3, 10), "activations": (2, 3), "gradients": (1, 10)}


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    """Three views of one model, each at epochs of its own."""
    log_dir, model, (x, y) = tmp_path_factory.mktemp("logs"), two_convolutions(), sixteen_pictures()
    kernel = model.layers[0].kernel
    with KernelLogger(log_dir) as kernels, ActivationLogger(log_dir, x[:1]) as activations, GradientLogger(log_dir, x, y) as gradients:  # fmt: skip
        loggers = {"kernels": kernels, "activations": activations, "gradients": gradients}
        for epoch in (1, 2, 3, 10):
            kernel.assign(keras.random.normal(kernel.shape, seed=epoch))
            for view, logger in loggers.items():
                if epoch in EPOCHS[view]:
                    logger.log(model, epoch)
    return log_dir


def test_a_column_is_an_epoch(log_dir, tmp_path, monkeypatch):
    """Epochs from left to right, 10 after 3; what a view does not have is an empty place."""
    monkeypatch.setattr(fitting, "_PAGE", 1000)  # as large as logged
    export(
        log_dir,
        tmp_path,
        "--kernels",
        "1_2",
        "--only",
        "strips",
        "--together",
        "--normalize",
        "epoch",
    )
    figure = read_png(tmp_path / "strips/1-first/1_2.png")
    centers = {}
    for view, epochs in EPOCHS.items():
        for epoch in epochs:
            picture = read_png(log_dir / f"{view}/1-first/1_2_{epoch}.png")
            ((_, left),) = find(figure, picture)
            centers.setdefault(epoch, []).append(left + picture.shape[1] / 2)
    # Pictures of several widths stand in the middle of their column, to half a pixel.
    assert all(max(column) - min(column) <= 1 for column in centers.values())
    middles = [np.mean(centers[epoch]) for epoch in (1, 2, 3, 10)]
    assert min(np.diff(middles)) > 100


def test_redrawn_at_another_scale(log_dir, tmp_path):
    """And with rows of another length, in every view."""
    export(log_dir, tmp_path, "--kernels", "1_2", "--only", "strips", "--together", "--scale", 9, "--columns", 2, "--normalize", "epoch")  # fmt: skip
    figure = read_png(tmp_path / "strips/1-first/1_2.png")
    for picture in open_log(log_dir).select(kernels="1_2"):
        assert len(find(figure, picture.redraw(9, 2))) == 1
