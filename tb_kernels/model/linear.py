"""A model's call → the same with every layer taken as linear, by one rule for each kind.

What is linear stays as it is; of what is not a part is taken that is (`expand_kernels` says which),
as in Voss et al., "Visualizing Weights", Distill 2021. A constant stays: only slopes count.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend
from tb_kernels.model import linear_rules as rules
from tb_kernels.model.forward import functional_of, untouched
from tb_kernels.model.interior import opened, replaced, standing_in
from tb_kernels.model.layers import Place, snake_case, walk
from tb_kernels.model.maps import MapAxes

# What stands for a layer's call or for an activation, by its name, number or class, or by itself.
Linearize = Mapping[Any, Callable[..., Any]]

# Is told what a layer without a rule gave, and returns what to go on with.
Unruly = Callable[[Place, Any], Any]

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
        # Here, for in a graph nobody could see them.
        self._tangents = {one: rules.tangent(one) for one in (*rules.BOUNDED, *rules.GATED)}
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
        if type(place.layer) in rules.CONVOLUTIONS and set(place.layer.dilation_rate) == {1}:
            # One channel tells as much as all, and takes a fraction of the time.
            outputs = rules.of_one_channel(place.layer, args[0])
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
        if isinstance(layer, rules.IDENTITY_LAYERS):
            return args[0]
        if type(layer) in rules.RULES:
            return rules.RULES[type(layer)](layer, args[0], self._structure)
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
        if (
            self._unruly is None
            or type(layer) in rules.AFFINE
            or self._is_straight(own, args, kwargs)
        ):
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
        if activation in rules.IDENTITY:
            return lambda given, *args, **kwargs: given
        if activation in self._tangents:
            value, slope = self._tangents[activation]

            def line(given: Any, *args: Any, **kwargs: Any) -> Any:
                outputs = value + slope * given
                if activation in rules.BOUNDED:
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
