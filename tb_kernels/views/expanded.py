"""Model → expanded weights: its kernels as they are seen from the picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.arguments import check_kernels
from tb_kernels.drawing.explanations import Linearities
from tb_kernels.drawing.style import Style
from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend
from tb_kernels.model.canvas import Canvas
from tb_kernels.model.data import as_tensors, attempt
from tb_kernels.model.field import Reach, field_of
from tb_kernels.model.flow import places_or_last
from tb_kernels.model.layers import Place, check_built
from tb_kernels.model.linear import Linear, Linearize
from tb_kernels.model.selection import select_kernels, select_layer
from tb_kernels.schema.naming import EXPANDED, arrays_name
from tb_kernels.schema.outputs import ArrayFile
from tb_kernels.views.view import Captured, View, subject_of_pictures


def expand_kernels(
    model: keras.Model,
    layer: str | int,
    kernels: Iterable[int] | int | None = None,
    source: str | int | None = None,
    *,
    linearize: Linearize | None = None,
) -> NDArray[np.float32]:
    """The kernels of a layer as they are seen from the picture, or from another layer.

    How much a kernel's value before its activation changes with each value of the picture in its
    receptive field, the network in between taken as linear: its weights multiplied by those of
    all layers before it (the expanded weights of Voss et al., "Visualizing Weights", Distill
    2021). Where the network is linear this is exact. Taken as linear is

    - of an activation that lets through without bound (ReLU and its kin, ELU, SELU, softplus) the
      identity; of one that is bounded (sigmoid, tanh) or gated by itself (SiLU, GELU, mish) its
      slope at 0;
    - of max pooling the mean of its window, of global max pooling that of the map;
    - of batch normalization what it does by its moving statistics; of layer normalization along
      the channels the difference to their mean times its `gamma`, of every other normalization its
      `gamma`: deviations depend on the picture and are taken as 1;
    - of a product with a gate the other factor times the gate's value for zero: that of its
      sigmoid at 0, and of a gate without one, whose map is a single place, what the linear network
      gives for a picture of zeros;
    - convolutions of all kinds, dense layers, average pooling, padding, cropping, upsampling,
      sums, concatenations and whatever else is found to be linear, as they are; dropout and
      noise as none.

    Any other layer on the way, such as attention, needs `linearize`. Nothing in the model changes.

    Args:
        model: A built model of Keras on TensorFlow that takes pictures.
        layer: Name or number of a layer with maps of height, width and channels; of one that is
            called several times the first call counts.
        kernels: The kernels' numbers, from 1. Default: all.
        source: Name or number of a layer before it, whose output takes the picture's place.
        linearize: What stands for layers that have no rule: a dict from a layer's name, number or
            class to a function that is called with what the layer is called with, or from an
            activation to a function.

    Returns:
        Shape (kernels, height, width, channels), float32: the size of the receptive field of the
        value in the middle of the layer's map, and the picture's channels or the source's. Where
        the model takes pictures of one size alone, or the field is larger than 1,024 pixels along
        a side, it is the part of the field that lies in a picture of the model's own size.

    Raises:
        ArgumentError: If an argument is not valid, the layer gives no maps, the source is not
            before it, or a layer on the way has no rule.

    Example:
        >>> expand_kernels(model, "conv2d_1", kernels=[1, 2]).shape
        (2, 8, 8, 1)
    """
    check_built(model)
    wanted = check_kernels(kernels)
    place = select_layer(model, "layer", layer)
    begin = None if source is None else select_layer(model, "source", source)
    expansion = Expansion(model, place, begin, linearize)
    return expansion(select_kernels(place, expansion.kernels, wanted))


class Expansion:
    """The kernels of one layer seen from the picture or a source, compiled once.

    Args:
        model: A built model.
        place: The layer.
        source: The layer whose output they are seen from; None for the picture.
        linearize: What stands for layers without a rule.

    Attributes:
        kernels: How many kernels the layer has.
        shape: Of a kernel's picture: height, width, channels.
    """

    def __init__(
        self, model: keras.Model, place: Place, source: Place | None, linearize: Linearize | None
    ) -> None:
        backend.check_calls(model)
        self._reach = Reach(model, place, source)
        self._linear = Linear(model, linearize)
        self.kernels = self._check(Canvas(model, None))
        self._field, self._canvas = field_of(self._reach, self._linear)
        self._slopes = backend.compiled(model, self._slopes_of)
        traced = backend.traced(self._slopes, keras.KerasTensor((None,), "int32"))
        self._slopes = traced or self._slopes
        field = self._field
        self.shape = field.height, field.width, field.channels
        self._compare = backend.compiled(model, self._correlation)

    def __call__(self, numbers: Sequence[int]) -> NDArray[np.float32]:
        """These kernels, as the model is now: shape (kernels, height, width, channels)."""
        found = [
            backend.to_numpy(self._slopes(keras.ops.convert_to_tensor(batch, "int32")))
            for batch in self._canvas.batches(np.asarray(numbers, np.int32) - 1)
        ]
        return np.concatenate(found)

    def linearity(self, inputs: Any) -> NDArray[np.float32]:
        """How far each kernel is what its picture shows, on some inputs.

        Returns:
            Of every kernel, the correlation over inputs and places between its value before its
            activation and what the linear network gives; NaN where one of both is constant.
        """
        return backend.to_numpy(self._compare(as_tensors(inputs)))

    def _correlation(self, inputs: Any) -> Any:
        begin: list[Any] = []

        def keep(outputs: Any) -> Any:
            begin.append(outputs)
            return outputs

        real = self._reach.values(inputs, keep)
        with self._linear.within():
            # Before a source nothing is taken as linear.
            line = self._reach.values(inputs, lambda outputs: begin[0])
        both = [keras.ops.cast(values, "float32") for values in (real, line)]
        one, other = (values - keras.ops.mean(values, (0, 1, 2), keepdims=True) for values in both)
        spread = keras.ops.sum(one**2, (0, 1, 2)) * keras.ops.sum(other**2, (0, 1, 2))
        return keras.ops.sum(one * other, (0, 1, 2)) / keras.ops.sqrt(spread)

    def _check(self, canvas: Canvas) -> int:
        """How many kernels the layer has, once it is sure that no layer on the way lacks a rule.

        Raises:
            ArgumentError: If one is.
        """
        random = np.random.default_rng(0).normal(size=(1, *canvas.shape))
        given = canvas.inputs(keras.ops.convert_to_tensor(random, "float32"))
        kernels: list[int] = []
        met: list[tuple[Place, Any]] = []

        def number(watch: backend.Watch) -> tuple[Any, list[Any], None]:
            def cut(place: Place, outputs: Any) -> Any:
                leaves = [watch(keras.ops.stop_gradient(one)) for one in backend.leaves(outputs)]
                met.extend((place, one) for one in leaves)
                return keras.tree.pack_sequence_as(outputs, leaves)

            with self._linear.within(cut):
                values = self._reach.values(given, keras.ops.stop_gradient)
            kernels.append(int(values.shape[-1]))
            return keras.ops.sum(values), [one for _, one in met], None

        gradients, _ = backend.gradients_within(number)
        for (place, _), gradient in zip(met, gradients, strict=True):
            if gradient is not None:
                name, kind = place.layer.name, type(place.layer).__name__
                raise ArgumentError(
                    f"layer: {kind} {name!r}, on the way to layer {self._reach.place.number}, is "
                    f"not linear and has no rule; expected linearize={{{name!r}: ...}}, a function "
                    "that stands for its call, or a source behind it"
                )
        return kernels[0]

    def _slopes_of(self, kernels: Any) -> Any:
        row, column = self._field.position

        def number_of(values: Any) -> Any:
            return keras.ops.sum(backend.pick(values[:, row, column], kernels))

        pictures = keras.ops.zeros((keras.ops.shape(kernels)[0], *self._canvas.shape))
        with self._linear.within():
            slopes, _ = self._reach.slopes(self._canvas, pictures, number_of)
        field = self._field
        part = slopes[
            :, field.top : field.top + field.height, field.left : field.left + field.width
        ]
        return keras.ops.cast(part, "float32")


class ExpandedView(View):
    """A model's kernels as they are seen from the picture.

    Args:
        model: A built model.
        style: Which are drawn, and how.
        source: Name or number of the layer they are seen from; None for the picture.
        linearize: What stands for layers without a rule.
        inputs: Checked, for the linearity to be measured on; None for no such number.

    Raises:
        ArgumentError: If the model has no such layers, one on the way to them has no rule, the
            source is not before one of them, or it has no such kernels.
    """

    noun = "expanded kernel"

    def __init__(
        self,
        model: keras.Model,
        style: Style,
        source: str | int | None,
        linearize: Linearize | None,
        inputs: Any,
    ) -> None:
        places, chosen = places_or_last(model, style.layers, None)
        begin = None if source is None else select_layer(model, "source", source)
        expansions = [(place, Expansion(model, place, begin, linearize)) for place in places]
        drawn = [
            (subject_of_pictures(place, one, style.kernels, self.noun, "weights"), one)
            for place, one in expansions
        ]
        super().__init__(model, drawn, style)
        self.chosen = chosen
        self.size_beside = sum(
            4 * len(layer.numbers) * math.prod(one.shape)
            for layer, one in zip(self.layers, self.sources, strict=True)
        )
        self._inputs = inputs
        if inputs is not None:
            attempt("inputs", inputs, model, self._explanations)

    def capture(self) -> Captured:
        """Expands the kernels of the model as it is now."""
        captured = Captured([], explained=[] if self._inputs is None else self._explanations())
        for layer, expansion in zip(self.layers, self.sources, strict=True):
            found = expansion(layer.numbers)
            captured.drawn.append(found)
            captured.beside[layer.subject.group] = found
        return captured

    def _explanations(self) -> list[Linearities]:
        return [Linearities(one.linearity(self._inputs)) for one in self.sources]

    def array_file(self, captured: Captured, epoch: int) -> ArrayFile:
        """The expanded kernels as they are, by the layers' groups."""
        return ArrayFile(arrays_name(EXPANDED, epoch), captured.beside)
