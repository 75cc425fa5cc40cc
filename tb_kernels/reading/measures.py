"""Weights of a layer → a number for each kernel, and how far it may be from the true one.

Where weights come from pictures, each is known to within a bound e. The norm of n of them is
then known to within `sqrt(n) * e`, and so is, with the bounds of both added, the norm of a
difference: the triangle inequality.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Weights whose squares are computed at a time.
_PART = 1_000_000


class Measured(NamedTuple):
    """A number for each of some kernels.

    Attributes:
        values: float64 of shape (kernels,); NaN where it is not defined.
        errors: How far the true ones are from these at most, likewise; 0 where they are exact.
    """

    values: NDArray[np.float64]
    errors: NDArray[np.float64]

    def taken(self, places: NDArray[np.intp]) -> Measured:
        """Those at some places; NaN for the place -1."""
        there = places >= 0
        if not len(self.values):
            return Measured(*np.full((2, len(places)), np.nan))
        return Measured(*(np.where(there, numbers[places], np.nan) for numbers in self))

    def whole(self) -> Measured:
        """The norm of all kernels together, where these are the norms of each: shape (1,)."""
        return Measured(*(np.sqrt(np.square(numbers).sum(keepdims=True)) for numbers in self))


def measure_norms(values: NDArray[Any], error: Any) -> Measured:
    """The L2 norm of each kernel.

    Args:
        values: Weights, shape (kernels, ...).
        error: The bound of each weight's error: one for all, or one for each kernel.

    Returns:
        NaN for a kernel with weights that are not finite.
    """
    return _measured(_norms(values), values, error)


def measure_changes(
    before: NDArray[Any], after: NDArray[Any], error_before: Any, error_after: Any
) -> Measured:
    """The L2 norm of the difference of each kernel's weights.

    Args:
        before: Weights, shape (kernels, ...).
        after: As `before`, the same kernels.
        error_before: The bound of each weight's error: one for all, or one for each kernel.
        error_after: Likewise.

    Returns:
        NaN for a kernel with weights that are not finite.
    """
    error = np.asarray(error_before, np.float64) + np.asarray(error_after, np.float64)
    return _measured(_norms(after, before), after, error)


def ratio(above: Measured, below: Measured) -> Measured:
    """Norms as fractions of norms.

    Args:
        above: What is divided.
        below: By what.

    Returns:
        NaN where `below` cannot be told from 0, so that nothing is infinite.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        values = above.values / below.values
        least = np.maximum(above.values - above.errors, 0) / (below.values + below.errors)
        most = (above.values + above.errors) / (below.values - below.errors)
        told = below.values > below.errors
        errors = np.maximum(most - values, values - least)
    return Measured(np.where(told, values, np.nan), np.where(told, errors, np.nan))


def _norms(values: NDArray[Any], minus: NDArray[Any] | None = None) -> NDArray[np.float64]:
    norms = np.empty(len(values))
    # Part by part: in float64 a whole layer and its squares may take many times its memory.
    step = max(1, _PART * len(values) // max(1, values.size))
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(values), step):
            part = slice(start, start + step)
            weights = values[part].astype(np.float64)
            if minus is not None:
                weights -= minus[part]
            np.square(weights, out=weights)
            norms[part] = np.sqrt(weights.reshape(len(weights), -1).sum(axis=1))
    return np.where(np.isfinite(norms), norms, np.nan)


def _measured(norms: NDArray[np.float64], values: NDArray[Any], error: Any) -> Measured:
    each = np.sqrt(np.prod(values.shape[1:])) * np.asarray(error, np.float64)
    return Measured(norms, np.where(np.isnan(norms), np.nan, each))
