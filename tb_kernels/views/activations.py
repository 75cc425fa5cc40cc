"""Model + inputs → activations: what every layer gives, in one pass."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.style import Style
from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend
from tb_kernels.model.data import as_tensors, attempt, check_inputs
from tb_kernels.model.forward import untouched
from tb_kernels.model.interior import LayerOutput, outputs_of_layers
from tb_kernels.model.layers import check_built, kernels_of, walk
from tb_kernels.model.maps import MapAxes
from tb_kernels.model.selection import select
from tb_kernels.schema.axes import Axes
from tb_kernels.schema.naming import ACTIVATIONS, arrays_name, belongs
from tb_kernels.schema.outputs import ArrayFile
from tb_kernels.views.view import USUAL_INPUTS, Captured, View, subject_of

# As in the notebooks that look at feature maps.
_SHEET_ROW = 16


def compute_activations(model: keras.Model, inputs: Any) -> dict[str, NDArray[np.float32]]:
    """What every layer of a model gives for some inputs.

    The model runs once, compiled, in inference mode; nothing in it changes. Layers
    inside nested models and composite layers are there too; the cells of recurrent
    layers and layers inside `TimeDistributed`, which run once for each step, are not.

    Args:
        model: A built model of Keras on TensorFlow, functional, sequential or
            subclassed.
        inputs: What the model takes: an array, or a dict, list or tuple of arrays,
            with the axis of the inputs first; or a `tf.data.Dataset`, of which the
            first batch is taken. (Taking a batch moves the random stream of a dataset
            that shuffles.)

    Returns:
        For each layer's number (`"1"`; `"2-5"` for a layer inside another) its output
        as float32, with the axes it has in the model, the inputs first. Further calls
        of a layer that is used more than once are under `"3@2"`, `"3@3"`, in the
        order of the calls, further outputs of one call under `"3#2"`. Outputs that
        are no numbers are left out.

    Raises:
        ArgumentError: If this is no built model of Keras on TensorFlow, or it cannot
            take the inputs.

    Example:
        >>> compute_activations(model, x_test[:4])["1"].shape
        (4, 26, 26, 32)
    """
    check_built(model)
    inputs = check_inputs("inputs", inputs)
    activations = attempt("inputs", inputs, model, ActivationPass(model, inputs))
    return {
        activation.number: activation.values.astype(np.float32, copy=False)
        for activation in activations
    }


class ActivationPass:
    """The pass through a model, compiled by its first call, for as many epochs as are asked for.

    Args:
        model: A built model.
        inputs: Checked.
        wanted: The numbers of the layers whose output is wanted; None for all.
    """

    def __init__(
        self, model: keras.Model, inputs: Any, wanted: Collection[str] | None = None
    ) -> None:
        backend.check_calls(model)
        self._model = model
        self._wanted = wanted
        self._inputs = as_tensors(inputs)
        self._run = backend.compiled(model, self._forward)
        self._found: list[LayerOutput] = []

    def __call__(self) -> list[LayerOutput]:
        """The activations of the model as it is now, in the order of the layers' numbers.

        Raises:
            ArgumentError: If the model calls none of its layers.
        """
        tensors = self._run(self._inputs)
        if not self._found:
            raise ArgumentError(
                f"model: {self._model.name!r} called none of its layers when it was called, so "
                "there is nothing to see; expected layers that are attributes of the model and "
                "are called by it"
            )
        return [
            output._replace(values=backend.to_numpy(tensor))
            for output, tensor in zip(self._found, tensors, strict=True)
        ]

    def _forward(self, inputs: Any) -> list[Any]:
        with untouched():
            found = outputs_of_layers(self._model, inputs)
        found = [
            output
            for output in found
            if backend.is_numeric(output.values)
            and (self._wanted is None or output.number in self._wanted)
        ]
        # Without the tensors: they keep the whole graph alive.
        self._found = [output._replace(values=None) for output in found]
        return [output.values for output in found]


def feature_maps(model: keras.Model, activations: Iterable[LayerOutput]) -> dict[str, Axes]:
    """The axes of those activations that are feature maps, by number: of the inputs drawn.

    What a model is given is none.
    """
    axes = MapAxes(model)
    found = {}
    for activation in activations:
        letters = axes.letters(activation.layer, activation.values.shape)
        if letters and not isinstance(activation.layer, keras.layers.InputLayer):
            inputs, *shape = activation.values.shape
            found[activation.number] = Axes(letters, (min(inputs, USUAL_INPUTS), *shape))
    return found


def _of_convolutions(model: keras.Model, maps: list[LayerOutput]) -> list[LayerOutput]:
    numbers = [place.number for place in walk(model) if kernels_of(place)]
    return [one for one in maps if any(belongs(one.number, number) for number in numbers)]


class ActivationView(View):
    """What a model's layers give for a few inputs.

    Args:
        model: A built model.
        inputs: Checked.
        style: Which are drawn, and how; convolutions' outputs where it names no layers.
        every: Whether every layer with spatial output is drawn where it names none.
        half_precision: Whether arrays of fractions are stored as float16.

    Raises:
        ArgumentError: If the model cannot take the inputs, or has no such layers with
            spatial output, or no such channels.
    """

    noun = "feature map"
    each_alone = True

    def __init__(
        self,
        model: keras.Model,
        inputs: Any,
        style: Style,
        *,
        every: bool = False,
        half_precision: bool = False,
    ) -> None:
        forward = ActivationPass(model, inputs)
        stored = attempt("inputs", inputs, model, forward)
        axes = feature_maps(model, stored)
        maps = [output for output in stored if output.number in axes]
        if not maps:
            raise ArgumentError(
                f"model: {model.name!r} has no layer with spatial output for these inputs; "
                "expected at least one, such as Conv2D (compute_activations gives the "
                "activations of every model)"
            )
        if style.layers is not None:
            maps = stored = select(model, style.layers, maps, what="spatial output")
            forward = ActivationPass(model, inputs, {one.number for one in maps})
        elif not every:
            maps = _of_convolutions(model, maps) or maps
        drawn = [
            (subject_of(output, axes[output.number], self.noun, "activations"), output.key)
            for output in maps
        ]
        super().__init__(model, drawn, style, sheet_row=_SHEET_ROW)
        self._forward = forward
        self._type = np.float16 if half_precision else np.float32
        self.size_beside = np.dtype(self._type).itemsize * sum(one.values.size for one in stored)

    def capture(self) -> Captured:
        """Runs the model as it is now."""
        found = {output.key: output.values for output in self._forward()}
        return Captured([found[key][:USUAL_INPUTS] for key in self.sources], found)

    def array_file(self, captured: Captured, epoch: int) -> ArrayFile:
        """The activations of all layers, by the layers' groups."""
        arrays = {key: self._stored(values) for key, values in captured.beside.items()}
        return ArrayFile(arrays_name(ACTIVATIONS, epoch), arrays)

    def _stored(self, values: NDArray[Any]) -> NDArray[Any]:
        # Numbers of words and classes are whole, and float16 knows few of these.
        type_ = self._type if values.dtype.kind not in "iub" else np.float32
        with np.errstate(over="ignore"):
            return values.astype(type_, copy=False)
