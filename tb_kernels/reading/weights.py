"""A whole layer as one array: exact where its weights were stored, from its pictures otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.colors import blur_of
from tb_kernels.drawing.levels import find_limits
from tb_kernels.errors import ArgumentError, LogError, warn
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.picture import Picture
from tb_kernels.schema.axes import Axes
from tb_kernels.schema.index import axes_of
from tb_kernels.schema.naming import KERNELS, SHEET
from tb_kernels.wording import count, enumerate_some, shown

if TYPE_CHECKING:
    from tb_kernels.reading.log import Log

# The scales that end at the weights' own extremes, so that they clip nothing.
_UNCLIPPED = ("layer", "kernel", "symmetric")

# A layer of more weights is not put together from pictures: as numbers they take eight bytes each,
# and a picture of one colour almost none.
MOST_WEIGHTS = 1 << 27

# Pictures are drawn of float32: of a finer weight it keeps so much, as a fraction.
_ROUNDED = 2.0**-24


@dataclass(frozen=True, eq=False, repr=False)
class LayerWeights:
    """The weights of a layer at an epoch.

    Attributes:
        values: Shape (kernels, slices, [depth,] height, width), float64, arranged as
            `read_kernels` does. NaN where a picture shows that a weight was not finite.
        numbers: Shape (kernels,): the kernel numbers, ascending from 1. All of the layer's where
            exact; from pictures those that have one, if there is no sheet of the whole layer.
        exact: Whether they are the weights as they were stored, and not read from pictures.
        error: Shape (kernels,), in the unit of the weights: how far a finite value of each
            kernel may be from the weight at most. 0 where exact. From pictures it is half a
            level, `(high - low) / 510` of the picture's scale (of a colour map with levels of
            equal colour so much more as these are apart), and the rounding to float32. Infinite
            where a kernel has a pixel at an end of a scale that clips (`"first"`, `"standard"`
            or a pair), behind which the weight may be anywhere.
    """

    values: NDArray[np.float64]
    numbers: NDArray[np.int64]
    exact: bool
    error: NDArray[np.float64]

    def __repr__(self) -> str:
        how = "exact" if self.exact else f"within {self.error.max():.3g}"
        return f"<LayerWeights {self.values.shape}, {how}>"


def choose_layer(
    log: Log, layer: int | str, epoch: int | str, run: str | None
) -> tuple[LoggedLayer, int]:
    """The one layer of kernels, and the one epoch, that were asked for.

    Raises:
        ArgumentError: If there is none, or more than one.
    """
    chosen = log.select(runs=run, views=KERNELS, layers=layer, epochs=epoch)
    layers, epochs = chosen.layers, chosen.epochs
    if len(layers) != 1:
        have = enumerate_some(f"{one.number} {one.name} of run {one.run!r}" for one in layers)
        several = len(chosen.runs) > 1
        raise ArgumentError(
            f"layer: expected one layer, {layer!r} stands for {count(len(layers), 'layer')} in "
            f"{shown(log.where)!r}: {have}; say which with "
            + ("run=" if several else "its own number")
        )
    if len(epochs) != 1:
        raise ArgumentError(
            f"epoch: expected one epoch, {epoch!r} stands for {enumerate_some(epochs)}"
        )
    return layers[0], epochs[0]


def weights_of(log: Log, layer: LoggedLayer, epoch: int) -> LayerWeights:
    """A layer's weights at an epoch: as stored by the training shown, or from its pictures.

    All pictures of the layer count, whatever is selected of it. A stored file that is damaged, or
    does not fit the pictures, is warned of and not used.

    Args:
        log: In which the layer is.
        layer: One of its layers, of the view of kernels.
        epoch: The epoch.

    Raises:
        LogError: If there are no exact weights, and the pictures do not give whole kernels: none
            is there, only some slices of each are, they have no index or are damaged.
    """
    pictures = log.whole.of_layer(layer, epoch)
    if layer.view != KERNELS or not pictures:
        what = _what(layer, epoch)
        raise LogError(f"no kernels of {what}; expected an epoch at which they were drawn")
    stored = exact_weights(log, layer, epoch, pictures[0])
    return _from_pictures(pictures, _what(layer, epoch)) if stored is None else stored


def exact_weights(
    log: Log, layer: LoggedLayer, epoch: int, picture: Picture
) -> LayerWeights | None:
    """A layer's weights at an epoch as they were stored; None if they were not, or are damaged.

    Args:
        log: In which the layer is.
        layer: One of its layers, of the view of kernels.
        epoch: The epoch.
        picture: One of the layer at that epoch.
    """
    try:
        return _stored(log, layer, epoch, picture)
    except LogError as error:
        what = _what(layer, epoch)
        warn(f"{error}; the weights of {what} are taken from its pictures")
        return None


def _what(layer: LoggedLayer, epoch: int) -> str:
    return f"layer {shown(layer.number)} of {shown(layer.folder)} at epoch {epoch}"


def _stored(log: Log, layer: LoggedLayer, epoch: int, picture: Picture) -> LayerWeights | None:
    """The weights that were stored; None if the training shown has stored none of the layer."""
    arrays = log.stored(layer, epoch)
    if arrays is None or layer.number not in arrays:
        return None
    (array,) = arrays[layer.number]
    axes = axes_of(picture.entry)
    if array.shape != axes.shape or array.dtype.kind != "f":
        raise LogError(
            f"{KERNELS}_{epoch}.npz has {array.dtype} of shape {array.shape} for layer "
            f"{shown(layer.number)}, its pictures are of floats of shape {axes.shape}"
        )
    try:
        values = axes.in_order(array).astype(np.float64)
    except ValueError:
        # Anybody may have written the index.
        raise LogError(
            f"axes {shown(axes.letters)!r} in the index are not those of a kernel"
        ) from None
    if not _is_shown(axes.arrange(array), picture):
        raise LogError(
            f"{KERNELS}_{epoch}.npz has weights for layer {shown(layer.number)} that are not those "
            "of its pictures"
        )
    numbers = np.arange(1, axes.kernels + 1)
    return LayerWeights(values, numbers, True, np.zeros(axes.kernels))


def _is_shown(kernels: NDArray[np.float32], picture: Picture) -> bool:
    """Whether a picture's scale is that of these weights, as far as it can tell."""
    mode = picture.entry["normalize"]
    if mode not in _UNCLIPPED:
        return True
    if mode == "kernel" and picture.address.kernel != SHEET:
        # Slices have the numbers of their kernels again and again.
        kernels = kernels[(picture.address.kernel - 1) % len(kernels)][None]
    found = find_limits(kernels, "symmetric" if mode == "symmetric" else "layer")
    told = picture.legend.limits
    return np.array_equal(told.low, found.low) and np.array_equal(told.high, found.high)


