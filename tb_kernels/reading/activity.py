"""Logged activations of a layer → how often each of its channels is above zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.colors import blur_of
from tb_kernels.drawing.levels import to_weights
from tb_kernels.errors import LogError, warn
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.measures import Measured
from tb_kernels.schema.axes import Axes
from tb_kernels.schema.index import axes_of
from tb_kernels.schema.naming import SHEET
from tb_kernels.wording import shown

if TYPE_CHECKING:
    from tb_kernels.reading.log import Log
    from tb_kernels.reading.picture import Picture


class Activity(NamedTuple):
    """How often the channels of a layer are above zero.

    Attributes:
        numbers: int64 of shape (channels,), ascending.
        measured: The share of the places of the inputs, from 0 to 1, at which each channel's
            feature map is above zero; NaN for a map that is not a number at some of them.
    """

    numbers: NDArray[np.int64]
    measured: Measured


def activity_of(log: Log, layer: LoggedLayer, epoch: int) -> Activity:
    """How often each channel of a layer is above zero, on the inputs that were logged.

    From the file of arrays of that epoch, which holds all inputs, exactly. (Stored in half
    precision, what is below 3e-8 is zero.) Where there is none, or it is damaged, which is warned
    of, from the pictures, which show the first 8 inputs at most: the share is then that of the
    places that are surely above zero, and its error the share of those of which the picture leaves
    it open.

    Args:
        log: Of the layer.
        layer: Of the view of activations.
        epoch: One at which it has pictures.

    Raises:
        LogError: If there are no such arrays, and the pictures cannot be read.
    """
    pictures = log.whole.of_layer(layer, epoch)
    axes = axes_of(pictures[0].entry)
    try:
        stored = _stored(log, layer, epoch, axes)
    except LogError as error:
        where = f"layer {shown(layer.number)} at epoch {epoch}"
        warn(f"{error}; the activity of {where} is taken from its pictures")
        stored = None
    if stored is not None:
        shares = _shares(stored, axes)
        return Activity(np.arange(1, len(shares) + 1), Measured(shares, np.zeros(len(shares))))
    alone = [one for one in pictures if one.address.kernel != SHEET]
    numbers = np.array([one.address.kernel for one in alone], np.int64)
    found = np.array([_of_picture(one) for one in alone], np.float64).reshape(-1, 2)
    return Activity(numbers, Measured(found[:, 0], found[:, 1]))


def _stored(log: Log, layer: LoggedLayer, epoch: int, axes: Axes) -> NDArray[Any] | None:
    """The layer's array of an epoch, in the axes of its pictures; None if there is none."""
    arrays = log.stored(layer, epoch)
    key = next((one for one in layer.keys if one in arrays), None) if arrays is not None else None
    if arrays is None or key is None:
        return None
    (array,) = arrays[key]
    fits = array.shape[1:] == axes.shape[1:] and axes.letters[:1] == "n" and "c" in axes.letters
    # Whoever wrote it: numbers, and at least one.
    return array if fits and array.size and array.dtype.kind in "fiub" else None


def _shares(array: NDArray[Any], axes: Axes) -> NDArray[np.float64]:
    """Of each channel the share of places above zero."""
    # Of one input, without its axis, which is the first.
    channel = axes.letters.index("c") - 1
    others = tuple(axis for axis in range(array.ndim - 1) if axis != channel)
    # Input by input: the mask of all would take a quarter of the array's memory once more.
    above = np.zeros(array.shape[channel + 1], np.float64)
    for one in array:
        above += np.count_nonzero(one > 0, axis=others)
        above[np.isnan(one.max(axis=others))] = np.nan
    return above / (array.size // len(above))


def _of_picture(picture: Picture) -> tuple[float, float]:
    """The share of places surely above zero, and of those that may be."""
    legend = picture.legend
    levels = legend.levels(picture.pixels())
    values = to_weights(levels, legend.limits)
    low, high = legend.limits
    error = (0.5 + blur_of(legend.colormap)) / 255 * (high - low)
    # What the scale has clipped may lie anywhere beyond its end.
    least = np.where(levels <= 0, -np.inf, values - error)
    most = np.where(levels >= 255, np.inf, values + error)
    if np.isnan(levels).any():
        return np.nan, np.nan
    return float((least > 0).mean()), float(((most > 0) & (least <= 0)).mean())
