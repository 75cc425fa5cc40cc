"""A model's call → the same with every layer taken as linear, by one rule for each kind.

What is linear stays as it is; of what is not a part is taken that is (`expand_kernels` says which),
as in Voss et al., "Visualizing Weights", Distill 2021. A constant stays: only slopes count.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend
from tb_kernels.model.forward import functional_of, untouched
from tb_kernels.model.interior import opened, replaced, standing_in
from tb_kernels.model.layers import Place, snake_case, walk
from tb_kernels.model.maps import MapAxes

# What stands for a layer's call or for an activation, by its name, number or class, or by itself.
Linearize = Mapping[Any, Callable[..., Any]]

# Is told what a layer without a rule gave, and returns what to go on with.
Unruly = Callable[[Place, Any], Any]

_RANKS = (1, 2, 3)


def _named(module: Any, *names: str) -> tuple[Any, ...]:
    """Those of these names that this version of Keras has."""
    return tuple(getattr(module, name) for name in names if hasattr(module, name))


# Activations whose slope, on the side that lets through, is 1 or becomes it.
_IDENTITY = _named(
    keras.activations,
    *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "softplus", "squareplus"),
)
_IDENTITY_LAYERS = _named(keras.layers, "ReLU", "LeakyReLU", "PReLU", "ELU", "UnitNormalization")

# Activations that are bounded, as gates are.
_BOUNDED = _named(keras.activations, *("sigmoid", "hard_sigmoid", "tanh", "hard_tanh", "softsign"))
# Activations that are gated by themselves.
_GATED = _named(keras.activations, *("silu", "hard_silu", "gelu", "mish"))

# Linear in inference, but for a constant, once their activation is.
_AFFINE = _named(
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

_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)

# How far from straight an affine call may be in float32, relative to what it gives.
_BENT = 1e-3


class Linear:
    """A model as a linear network.

    Args:
        model: A built model.
        linearize: What stands for layers and activations that have no rule.

    Raises:
        ArgumentError: If `linearize` is no such mapping.
    """

    def __init__(self, model: keras.Model, linearize: Linearize | None = None) -> None:
        self._model = model
        self._own = check_linearize(linearize)
        self._axes = MapAxes(model)
        self._places = [place for place in walk(model) if not _only_joins(place.layer)]
        # Of functional models what is no layer: `keras.ops` on their tensors.
        models = [model, *(place.layer for place in walk(model))]
        self._operations = [
            Place("", operation)
            for one in models
            for operation in getattr(functional_of(one), "operations", ())
            if not isinstance(operation, keras.layers.Layer)
        ]
        self._tangents = {function: _tangent(function) for function in (*_BOUNDED, *_GATED)}
        self._gates: list[tuple[Any, Any]] = []
        self._unruly: Unruly | None = None
        self._structure = False

    @contextlib.contextmanager
    def within(self, unruly: Unruly | None = None, *, structure: bool = False) -> Iterator[None]:
        """Inside, the model is called as a linear network.

        Args:
            unruly: Where given, layers without a rule are looked for, which takes eager calls
                on inputs that are not all zero.
            structure: Whether only what depends on what counts: every weight is 1, and every
                slope behind a layer 0 or 1.
        """
        self._unruly, self._structure = unruly, structure
        self._gates.clear()
        activations = [
            (place.layer, "activation", self._line_of(place, activation))
            for place in self._places
            if callable(activation := vars(place.layer).get("activation"))
        ]
        places = [*self._places, *self._operations]
        try:
            with opened(self._model), replaced(activations), standing_in(places, self._stand):
                yield
        finally:
            self._unruly, self._structure = None, False
            self._gates.clear()

    def _stand(self, place: Place, own: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if not self._structure:
            return self._call(place, own, args, kwargs)
        if type(place.layer) in _CONVOLUTIONS and set(place.layer.dilation_rate) == {1}:
            # One channel tells as much as all, and takes a fraction of the time.
            outputs = _of_one_channel(place.layer, args[0])
            return backend.whether_touched(outputs)
        ones = [
            (weight, keras.ops.ones_like(weight))
            for weight in getattr(place.layer, "weights", ())
            if keras.backend.is_float_dtype(weight.dtype)
        ]
        with untouched(ones):
            outputs = self._call(place, own, args, kwargs)
        return backend.map_leaves(backend.whether_touched, outputs)

    def _call(self, place: Place, own: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """What a layer gives, taken as linear."""
        layer = place.layer
        stands = _first(self._own, place.number, layer.name, type(layer))
        if stands is not None:
            return stands(*args)
        if isinstance(layer, _IDENTITY_LAYERS):
            return args[0]
        if type(layer) in _RULES:
            return _RULES[type(layer)](self, layer, args[0])
        if type(layer).__name__ == "Multiply":
            # The layer takes a list, the operation its factors.
            product = self._product(args[0] if isinstance(args[0], list | tuple) else args)
            if product is not None:
                return product
        if not isinstance(layer, keras.layers.Layer):
            activation = getattr(keras.activations, snake_case(type(layer).__name__), None)
            if activation is not None and len(args) == 1:
                return self._line_of(place, activation)(*args)
        outputs = own(*args, **kwargs)
        if self._unruly is None or type(layer) in _AFFINE or self._is_straight(own, args, kwargs):
            return outputs
        return self._unruly(place, outputs)

    def _line_of(self, place: Place, activation: Callable[..., Any]) -> Callable[..., Any]:
        """What stands for an activation."""
        stands = _first(self._own, activation)
        if stands is not None:
            return stands
        if isinstance(activation, keras.layers.Layer):
            # It is called, and has a rule, as one.
            call: Callable[..., Any] = activation
            return call
        if activation in _IDENTITY:
            return lambda given, *args, **kwargs: given
        if activation in self._tangents:
            value, slope = self._tangents[activation]

            def line(given: Any, *args: Any, **kwargs: Any) -> Any:
                outputs = value + slope * given
                if activation in _BOUNDED:
                    self._gates.append((outputs, value))
                return outputs

            return line

        def other(given: Any, *args: Any, **kwargs: Any) -> Any:
            outputs = activation(given, *args, **kwargs)
            if self._unruly is None or self._is_straight(activation, (given, *args), kwargs):
                return outputs
            return self._unruly(place, outputs)

        return other

    def _product(self, factors: Any) -> Any:
        """A product in which all but one are gates, at their values for zero; else None."""
        if not all(map(keras.ops.is_tensor, factors)):
            return None
        values = [
            next((value for one, value in self._gates if one is factor), None) for factor in factors
        ]
        if values.count(None) != 1:
            # What is one for a whole map opens and closes its channels.
            values = [
                keras.ops.stop_gradient(factor)
                if value is None and self._axes.is_one_place(factor.shape)
                else value
                for factor, value in zip(factors, values, strict=True)
            ]
        if sum(value is None for value in values) != 1:
            return None
        product = next(one for one, value in zip(factors, values, strict=True) if value is None)
        for value in values:
            if value is not None:
                product = product * (1 if self._structure else value)
        return product

    def _is_straight(self, call: Callable[..., Any], args: Any, kwargs: Any) -> bool:
        """Whether a call is linear in its arguments but for a constant, along one line at least."""
        unruly, self._unruly = self._unruly, None

        def at(factor: float) -> Any:
            scaled = backend.map_leaves(
                lambda one: one * factor if _is_real(one) else one, (args, kwargs)
            )
            outputs = backend.leaves(call(*scaled[0], **scaled[1]))
            return [backend.to_numpy(one).astype(float) for one in outputs if _is_real(one)]

        try:
            sides = [at(factor) for factor in (-1.0, 0.0, 1.0, 2.0)]
        except Exception:
            return False
        finally:
            self._unruly = unruly
        for below, zero, above, twice in zip(*sides, strict=True):
            size = max(np.abs(above - zero).max(initial=0), 1e-30)
            if np.abs(above + below - 2 * zero).max(initial=0) > _BENT * size:
                return False
            if np.abs(twice - 2 * above + zero).max(initial=0) > _BENT * size:
                return False
        return True


def _of_one_channel(layer: Any, inputs: Any) -> Any:
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


def _max_pooling(linear: Linear, layer: Any, inputs: Any) -> Any:
    return keras.ops.average_pool(
        inputs, layer.pool_size, layer.strides, layer.padding, layer.data_format
    )


def _global_max_pooling(linear: Linear, layer: Any, inputs: Any) -> Any:
    first = layer.data_format == "channels_first"
    rank = len(inputs.shape)
    axes = list(range(2, rank)) if first else list(range(1, rank - 1))
    return keras.ops.mean(inputs, axis=axes, keepdims=layer.keepdims)


def _layer_normalization(linear: Linear, layer: Any, inputs: Any) -> Any:
    axis = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    if len(axis) == 1:
        mean = keras.ops.mean(inputs, axis=axis, keepdims=True)
        # Where only what depends on what counts nothing may cancel out.
        inputs = inputs + mean if linear._structure else inputs - mean
    return _scaled(inputs, getattr(layer, "gamma", None), axis)


def _group_normalization(linear: Linear, layer: Any, inputs: Any) -> Any:
    return _scaled(inputs, layer.gamma, [layer.axis])


def _rms_normalization(linear: Linear, layer: Any, inputs: Any) -> Any:
    axis = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    return _scaled(inputs, layer.scale, axis)


# By class, what has a rule of its own.
_RULES: dict[Any, Callable[[Linear, Any, Any], Any]] = {
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


def _tangent(function: Callable[[Any], Any]) -> tuple[float, float]:
    """An activation's value and slope at 0."""
    zero = keras.ops.zeros((1,))
    (slope,) = backend.gradients(lambda one: keras.ops.sum(function(one)), [zero])
    return float(backend.to_numpy(function(zero))[0]), float(backend.to_numpy(slope)[0])


def _only_joins(layer: keras.layers.Layer) -> bool:
    return getattr(functional_of(layer), "operations", None) is not None


def _is_real(value: Any) -> bool:
    if not keras.ops.is_tensor(value):
        return False
    return bool(keras.backend.is_float_dtype(keras.backend.standardize_dtype(value.dtype)))


def _first(own: Linearize, *keys: Any) -> Callable[..., Any] | None:
    return next((own[key] for key in keys if key in own), None)


def check_linearize(linearize: Any) -> Linearize:
    """Returns what stands for layers and activations, by text where it was by number.

    Raises:
        ArgumentError: If it is no dict of functions.
    """
    if linearize is None:
        return {}
    if not isinstance(linearize, Mapping) or not all(map(callable, linearize.values())):
        raise ArgumentError(
            "linearize: expected a dict from a layer's name, number or class, or an activation, to "
            f"the function that stands for its call, got {linearize!r}"
        )
    # Numbers of layers may be given as such.
    return {str(key) if isinstance(key, int) else key: call for key, call in linearize.items()}
