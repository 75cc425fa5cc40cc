"""Every view on every kind of model equals its answer worked out by hand."""

import subprocess
import sys

import keras
import pytest

from tests.helpers import zoo

# MobileNetV2 inside another model takes longer than all the others together.
KINDS = [
    pytest.param(kind, marks=pytest.mark.slow) if kind == "nested" else kind for kind in zoo.CASES
]


@pytest.mark.parametrize("view", zoo.CHECKS)
@pytest.mark.parametrize("kind", KINDS)
def test_view_equals_its_reference(kind, view):
    """The kinds of the issue: sequential to subclassed."""
    keras.utils.set_random_seed(3)
    zoo.CHECKS[view](zoo.CASES[kind]())


@pytest.mark.slow
def test_under_mirrored_strategy():
    """Two replicas, trained for an epoch; in a process of its own, which needs two devices."""
    done = subprocess.run([sys.executable, "-m", "tests.helpers.mirrored"], capture_output=True, text=True, timeout=300, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["activations", "examples", "gradients", "heatmaps", "patterns"]
