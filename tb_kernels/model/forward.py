"""Model + data → its outputs, and nothing of the call stays in the model.

A view calls the model as `model.fit` would, in inference mode, inside `untouched`:
whatever the call assigns (statistics of batch normalisation, states of random
generators, loss trackers) goes to a scope that is thrown away.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.model.layers import walk


@contextlib.contextmanager
def untouched(weights: Sequence[tuple[Any, Any]] = ()) -> Iterator[None]:
    """Inside, models read their variables and change none.

    Args:
        weights: Pairs of a variable and the tensor that is to stand in for it.
    """
    with keras.StatelessScope(state_mapping=list(weights), collect_losses=True):
        yield


class Kept:
    """The weights of a model at one moment.

    Args:
        model: The model.
    """

    def __init__(self, model: keras.Model) -> None:
        self._weights = [(one, keras.ops.copy(one)) for one in model.weights]

    def is_now(self) -> bool:
        """Whether the weights are still what they were, bit for bit."""
        return all(np.array_equal(_bits(one), _bits(then)) for one, then in self._weights)

    @contextlib.contextmanager
    def back(self) -> Iterator[None]:
        """Inside, the weights are what they were; afterwards what they are now."""
        if self.is_now():
            yield
            return
        now = [(one, keras.ops.copy(one)) for one, _ in self._weights]
        try:
            for one, then in self._weights:
                one.assign(then)
            yield
        finally:
            for one, value in now:
                one.assign(value)


def call(model: keras.Model, inputs: Any, *, training: bool = False) -> Any:
    """The model's outputs, in inference mode unless it is said otherwise."""
    return model(unwrapped(model, inputs), training=training)


def fixed_seeds(model: keras.Model) -> list[tuple[Any, Any]]:
    """What `untouched` takes for the model's random numbers to be the same at every call."""
    states = [one for one in model.variables if one.name == "seed_generator_state"]
    # A state of its own for each, or layers that follow each other would drop the same places.
    return [
        (state, keras.ops.convert_to_tensor([0, place], state.dtype))
        for place, state in enumerate(states)
    ]


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


def functional_of(model: keras.layers.Layer) -> Any:
    """The functional model that a sequential one is inside; any other as it is."""
    return getattr(model, "_functional", None) or model


def _bits(tensor: Any) -> NDArray[np.uint8]:
    # As they are, for what is no number equals nothing.
    return np.frombuffer(keras.ops.convert_to_numpy(tensor).tobytes(), np.uint8)


def unwrapped(model: keras.Model, inputs: Any) -> Any:
    """The only input of a model that takes one: alone, or in its dictionary.

    Keras takes it in any structure, and warns.
    """
    own = list(getattr(functional_of(model), "inputs", None) or ())
    if len(own) != 1:
        return inputs
    taken = functional_of(model).input
    if isinstance(inputs, list | tuple) and len(inputs) == 1:
        inputs = inputs[0]
    if not isinstance(inputs, dict):
        return dict.fromkeys(taken, inputs) if isinstance(taken, dict) else inputs
    if isinstance(taken, dict) or own[0].name not in inputs:
        return inputs
    return inputs[own[0].name]
