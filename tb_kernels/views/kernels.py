"""Model → kernels: the weights of its convolutions as arrays of 2-D slices, and as they are."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.statistics import mean_norm, relative_change
from tb_kernels.drawing.style import Style
from tb_kernels.drawing.subjects import Subject
from tb_kernels.model.layers import KernelWeight, check_built, find_kernels, label_of
from tb_kernels.model.selection import select_weights
from tb_kernels.schema.naming import KERNELS, arrays_name
from tb_kernels.schema.outputs import ArrayFile, Scalars
from tb_kernels.views.view import Captured, View
from tb_kernels.wording import enumerate_all

# The types of weights that NumPy itself has; it would store the others as bytes of no meaning.
_STORED = ("float16", "float32", "float64")


def read_kernels(model: keras.Model) -> dict[str, NDArray[np.float32]]:
    """The kernels of every convolution in a model.

    Args:
        model: A built model. It is only read.

    Returns:
        For each layer's number (`"1"`; `"2-5"` for a layer inside another; `"3-1"`
        and `"3-2"` for the two kernel weights of a separable convolution or a
        ConvLSTM) a float32 array of its own with the axes (kernels, slices, height,
        width), kernels in the order of their numbers, slices in the order of the
        input channels. One-dimensional kernels have a height of 1;
        three-dimensional ones have an axis of depth before the height.

    Raises:
        ArgumentError: If this is no model of Keras 3, or it is not built, so that
            it has no weights yet.

    Example:
        >>> model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(8, 5)])
        >>> read_kernels(model)["1"].shape
        (8, 3, 5, 5)
    """
    check_built(model)
    return {
        weight.number: np.array(weight.axes.arrange(copy_weight(weight)), order="C")
        for weight in find_kernels(model)
    }


class KernelView(View):
    """The kernels of a model's convolutions, and how far they moved.

    Args:
        model: A built model.
        style: Which are drawn, and how.
        by_slice: Whether each slice is a picture of its own.
        statistics: Whether norm and change are measured, of all convolutions.
        store: Whether the weights of what is drawn are stored as they are.

    Raises:
        ArgumentError: If the model has no such layers or kernels.
    """

    noun = "kernel"

    def __init__(
        self,
        model: keras.Model,
        style: Style,
        *,
        by_slice: bool,
        statistics: bool,
        store: bool = False,
    ) -> None:
        weights = select_weights(model, style.layers)
        drawn = [(kernels_of_weight(weight), weight) for weight in weights]
        super().__init__(model, drawn, style, by_slice=by_slice)
        self.measures = statistics
        self._stores = store
        if store:
            types = [keras.backend.standardize_dtype(one.value.dtype) for one in self.sources]
            self.size_beside = sum(
                math.prod(one.axes.shape) * _stored_type(type_).itemsize
                for one, type_ in zip(self.sources, types, strict=True)
            )
            others = sorted({type_ for type_ in types if _stored_type(type_).name != type_})
            if others:
                told = enumerate_all(others)
                self.remark = f"{told} weights are stored as float32, without loss"
        measured = find_kernels(model) if statistics else []
        # Looked at here: what is measured is so in the background, where no model is touched.
        self._measured = [(kernels_of_weight(weight), weight) for weight in measured]

    def capture(self) -> Captured:
        """Copies of the weights."""
        copies = self.sample().beside
        drawn = [
            copies[weight.number] if weight.number in copies else copy_weight(weight)
            for weight in self.sources
        ]
        return Captured(drawn, copies)

    def sample(self) -> Captured:
        """Copies of what is measured."""
        copies = {weight.number: copy_weight(weight) for _, weight in self._measured}
        return Captured([], copies, sampled=True)

    def keep(self) -> Callable[[], Captured]:
        """Copies, which are quickly made; what is measured of them is so at every epoch."""
        captured = Captured([copy_weight(weight) for weight in self.sources])
        return lambda: captured

    def array_file(self, captured: Captured, epoch: int) -> ArrayFile | None:
        """The whole weight of each layer that is drawn, by its number, in its own shape."""
        if not self._stores:
            return None
        arrays = {
            weight.number: array.astype(_stored_type(array.dtype.name), copy=False)
            for weight, array in zip(self.sources, captured.drawn, strict=True)
        }
        return ArrayFile(arrays_name(KERNELS, epoch), arrays)

    def scalars(self, captured: Captured, before: dict[str, NDArray[np.float32]]) -> Scalars:
        """The mean norm of each layer's kernels, and how far they are from those before."""
        values = {}
        for subject, _ in self._measured:
            number, group = subject.number, subject.group
            if number not in captured.beside:
                continue
            kernels = subject.axes.arrange(captured.beside[number])
            values[f"{group}/kernel_norm"] = mean_norm(kernels)
            change = relative_change(kernels, before[number]) if number in before else None
            if change is not None:
                values[f"{group}/relative_change"] = change
            before[number] = kernels
        return Scalars(values)


def kernels_of_weight(weight: KernelWeight, values: str = "weights") -> Subject:
    """The kernels of a weight, or an array of its shape that holds other values."""
    label = label_of(weight.layer)
    return Subject(weight.number, weight.name, label, weight.kind, weight.axes, values=values)


def _stored_type(name: str) -> np.dtype[Any]:
    """The type in which weights of a type are stored: their own, if an `.npz` file can hold it."""
    return np.dtype(name if name in _STORED else np.float32)


def copy_weight(weight: KernelWeight) -> NDArray[Any]:
    """A copy of the weight as it is now, in its own shape and type."""
    array: NDArray[Any] = keras.ops.convert_to_numpy(weight.value)
    # TensorFlow gives a copy, JAX a cached array of its own, PyTorch a view.
    return array if array.flags.owndata and array.flags.writeable else array.copy()
