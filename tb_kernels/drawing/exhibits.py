"""Rows of examples with their mean behind them → what can be drawn on one scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.levels import Limits


def reach_of(means: NDArray[np.float32]) -> NDArray[np.float64]:
    """What white stands for in the mean of each kernel, and below 0 black: its largest magnitude.

    Args:
        means: Shape (kernels, ...); what is not finite takes no part.

    Returns:
        Shape (kernels,); 1 where there is nothing but 0.
    """
    flat = np.abs(means.reshape(len(means), -1).astype(np.float64))
    largest = np.where(np.isfinite(flat), flat, 0).max(axis=1)
    return np.where(largest > 0, largest, 1.0)


def hang(
    kernels: NDArray[np.float32], limits: Limits
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Examples with the mean brought on their scale, in which its 0 is mid-grey.

    Args:
        kernels: Shape (kernels, channels, examples and mean, height, width); NaN where there is
            nothing, outside of the input.
        limits: Of the examples.

    Returns:
        The same with 0 in place of nothing, and where that was.
    """
    outside = np.isnan(kernels)
    hung = np.where(outside, np.float32(0), kernels)
    along = (-1, 1, 1, 1)
    low, high = (np.broadcast_to(end, len(kernels)).reshape(along) for end in limits)
    share = hung[:, :, -1] / reach_of(kernels[:, :, -1]).reshape(along)
    hung[:, :, -1] = low + (high - low) * (1 + share) / 2
    return hung, outside
