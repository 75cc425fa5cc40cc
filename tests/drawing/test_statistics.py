"""Norms and changes, also of numbers whose squares are too large or too small for float32."""

import numpy as np
import pytest

from tb_kernels.drawing.statistics import mean_norm, norm, relative_change


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1, 1e25])
def test_norms(scale):
    """Those of float64."""
    kernels = (scale * np.random.default_rng(0).normal(size=(3, 3, 4, 5))).astype("float32")
    exact = kernels.astype(float)
    expected = np.mean([np.linalg.norm(exact[..., k]) for k in range(5)])
    assert mean_norm(np.moveaxis(kernels, -1, 0)) == pytest.approx(expected, rel=1e-6)
    assert norm(np.moveaxis(kernels, -1, 0)) == pytest.approx(np.linalg.norm(exact), rel=1e-6)
    moved = (1.01 * kernels).astype("float32")
    change = np.linalg.norm(moved.astype(float) - exact) / np.linalg.norm(exact)
    assert relative_change(moved, kernels) == pytest.approx(change, rel=1e-5)


@pytest.mark.parametrize("scale", [1e-24, 1e25])
def test_one_kernel_of_another_magnitude(scale):
    """The mean is that of float64 also where only one of them is beyond float32's squares."""
    kernels = np.random.default_rng(0).normal(size=(5, 4, 3, 3))
    kernels[2] *= scale
    if scale < 1:
        kernels[[0, 1, 3, 4]] *= scale * 1e6
    kernels = kernels.astype("float32")
    expected = np.mean([np.linalg.norm(kernel) for kernel in kernels.astype(float)])
    assert mean_norm(kernels) == pytest.approx(expected, rel=1e-6)


def test_nothing():
    """From nothing to nothing is no change, to something one that is no fraction of nothing."""
    nothing, something = np.zeros((2, 1, 3, 3), "float32"), np.ones((2, 1, 3, 3), "float32")
    assert (norm(nothing), mean_norm(nothing)) == (0, 0)
    assert relative_change(nothing, nothing) == 0
    assert relative_change(something, nothing) is None


def test_what_is_not_finite():
    """Is told as that, without a warning."""
    broken = np.full((2, 1, 3, 3), np.inf, "float32")
    assert norm(broken) == np.inf
    assert np.isnan(relative_change(broken, broken))
