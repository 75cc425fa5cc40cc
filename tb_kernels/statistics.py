"""Arrays → numbers that stand beside the loss curves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def norm(values: NDArray[Any]) -> float:
    """The root of the summed squares of all values."""
    # In float64: a sum of squares in float32 overflows where its root would not.
    flat = values.reshape(-1)
    return float(np.sqrt(np.einsum("v,v->", flat, flat, dtype=np.float64)))


def mean_norm(kernels: NDArray[np.float32]) -> float:
    """The mean over kernels, the first axis, of the norm of each."""
    flat = kernels.reshape(len(kernels), -1)
    squares = np.einsum("kv,kv->k", flat, flat, dtype=np.float64)
    return float(np.sqrt(squares).mean())


def relative_change(now: NDArray[np.float32], before: NDArray[np.float32]) -> float:
    """The norm of the difference, as a fraction of the norm before; inf from nothing."""
    with np.errstate(invalid="ignore"):
        difference, start = norm(np.subtract(now, before, dtype=np.float64)), norm(before)
    if start == 0:
        return 0.0 if difference == 0 else float("inf")
    return difference / start
