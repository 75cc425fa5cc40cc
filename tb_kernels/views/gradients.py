"""Model + data → gradients: where the loss pushes every weight."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.arguments import check_size
from tb_kernels.drawing.statistics import norm
from tb_kernels.drawing.style import Style
from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend
from tb_kernels.model.data import check_arrays, check_inputs, count, first_batch, shapes_of
from tb_kernels.model.layers import check_built, label_of, owners
from tb_kernels.model.selection import select, select_weights
from tb_kernels.schema.naming import GRADIENTS, arrays_name, group_of
from tb_kernels.schema.outputs import ArrayFile, Scalars
from tb_kernels.views.kernels import kernels_of_weight
from tb_kernels.views.loss import LossGradient
from tb_kernels.views.view import Captured, View


def compute_gradients(
    model: keras.Model,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
) -> dict[str, NDArray[np.float32]]:
    """The gradient of the model's compiled loss with respect to every trainable weight.

    The loss is the one that `fit` minimises, regularisation included, of the model in
    inference mode: dropout lets everything through, and batch normalisation uses its
    moving statistics. Nothing in the model changes.

    Args:
        model: A built and compiled model of Keras on TensorFlow.
        x: What the model takes, as for `fit`: an array, or a dict, list or tuple of
            arrays; or a `tf.data.Dataset`, of which the first batch is taken.
        y: The targets, as for `fit`; None for those of the dataset.
        sample_weight: The samples' weights, as for `fit`.
        batch_size: Samples at a time: the gradient is then the mean of the batches',
            each counted by its samples, which is that of all samples at once for
            losses that are means over samples. Default: all at once.

    Returns:
        For each trainable weight's path (`"sequential/conv2d/kernel"`) its gradient,
        float32, in the weight's own shape; 0 where the loss does not depend on the
        weight. A path that several weights have is followed by `#2`, `#3` for all but
        the first.

    Raises:
        ArgumentError: If this is no built and compiled model of Keras on TensorFlow,
            or it cannot take the data.

    Example:
        >>> compute_gradients(model, x_test, y_test)["sequential/conv2d/kernel"].shape
        (3, 3, 1, 32)
    """
    check_built(model)
    size = check_size("batch_size", batch_size)
    return LossGradient(model, *check_targets(x, y, sample_weight), size)()


def check_targets(x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Returns samples, targets and weights as NumPy arrays, in the structures they came in.

    A `tf.data.Dataset` for `x` alone stands for all of its first batch.

    Raises:
        ArgumentError: If they are no arrays, or differ in how many samples they hold.
    """
    if backend.is_dataset(x) and y is None and sample_weight is None:
        x, y, sample_weight = first_batch("x", x)
    x, y = check_inputs("x", x), check_arrays("y", y)
    if sample_weight is not None:
        sample_weight = check_arrays("sample_weight", sample_weight, optional=True)
    for argument, data in (("y", y), ("sample_weight", sample_weight)):
        if any(array.shape[0] != count(x) for array in backend.leaves(data) if array is not None):
            raise ArgumentError(
                f"{argument}: expected {count(x)} samples as in x, got shapes {shapes_of(data)}"
            )
    return x, y, sample_weight


class GradientView(View):
    """Where a model's loss pushes its kernels.

    Args:
        model: A built model.
        data: Checked samples, targets and weights.
        batch_size: Samples at a time; None for all at once.
        style: Which are drawn, and how.
        by_slice: Whether each slice is a picture of its own.

    Raises:
        ArgumentError: If the model is not compiled with a loss, cannot take the data, or
            has no such layers with a trainable kernel, or no such kernels.
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
    ) -> None:
        loss_gradient = LossGradient(model, *data, batch_size)
        variables = loss_gradient.variables
        paths = {id(variable): path for path, variable in variables.items()}
        weights = [one for one in select_weights(model, None) if id(one.value) in paths]
        if not weights:
            raise ArgumentError(
                f"model: {model.name!r} has no convolution with a trainable kernel; expected at "
                "least one (compute_gradients gives the gradients of every model)"
            )
        weights = select(model, style.layers, weights, what="trainable kernel")
        loss_gradient()
        drawn = [
            (kernels_of_weight(weight, values="gradients"), paths[id(weight.value)])
            for weight in weights
        ]
        super().__init__(model, drawn, style, by_slice=by_slice)
        self.size_beside = sum(4 * math.prod(variable.shape) for variable in variables.values())
        self._loss_gradient = loss_gradient
        # Each layer's own weights, by the group of its curve.
        self._of_layers = {
            group_of(place.number, label_of(place.layer)): [
                path for path, variable in variables.items() if id(variable) in own
            ]
            for place, own in owners(model)
        }

    def capture(self) -> Captured:
        """Computes the gradients of the model as it is now."""
        gradients = self._loss_gradient()
        return Captured([gradients[path] for path in self.sources], gradients)

    def is_current(self) -> bool:
        """Not after the model is compiled anew, or other weights are trained."""
        return self._loss_gradient.is_current()

    def array_file(self, captured: Captured, epoch: int) -> ArrayFile:
        """The gradients of all trainable weights, by their paths."""
        return ArrayFile(arrays_name(GRADIENTS, epoch), captured.beside)

    def scalars(self, captured: Captured, before: dict[str, NDArray[np.float32]]) -> Scalars:
        """The norm of each layer's gradient."""
        return Scalars(
            {
                f"{group}/gradient_norm": math.hypot(*(norm(captured.beside[path]) for path in own))
                for group, own in self._of_layers.items()
                if own
            }
        )
