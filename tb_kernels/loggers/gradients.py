"""The logger of gradients."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.arguments import check_size
from tb_kernels.drawing.layer_pictures import LayerPictures
from tb_kernels.drawing.levels import Limits, Normalize
from tb_kernels.drawing.statistics import norm
from tb_kernels.drawing.style import Style
from tb_kernels.errors import ArgumentError
from tb_kernels.loggers.incidents import Report
from tb_kernels.loggers.layer_logger import LayerLogger
from tb_kernels.loggers.plan import LayerPlan, kernels_of_weight, volume_of
from tb_kernels.model.layers import owners
from tb_kernels.model.selection import select, select_weights
from tb_kernels.schema.naming import GRADIENTS_RUN, arrays_name, group_of
from tb_kernels.schema.outputs import ArrayFile, Output, Scalars
from tb_kernels.views.gradients import check_targets
from tb_kernels.views.loss import LossGradient


class GradientLogger(LayerLogger):
    """Draws where the loss pushes the kernels, at the end of the epochs you choose.

    The gradient is that of the model's compiled loss on the data given here,
    regularisation included, in inference mode. Those of all trainable weights go into
    `<log_dir>/gradients/gradients_10.npz`, under the weights' paths (`sequential/conv2d/kernel`).
    Those of kernels are drawn as the kernels are: mid-grey is 0, and the loss falls
    where white weights get smaller and dark ones larger. The norm of each layer's
    gradient is a curve, `1-conv2d/gradient_norm`.

    Keywords that are not listed here are those of `KernelLogger`.

    Args:
        log_dir: The directory that `tensorboard --logdir` is given; made if missing.
        x: Samples that the model takes, as for `fit`: an array, or a dict, list or
            tuple of arrays; or a `tf.data.Dataset`, of which the first batch with its
            targets is taken here and now.
        y: Their targets, as for `fit`.
        sample_weight: Their weights, as for `fit`.
        batch_size: Samples at a time, as in `compute_gradients`. Default: all at once.
        epochs: Which epochs.
        layers: Names or numbers of the convolutions that are drawn; arrays and curves
            are those of the whole model. Default: every one with a trainable kernel.
        kernels: Kernel numbers, from 1.
        normalize: What black and white stand for, as for kernels.
        colormap: As for kernels.
        columns: Slices in a row, for two-dimensional kernels.
        scale: Pixels along the side of a weight.
        group: Whether files and tags have the layer's group in front.
        slices: Whether every 2-D slice is a picture of its own.
        sheets: Whether each layer is also drawn on one sheet, `1_0_10`.
        strict: Whether a failed write raises.

    Raises:
        ArgumentError: If an argument is not valid, the model is not compiled with a
            loss, cannot take the data or has no convolution with a trainable kernel.
    """

    view: ClassVar[str] = GRADIENTS_RUN

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        x: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        *,
        batch_size: int | None = None,
        epochs: Iterable[int | str] | str | None = None,
        layers: Iterable[int | str] | int | str | None = None,
        kernels: Iterable[int] | int | None = None,
        normalize: Normalize = "symmetric",
        colormap: str = "gray",
        columns: int | None = None,
        scale: int | None = None,
        group: bool = True,
        slices: bool = False,
        sheets: bool = False,
        strict: bool = False,
    ) -> None:
        super().__init__(
            log_dir,
            epochs=epochs,
            layers=layers,
            kernels=kernels,
            style=Style.checked(normalize, colormap, columns, scale, group, sheets),
            strict=strict,
        )
        self._data = check_targets(x, y, sample_weight)
        self._batch_size = check_size("batch_size", batch_size)
        self._by_slice = bool(slices)

    def _plan_for(self, model: keras.Model) -> GradientPlan:
        run = LossGradient(model, *self._data, self._batch_size)
        paths = {id(variable): path for path, variable in run.variables.items()}
        weights = [one for one in select_weights(model, None) if id(one.value) in paths]
        if not weights:
            raise ArgumentError(
                f"model: {model.name!r} has no convolution with a trainable kernel; expected at "
                "least one (compute_gradients gives the gradients of every model)"
            )
        weights = select(model, self._layers, weights, what="trainable kernel")
        by_number = {weight.number: paths[id(weight.value)] for weight in weights}
        run()
        layers = self._pictures(
            model,
            [kernels_of_weight(weight, values="gradients") for weight in weights],
            LayerPictures,
            by_slice=self._by_slice,
        )
        return GradientPlan(
            model,
            layers,
            [by_number[layer.subject.number] for layer in layers],
            normalize=self._style.normalize,
            firsts=self._firsts_of(model),
            run=run,
        )


class GradientPlan(LayerPlan[LayerPictures]):
    """The gradients drawn of one model.

    Args:
        model: The model.
        layers: What is drawn of it.
        paths: The path of the weight of each.
        normalize: What black and white stand for.
        firsts: As in `LayerPlan`.
        run: What computes the gradients.
    """

    def __init__(
        self,
        model: keras.Model,
        layers: Sequence[LayerPictures],
        paths: Sequence[str],
        *,
        normalize: Normalize,
        firsts: dict[str, Limits] | None,
        run: LossGradient,
    ) -> None:
        size = sum(4 * int(np.prod(variable.shape)) for variable in run.variables.values())
        super().__init__(model, layers, normalize, firsts, volume_of(layers, more=size))
        self._paths = paths
        self._run = run
        # Each layer's own weights, by the group of its scalars.
        self._of_layers = {
            group_of(place.number, place.layer.name): [
                path for path, variable in run.variables.items() if id(variable) in own
            ]
            for place, own in owners(model)
        }

    def is_current(self) -> bool:
        """Not after the model is compiled anew, or other weights are trained."""
        return self._run.is_current()

    def capture(self) -> dict[str, NDArray[np.float32]]:
        """Computes the gradients of the model as it is now."""
        return self._run()

    def draw(
        self, captured: dict[str, NDArray[np.float32]], epoch: int, report: Report
    ) -> Iterator[Output]:
        """The arrays, the norms, and the pictures of the kernels'."""
        yield ArrayFile(arrays_name(GRADIENTS_RUN, epoch), captured)
        yield Scalars(self._norms(captured))
        arrays = [captured[path] for path in reversed(self._paths)]
        captured.clear()
        yield from self.draw_layers(arrays, epoch, report)

    def _norms(self, gradients: Mapping[str, NDArray[np.float32]]) -> dict[str, float]:
        return {
            f"{group}/gradient_norm": math.hypot(*(norm(gradients[path]) for path in own))
            for group, own in self._of_layers.items()
            if own
        }
