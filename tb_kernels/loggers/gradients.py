"""The logger of gradients."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import keras

from tb_kernels.arguments import check_size
from tb_kernels.drawing.levels import Normalize
from tb_kernels.drawing.style import Style
from tb_kernels.loggers.base import Logger
from tb_kernels.schema.naming import GRADIENTS
from tb_kernels.views.gradients import GradientView
from tb_kernels.views.targets import check_targets
from tb_kernels.writing.disk import PATIENCE


class GradientLogger(Logger):
    """Draws where the loss pushes the kernels, at the end of the epochs you choose.

    The gradient is that of the model's compiled loss on the data given here,
    regularisation included, in inference mode unless `training`. Those of all trainable
    weights go into `<log_dir>/gradients/gradients_10.npz`, under the weights' paths
    (`sequential/conv2d/kernel`; names that Keras makes up count from the first of the model,
    whatever other models its process has built). Those of kernels are drawn as the kernels
    are: mid-grey is 0, and the loss falls where white weights get smaller and dark ones
    larger. The norm of each layer's gradient is a curve, `1-conv2d/gradient_norm`.

    Keywords that are not listed here are those of `KernelLogger`.

    Args:
        log_dir: The directory that `tensorboard --logdir` is given; made if missing.
        x: Samples that the model takes, as for `fit`: an array, or a dict, list or
            tuple of arrays; or a `tf.data.Dataset`, of which the first batch with its
            targets is taken here and now.
        y: Their targets, as for `fit`.
        sample_weight: Their weights, as for `fit`.
        class_weight: Weights of classes, as for `fit`, instead of `sample_weight`.
        batch_size: Samples at a time, as in `compute_gradients`. Default: all at once.
        training: Whether the model is called as in training, as in `compute_gradients`:
            the gradient is then the one that `fit` steps along.
        epochs: Which epochs.
        layers: Names or numbers of the convolutions that are drawn; arrays and curves
            are those of the whole model. Default: every one with a trainable kernel;
            where none has one, as on a frozen backbone, arrays and curves alone.
        kernels: Kernel numbers, from 1.
        normalize: What black and white stand for, as for kernels.
        colormap: As for kernels.
        columns: Slices in a row, for two-dimensional kernels.
        scale: Pixels along the side of a weight.
        group: Whether files and tags have the layer's group in front.
        slices: Whether every 2-D slice is a picture of its own.
        sheets: Whether each layer is also drawn on one sheet, `1_0_10`.
        strict: Whether a failed write raises.
        patience: Seconds after which a disk that takes nothing is taken to hang.

    Raises:
        ArgumentError: If an argument is not valid, the model is not compiled with a
            loss, cannot take the data, or has nothing that is trained.
    """

    view = GRADIENTS

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        x: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        *,
        class_weight: Mapping[int, float] | None = None,
        batch_size: int | None = None,
        training: bool = False,
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
        patience: float = PATIENCE,
    ) -> None:
        style = Style.checked(layers, kernels, normalize, colormap, columns, scale, group, sheets)
        super().__init__(log_dir, epochs=epochs, style=style, strict=strict, patience=patience)
        self._data = check_targets(x, y, sample_weight, class_weight)
        self._training = bool(training)
        self._batch_size = check_size("batch_size", batch_size)
        self._by_slice = bool(slices)

    def _look_at(self, model: keras.Model) -> GradientView:
        return GradientView(
            model,
            self._data,
            self._batch_size,
            self._style,
            by_slice=self._by_slice,
            training=self._training,
        )
