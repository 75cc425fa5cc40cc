"""A layer → how much each picture of a batch excites its own kernel, and no work beyond that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend

# What these do to a kernel's output does not depend on the other kernels'.
_ELEMENTWISE = frozenset(
    getattr(keras.activations, name)
    for name in (
        "elu",
        "exponential",
        "gelu",
        "hard_sigmoid",
        "leaky_relu",
        "linear",
        "mish",
        "relu",
        "relu6",
        "selu",
        "sigmoid",
        "silu",
        "softplus",
        "softsign",
        "tanh",
    )
    if hasattr(keras.activations, name)
)

# Pixels at each edge of a feature map that do not count, where it is large enough: what
# the padding does there is not what the kernel looks for.
_EDGE = 2


class Excitation:
    """The mean of one kernel's feature map for each picture of a batch.

    A convolution computes all its kernels for every picture, and each picture asks for
    one. Where the layer is a plain convolution only the kernels of the batch are computed.

    Args:
        layer: The layer.
        kernels: Each picture's kernel, from 0: int32 of shape (pictures,).
        channels_first: Where the layer's channels are.

    Attributes:
        count: How many kernels the layer has, known after the first call.
    """

    def __init__(self, layer: keras.layers.Layer, kernels: Any, *, channels_first: bool) -> None:
        self._layer = layer
        self._kernels = kernels
        self._first = channels_first
        self._weights: tuple[Any, Any] | None = None
        self.count = 0
        if _is_plain(layer):
            # Here, before the loop of the steps: picking the kernels takes as long as using them.
            kernel = keras.ops.take(layer.kernel, kernels, axis=-1)
            bias = keras.ops.take(layer.bias, kernels, axis=0) if layer.use_bias else None
            self._weights = kernel, bias

    def of_call(self, own: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> Any:
        """Stands in for the layer's call.

        Args:
            own: The layer's own call.
            args: What it was called with.
            kwargs: Likewise.

        Returns:
            float32 of shape (pictures,).

        Raises:
            ArgumentError: If the layer's output has no channels.
        """
        if self._weights is not None:
            self.count = int(self._layer.filters)
            before = self._convolve(args[0], *self._weights)
            means = keras.ops.diagonal(self._mean(self._layer.activation(before)))
            # A kernel that its ReLU keeps silent has no gradient; what goes into it has.
            woken = keras.ops.diagonal(self._mean(before))
            return keras.ops.where(means == 0, woken, means)
        outputs = own(*args, **kwargs)
        if not keras.ops.is_tensor(outputs) or len(outputs.shape) < 2:
            raise ArgumentError(
                f"layer: layer {self._layer.name!r} gives no channels; expected a layer whose "
                "output has them, such as Conv2D"
            )
        means = self._mean(outputs)
        self.count = int(means.shape[1])
        return backend.pick(means, self._kernels)

    def _convolve(self, inputs: Any, kernel: Any, bias: Any) -> Any:
        layer = self._layer
        outputs = keras.ops.conv(
            inputs,
            keras.ops.cast(kernel, inputs.dtype),
            strides=list(layer.strides),
            padding=layer.padding,
            dilation_rate=layer.dilation_rate,
            data_format=layer.data_format,
        )
        if bias is None:
            return outputs
        shape = (1, -1) + (1,) * layer.rank if self._first else (-1,)
        return outputs + keras.ops.reshape(keras.ops.cast(bias, inputs.dtype), shape)

    def _mean(self, maps: Any) -> Any:
        """The mean over space: float32 of shape (pictures, channels)."""
        maps = keras.ops.cast(maps, "float32")
        rank = len(maps.shape)
        axes = list(range(2, rank)) if self._first else list(range(1, rank - 1))
        inner = [slice(None)] * rank
        for axis in axes:
            if (maps.shape[axis] or 0) > 4 * _EDGE:
                inner[axis] = slice(_EDGE, -_EDGE)
        return keras.ops.mean(maps[tuple(inner)], axis=axes) if axes else maps


def _is_plain(layer: keras.layers.Layer) -> bool:
    return (
        type(layer) in (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
        and layer.groups == 1
        and layer.padding in ("same", "valid")
        and layer.activation in _ELEMENTWISE
        and not getattr(layer, "quantization_mode", None)
    )
