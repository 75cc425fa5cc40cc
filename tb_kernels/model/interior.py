"""A model's call → what its layers give, and leaving it in the middle.

Single layers are seen by standing in for their `call` while the model is called.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import keras

from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend
from tb_kernels.model.forward import call, functional_of, unwrapped
from tb_kernels.model.layers import Place, label_of, walk
from tb_kernels.schema.naming import group_of

# Called with a layer's place, its own `call`, and the call's arguments; returns its outputs.
Stand = Callable[[Place, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]


class LayerOutput(NamedTuple):
    """One output that a layer gave.

    Attributes:
        number: The layer's number; `"3@2"` is the second call of a layer used twice,
            `"3#2"` the second output of a layer with two.
        layer: The layer.
        values: The output, with the axis of the inputs first: a tensor while the model is
            called, then an array in the type that the tensor had.
    """

    number: str
    layer: keras.layers.Layer
    values: Any

    @property
    def name(self) -> str:
        """The layer's name."""
        return str(self.layer.name)

    @property
    def key(self) -> str:
        """Its key in a file of arrays: the group of its pictures."""
        return group_of(self.number, label_of(self.layer))


@contextlib.contextmanager
def standing_in(places: Sequence[Place], stand: Stand) -> Iterator[None]:
    """Inside, a call of these layers is a call of `stand`."""

    def stand_for(place: Place, own: Callable[..., Any]) -> Callable[..., Any]:
        def stand_in(*args: Any, **kwargs: Any) -> Any:
            return stand(place, own, args, kwargs)

        return stand_in

    calls = {
        id(place.layer): (
            place.layer,
            _method(place.layer),
            stand_for(place, _own_call(place.layer)),
        )
        for place in places
    }
    with replaced(calls.values()):
        yield


@contextlib.contextmanager
def opened(model: keras.Model) -> Iterator[None]:
    """Inside, no `call` is one that traces itself, in which nothing can be seen."""
    layers = [model, *(place.layer for place in walk(model))]
    calls = [(layer, _own_call(layer)) for layer in layers]
    with replaced(
        (layer, _method(layer), inside)
        for layer, own in calls
        if (inside := backend.untraced(own)) is not own
    ):
        yield


@contextlib.contextmanager
def replaced(functions: Iterable[tuple[keras.layers.Layer, str, Any]]) -> Iterator[None]:
    """Gives layers other functions, past Keras' tracking, and puts back what was there.

    Args:
        functions: A layer, the attribute, and what stands in it inside.
    """
    before = []
    try:
        for layer, name, function in functions:
            before.append((layer, name, vars(layer).get(name)))
            vars(layer)[name] = function
        yield
    finally:
        for layer, name, own in reversed(before):
            if own is None:
                vars(layer).pop(name, None)
            else:
                vars(layer)[name] = own


def outputs_of_layers(model: keras.Model, inputs: Any) -> list[LayerOutput]:
    """What each layer of the model gives when the model is called.

    Left out is what has no tensor outside of a loop: the cells of recurrent layers,
    and layers inside TimeDistributed. A layer and its wrapper of the same number give
    one output, the wrapper's. An InputLayer gives what its model was called with.

    Args:
        model: A built model.
        inputs: Of the model.

    Returns:
        The layers' outputs, in the order of their numbers.
    """
    places = list(visible(model))
    by_layer = {id(place.layer): place for place in places}
    seen: dict[str, list[Any]] = {place.number: [] for place in places}
    is_visible = backend.sight()

    def note(place: Place, outputs: Any) -> None:
        tensors = [tensor for tensor in backend.leaves(outputs) if is_visible(tensor)]
        if tensors:
            seen[place.number].append(tensors)

    def note_inputs(layer: keras.layers.Layer, given: Any) -> None:
        for input_layer, tensor in _input_layers(layer, given):
            if id(input_layer) in by_layer:
                note(by_layer[id(input_layer)], tensor)

    def stand(place: Place, own: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if args:
            note_inputs(place.layer, args[0])
        outputs = own(*args, **kwargs)
        note(place, outputs)
        return outputs

    note_inputs(model, unwrapped(model, inputs))
    with opened(model), standing_in(places, stand):
        call(model, inputs)
    return [
        LayerOutput(
            f"{place.number}{_further('@', call_)}{_further('#', which)}", place.layer, tensor
        )
        for place in places
        for call_, tensors in enumerate(seen[place.number], start=1)
        for which, tensor in enumerate(tensors, start=1)
    ]


class _Reached(BaseException):
    """Leaves a model in the middle. No Exception, for Keras rewrites those."""


def cut_off(
    model: keras.Model, inputs: Any, place: Place, reach: Callable[[Any, Any, Any], Any]
) -> Any:
    """Calls the model only as far as a layer.

    Args:
        model: A built model.
        inputs: Of the model.
        place: The layer; its first call counts.
        reach: Called instead of the layer's own call, with this and its arguments.

    Returns:
        What `reach` returned.

    Raises:
        ArgumentError: If the model does not call the layer.
    """
    found = []

    def stand(place: Place, own: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        found.append(reach(own, args, kwargs))
        raise _Reached

    with contextlib.suppress(_Reached), opened(model), standing_in([place], stand):
        call(model, inputs)
    if not found:
        raise ArgumentError(
            f"layer: model {model.name!r} does not call layer {place.number} "
            f"{place.layer.name!r}; expected a layer that it calls"
        )
    return found[0]


def visible(model: keras.Model) -> Iterator[Place]:
    """The layers whose outputs can be seen: not those that run once for each step.

    Of a layer and its wrapper, which share a number, it is the wrapper.
    """
    numbers: set[str] = set()
    loops: list[str] = []
    for place in walk(model):
        if place.number in numbers or any(place.number.startswith(loop) for loop in loops):
            continue
        numbers.add(place.number)
        if isinstance(place.layer, keras.layers.RNN | keras.layers.TimeDistributed):
            loops.append(f"{place.number}-")
        yield place


def _own_call(layer: keras.layers.Layer) -> Any:
    return getattr(layer, _method(layer))


def _method(layer: keras.layers.Layer) -> str:
    return "quantized_call" if getattr(layer, "quantization_mode", None) else "call"


def _input_layers(model: keras.layers.Layer, given: Any) -> Iterator[tuple[Any, Any]]:
    """The input layers of a functional model, each with what it was given."""
    # Keras does not call them; how it sorts what was given it tells only here.
    functional = functional_of(model)
    standardize = getattr(functional, "_standardize_inputs", None)
    if standardize is not None:
        for symbolic, tensor in zip(functional.inputs, standardize(given), strict=True):
            yield symbolic._keras_history.operation, tensor


def _further(sign: str, number: int) -> str:
    return f"{sign}{number}" if number > 1 else ""
