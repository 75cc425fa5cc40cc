"""The logger of expanded weights."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import keras

from tb_kernels.drawing.levels import Normalize
from tb_kernels.drawing.style import Style
from tb_kernels.loggers.base import Logger
from tb_kernels.model.data import check_inputs
from tb_kernels.model.linear import Linearize, check_linearize
from tb_kernels.schema.naming import EXPANDED
from tb_kernels.views.expanded import ExpandedView
from tb_kernels.views.view import USUAL_KERNELS
from tb_kernels.writing.disk import PATIENCE


class ExpansionLogger(Logger):
    """Draws kernels as they are seen from the picture, at the end of the epochs you choose.

    The picture `<layer>_<kernel>_<epoch>` is what the kernel answers to if the network before it
    is taken as linear: the file `<log_dir>/expanded/3-conv2d/3_6_10.png` and an image in
    TensorBoard. Mid-grey is 0; light adds to the kernel's value, dark takes from it. The numbers
    go to `<log_dir>/expanded/expanded_<epoch>.npz`, an array (kernels, height, width, channels)
    for each layer. `expand_kernels` has the rules.

    A network is not linear, and where most of it is not, the picture shows noise. With `inputs=`
    the description of each tells its linearity: the correlation, over inputs and places, of the
    kernel's real value with that of the linear network. Near 1 the picture is what the kernel
    does on these inputs, near 0 it says nothing about them; examples from data may help then.

    Keywords that are not listed here are those of `KernelLogger`.

    Args:
        log_dir: The directory that `tensorboard --logdir` is given; made if missing.
        inputs: Inputs of the model to measure linearity on: an array, or a dict, list or tuple of
            arrays, with the axis of the inputs first; or a `tf.data.Dataset`, of which the first
            batch is taken.
        epochs: Which epochs.
        layers: Names or numbers of layers with maps. Default: the last convolution, on the way to
            the output, with a kernel larger than one pixel. The line at the start of training
            says which.
        kernels: Kernel numbers, from 1. Default: 1 to 16.
        source: Name or number of a layer before them, whose output takes the picture's place.
        linearize: As in `expand_kernels`.
        normalize: What black and white stand for.
        colormap: `"rgb"`, which draws kernels seen from a picture of three channels in colour and
            others in grey, or as for kernels.
        columns: Channels in a row, where each is drawn by itself.
        scale: Pixels along the side of a weight.
        group: Whether files and tags have the layer's group in front.
        sheets: Whether those of a layer are also drawn on one sheet, `3_0_10`.
        strict: Whether a failed write raises.
        patience: Seconds after which a disk that takes nothing is taken to hang.

    Raises:
        ArgumentError: If an argument is not valid, or the model has a layer without a rule on the
            way.
    """

    view = EXPANDED

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        inputs: Any = None,
        *,
        epochs: Iterable[int | str] | str | None = None,
        layers: Iterable[int | str] | int | str | None = None,
        kernels: Iterable[int] | int | None = None,
        source: int | str | None = None,
        linearize: Linearize | None = None,
        normalize: Normalize = "symmetric",
        colormap: str = "rgb",
        columns: int | None = None,
        scale: int | None = None,
        group: bool = True,
        sheets: bool = False,
        strict: bool = False,
        patience: float = PATIENCE,
    ) -> None:
        kernels = range(1, USUAL_KERNELS + 1) if kernels is None else kernels
        style = Style.checked(layers, kernels, normalize, colormap, columns, scale, group, sheets)
        super().__init__(log_dir, epochs=epochs, style=style, strict=strict, patience=patience)
        self._inputs = None if inputs is None else check_inputs("inputs", inputs)
        self._source, self._linearize = source, check_linearize(linearize)

    def _look_at(self, model: keras.Model) -> ExpandedView:
        return ExpandedView(model, self._style, self._source, self._linearize, self._inputs)
