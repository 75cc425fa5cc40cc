"""By kind, what of a layer or an activation that is not linear is taken to be.

`expand_kernels` states these rules for users.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras

from tb_kernels.model import backend

_RANKS = (1, 2, 3)


def _named(module: Any, *names: str) -> tuple[Any, ...]:
    """Those of these names that this version of Keras has."""
    return tuple(getattr(module, name) for name in names if hasattr(module, name))


# Activations whose slope, on the side that lets through, is 1 or becomes it.
IDENTITY = _named(
    keras.activations,
    *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "softplus", "squareplus"),
)
IDENTITY_LAYERS = _named(keras.layers, "ReLU", "LeakyReLU", "PReLU", "ELU", "UnitNormalization")

# Activations that are bounded, as gates are.
BOUNDED = _named(keras.activations, *("sigmoid", "hard_sigmoid", "tanh", "hard_tanh", "softsign"))
# Activations that are gated by themselves.
GATED = _named(keras.activations, *("silu", "hard_silu", "gelu", "mish"))

# Linear in inference, but for a constant, once their activation is.
AFFINE = _named(
    keras.layers,
    *(f"{name}{rank}D" for rank in _RANKS for name in ("Conv", "DepthwiseConv", "SeparableConv")),
    *(f"Conv{rank}DTranspose" for rank in _RANKS),
    *(f"{name}Pooling{rank}D" for rank in _RANKS for name in ("Average", "GlobalAverage")),
    *(f"{name}{rank}D" for rank in _RANKS for name in ("ZeroPadding", "Cropping", "UpSampling")),
    *(f"SpatialDropout{rank}D" for rank in _RANKS),
    *("Dense", "EinsumDense", "BatchNormalization", "Normalization", "Rescaling", "Activation"),
    *("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization"),
    *("Add", "Subtract", "Average", "Concatenate", "Flatten", "Reshape", "Permute", "RepeatVector"),
    *("Identity", "InputLayer", "TimeDistributed", "SpectralNormalization"),
)

# What one channel stands for where only what depends on what counts.
CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)


def of_one_channel(layer: Any, inputs: Any) -> Any:
    """What a convolution of ones gives, but for a factor: the same in all channels."""
    axis = 1 if layer.data_format == "channels_first" else -1
    maps = keras.ops.average_pool(
        keras.ops.sum(inputs, axis=axis, keepdims=True),
        layer.kernel_size,
        layer.strides,
        layer.padding,
        layer.data_format,
    )
    return keras.ops.repeat(maps, layer.compute_output_shape(inputs.shape)[axis], axis=axis)


def _max_pooling(layer: Any, inputs: Any, structure: bool) -> Any:
    return keras.ops.average_pool(
        inputs, layer.pool_size, layer.strides, layer.padding, layer.data_format
    )


def _global_max_pooling(layer: Any, inputs: Any, structure: bool) -> Any:
    first = layer.data_format == "channels_first"
    rank = len(inputs.shape)
    axes = list(range(2, rank)) if first else list(range(1, rank - 1))
    return keras.ops.mean(inputs, axis=axes, keepdims=layer.keepdims)


def _layer_normalization(layer: Any, inputs: Any, structure: bool) -> Any:
    axis = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    if len(axis) == 1:
        mean = keras.ops.mean(inputs, axis=axis, keepdims=True)
        # Where only what depends on what counts nothing may cancel out.
        inputs = inputs + mean if structure else inputs - mean
    return _scaled(inputs, getattr(layer, "gamma", None), axis)


def _group_normalization(layer: Any, inputs: Any, structure: bool) -> Any:
    return _scaled(inputs, layer.gamma, [layer.axis])


def _rms_normalization(layer: Any, inputs: Any, structure: bool) -> Any:
    axis = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    return _scaled(inputs, layer.scale, axis)


# By class, what has a rule of its own: called with the layer, its inputs, and whether only what
# depends on what counts.
RULES: dict[Any, Callable[[Any, Any, bool], Any]] = {
    kind: rule
    for names, rule in (
        ([f"MaxPooling{rank}D" for rank in _RANKS], _max_pooling),
        ([f"GlobalMaxPooling{rank}D" for rank in _RANKS], _global_max_pooling),
        (["LayerNormalization"], _layer_normalization),
        (["GroupNormalization"], _group_normalization),
        (["RMSNormalization"], _rms_normalization),
    )
    for kind in _named(keras.layers, *names)
}


def _scaled(inputs: Any, scale: Any, axis: Sequence[int]) -> Any:
    """Values times what a normalization has learned, along its axes; the deviation left out."""
    if scale is None:
        return inputs
    rank = len(inputs.shape)
    axes = sorted(one % rank for one in axis)
    shape = [inputs.shape[one] if one in axes else 1 for one in range(rank)]
    return inputs * keras.ops.cast(keras.ops.reshape(scale, shape), inputs.dtype)


@functools.cache
def tangent(function: Callable[[Any], Any]) -> tuple[float, float]:
    """An activation's value and slope at 0."""
    zero = keras.ops.zeros((1,))
    (slope,) = backend.gradients(lambda one: keras.ops.sum(function(one)), [zero])
    return float(backend.to_numpy(function(zero))[0]), float(backend.to_numpy(slope)[0])
