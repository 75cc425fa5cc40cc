"""The logger of kernels."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.errors import ArgumentError
from tb_kernels.index import LayerEntry
from tb_kernels.kernel_pictures import LayerPictures
from tb_kernels.levels import Limits, Normalize, find_nonfinite, measure
from tb_kernels.loggers.base import Logger
from tb_kernels.loggers.notice import Volume
from tb_kernels.loggers.report import Report
from tb_kernels.naming import KERNELS_RUN
from tb_kernels.pictures import PictureBatch
from tb_kernels.selection import check_kernels, check_layers, select_weights
from tb_kernels.style import Style
from tb_kernels.views.kernels import arrange, copy_weight


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
            training; `"last"` is as training leaves the model, under the number of
            its last epoch, also where that number is in the list (list this logger
            after callbacks that end the training or change the weights when it ends,
            such as EarlyStopping). Default: every one from 1.
        layers: Names or numbers, `"conv2d_3"`, `3`, `"2-5"`. A layer that holds
            layers stands for all of them. Default: every convolution.
        kernels: Kernel numbers, from 1; a layer without that number is passed over.
            Default: all.
        normalize: What black and white stand for: `"layer"`, the smallest and the
            largest weight of the layer at that epoch; `"kernel"`, of each kernel;
            `"first"`, of the layer at the first epoch drawn; `"symmetric"`, -m and
            m, where m is the layer's largest magnitude; `"standard"`, two deviations
            around the layer's mean; or a pair of weights `(low, high)`.
        colormap: `"gray"`; `"rgb"`, which draws kernels of exactly three input
            channels as one colour picture; or a name of matplotlib's.
        columns: Slices in a row, for two-dimensional kernels. Default: by their number.
        scale: Pixels along the side of a weight. Default: so that the picture's
            longer side has at least 128.
        group: Whether files and tags have the layer's group in front.
        slices: Whether every 2-D slice is a picture of its own; kernel numbers are
            then `slice * filters + filter + 1`, slice and filter from 0.
        sheets: Whether each layer is also drawn on one sheet, `1_0_10`: a row for each
            kernel, a column for each input channel. Kernels of a single slice stand
            in a square, and a sheet longer than 8,192 pixels has a smaller scale.
        strict: Whether a failed write raises WriteError at the next call, instead
            of one warning and a sum at the end.

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

    view: ClassVar[str] = KERNELS_RUN

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
        strict: bool = False,
    ) -> None:
        super().__init__(log_dir, epochs=epochs, strict=strict)
        self._layers = check_layers(layers)
        self._kernels = check_kernels(kernels)
        self._style = Style.checked(normalize, colormap, columns, scale, group, sheets)
        self._by_slice = bool(slices)
        # Made with its first entry: an unused logger can be pickled, a weak dictionary not.
        self._firsts: WeakKeyDictionary[keras.Model, dict[str, Limits]] | None = None

    def _plan_for(self, model: keras.Model) -> KernelPlan:
        weights = select_weights(model, self._layers)
        pictures = [
            LayerPictures(weight, self._style, numbers=self._kernels, by_slice=self._by_slice)
            for weight in weights
        ]
        if not any(layer.numbers for layer in pictures):
            most = max(layer.most for layer in pictures)
            raise ArgumentError(
                f"kernels: no layer of model {model.name!r} has any of the numbers "
                f"{sorted(self._kernels or ())}; expected numbers from 1 to {most}"
            )
        drawn = [layer for layer in pictures if layer.numbers]
        return KernelPlan(model, drawn, self._style.normalize, self._firsts_of(model))

    def _firsts_of(self, model: keras.Model) -> dict[str, Limits] | None:
        if self._style.normalize != "first":
            return None
        if self._firsts is None:
            self._firsts = WeakKeyDictionary()
        return self._firsts.setdefault(model, {})


class KernelPlan:
    """The kernels drawn of one model.

    Args:
        model: The model.
        layers: What is drawn of it.
        normalize: What black and white stand for.
        firsts: Each layer's limits at the first epoch drawn, by its number, filled
            here; None if every epoch has limits of its own.
    """

    def __init__(
        self,
        model: keras.Model,
        layers: Sequence[LayerPictures],
        normalize: Normalize,
        firsts: dict[str, Limits] | None,
    ) -> None:
        self.model = model
        self._layers = layers
        self._normalize = normalize
        self._firsts = firsts
        self._entries: list[LayerEntry] = []
        self.volume = Volume(
            layers=len({id(layer.weight.layer) for layer in layers}),
            kernels=sum(layer.kernels_drawn for layer in layers),
            pictures=sum(layer.count for layer in layers),
            size=sum(layer.size for layer in layers),
        )

    def capture(self) -> list[NDArray[Any]]:
        """Copies of the weights, the last layer first."""
        return [copy_weight(layer.weight) for layer in self._layers][::-1]

    def draw(
        self, captured: list[NDArray[Any]], epoch: int, report: Report
    ) -> Iterator[PictureBatch]:
        """The pictures, layer by layer; each copy is let go once its layer is drawn."""
        self._entries = []
        for layer in self._layers:
            left = layer.count
            try:
                kernels = arrange(captured.pop(), layer.weight.axes)
                nonfinite = self._find_nonfinite(layer, kernels, epoch, report)
                limits = self._limits(layer.weight.number, kernels)
                whole = measure(kernels, "layer") if limits.low.ndim else limits
                for batch in layer.draw(kernels, nonfinite, limits, whole, epoch):
                    yield batch
                    left -= len(batch.paths)
                self._entries.append(layer.entry(limits, whole))
            except Exception as error:
                report.lose(left, error)

    def entries(self) -> Sequence[LayerEntry]:
        """How the pictures drawn last are to be read."""
        return self._entries

    def _find_nonfinite(
        self, layer: LayerPictures, kernels: NDArray[np.float32], epoch: int, report: Report
    ) -> NDArray[np.bool_] | None:
        nonfinite = find_nonfinite(kernels)
        if nonfinite is not None:
            number, name = layer.weight.number, layer.weight.name
            count = f"{nonfinite.sum():,} of {nonfinite.size:,}"
            report.meet_nonfinite(number, f"layer {number} {name!r}, {count} at epoch {epoch}")
        return nonfinite

    def _limits(self, number: str, kernels: NDArray[np.float32]) -> Limits:
        if self._firsts is None:
            return measure(kernels, self._normalize)
        if number not in self._firsts:
            limits = measure(kernels, self._normalize)
            if not np.isfinite(kernels).any():
                return limits
            self._firsts[number] = limits
        return self._firsts[number]
