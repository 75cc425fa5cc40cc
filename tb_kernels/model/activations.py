"""A model's call → what goes into its activations.

Where an activation gives nothing it has no gradient; what goes into it has.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras

from tb_kernels.model.interior import opened, replaced, standing_in
from tb_kernels.model.layers import Place, walk


class Activated(NamedTuple):
    """A tensor as what an activation made of another.

    Attributes:
        before: What went into the activation.
        function: What makes the tensor of it, in the shape of `before` or not.
        linear: What would have been made of it without the activation.
    """

    before: Any
    function: Callable[[Any], Any]
    linear: Any


class Activations:
    """What activations are given while a model is called.

    An activation is what a layer has in its attribute `activation`, a function or a layer, and
    any layer that makes one tensor of another of the same shape without weights, such as `ReLU`.

    Args:
        model: A built model.
    """

    def __init__(self, model: keras.Model) -> None:
        places = list(walk(model))
        # In their loops nothing can be seen, and Keras asks which activation it is.
        loops = [
            f"{place.number}-" for place in places if isinstance(place.layer, keras.layers.RNN)
        ]
        self._model = model
        self._places = [place for place in places if not any(map(place.number.startswith, loops))]
        # The tensors themselves: of one that is gone another might have the id.
        self._seen: list[tuple[Any, Activated]] = []

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Inside, what the model's activations are given is noted."""
        own = [
            (place.layer, "activation", self._noting(activation))
            for place in self._places
            if callable(activation := vars(place.layer).get("activation"))
        ]
        layers = [place for place in self._places if _may_activate(place.layer)]

        def stand(place: Place, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
            if kwargs or len(args) != 1 or not keras.ops.is_tensor(args[0]):
                return call(*args, **kwargs)
            return self._noting(call)(*args)

        with opened(self._model), replaced(own), standing_in(layers, stand):
            yield

    def behind(
        self,
        outputs: Any,
        layer: keras.layers.Layer,
        own: Callable[..., Any],
        args: tuple[Any, ...],
    ) -> Activated | None:
        """How an activation made what a layer gave; None if none did.

        A layer without a kernel, such as pooling or batch normalization, hands on what the
        activation before it gave.

        Args:
            outputs: Of the layer.
            layer: The layer.
            own: Its own call.
            args: What it was called with.
        """
        made = self._of(outputs)
        if made is not None or len(args) != 1 or any(len(one.shape) > 1 for one in layer.weights):
            return made
        made = self._of(args[0])
        if made is None:
            return None
        before, activate, linear = made
        return Activated(before, lambda given: own(activate(given)), own(linear))

    def _of(self, tensor: Any) -> Activated | None:
        return next((made for seen, made in self._seen if seen is tensor), None)

    def _noting(self, function: Callable[[Any], Any]) -> Callable[..., Any]:
        def activate(given: Any, *args: Any, **kwargs: Any) -> Any:
            def again(other: Any) -> Any:
                return function(other, *args, **kwargs)

            outputs = again(given)
            if outputs is not given and getattr(outputs, "shape", None) == given.shape:
                self._seen.append((outputs, Activated(given, again, given)))
            return outputs

        return activate


def _may_activate(layer: keras.layers.Layer) -> bool:
    leaf = not layer._flatten_layers(include_self=False, recursive=False)
    # One whose slope is learned, 0 at first.
    return leaf and (not layer.weights or isinstance(layer, keras.layers.PReLU))
