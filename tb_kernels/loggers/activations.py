"""The logger of activations."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import keras

from tb_kernels.drawing.levels import Normalize
from tb_kernels.drawing.style import Style
from tb_kernels.loggers.base import Logger
from tb_kernels.model.data import check_inputs
from tb_kernels.schema.naming import ACTIVATIONS
from tb_kernels.views.activations import ActivationView
from tb_kernels.writing.disk import PATIENCE

# Among layers: every one that can be drawn.
_ALL = "all"


class ActivationLogger(Logger):
    """Draws what convolutions give for a few inputs, at the end of the epochs you choose.

    All activations of an epoch, of all layers and inputs, go into
    `<log_dir>/activations/activations_10.npz`, under the layers' numbers and names
    (`1-conv2d`). Each channel of a convolution's output becomes a picture
    `<layer>_<channel>_<epoch>`, the first 8 inputs at most side by side in it:
    the file `<log_dir>/activations/1-conv2d/1_6_10.png` and an image in TensorBoard.
    The model runs once, compiled, in inference mode, and nothing in it changes.

    Keywords that are not listed here are those of `KernelLogger`.

    Args:
        log_dir: The directory that `tensorboard --logdir` is given; made if missing.
        inputs: A few inputs of the model: an array, or a dict, list or tuple of arrays,
            the axis of the inputs first; or a `tf.data.Dataset`, of which the first
            batch is taken here and now. (That moves the random stream of a dataset
            that shuffles: give one that does not.)
        epochs: Which epochs.
        layers: Names or numbers of layers with spatial output; the file of arrays then
            holds these only. Default: the convolutions, or every layer with spatial
            output where none of these has it; `"all"` is every such layer. The file of
            arrays then holds all layers.
        kernels: Numbers of channels, from 1.
        normalize: What black and white stand for: `"standard"`, two deviations around
            the mean of each channel; the others as for kernels.
        colormap: As for kernels.
        columns: Inputs in a row.
        scale: Pixels along the side of an activation.
        group: Whether files and tags have the layer's group in front.
        sheets: Whether each layer is also drawn on one sheet, `1_0_10`: 16 channels in
            a row, each on its own scale.
        half_precision: Whether arrays of fractions are stored as float16: half the size,
            three digits, and what exceeds 65,504 is infinite.
        strict: Whether a failed write raises.
        patience: Seconds after which a disk that takes nothing is taken to hang.

    Raises:
        ArgumentError: If an argument is not valid, the model cannot take the inputs or
            has no layer with spatial output.
    """

    view = ACTIVATIONS

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        inputs: Any = None,
        *,
        epochs: Iterable[int | str] | str | None = None,
        layers: Iterable[int | str] | int | str | None = None,
        kernels: Iterable[int] | int | None = None,
        normalize: Normalize = "standard",
        colormap: str = "gray",
        columns: int | None = None,
        scale: int | None = None,
        group: bool = True,
        sheets: bool = False,
        half_precision: bool = False,
        strict: bool = False,
        patience: float = PATIENCE,
    ) -> None:
        self._every = isinstance(layers, str) and layers == _ALL
        layers = None if self._every else layers
        style = Style.checked(layers, kernels, normalize, colormap, columns, scale, group, sheets)
        super().__init__(log_dir, epochs=epochs, style=style, strict=strict, patience=patience)
        self._inputs = check_inputs("inputs", inputs)
        self._half_precision = bool(half_precision)

    def _look_at(self, model: keras.Model) -> ActivationView:
        return ActivationView(
            model,
            self._inputs,
            self._style,
            every=self._every,
            half_precision=self._half_precision,
        )