def _from_pictures(pictures: Sequence[Picture], what: str) -> LayerWeights:
    """The kernels that have a picture of all their slices; of a sheet if not all have."""
    axes, sheet, drawn = _sorted(pictures, what)
    if math.prod(axes.shape) > MOST_WEIGHTS:
        raise LogError(
            f"{what} has {math.prod(axes.shape):,} weights; expected at most {MOST_WEIGHTS:,} to "
            "put together from pictures"
        )
    every = np.arange(1, axes.kernels + 1)
    if sheet is not None and len(drawn) < axes.kernels:
        values = sheet.weights()
        return LayerWeights(values, every, False, _error(values, sheet))
    if not drawn:
        raise LogError(
            f"no kernel of {what} has pictures of all its {axes.slices} slices; expected exact "
            "weights, of KernelLogger(weights=True), or a log without kernels="
        )
    numbers = every[np.isin(every, list(drawn))]
    window = (axes.channels, *((axes.depth,) if axes.depth else ()), *axes.tile)
    values = np.empty((len(numbers), *window))
    error = np.zeros(len(numbers))
    for place, number in enumerate(numbers.tolist()):
        parts = drawn[number]
        slices = values[place].reshape(len(parts), -1, *axes.tile)
        for slice_, picture in parts.items():
            read = picture.weights()[None]
            slices[slice_] = read.reshape(slices[slice_].shape)
            error[place] = max(error[place], _error(read, picture).item())
    return LayerWeights(values, numbers, False, error)


def _sorted(
    pictures: Sequence[Picture], what: str
) -> tuple[Axes, Picture | None, dict[int, dict[int, Picture]]]:
    """The layer's axes, its sheet, and by number the kernels that are there whole.

    Each in parts, in their order: one, or a picture of each of its slices.
    """
    axes, sheet = axes_of(pictures[0].entry), None
    whole: dict[int, dict[int, Picture]] = {}
    parts: dict[int, dict[int, Picture]] = {}
    for picture in pictures:
        entry, number = picture.entry, picture.address.kernel
        if axes_of(entry) != axes or tuple(entry["tile"]) != axes.tile:
            raise LogError(
                f"the index tells of several shapes for {what}; expected that of one network's "
                "weights"
            )
        slice_, kernel = divmod(number - 1, axes.kernels)
        if entry["pictures"] == "sheet":
            sheet = picture
        elif entry["pictures"] == "kernels" and slice_ == 0:
            whole[number] = {0: picture}
        elif entry["pictures"] == "slices" and slice_ < axes.slices:
            parts.setdefault(kernel + 1, {})[slice_] = picture
    sliced = {kernel: own for kernel, own in parts.items() if len(own) == axes.slices}
    return axes, sheet, sliced | whole


def _error(values: NDArray[np.float64], picture: Picture) -> NDArray[np.float64]:
    """How far each kernel's values, (kernels, ...), may be from the weights: shape (kernels,)."""
    entry, (low, high) = picture.entry, picture.legend.limits
    level, blur = (high - low) / 255, blur_of(entry["colormap"])
    rounded = _ROUNDED * np.maximum(np.abs(low), np.abs(high))
    error = np.broadcast_to((0.5 + blur) * level + rounded, (len(values),)).astype(np.float64)
    if entry["normalize"] not in _UNCLIPPED:
        flat = values.reshape(len(values), -1).T
        # Any pixel whose level may have been 0 or 255, or would be if it had gone on.
        margin = (blur + 0.25) * level
        beyond = (flat <= low + margin) | (flat >= high - margin)
        error[beyond.any(axis=0) & (low < high)] = np.inf
    return error
