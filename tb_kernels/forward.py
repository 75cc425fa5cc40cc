"""Model + data → what flows through its layers, and nothing of it stays in the model.

A view calls the model as `model.fit` would, in inference mode, inside `untouched`:
whatever the call assigns (statistics of batch normalisation, states of random
generators, loss trackers) goes to a scope that is thrown away. What single layers
give is seen by standing in for their `call` while the function is traced.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tb_kernels.errors import ArgumentError
from tb_kernels.layers import Place, walk

# Called with a layer's place, its own `call`, and the call's arguments; returns its outputs.
Stand = Callable[[Place, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]


class LayerOutput(NamedTuple):
    """One tensor that a layer gave.

    Attributes:
        number: The layer's number; `"3@2"` is the second call of a layer used twice,
            `"3#2"` the second output of a layer with two.
        layer: The layer.
        tensor: The tensor.
    """

    number: str
    layer: keras.layers.Layer
    tensor: Any


def check_backend() -> None:
    """Makes sure that Keras runs on TensorFlow.

    Raises:
        ArgumentError: If it runs on something else.
    """
    if keras.config.backend() != "tensorflow":
        raise ArgumentError(
            f"model: this view calls the model and needs Keras on TensorFlow; the backend "
            f"is {keras.config.backend()!r} (set KERAS_BACKEND=tensorflow; kernels can be "
            "logged on every backend)"
        )


def compiled(model: keras.Model, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a graph, unless the model is one that only runs eagerly."""
    if getattr(model, "run_eagerly", False):
        return function
    compiled_function: Callable[..., Any] = tf.function(
        function, autograph=False, reduce_retracing=True
    )
    return compiled_function


@contextlib.contextmanager
def untouched(weights: Sequence[tuple[Any, Any]] = ()) -> Iterator[None]:
    """Inside, models read their variables and change none.

    Args:
        weights: Pairs of a variable and the tensor that is to stand in for it.
    """
    with keras.StatelessScope(state_mapping=list(weights), collect_losses=True):
        yield


def call(model: keras.Model, inputs: Any) -> Any:
    """The model's outputs in inference mode."""
    return model(_unwrapped(model, inputs), training=False)


@contextlib.contextmanager
def standing_in(places: Sequence[Place], stand: Stand) -> Iterator[None]:
    """Inside, a call of these layers is a call of `stand`.

    It replaces the instance's `call` past Keras' tracking, and puts back what was there.
    """

    def stand_for(place: Place, own: Callable[..., Any]) -> Callable[..., Any]:
        def stand_in(*args: Any, **kwargs: Any) -> Any:
            return stand(place, own, args, kwargs)

        return stand_in

    before = [(place, vars(place.layer).get(_method(place.layer))) for place in places]
    try:
        for place, _ in before:
            name = _method(place.layer)
            vars(place.layer)[name] = stand_for(place, getattr(place.layer, name))
        yield
    finally:
        for place, own in before:
            if own is None:
                vars(place.layer).pop(_method(place.layer), None)
            else:
                vars(place.layer)[_method(place.layer)] = own


def outputs_of_layers(model: keras.Model, inputs: Any) -> tuple[Any, list[LayerOutput]]:
    """Calls the model, and sees what each of its layers gives.

    Left out is what has no tensor outside of a loop: the cells of recurrent layers,
    and layers inside TimeDistributed. A layer and its wrapper of the same number give
    one output, the wrapper's. An InputLayer gives what its model was called with.

    Args:
        model: A built model.
        inputs: Of the model.

    Returns:
        The model's outputs, and its layers', in the order of their numbers.
    """
    places = list(visible(model))
    by_layer = {id(place.layer): place for place in places}
    seen: dict[str, list[Any]] = {place.number: [] for place in places}
    here = surrounding_graph()

    def note(place: Place, outputs: Any) -> None:
        tensors = [tensor for tensor in tf.nest.flatten(outputs) if is_visible(tensor, here)]
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

    note_inputs(model, _unwrapped(model, inputs))
    with standing_in(places, stand):
        outputs = call(model, inputs)
    found = [
        LayerOutput(f"{place.number}{_times(call_)}{_which(position)}", place.layer, tensor)
        for place in places
        for call_, tensors in enumerate(seen[place.number], start=1)
        for position, tensor in enumerate(tensors, start=1)
    ]
    return outputs, found


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

    with contextlib.suppress(_Reached), standing_in([place], stand):
        call(model, inputs)
    if not found:
        raise ArgumentError(
            f"layer: model {model.name!r} does not call layer {place.number} "
            f"{place.layer.name!r}; expected a layer that it calls"
        )
    return found[0]


@contextlib.contextmanager
def of_any_size(model: keras.Model) -> Iterator[None]:
    """Inside, functional models take inputs of other sizes than they were built with."""
    # Keras lets a model's input_spec be set, and offers no public way to unset it again.
    name = "_manual_input_spec"
    models = [model, *(place.layer for place in walk(model))]
    models = [one for one in models if isinstance(one, keras.Model) and name not in vars(one)]
    for one in models:
        vars(one)[name] = None
    try:
        yield
    finally:
        for one in models:
            del vars(one)[name]


def visible(model: keras.Model) -> Iterator[Place]:
    """The layers whose outputs can be seen, the outermost of those that share a number."""
    numbers: set[str] = set()
    recurrent: list[str] = []
    for place in walk(model):
        if place.number in numbers or any(place.number.startswith(cell) for cell in recurrent):
            continue
        numbers.add(place.number)
        if isinstance(place.layer, keras.layers.RNN):
            recurrent.append(f"{place.number}-")
        yield place


def functional_of(model: keras.layers.Layer) -> Any:
    """The functional model that a sequential one is inside; any other as it is."""
    return getattr(model, "_functional", None) or model


def surrounding_graph() -> Any:
    """The graph that is being traced; None where everything runs at once."""
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()


def is_visible(tensor: Any, graph: Any) -> bool:
    """Whether this is a tensor of that graph, and not of a loop inside it."""
    if not isinstance(tensor, tf.Tensor):
        return False
    return not tf.is_symbolic_tensor(tensor) if graph is None else tensor.graph is graph


def _unwrapped(model: keras.Model, inputs: Any) -> Any:
    """The only input of a model that takes one, out of its list or dictionary.

    Keras takes these too, and warns.
    """
    own = list(getattr(functional_of(model), "inputs", None) or ())
    if len(own) != 1:
        return inputs
    if isinstance(inputs, list | tuple) and len(inputs) == 1:
        return inputs[0]
    if isinstance(inputs, dict) and own[0].name in inputs:
        return inputs if isinstance(functional_of(model).input, dict) else inputs[own[0].name]
    return inputs


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


def _times(call_: int) -> str:
    return f"@{call_}" if call_ > 1 else ""


def _which(position: int) -> str:
    return f"#{position}" if position > 1 else ""
