"""Model → kernels: the weights of its convolutions as arrays of 2-D slices."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.model.layers import KernelWeight, check_built, check_model, find_kernels


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
    check_model(model)
    check_built(model)
    return {
        weight.number: np.array(weight.axes.arrange(copy_weight(weight)), order="C")
        for weight in find_kernels(model)
    }


def copy_weight(weight: KernelWeight) -> NDArray[Any]:
    """A copy of the weight as it is now, in its own shape and type."""
    array: NDArray[Any] = keras.ops.convert_to_numpy(weight.value)
    # TensorFlow gives a copy, JAX a cached array of its own, PyTorch a view.
    return array if array.flags.owndata and array.flags.writeable else array.copy()
