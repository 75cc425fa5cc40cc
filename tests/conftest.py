"""What every test needs: a quiet TensorFlow, and a model small enough to know by heart."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# It convolves channels first, which TensorFlow's own kernels do on a GPU only. TensorFlow leaves
# it off on some processors.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import pytest
from hypothesis import HealthCheck, settings

# A law holds on a busy machine too, where an example takes longer than Hypothesis likes.
settings.register_profile(
    "any_machine", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any_machine")

# Models are imported where they are used: the process that only hands tests to others
# starts seconds earlier without TensorFlow.


@pytest.fixture
def data():
    """Sixteen small colour pictures and a number for each."""
    from tests.helpers.models import sixteen_pictures

    return sixteen_pictures()


@pytest.fixture
def model():
    """Two convolutions, layers 1 and 3, with 4 and 6 filters; compiled."""
    from tests.helpers.models import two_convolutions

    return two_convolutions()


@pytest.fixture
def loop_disk(tmp_path):
    """A disk that can be frozen."""
    from tests.helpers.disk import LoopDisk

    disk = LoopDisk(tmp_path)
    yield disk
    disk.remove()
