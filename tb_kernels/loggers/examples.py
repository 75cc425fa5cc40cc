"""The logger of examples."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import keras

from tb_kernels.arguments import check_count
from tb_kernels.drawing.levels import Normalize
from tb_kernels.drawing.style import Style
from tb_kernels.loggers.base import Logger
from tb_kernels.loggers.notice import say
from tb_kernels.model.streams import Stream
from tb_kernels.schema.naming import EXAMPLES
from tb_kernels.views.examples import USUAL_BATCH_SIZE, USUAL_MEAN_OF, USUAL_TOP, ExampleView
from tb_kernels.views.view import USUAL_KERNELS
from tb_kernels.writing.disk import PATIENCE


class ExampleLogger(Logger):
    """Draws the parts of your data that excite kernels most, at the end of the epochs you choose.

    The picture `<layer>_<kernel>_<epoch>` are examples in rows, the best first, each cut to the
    receptive field of the kernel's largest value in that input, white outside of the input; last
    stands what is common to the best inputs, in which mid-grey is as the mean of all inputs is,
    light more and dark less: the file `<log_dir>/examples/3-conv2d/3_6_10.png` and an image in
    TensorBoard, whose description says which inputs these are, where and how much. The numbers go
    to `<log_dir>/examples/examples_<epoch>.npz`, for each layer `3-conv2d/indices`, `positions`,
    `values`, `corners` and `mean`. `find_examples` says what they are.

    At each epoch that is drawn the model is called on all inputs once, in the thread that trains;
    a line says how far it is where that takes longer than two seconds.

    Keywords that are not listed here are those of `KernelLogger`.

    Args:
        log_dir: The directory that `tensorboard --logdir` is given; made if missing.
        inputs: Inputs of the model, as many as you like: an array, or a dict, list or tuple of
            arrays, with the axis of the inputs first; a `tf.data.Dataset` or a
            `keras.utils.PyDataset` of batches of these, perhaps with targets, read once at each
            epoch. It should neither shuffle nor draw random numbers: indices would mean another
            input each time, and a training that reads from it too would go another way.
        epochs: Which epochs.
        layers: Names or numbers of layers with maps. Default: the last convolution, on the way to
            the output, with a kernel larger than one pixel. The line at the start of training
            says which.
        kernels: Kernel numbers, from 1. Default: 1 to 16.
        top: How many examples of each kernel.
        mean_of: How many inputs go into the mean.
        batch_size: How many inputs of arrays the model is called on at once.
        normalize: What black and white stand for: `"layer"` and `"first"`, the smallest and the
            largest value of all inputs; the others, of these examples, as for kernels. The mean
            has a scale of its own, which the description tells.
        colormap: `"rgb"`, which draws pictures of three channels in colour and others in grey, or
            as for kernels.
        columns: Examples in a row, the mean among them. Default: as many as make two rows.
        scale: Pixels along the side of an input's pixel. Default: as many as make the longer
            side 512 pixels long.
        group: Whether files and tags have the layer's group in front.
        sheets: Whether those of a layer are also drawn on one sheet, `3_0_10`, a row each.
        strict: Whether a failed write raises.
        patience: Seconds after which a disk that takes nothing is taken to hang.

    Raises:
        ArgumentError: If an argument is not valid, or the model cannot take the inputs.
    """

    view = EXAMPLES

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        inputs: Any = None,
        *,
        epochs: Iterable[int | str] | str | None = None,
        layers: Iterable[int | str] | int | str | None = None,
        kernels: Iterable[int] | int | None = None,
        top: int = USUAL_TOP,
        mean_of: int = USUAL_MEAN_OF,
        batch_size: int = USUAL_BATCH_SIZE,
        normalize: Normalize = "layer",
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
        self._top, self._mean_of = check_count("top", top), check_count("mean_of", mean_of)
        self._stream = Stream("inputs", inputs, check_count("batch_size", batch_size))

    def _look_at(self, model: keras.Model) -> ExampleView:
        return ExampleView(
            model, self._stream, self._style, top=self._top, mean_of=self._mean_of, tell=say
        )
