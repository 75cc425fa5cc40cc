"""Weights → levels: which grey, 0 (black) to 255 (white), stands for a weight.

Every way to normalise is a pair of weights, `low` drawn black and `high` drawn
white; between them the level is `round(255 * (w - low) / (high - low))`.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb_kernels.arguments import check_range
from tb_kernels.errors import ArgumentError

Normalize = Literal["layer", "kernel", "first", "symmetric", "standard"] | tuple[float, float]

MODES = ("layer", "kernel", "first", "symmetric", "standard")

# Weights whose levels are computed at a time.
_PART = 1_000_000


class Limits(NamedTuple):
    """The weights that black and white stand for.

    Attributes:
        low: float64, of shape () for a whole layer or (kernels,) for each kernel.
        high: As `low`, nowhere below it.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def of(cls, low: float, high: float) -> Limits:
        """The limits of a whole layer."""
        return cls(np.asarray(low, np.float64), np.asarray(high, np.float64))

    def at(self, kernel: int) -> tuple[float, float]:
        """Low and high of one kernel, counted from 0."""
        if self.low.ndim == 0:
            return float(self.low), float(self.high)
        return float(self.low[kernel]), float(self.high[kernel])

    def equal(self, other: Limits) -> bool:
        """Whether they are the same, of a layer or of each kernel."""
        return np.array_equal(self.low, other.low) and np.array_equal(self.high, other.high)

    def take(self, kernels: NDArray[np.intp] | slice) -> Limits:
        """The limits of some of the kernels, counted from 0."""
        if self.low.ndim == 0:
            return self
        return Limits(self.low[kernels], self.high[kernels])

    def repeated(self, times: int) -> Limits:
        """The limits of the kernels, all of them again so many times."""
        if self.low.ndim == 0:
            return self
        return Limits(np.tile(self.low, times), np.tile(self.high, times))


def check_normalize(normalize: Any) -> Normalize:
    """Returns `normalize` if it is a mode or a pair of numbers, low below high.

    Raises:
        ArgumentError: If it is neither.
    """
    expected = f"expected one of {', '.join(map(repr, MODES))} or a pair (low, high)"
    if isinstance(normalize, str):
        if normalize not in MODES:
            raise ArgumentError(f"normalize: unknown {normalize!r}; {expected}")
        return normalize  # type: ignore[return-value]
    return check_range("normalize", normalize, f"cannot use {normalize!r}; {expected}")


def find_limits(
    weights: NDArray[np.float32],
    normalize: Normalize,
    *,
    each: bool = False,
    from_zero: bool = False,
) -> Limits:
    """The limits of a layer's weights; weights that are not finite take no part.

    Args:
        weights: Shape (kernels, slices, ...), the layer's kernels.
        normalize: How to normalise. `"first"` is as `"layer"` here: whoever draws the
            first epoch keeps its limits for the later ones.
        each: Whether `"standard"` takes each kernel's mean and deviation, instead of
            the layer's.
        from_zero: Whether limits that are extremes begin at 0; 0 to 1 where nothing is
            above it.

    Returns:
        The limits of the layer, or of each kernel for `"kernel"` and `each`; 0 and 0 where
        no weight is finite.
    """
    low, high = limits = _find_limits(weights, normalize, each=each)
    if not from_zero or normalize not in ("kernel", "layer", "first"):
        return limits
    return Limits(np.zeros_like(low), np.where(high > 0, high, 1.0))


def are_telling(weights: NDArray[np.float32], *, from_zero: bool = False) -> bool:
    """Whether limits found in these weights are worth keeping for later epochs.

    Not where none is finite, nor, on a scale from zero, where none is above it.
    """
    telling = bool(np.isfinite(weights).any())
    return telling and (not from_zero or bool(np.nanmax(weights) > 0))


def _find_limits(weights: NDArray[np.float32], normalize: Normalize, *, each: bool) -> Limits:
    if isinstance(normalize, tuple):
        return Limits.of(*normalize)
    if normalize == "kernel":
        flat = weights.reshape(len(weights), -1)
        low, high = flat.min(axis=1), flat.max(axis=1)
        for kernel in np.flatnonzero(~(np.isfinite(low) & np.isfinite(high))):
            low[kernel], high[kernel] = _extremes(flat[kernel])
        return Limits(low.astype(np.float64), high.astype(np.float64))
    if normalize == "standard" and each:
        limits = [_standard(kernel) for kernel in weights]
        return Limits(np.stack([one.low for one in limits]), np.stack([one.high for one in limits]))
    if normalize == "standard":
        return _standard(weights)
    low, high = _extremes(weights)
    if normalize == "symmetric":
        high = max(-low, high)
        low = -high
    return Limits.of(low, high)


