"""The logger of kernels."""

from __future__ import annotations

import os
from collections.abc import Iterable

import keras

from tb_kernels.drawing.levels import Normalize
from tb_kernels.drawing.style import Style
from tb_kernels.loggers.base import Logger
from tb_kernels.schema.naming import KERNELS
from tb_kernels.views.kernels import KernelView
from tb_kernels.writing.disk import PATIENCE


class KernelLogger(Logger):
    """Draws the kernels of every convolution at the end of the epochs you choose.

    Each kernel becomes a picture named `<layer>_<kernel>_<epoch>`: the file
    `<log_dir>/kernels/1-conv2d/1_6_10.png` and an image of the same bytes in
    TensorBoard, tag `1-conv2d/1_6_10`, at the step of that epoch's loss. Training
    waits only while the weights are copied; drawing and writing happen in the
    background, and a picture that cannot be written never ends the training,
    unless `strict`.

    Args:
        log_dir: The directory that `tensorboard --logdir` is given; made if missing.
        epochs: Which epochs, as Keras prints them: `[1, 6, 10]`. 0 is before
            training; `"last"` is the last epoch that runs, at its end, before any
            callback restores other weights; `"final"` is as training leaves the model,
            after all callbacks, under the address `1_6_final`. Default: every one from 1.
        layers: Names or numbers, `"conv2d_3"`, `3`, `"2-5"`. A layer that holds
            layers stands for all of them. Default: every convolution.
        kernels: Kernel numbers, from 1; a layer without that number is passed over.
            Default: all.
        normalize: What black and white stand for: `"layer"`, the smallest and the
            largest weight of the layer at that epoch; `"kernel"`, of each kernel;
            `"first"`, of the layer at the first epoch drawn of the training; `"symmetric"`, -m and
            m, where m is the layer's largest magnitude; `"standard"`, two deviations
            around the layer's mean; or a pair of weights `(low, high)`.
        colormap: `"gray"`; `"rgb"`, which draws kernels of exactly three input
            channels as one colour picture; or a name of matplotlib's.
        columns: Slices in a row, for two-dimensional kernels. Default: by their number.
        scale: Pixels along the side of a weight; fewer where the picture would be too
            large to be read back. Default: so that its longer side has at least 128.
        group: Whether files and tags have the layer's group in front.
        slices: Whether every 2-D slice is a picture of its own; kernel numbers are
            then `slice * filters + filter + 1`, slice and filter from 0.
        sheets: Whether each layer is also drawn on one sheet, `1_0_10`: a row for each
            kernel, a column for each input channel. Kernels of a single slice stand
            in a square, and a sheet longer than 8,192 pixels has a smaller scale. One that
            would be too large to be read back is not drawn, which a warning tells.
        weights: Whether the weights themselves are stored beside the pictures, in
            `kernels/kernels_<epoch>.npz`: of each layer that is drawn its whole kernel weight
            by the layer's number, in its own shape and precision (what NumPy has no type
            for, such as bfloat16, as float32). `open_log(...).weights` reads it.
        statistics: Whether two numbers of each layer stand beside its loss curves,
            `1-conv2d/kernel_norm`, the mean over its kernels of the root of their summed
            squares, and `1-conv2d/relative_change`, the norm of what changed in the
            layer's weights since the epoch before, divided by their norm then: of every
            convolution at every epoch, whatever is drawn. In a loop of one's own it is
            the change since the epoch that was given to `log` before. From weights that
            were all 0 there is no point.
        strict: Whether a failed write raises WriteError at the next call, instead
            of one warning and a sum at the end.
        patience: Seconds. A disk that takes nothing for so long is taken to hang: what
            waits for it is given up, counted and told, and training goes on; later
            epochs are tried all the same. A slow disk that moves is never given up.

    Raises:
        ArgumentError: If an argument is not valid: here, or before the first step of
            training where only the model or the disk can tell. A model that its
            first batch builds is looked at before the second.

    Example:
        >>> model.fit(x, y, epochs=10, callbacks=[
        ...     keras.callbacks.TensorBoard("logs"),
        ...     KernelLogger("logs", epochs=[1, 6, 10]),
        ... ])
    """

    view = KERNELS
    calls = False

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        *,
        epochs: Iterable[int | str] | str | None = None,
        layers: Iterable[int | str] | int | str | None = None,
        kernels: Iterable[int] | int | None = None,
        normalize: Normalize = "layer",
        colormap: str = "gray",
        columns: int | None = None,
        scale: int | None = None,
        group: bool = True,
        slices: bool = False,
        sheets: bool = False,
        weights: bool = False,
        statistics: bool = True,
        strict: bool = False,
        patience: float = PATIENCE,
    ) -> None:
        style = Style.checked(layers, kernels, normalize, colormap, columns, scale, group, sheets)
        super().__init__(log_dir, epochs=epochs, style=style, strict=strict, patience=patience)
        self._by_slice = bool(slices)
        self._stores = bool(weights)
        self._statistics = bool(statistics)

    def _look_at(self, model: keras.Model) -> KernelView:
        return KernelView(
            model,
            self._style,
            by_slice=self._by_slice,
            statistics=self._statistics,
            store=self._stores,
        )
