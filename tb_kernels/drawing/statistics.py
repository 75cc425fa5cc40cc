"""Arrays → numbers that stand beside the loss curves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def norm(values: NDArray[Any]) -> float:
    """The root of the summed squares of all values."""
    # In the order of the memory, for a kernel's arrangement for drawing is slow to go through.
    flat = values.ravel(order="K")
    with np.errstate(over="ignore", invalid="ignore"):
        # Not by BLAS, whose threads would wait for cores that train.
        squares = float(np.square(flat).sum(dtype=np.float64))
        if not _in_range(squares):
            squares = float(np.square(flat, dtype=np.float64).sum())
    return float(np.sqrt(squares))


def mean_norm(kernels: NDArray[np.float32]) -> float:
    """The mean over kernels, the first axis, of the norm of each."""
    others = tuple(range(1, kernels.ndim))
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.square(kernels).sum(axis=others, dtype=np.float64)
        if not _in_range(float(squares.min())) or not _in_range(float(squares.max())):
            squares = np.square(kernels, dtype=np.float64).sum(axis=others)
    return float(np.sqrt(squares).mean())


def relative_change(now: NDArray[np.float32], before: NDArray[np.float32]) -> float | None:
    """The norm of the difference, as a fraction of the norm before; None from nothing."""
    with np.errstate(over="ignore", invalid="ignore"):
        difference, start = norm(now - before), norm(before)
    if start == 0:
        return 0.0 if difference == 0 else None
    return difference / start


def _in_range(squares: float) -> bool:
    """Whether a sum of squares in float32 is neither too large nor too small to be right."""
    return 1e-30 < squares < np.inf
