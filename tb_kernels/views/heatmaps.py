"""Model + inputs → heatmaps: where the network looked, by Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.overlays import Overlay, backdrop
from tb_kernels.drawing.style import Style
from tb_kernels.drawing.subjects import Subject
from tb_kernels.model import backend
from tb_kernels.model.data import as_tensors, attempt, check_inputs, count
from tb_kernels.model.flow import Chosen, last_layer
from tb_kernels.model.layers import Place, check_built
from tb_kernels.model.maps import MapAxes
from tb_kernels.model.selection import select_layer
from tb_kernels.schema.axes import Axes
from tb_kernels.schema.naming import HEATMAPS, arrays_name
from tb_kernels.schema.outputs import ArrayFile
from tb_kernels.views.grad_cam import GradCam
from tb_kernels.views.scores import Score, Scores, check_classes
from tb_kernels.views.view import Captured, View, subject_of


def compute_heatmaps(
    model: keras.Model,
    inputs: Any,
    classes: Sequence[int] | int | None = None,
    layer: str | int | None = None,
    score: Score | None = None,
) -> NDArray[np.float32]:
    """Where a network looked to tell a class: the Grad-CAM map of each input.

    The map is `ReLU(sum over channels of w_c * A_c)`, where `A_c` is the layer's
    feature map and `w_c` the mean over it of the score's gradient (Selvaraju et al.,
    ICCV 2017). Nothing in the model changes.

    Args:
        model: A built model of Keras on TensorFlow.
        inputs: What it takes: an array, or a dict, list or tuple of arrays, with the
            axis of the inputs first; or a `tf.data.Dataset`, of which the first batch
            is taken.
        classes: The class of each input, or one for all, from 0. Default: the class
            that the model predicts.
        layer: Name or number of a layer with spatial output; of a layer that is called
            several times the last call counts. Default: the last one, in the order of the
            data flow, that the score depends on and that does more than pass on or thin
            out what it is given: pooling, dropout, padding and their like in front of the
            head count to the head. Of a residual block it is the block's output, of
            branches side by side the last in `model.summary()`.
        score: A function of the model's outputs that gives a number for each input,
            shape (inputs,), for models that do not end in one softmax or sigmoid.
            Default: the class's value before the final softmax or sigmoid (also where
            these are in the compiled loss, `from_logits=True`). For a single sigmoid
            that is the value for class 1, and minus it for class 0.

    Returns:
        Shape (inputs, height, width), float32, 0 or larger, at the layer's own
        resolution, not scaled. A layer with one axis of space gives a height of 1.

    Raises:
        ArgumentError: If this is no built model of Keras on TensorFlow, it cannot take
            the inputs, a class is out of range, the model has no such layer, or its
            output needs a `score`.

    Example:
        >>> compute_heatmaps(model, x_test[:4]).shape
        (4, 8, 8)
    """
    check_built(model)
    inputs = check_inputs("inputs", inputs)
    scores = Scores(check_classes(classes, count(inputs)), score)
    if layer is None:
        place = _last_layer(model, inputs, scores).place
    else:
        place = select_layer(model, "layer", layer)
    grad_cam = GradCam(model, inputs, [place], scores)
    found, _ = attempt("inputs", inputs, model, grad_cam)
    (maps,) = found.values()
    return maps


class HeatmapView(View):
    """Where a model looks to tell the classes of a few inputs.

    Args:
        model: A built model.
        inputs: Checked.
        places: The layers whose maps; None for the last one before the head.
        scores: What is explained.
        style: Which are drawn, and how.
        input_range: The values of the inputs that are black and white; each None for
            their smallest and largest.
        strength: How much of a pixel is the map's colour, 0 to 1.

    Raises:
        ArgumentError: If the model cannot take the inputs, the score does not depend on
            a layer, or there is no input of these numbers.
    """

    noun = "heatmap"
    each_alone = True
    from_zero = True

    def __init__(
        self,
        model: keras.Model,
        inputs: Any,
        places: Sequence[Place] | None,
        scores: Scores,
        style: Style,
        *,
        input_range: tuple[float, float] | tuple[None, None],
        strength: float,
    ) -> None:
        chosen = None
        if places is None:
            chosen = _last_layer(model, inputs, scores)
            places = [chosen.place]
        grad_cam = GradCam(model, inputs, places, scores)
        maps, _ = attempt("inputs", inputs, model, grad_cam)
        every = range(1, count(inputs) + 1)
        numbers = every if style.kernels is None else sorted(style.kernels.intersection(every))
        shown = np.asarray(numbers, np.intp) - 1
        drawn = [
            (_subject(place, maps[place.number], len(shown)), place.number) for place in places
        ]
        pictures = _backdrop(model, inputs, input_range)
        overlay = Overlay(None if pictures is None else pictures[shown], strength)
        super().__init__(model, drawn, style, overlay=overlay)
        self.size_beside = sum(maps[number].nbytes for number in self.sources)
        self.chosen = None if chosen is None else str(chosen)
        self._grad_cam = grad_cam
        self._shown = shown
        self._strength = overlay.strength
        self._class_names = scores.class_names

    def capture(self) -> Captured:
        """Computes the maps of the model as it is now."""
        maps, explained = self._grad_cam()
        subjects = [layer.subject for layer in self.layers]
        beside: dict[str, NDArray[Any]] = {
            subject.group: maps[number]
            for subject, number in zip(subjects, self.sources, strict=True)
        }
        # A map over time is one high, and has no axis of that in its picture.
        drawn = [
            beside[subject.group][self._shown].reshape(subject.axes.shape) for subject in subjects
        ]
        beside["scores"] = explained.scores
        if explained.classes is not None:
            beside["classes"] = explained.classes
        explained = explained._replace(strength=self._strength, class_names=self._class_names)
        return Captured(drawn, beside, [explained] * len(drawn))

    def array_file(self, captured: Captured, epoch: int) -> ArrayFile:
        """The maps as they are, by the layers' groups, with classes and scores."""
        return ArrayFile(arrays_name(HEATMAPS, epoch), captured.beside)


def _last_layer(model: keras.Model, inputs: Any, scores: Scores) -> Chosen:
    """The last layer before the head, on the way to the scores."""
    backend.check_calls(model)
    tensors = as_tensors(inputs)

    def total(outputs: Any) -> Any:
        return keras.ops.sum(scores.of(model, outputs, count(inputs))[1])

    return attempt("inputs", inputs, model, lambda: last_layer(model, tensors, total))


def _backdrop(
    model: keras.Model, inputs: Any, input_range: tuple[float, float] | tuple[None, None]
) -> NDArray[np.uint8] | None:
    """The first array of pictures among the inputs, as colour pictures."""
    pictures = [array for array in backend.leaves(inputs) if array.ndim == 4]
    if not pictures:
        return None
    first = MapAxes(model).usually_first
    return backdrop(pictures[0], *input_range, channels_first=first)


def _subject(place: Place, maps: NDArray[np.float32], drawn: int) -> Subject:
    every, height, width = maps.shape
    axes = Axes("nw", (drawn, width)) if height == 1 else Axes("nhw", (drawn, height, width))
    return subject_of(place, axes, "input", "heatmap values", every)
