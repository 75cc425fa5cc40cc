"""A layer → how much each picture of a batch excites its own kernel, and no work beyond that."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend
from tb_kernels.model.activations import Activated, Activations

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

# A slope that leaves too little of a gradient to climb by: sigmoid's at -7, ELU's likewise.
_SLIGHT = 1e-3


class Excited(NamedTuple):
    """How much pictures excite their kernels: tensors of shape (pictures,).

    Attributes:
        climbed: What a climb goes up: the mean of the kernel's feature map but for its
            edges; where its activation keeps it silent, the largest values of what goes into
            the activation.
        heard: Whether the kernel gives more than it would if less went into its activation,
            or would give more if more did.
        mean: The mean of the kernel's whole feature map.
    """

    climbed: Any
    heard: Any
    mean: Any


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

    def of_call(
        self,
        activations: Activations,
        own: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Any,
    ) -> Excited:
        """Stands in for the layer's call.

        Args:
            activations: Those of the model while it is called.
            own: The layer's own call.
            args: What it was called with.
            kwargs: Likewise.

        Raises:
            ArgumentError: If the layer's output has no channels.
        """
        made: Activated | None
        if self._weights is not None:
            self.count = int(self._layer.filters)
            before = self._own(self._convolve(args[0], *self._weights))
            activation = self._layer.activation
            outputs = activation(before)
            made = None if outputs is before else Activated(before, activation, before)
        else:
            outputs = own(*args, **kwargs)
            if not keras.ops.is_tensor(outputs) or len(outputs.shape) < 2:
                raise ArgumentError(
                    f"layer: layer {self._layer.name!r} gives no channels; expected a layer whose "
                    "output has them, such as Conv2D"
                )
            self.count = int(outputs.shape[1 if self._first else -1])
            made = activations.behind(outputs, self._layer, own, args)
        means, whole = self._mean(outputs), self._mean(outputs, edge=0)
        if made is None:
            return Excited(means, keras.ops.ones_like(means, "bool"), whole)
        rises = self._rises(made)
        # GELU and its like fall a little before they rise; what falls for good needs no waking.
        more = self._mean(made.function(keras.ops.abs(made.before) + 1))
        silent = keras.ops.logical_not(keras.ops.logical_or(rises, more < means))
        less = self._mean(made.function(-keras.ops.abs(made.before) - 1))
        heard = keras.ops.logical_or(keras.ops.logical_not(silent), less < means)
        climbed = keras.ops.where(silent, self._peak(made.linear), means)
        return Excited(climbed, heard, whole)

    def _rises(self, made: Activated) -> Any:
        """Whether anywhere in the map more of what goes into the activation gives more."""

        def total(before: Any) -> Any:
            maps = made.function(before)
            size = math.prod(keras.ops.shape(maps)[axis] for axis in self._space(maps))
            return keras.ops.sum(self._mean(maps)) * keras.ops.cast(size, "float32")

        (slope,) = backend.gradients(total, [made.before])
        if slope is None:
            return keras.ops.zeros(keras.ops.shape(self._kernels), "bool")
        return keras.ops.any(slope > _SLIGHT, axis=tuple(range(1, len(slope.shape))))

    def _own(self, maps: Any) -> Any:
        """Of a plain convolution's maps each picture's own: shape (pictures, *space)."""
        # The first versions of Keras make no `eye` of a size that only the call knows.
        rows = keras.ops.cumsum(keras.ops.ones_like(self._kernels))
        mine = keras.ops.equal(rows[:, None], rows)
        space = (None,) * self._layer.rank
        every = slice(None)
        mine = mine[(every, every, *space) if self._first else (every, *space, every)]
        return keras.ops.sum(backend.only(maps, mine), axis=1 if self._first else -1)

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

    def _mean(self, maps: Any, edge: int = _EDGE) -> Any:
        """The mean of each picture's own map: float32 of shape (pictures,)."""
        maps = self._inner(maps, edge)
        axes = self._space(maps)
        return self._mine(keras.ops.mean(maps, axis=axes) if axes else maps)

    def _peak(self, maps: Any) -> Any:
        """The largest values of each picture's own map, a smooth maximum: likewise.

        The mean of what goes into an activation may go up while the kernel stays silent: a
        convolution's is that of shuffled pixels.
        """
        maps = self._inner(maps)
        axes = self._space(maps)
        if not axes:
            return self._mine(maps)
        spread = keras.ops.std(keras.ops.stop_gradient(maps), axis=axes, keepdims=True)
        unit = keras.ops.maximum(spread, 1e-6)
        return self._mine(
            keras.ops.squeeze(unit, axis=axes) * keras.ops.logsumexp(maps / unit, axis=axes)
        )

    def _inner(self, maps: Any, edge: int = _EDGE) -> Any:
        """Maps without their edges, in float32."""
        maps = keras.ops.cast(maps, "float32")
        inner = [slice(None)] * len(maps.shape)
        for axis in self._space(maps):
            if (maps.shape[axis] or 0) > 4 * edge > 0:
                inner[axis] = slice(edge, -edge)
        return maps[tuple(inner)]

    def _mine(self, values: Any) -> Any:
        """Each picture's value, of those of all kernels where there are such."""
        return values if self._weights is not None else backend.pick(values, self._kernels)

    def _space(self, maps: Any) -> list[int]:
        """The axes of space: of a plain convolution's own maps all but the first."""
        rank = len(maps.shape)
        if self._weights is not None:
            return list(range(1, rank))
        return list(range(2, rank)) if self._first else list(range(1, rank - 1))


def _is_plain(layer: keras.layers.Layer) -> bool:
    return (
        type(layer) in (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
        and layer.groups == 1
        and layer.padding in ("same", "valid")
        and layer.activation in _ELEMENTWISE
        and not getattr(layer, "quantization_mode", None)
    )
