"""Model + inputs → heatmaps: where the network looked, by Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.model.data import attempt, check_inputs, count
from tb_kernels.model.layers import check_built, check_model
from tb_kernels.model.selection import select_layer
from tb_kernels.views.grad_cam import GradCam
from tb_kernels.views.scores import Score, Scores, check_classes


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
            several times the last call counts. Default: the last such convolution that
            the score depends on.
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
    check_model(model)
    check_built(model)
    inputs = check_inputs("inputs", inputs)
    places = None if layer is None else [select_layer(model, "layer", layer)]
    scores = Scores(check_classes(classes, count(inputs)), score)
    run = GradCam(model, inputs, places, scores)
    (maps,) = attempt("inputs", inputs, model, run).maps.values()
    return maps
