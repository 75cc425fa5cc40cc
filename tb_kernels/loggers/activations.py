"""The logger of activations."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.layer_pictures import LayerPictures
from tb_kernels.drawing.levels import Limits, Normalize
from tb_kernels.drawing.style import Style
from tb_kernels.drawing.subjects import Subject
from tb_kernels.errors import ArgumentError
from tb_kernels.loggers.incidents import Report
from tb_kernels.loggers.layer_logger import LayerLogger
from tb_kernels.loggers.plan import LayerPlan, volume_of
from tb_kernels.model.data import attempt, check_inputs
from tb_kernels.model.selection import select
from tb_kernels.schema.axes import Axes
from tb_kernels.schema.naming import ACTIVATIONS_RUN, arrays_name
from tb_kernels.schema.outputs import ArrayFile, Output
from tb_kernels.views.activations import Activation, ActivationPass, feature_maps

# As in the notebooks that look at feature maps.
_SHEET_ROW = 16


class ActivationLogger(LayerLogger):
    """Draws what every layer gives for a few inputs, at the end of the epochs you choose.

    All activations of an epoch go into `<log_dir>/activations/activations_10.npz`, under
    the layers' numbers and names (`1-conv2d`). Each channel of a layer with spatial
    output becomes a picture `<layer>_<channel>_<epoch>`, all inputs side by side in it:
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
            holds these only. Default: all of them, and the arrays of every layer.
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

    Raises:
        ArgumentError: If an argument is not valid, the model cannot take the inputs or
            has no layer with spatial output.
    """

    view: ClassVar[str] = ACTIVATIONS_RUN

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
    ) -> None:
        super().__init__(
            log_dir,
            epochs=epochs,
            layers=layers,
            kernels=kernels,
            style=Style.checked(normalize, colormap, columns, scale, group, sheets),
            strict=strict,
        )
        self._inputs = check_inputs("inputs", inputs)
        self._type = np.float16 if half_precision else np.float32

    def _plan_for(self, model: keras.Model) -> ActivationPlan:
        run = ActivationPass(model, self._inputs)
        activations = attempt("inputs", self._inputs, model, run)
        axes = feature_maps(model, activations)
        maps = [activation for activation in activations if activation.number in axes]
        if not maps:
            raise ArgumentError(
                f"model: {model.name!r} has no layer with spatial output for these inputs; "
                "expected at least one, such as Conv2D (compute_activations gives the "
                "activations of every model)"
            )
        chosen = select(model, self._layers, maps, what="spatial output")
        if self._layers is not None:
            run = ActivationPass(model, self._inputs, {one.number for one in chosen})
        layers = self._pictures(
            model,
            [_subject(one, axes[one.number]) for one in chosen],
            LayerPictures,
            sheet_row=_SHEET_ROW,
        )
        stored = activations if self._layers is None else chosen
        size = np.dtype(self._type).itemsize * sum(one.values.size for one in stored)
        return ActivationPlan(
            model, layers, self._style.normalize, self._firsts_of(model), run, self._type, size
        )


class ActivationPlan(LayerPlan[LayerPictures]):
    """The feature maps drawn of one model.

    Args:
        model: The model.
        layers: What is drawn of it.
        normalize: What black and white stand for.
        firsts: As in `LayerPlan`.
        run: The pass through the model.
        type_: What numbers are stored as.
        size: Bytes of an epoch's arrays.
    """

    each_alone = True

    def __init__(
        self,
        model: keras.Model,
        layers: Sequence[LayerPictures],
        normalize: Normalize,
        firsts: dict[str, Limits] | None,
        run: ActivationPass,
        type_: type[np.floating[Any]],
        size: int,
    ) -> None:
        volume = volume_of(layers, noun="feature map", more=size)
        super().__init__(model, layers, normalize, firsts, volume)
        self._run = run
        self._type = type_

    def capture(self) -> list[Activation]:
        """Runs the model as it is now."""
        return self._run()

    def draw(self, captured: list[Activation], epoch: int, report: Report) -> Iterator[Output]:
        """The arrays, and the pictures of those that are feature maps."""
        yield ArrayFile(
            arrays_name(ACTIVATIONS_RUN, epoch),
            {activation.key: self._stored(activation.values) for activation in captured},
        )
        values = {activation.number: activation.values for activation in captured}
        captured.clear()
        arrays = [values.pop(layer.subject.number) for layer in reversed(self.layers)]
        yield from self.draw_layers(arrays, epoch, report)

    def _stored(self, values: NDArray[Any]) -> NDArray[Any]:
        # Numbers of words and classes are whole, and float16 knows few of these.
        type_ = self._type if values.dtype.kind not in "iub" else np.float32
        with np.errstate(over="ignore"):
            return values.astype(type_, copy=False)


def _subject(activation: Activation, axes: Axes) -> Subject:
    return Subject(
        activation.number,
        activation.name,
        type(activation.layer).__name__,
        axes,
        noun="feature map",
        values="activations",
    )
