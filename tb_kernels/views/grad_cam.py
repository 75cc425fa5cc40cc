"""Grad-CAM: where a network looked to tell a class.

The method is that of R. R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep
Networks via Gradient-based Localization", ICCV 2017, https://arxiv.org/abs/1610.02391.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.explanations import Explained
from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend
from tb_kernels.model.data import as_tensors, count
from tb_kernels.model.forward import call, untouched
from tb_kernels.model.interior import opened, standing_in, visible
from tb_kernels.model.layers import Place
from tb_kernels.model.maps import MapAxes
from tb_kernels.views.scores import Scores

# The score's, for float16 rounds small gradients to nothing; a power of two changes no other.
_SCALE = 256.0


class GradCam:
    """Grad-CAM of one model and some inputs, compiled by the first call, for many epochs.

    Args:
        model: A built model.
        inputs: Checked.
        layers: Whose maps.
        scores: What is differentiated.
    """

    def __init__(
        self, model: keras.Model, inputs: Any, layers: Sequence[Place], scores: Scores
    ) -> None:
        backend.check_calls(model)
        self._model = model
        self._inputs = as_tensors(inputs)
        self._layers = layers
        self._scores = scores
        self._run = backend.compiled(model, self._forward)

    def __call__(self) -> tuple[dict[str, NDArray[np.float32]], Explained]:
        """The heatmaps of the model as it is now, and what they explain.

        Returns:
            Of each layer, by its number, maps of shape (inputs, height, width), float32.
        """
        maps, classes, scores = self._run(self._inputs)
        explained = Explained(
            None if classes is None else backend.to_numpy(classes), backend.to_numpy(scores)
        )
        found = {
            place.number: backend.to_numpy(one)
            for place, one in zip(self._layers, maps, strict=True)
        }
        return found, explained

    def _forward(self, inputs: Any) -> tuple[list[Any], Any, Any]:
        def score(watch: backend.Watch) -> tuple[Any, list[Any], Any]:
            outputs, seen = self._watch(inputs, watch)
            classes, scores = self._scores.of(self._model, outputs, count(inputs))
            spatial = self._spatial(seen)
            total = _SCALE * keras.ops.sum(scores)
            return total, [tensor for _, tensor, _ in spatial], (spatial, classes, scores)

        gradients, (spatial, classes, scores) = backend.gradients_within(score)
        if any(gradient is None for gradient in gradients):
            apart = [
                place.layer.name
                for (place, _, _), gradient in zip(spatial, gradients, strict=True)
                if gradient is None
            ]
            raise ArgumentError(
                f"layer: the score of model {self._model.name!r} does not depend on every layer "
                f"asked for: {', '.join(apart)}; expected layers that lead to it"
            )
        maps = [
            _grad_cam(tensor, gradient, letters)
            for (_, tensor, letters), gradient in zip(spatial, gradients, strict=True)
        ]
        return maps, classes, scores

    def _watch(self, inputs: Any, watch: backend.Watch) -> tuple[Any, dict[str, Any]]:
        """Calls the model, and watches what the layers give.

        Returns:
            The model's outputs, and each layer's output of its last call, by its number.
        """
        numbers = {place.number for place in self._layers}
        places = [place for place in visible(self._model) if place.number in numbers]
        seen: dict[str, Any] = {}
        is_visible = backend.sight()

        def stand(place: Place, own: Callable[..., Any], args: Any, kwargs: Any) -> Any:
            outputs = own(*args, **kwargs)
            if is_visible(outputs):
                outputs = seen[place.number] = watch(outputs)
            return outputs

        with untouched(), opened(self._model), standing_in(places, stand):
            return call(self._model, inputs), seen

    def _spatial(self, seen: Mapping[str, Any]) -> list[tuple[Place, Any, str]]:
        """The layers with their outputs and what the axes of these are."""
        axes = MapAxes(self._model)
        found = []
        for place in self._layers:
            tensor = seen.get(place.number)
            letters = None if tensor is None else axes.letters(place.layer, tensor.shape)
            if not letters or "d" in letters:
                has = "is not called where it can be seen"
                if tensor is not None:
                    has = f"gives the shape {tuple(tensor.shape)}"
                raise ArgumentError(
                    f"layer: layer {place.number} {place.layer.name!r} of model "
                    f"{self._model.name!r} {has}; expected a layer with spatial output of one "
                    "or two axes, such as Conv2D"
                )
            found.append((place, tensor, letters))
        return found


def _grad_cam(maps: Any, gradient: Any, letters: str) -> Any:
    """The map of each input, from a layer's output and the gradient of the scores."""
    if letters[1] == "c":
        last = [0, *range(2, len(letters)), 1]
        maps, gradient = keras.ops.transpose(maps, last), keras.ops.transpose(gradient, last)
    maps = keras.ops.cast(maps, "float32")
    gradient = keras.ops.cast(gradient, "float32") / _SCALE
    if "h" not in letters:
        maps, gradient = maps[:, None], gradient[:, None]
    weights = keras.ops.mean(gradient, axis=(1, 2), keepdims=True)
    return keras.ops.relu(keras.ops.sum(weights * maps, axis=-1))
