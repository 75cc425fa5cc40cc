"""The logger of heatmaps."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import keras

from tb_kernels.arguments import check_fraction, check_range
from tb_kernels.drawing.colors import RGB
from tb_kernels.drawing.levels import Normalize
from tb_kernels.drawing.style import Style
from tb_kernels.errors import ArgumentError
from tb_kernels.loggers.base import Logger
from tb_kernels.model.data import check_inputs, count
from tb_kernels.model.selection import select_places
from tb_kernels.schema.naming import HEATMAPS
from tb_kernels.views.heatmaps import HeatmapView
from tb_kernels.views.scores import Score, Scores, check_class_names, check_classes
from tb_kernels.views.view import USUAL_INPUTS
from tb_kernels.writing.disk import PATIENCE


class HeatmapLogger(Logger):
    """Draws where the network looks to tell a class, at the end of the epochs you choose.

    The Grad-CAM map of each input, in colours over the input, becomes a picture
    `<layer>_<input>_<epoch>`: the file `<log_dir>/heatmaps/3-conv2d/3_2_10.png` and an
    image in TensorBoard, whose description says class and score. The maps as they are,
    classes and scores go into `<log_dir>/heatmaps/heatmaps_10.npz`, under the layer's
    number and name (`3-conv2d`), `classes` and `scores`.

    Keywords that are not listed here are those of `KernelLogger`.

    Args:
        log_dir: The directory that `tensorboard --logdir` is given; made if missing.
        inputs: A few inputs of the model, as for `ActivationLogger`. The maps are laid
            over the first array of pictures in it.
        classes: The class of each input, or one for all, from 0. Default: the class
            that the model predicts at that epoch.
        layer: Name or number of a layer with spatial output. Default: the last one
            before the head, as in `compute_heatmaps`; the line at the start of training
            says which.
        score: As in `compute_heatmaps`, for models that do not end in one softmax or
            sigmoid.
        class_names: What the classes are called, one text for each class of the model, from
            0; for descriptions and captions. A single sigmoid has two. Default: their numbers.
        epochs: Which epochs.
        layers: Several layers, instead of `layer`.
        kernels: Numbers of the inputs that are drawn, from 1. Default: 1 to 8. The file
            of arrays holds all.
        normalize: What the ends of the colour map stand for: `"kernel"`, 0 and the
            largest value of each map; `"layer"`, 0 and the largest of all maps of that
            epoch; `"first"`, of the first epoch; the others as for kernels.
        colormap: `"gray"` or a name of matplotlib's.
        strength: How much of a pixel is the map's colour, 0 to 1; the rest is the input.
        input_range: The values of the inputs that are black and white, `(0, 1)`.
            Default: their smallest and largest.
        columns: Inputs in a row of the sheet.
        scale: Pixels along the side of an input's pixel.
        group: Whether files and tags have the layer's group in front.
        sheets: Whether the inputs that are drawn are also on one sheet, `3_0_10`.
        strict: Whether a failed write raises.
        patience: Seconds after which a disk that takes nothing is taken to hang.

    Raises:
        ArgumentError: If an argument is not valid, the model cannot take the inputs,
            has no such layer, or needs a `score`.
    """

    view = HEATMAPS

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        inputs: Any = None,
        classes: Sequence[int] | int | None = None,
        layer: str | int | None = None,
        *,
        score: Score | None = None,
        class_names: Sequence[str] | None = None,
        epochs: Iterable[int | str] | str | None = None,
        layers: Iterable[int | str] | int | str | None = None,
        kernels: Iterable[int] | int | None = None,
        normalize: Normalize = "kernel",
        colormap: str = "viridis",
        strength: float = 0.5,
        input_range: tuple[float, float] | None = None,
        columns: int | None = None,
        scale: int | None = None,
        group: bool = True,
        sheets: bool = False,
        strict: bool = False,
        patience: float = PATIENCE,
    ) -> None:
        if layer is not None and layers is not None:
            raise ArgumentError("layer: expected one layer, or several in layers; got both")
        if colormap == RGB:
            raise ArgumentError(
                "colormap: a heatmap has no colours of its own; expected 'gray' or a name that "
                "matplotlib knows, such as 'viridis', got 'rgb'"
            )
        layers = layers if layer is None else layer
        kernels = range(1, USUAL_INPUTS + 1) if kernels is None else kernels
        style = Style.checked(layers, kernels, normalize, colormap, columns, scale, group, sheets)
        super().__init__(log_dir, epochs=epochs, style=style, strict=strict, patience=patience)
        self._argument = "layers" if layer is None else "layer"
        self._inputs = check_inputs("inputs", inputs)
        self._scores = Scores(
            check_classes(classes, count(self._inputs)), score, check_class_names(class_names)
        )
        self._strength = check_fraction("strength", strength)
        self._input_range = (
            (None, None) if input_range is None else check_range("input_range", input_range)
        )

    def _look_at(self, model: keras.Model) -> HeatmapView:
        places = None
        if self._style.layers is not None:
            places = select_places(model, self._argument, self._style.layers)
        return HeatmapView(
            model,
            self._inputs,
            places,
            self._scores,
            self._style,
            input_range=self._input_range,
            strength=self._strength,
        )