def find_nonfinite(weights: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Where the weights are not finite, in their own shape; None if all are finite."""
    # A sum is not finite if any weight is not; only then the mask is worth making.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(weights.sum(dtype=np.float64)):
            return None
    nonfinite = ~np.isfinite(weights)
    return nonfinite if nonfinite.any() else None


def to_levels(weights: NDArray[np.float32], limits: Limits) -> NDArray[np.uint8]:
    """The level of each weight, clipped to 0-255.

    Where low equals high the level is 128, as it is for all weights of a layer in
    which all weights are equal (0 below and 255 above, which only limits that come
    from an earlier epoch leave room for). Where a weight is not finite the level
    means nothing: ask `find_nonfinite`.

    Args:
        weights: Shape (kernels, slices, ...).
        limits: Of the layer, or of each of these kernels.

    Returns:
        Levels in the shape of the weights.
    """
    levels = np.empty(weights.shape, np.uint8)
    # Part by part, since the arithmetic takes eight times the memory of the levels.
    step = max(1, _PART * len(weights) // weights.size)
    for start in range(0, len(weights), step):
        part = slice(start, start + step)
        levels[part] = _part_to_levels(weights[part], limits.take(part))
    return levels


def to_weights(levels: NDArray[np.floating[Any]], limits: Limits) -> NDArray[np.float64]:
    """The weight of each level: the inverse of `to_levels`, to within half a level.

    Half a level is `(high - low) / 510`; a weight beyond the limits comes back as the nearer
    of them.

    Args:
        levels: Shape (kernels, slices, ...), or without the kernels where the limits are a
            layer's; NaN stays NaN.
        limits: Of the layer, or of each of these kernels.

    Returns:
        Weights in the shape of the levels.
    """
    low, high = (end.reshape(end.shape + (1,) * (levels.ndim - end.ndim)) for end in limits)
    weights: NDArray[np.float64] = low + levels / 255 * (high - low)
    return weights


def _part_to_levels(weights: NDArray[np.float32], limits: Limits) -> NDArray[np.uint8]:
    per_kernel = (-1,) + (1,) * (weights.ndim - 1)
    low = limits.low.reshape(per_kernel) if limits.low.ndim else limits.low
    high = limits.high.reshape(per_kernel) if limits.high.ndim else limits.high
    span = high - low
    with np.errstate(invalid="ignore"):
        # In float64: a float32 difference can overflow, or lose a mean far from 0.
        levels = np.subtract(weights, low, dtype=np.float64)
        flat = np.sign(levels) * 128 + 128 if (span == 0).any() else None
        levels *= 255.0 / np.where(span > 0, span, 1.0)
        np.rint(levels, out=levels)
        if flat is not None:
            levels = np.where(span > 0, levels, flat)
        np.clip(levels, 0, 255, out=levels)
        return levels.astype(np.uint8)


def _extremes(weights: NDArray[np.float32]) -> tuple[float, float]:
    low, high = float(weights.min()), float(weights.max())
    if np.isfinite(low) and np.isfinite(high):
        return low, high
    finite = weights[np.isfinite(weights)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _standard(weights: NDArray[np.float32]) -> Limits:
    # (w - mean) / deviation * 64 + 128 reaches 0 and 255 at these weights.
    low, high = _extremes(weights)
    if low == high:
        return Limits.of(low, high)
    finite = weights if find_nonfinite(weights) is None else weights[np.isfinite(weights)]
    flat = finite.reshape(-1)
    mean = flat.mean(dtype=np.float64)
    # Part by part, since a deviation in float64 takes twice the memory of what it looks at.
    parts = (flat[start : start + _PART] for start in range(0, flat.size, _PART))
    squares = (np.square(np.subtract(part, mean, dtype=np.float64)).sum() for part in parts)
    deviation = np.sqrt(sum(squares) / flat.size)
    return Limits.of(mean - 128 / 64 * deviation, mean + 127 / 64 * deviation)
