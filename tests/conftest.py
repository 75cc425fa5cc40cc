"""What every test needs: a quiet TensorFlow, and models small enough to know by heart."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest


@pytest.fixture
def data():
    """Sixteen small colour pictures and a number for each."""
    random = np.random.default_rng(0)
    return random.normal(size=(16, 8, 8, 3)).astype("float32"), random.normal(size=(16, 1))


@pytest.fixture
def model():
    """Two convolutions, layers 1 and 3, with 4 and 6 filters; compiled."""
    return two_convolutions()


def two_convolutions():
    """Two convolutions, layers 1 and 3, with 4 and 6 filters; compiled."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, name="first"),
            keras.layers.MaxPooling2D(name="pool"),
            keras.layers.Conv2D(6, (3, 2), name="second"),
            keras.layers.Flatten(),
            keras.layers.Dense(1),
        ],
        name="two",
    )
    model.compile("sgd", "mse")
    return model
