"""What every test needs: a quiet TensorFlow, and a model small enough to know by heart."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from tests.helpers.models import two_convolutions


@pytest.fixture
def data():
    """Sixteen small colour pictures and a number for each."""
    random = np.random.default_rng(0)
    return random.normal(size=(16, 8, 8, 3)).astype("float32"), random.normal(size=(16, 1))


@pytest.fixture
def model():
    """Two convolutions, layers 1 and 3, with 4 and 6 filters; compiled."""
    return two_convolutions()
