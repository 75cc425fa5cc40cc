"""The logger of heatmaps."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tb_kernels.arguments import check_fraction, check_range
from tb_kernels.drawing.colors import RGB
from tb_kernels.drawing.levels import Limits, Normalize
from tb_kernels.drawing.overlays import Overlays, backdrop
from tb_kernels.drawing.style import Style
from tb_kernels.drawing.subjects import Subject
from tb_kernels.errors import ArgumentError
from tb_kernels.loggers.incidents import Report
from tb_kernels.loggers.layer_logger import LayerLogger
from tb_kernels.loggers.plan import LayerPlan, volume_of
from tb_kernels.model.data import attempt, check_inputs, count
from tb_kernels.model.layers import Place
from tb_kernels.model.maps import MapAxes
from tb_kernels.model.selection import select_places
from tb_kernels.schema.axes import Axes
from tb_kernels.schema.naming import HEATMAPS_RUN, arrays_name
from tb_kernels.schema.outputs import ArrayFile, Output
from tb_kernels.views.grad_cam import GradCam, Heatmaps
from tb_kernels.views.scores import Score, Scores, check_classes


class HeatmapLogger(LayerLogger):
    """Draws where the network looks to tell a class, at the end of the epochs you choose.

    The Grad-CAM map of each input, in colours over the input, becomes a picture
    `<layer>_<input>_<epoch>`: the file `<log_dir>/heatmaps/3-conv2d_1/3_2_10.png` and an
    image in TensorBoard, whose description says class and score. The maps as they are,
    classes and scores go into `<log_dir>/heatmaps/heatmaps_10.npz`, under the layer's
    number and name (`3-conv2d_1`), `classes` and `scores`.

    Keywords that are not listed here are those of `KernelLogger`.

    Args:
        log_dir: The directory that `tensorboard --logdir` is given; made if missing.
        inputs: A few inputs of the model, as for `ActivationLogger`. The maps are laid
            over the first array of pictures in it.
        classes: The class of each input, or one for all, from 0. Default: the class
            that the model predicts at that epoch.
        layer: Name or number of a layer with spatial output. Default: the last such
            convolution.
        score: As in `compute_heatmaps`, for models that do not end in one softmax or
            sigmoid.
        epochs: Which epochs.
        layers: Several layers, instead of `layer`.
        kernels: Numbers of the inputs that are drawn, from 1.
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
        sheets: Whether all inputs are also drawn on one sheet, `3_0_10`.
        strict: Whether a failed write raises.

    Raises:
        ArgumentError: If an argument is not valid, the model cannot take the inputs,
            has no such layer, or needs a `score`.
    """

    view: ClassVar[str] = HEATMAPS_RUN

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        inputs: Any = None,
        classes: Sequence[int] | int | None = None,
        layer: str | int | None = None,
        *,
        score: Score | None = None,
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
    ) -> None:
        if layer is not None and layers is not None:
            raise ArgumentError("layer: expected one layer, or several in layers; got both")
        if colormap == RGB:
            raise ArgumentError(
                "colormap: a heatmap has no colours of its own; expected 'gray' or a name that "
                "matplotlib knows, such as 'viridis', got 'rgb'"
            )
        super().__init__(
            log_dir,
            epochs=epochs,
            layers=layers if layer is None else layer,
            kernels=kernels,
            style=Style.checked(normalize, colormap, columns, scale, group, sheets),
            strict=strict,
        )
        self._argument = "layers" if layer is None else "layer"
        self._inputs = check_inputs("inputs", inputs)
        self._scores = Scores(check_classes(classes, count(self._inputs)), score)
        self._strength = check_fraction("strength", strength)
        self._input_range = (
            (None, None) if input_range is None else check_range("input_range", input_range)
        )

    def _plan_for(self, model: keras.Model) -> HeatmapPlan:
        wanted = None
        if self._layers is not None:
            wanted = select_places(model, self._argument, self._layers)
        run = GradCam(model, self._inputs, wanted, self._scores)
        maps = attempt("inputs", self._inputs, model, run).maps
        subjects = [_subject(place, maps[place.number]) for place in run.layers]
        layers = self._pictures(
            model,
            subjects,
            Overlays,
            backdrop=self._backdrop(model),
            strength=self._strength,
        )
        return HeatmapPlan(model, layers, self._style.normalize, self._firsts_of(model), run)

    def _backdrop(self, model: keras.Model) -> NDArray[np.uint8] | None:
        pictures = [array for array in tf.nest.flatten(self._inputs) if array.ndim == 4]
        if not pictures:
            return None
        first = MapAxes(model).usually_first
        return backdrop(pictures[0], *self._input_range, channels_first=first)


class HeatmapPlan(LayerPlan[Overlays]):
    """The heatmaps drawn of one model.

    Args:
        model: The model.
        layers: What is drawn of it.
        normalize: What the ends of the colour map stand for.
        firsts: As in `LayerPlan`.
        run: What computes the maps.
    """

    each_alone = True

    def __init__(
        self,
        model: keras.Model,
        layers: Sequence[Overlays],
        normalize: Normalize,
        firsts: dict[str, Limits] | None,
        run: GradCam,
    ) -> None:
        size = sum(4 * math.prod(layer.subject.axes.shape) for layer in layers)
        volume = volume_of(layers, noun="heatmap", more=size)
        super().__init__(model, layers, normalize, firsts, volume)
        self._run = run

    def capture(self) -> Heatmaps:
        """Computes the maps of the model as it is now."""
        return self._run()

    def draw(self, captured: Heatmaps, epoch: int, report: Report) -> Iterator[Output]:
        """The arrays, and the pictures."""
        stored: dict[str, NDArray[Any]] = {
            layer.subject.group: captured.maps[layer.subject.number] for layer in self.layers
        }
        stored["scores"] = captured.scores
        if captured.classes is not None:
            stored["classes"] = captured.classes
        yield ArrayFile(arrays_name(HEATMAPS_RUN, epoch), stored)
        for layer in self.layers:
            layer.scores = captured.scores.tolist()
            layer.classes = None if captured.classes is None else captured.classes.tolist()
        arrays = [captured.maps[layer.subject.number] for layer in reversed(self.layers)]
        yield from self.draw_layers(arrays, epoch, report)

    def limits_of(self, kernels: NDArray[np.float32]) -> Limits:
        """From nothing, unless `normalize` says otherwise."""
        low, high = super().limits_of(kernels)
        if self.normalize not in ("kernel", "layer", "first"):
            return Limits(low, high)
        # Where a map is nothing everywhere, all of it is the low end.
        return Limits(np.zeros_like(low), np.where(high > 0, high, 1.0))

    def is_telling(self, kernels: NDArray[np.float32]) -> bool:
        """Whether limits measured here are worth keeping: not where all maps are nothing."""
        return super().is_telling(kernels) and bool(np.nanmax(kernels) > 0)


def _subject(place: Place, maps: NDArray[np.float32]) -> Subject:
    flat = maps.shape[1] == 1
    axes = Axes("nw", (maps.shape[0], maps.shape[2])) if flat else Axes("nhw", maps.shape)
    return Subject(
        place.number, place.layer.name, type(place.layer).__name__, axes, "input", "heatmap values"
    )
