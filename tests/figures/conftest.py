"""Logs that figures are drawn of."""

import keras
import numpy as np
import pytest

from tb_kernels import KernelLogger, open_log
from tests.helpers.models import train

L = keras.layers


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A log of kernels at epochs 1, 2 and 5, and the weights at each: two layers, one of three slices."""
    log_dir = tmp_path_factory.mktemp("figures") / "logs"
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            L.Conv2D(6, 3, name="first"),
            L.Conv2D(9, (3, 2), name="second"),
        ]
    )
    weights = {}
    with KernelLogger(log_dir) as logger:
        for epoch in (1, 2, 5):
            random = np.random.default_rng(epoch)
            for layer in model.layers:
                layer.kernel.assign(random.normal(scale=epoch, size=layer.kernel.shape))
            logger.log(model, epoch)
            weights[epoch] = [layer.kernel.numpy() for layer in model.layers]
    return open_log(log_dir), weights


@pytest.fixture(scope="session")
def log_dir(tmp_path_factory):
    """One training with all views and curves, epochs 0 to 2."""
    log_dir = tmp_path_factory.mktemp("curves") / "logs"
    train(log_dir, 1)
    return log_dir
