"""Model + data → gradients: where the loss pushes every weight."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.arguments import check_size
from tb_kernels.drawing.statistics import norm
from tb_kernels.drawing.style import Style
from tb_kernels.errors import ArgumentError
from tb_kernels.model.layers import (
    KernelWeight,
    check_built,
    find_kernels,
    kernels_of,
    label_of,
    names_alone,
    owners,
)
from tb_kernels.model.selection import select, select_weights
from tb_kernels.schema.naming import GRADIENTS, arrays_name, group_of
from tb_kernels.schema.outputs import ArrayFile, Scalars
from tb_kernels.views.kernels import kernels_of_weight
from tb_kernels.views.loss import LossGradient
from tb_kernels.views.targets import check_targets
from tb_kernels.views.view import Captured, View


def compute_gradients(
    model: keras.Model,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
    batch_size: int | None = None,
    training: bool = False,
) -> dict[str, NDArray[np.float32]]:
    """The gradient of the model's compiled loss with respect to every trainable weight.

    The loss is the one that `fit` minimises, regularisation included. In inference mode
    dropout lets everything through, and batch normalisation uses its moving statistics; with
    `training=True` the gradient is the one that `fit` steps along. Nothing in the model
    changes.

    Args:
        model: A built and compiled model of Keras on TensorFlow.
        x: What the model takes, as for `fit`: an array, or a dict, list or tuple of
            arrays; or a `tf.data.Dataset`, of which the first batch is taken.
        y: The targets, as for `fit`; None for those of the dataset.
        sample_weight: The samples' weights, as for `fit`.
        class_weight: The weight of each class, as for `fit`: in the place of `sample_weight`,
            for models of one output. Classes that it lacks have 1.
        batch_size: Samples at a time. The batches are put together by the reduction of the
            loss, a loss of one's own as a mean over samples, which gives the gradient
            of all samples at once; in training mode batch normalisation sees each batch
            by itself. Default: all at once.
        training: Whether the model is called as in training: with the statistics of the
            batch, and with dropout that is the same at every call.

    Returns:
        For each trainable weight's path (`"sequential/conv2d/kernel"`) its gradient,
        float32, in the weight's own shape; 0 where the loss does not depend on the
        weight. A path that several weights have is followed by `#2`, `#3` for all but
        the first.

    Raises:
        ArgumentError: If this is no built and compiled model of Keras on TensorFlow,
            it cannot take the data, or batches cannot be put together: its losses are
            reduced in several ways, or are means over what is not masked.

    Example:
        >>> compute_gradients(model, x_test, y_test)["sequential/conv2d/kernel"].shape
        (3, 3, 1, 32)
    """
    check_built(model)
    size = check_size("batch_size", batch_size)
    data = check_targets(x, y, sample_weight, class_weight)
    return LossGradient(model, *data, size, training=bool(training))()


class GradientView(View):
    """Where a model's loss pushes its kernels.

    Args:
        model: A built model.
        data: Checked samples, targets and weights.
        batch_size: Samples at a time; None for all at once.
        style: Which are drawn, and how.
        by_slice: Whether each slice is a picture of its own.
        training: Whether the model is called as in training.

    Raises:
        ArgumentError: If the model is not compiled with a loss, cannot take the data, has
            nothing that is trained, no such layers with a trainable kernel, or no such
            kernels.
    """

    noun = "kernel"

    def __init__(
        self,
        model: keras.Model,
        data: tuple[Any, Any, Any],
        batch_size: int | None,
        style: Style,
        *,
        by_slice: bool,
        training: bool,
    ) -> None:
        loss_gradient = LossGradient(model, *data, batch_size, training=training)
        variables = loss_gradient.variables
        if not variables:
            raise ArgumentError(
                f"model: nothing in {model.name!r} is trained, so it has no gradients; expected a "
                "layer with trainable=True, and to compile the model after setting it"
            )
        paths = {id(variable): path for path, variable in variables.items()}
        kernels = find_kernels(model)
        weights = [one for one in kernels if id(one.value) in paths]
        if weights or style.layers is not None:
            select_weights(model, style.layers)
            weights = select(model, style.layers, weights, what="trainable kernel")
        loss_gradient()
        values = f"gradients in {'training' if training else 'inference'} mode"
        drawn = [
            (kernels_of_weight(weight, values=values), paths[id(weight.value)])
            for weight in weights
        ]
        super().__init__(model, drawn, style, by_slice=by_slice)
        self.remark = _remark(kernels, weights, style)
        self.size_beside = sum(4 * math.prod(variable.shape) for variable in variables.values())
        self._loss_gradient = loss_gradient
        self._names = _names_of(model, variables)
        # Each layer's own weights, by the group of its curve.
        self._of_layers = _by_group(model, paths)

    def capture(self) -> Captured:
        """Computes the gradients of the model as it is now."""
        gradients = self._loss_gradient()
        return Captured([gradients[path] for path in self.sources], gradients)

    def is_current(self) -> bool:
        """Not after the model is compiled anew, or other weights are trained."""
        return self._loss_gradient.is_current()

    def array_file(self, captured: Captured, epoch: int) -> ArrayFile:
        """The gradients of all trainable weights, by their paths in a model that is alone."""
        named = {self._names[path]: gradient for path, gradient in captured.beside.items()}
        return ArrayFile(arrays_name(GRADIENTS, epoch), named)

    def scalars(self, captured: Captured, before: dict[str, NDArray[np.float32]]) -> Scalars:
        """The norm of each layer's gradient."""
        return Scalars(
            {
                f"{group}/gradient_norm": math.hypot(*(norm(captured.beside[path]) for path in own))
                for group, own in self._of_layers.items()
                if own
            }
        )


def _names_of(model: keras.Model, paths: Iterable[str]) -> dict[str, str]:
    """The names of weights in a file, by their paths."""
    alone = names_alone(model)
    names = {path: "/".join(alone.get(part, part) for part in path.split("/")) for path in paths}
    # A user may have given one layer the name that Keras makes up for another.
    unique = len(set(names.values())) == len(names)
    return names if unique else {path: path for path in names}


def _remark(kernels: list[KernelWeight], drawn: list[KernelWeight], style: Style) -> str:
    """What is not drawn that somebody may look for; empty for nothing."""
    if style.layers is None and any(getattr(one.layer, "lora_enabled", False) for one in kernels):
        return "layers with LoRA are not drawn, their kernels being frozen"
    return "" if drawn else "no picture, for no kernel is trained"


def _by_group(model: keras.Model, paths: Mapping[int, str]) -> dict[str, list[str]]:
    """The paths of each layer's own weights, by the group that its pictures are in.

    Of a layer with several kernels each has a group; the other weights count with the last.
    """
    found = {}
    for place, own in owners(model):
        left = [path for variable, path in paths.items() if variable in own]
        label = label_of(place.layer)
        parts = kernels_of(place) if place.layer.built else []
        for part in parts[:-1]:
            kernel = paths.get(id(part.value))
            found[group_of(part.number, label)] = [path for path in left if path == kernel]
            left = [path for path in left if path != kernel]
        found[group_of(parts[-1].number if parts else place.number, label)] = left
    return found
