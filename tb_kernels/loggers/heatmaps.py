"""The logger of heatmaps."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tb_kernels.arguments import check_fraction, check_range
from tb_kernels.colors import RGB
from tb_kernels.data import attempt, check_inputs, count
from tb_kernels.errors import ArgumentError
from tb_kernels.index import HeatmapEntry
from tb_kernels.levels import Limits, Normalize, measure
from tb_kernels.loggers.base import Logger
from tb_kernels.loggers.notice import Volume
from tb_kernels.loggers.report import Report
from tb_kernels.naming import HEATMAPS_RUN, arrays_name
from tb_kernels.outputs import ArrayFile, Output
from tb_kernels.overlays import Overlays, backdrop
from tb_kernels.selection import select_layer
from tb_kernels.style import Style
from tb_kernels.views.heatmaps import HeatmapPass, Heatmaps
from tb_kernels.views.scores import Score, Scores, check_classes


class HeatmapLogger(Logger):
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
        self._inputs = check_inputs("inputs", inputs)
        self._scores = Scores(check_classes(classes, count(self._inputs)), score)
        self._strength = check_fraction("strength", strength)
        self._input_range = (
            (None, None) if input_range is None else check_range("input_range", input_range)
        )

    def _plan_for(self, model: keras.Model) -> HeatmapPlan:
        wanted = None
        if self._layers is not None:
            wanted = [select_layer(model, "layer", one) for one in self._layers]
        run = HeatmapPass(model, self._inputs, wanted, self._scores)
        maps = attempt("inputs", self._inputs, model, run).maps
        behind = self._backdrop()
        layers = [
            Overlays(
                place.number,
                place.layer.name,
                type(place.layer).__name__,
                maps[place.number].shape,
                behind,
                self._style,
                self._strength,
                self._kernels,
            )
            for place in run.layers
        ]
        if not layers[0].numbers:
            raise ArgumentError(
                f"kernels: there are {count(self._inputs)} inputs, none of the numbers "
                f"{sorted(self._kernels or ())}; expected numbers from 1"
            )
        return HeatmapPlan(model, layers, self._style.normalize, self._firsts_of(model), run)

    def _backdrop(self) -> NDArray[np.uint8] | None:
        pictures = [array for array in tf.nest.flatten(self._inputs) if array.ndim == 4]
        if not pictures:
            return None
        first = keras.config.image_data_format() == "channels_first"
        return backdrop(pictures[0], *self._input_range, channels_first=first)


class HeatmapPlan:
    """The heatmaps drawn of one model.

    Args:
        model: The model.
        layers: What is drawn of it.
        normalize: What the ends of the colour map stand for.
        firsts: Each layer's limits at the first epoch drawn, by its number, filled
            here; None if every epoch has limits of its own.
        run: What computes the maps.
    """

    def __init__(
        self,
        model: keras.Model,
        layers: Sequence[Overlays],
        normalize: Normalize,
        firsts: dict[str, Limits] | None,
        run: HeatmapPass,
    ) -> None:
        self.model = model
        self.volume = Volume(
            layers=len(layers),
            drawn=sum(len(layer.numbers) for layer in layers),
            noun="heatmap",
            pictures=sum(layer.count for layer in layers),
            size=sum(layer.size for layer in layers),
        )
        self._layers = layers
        self._normalize = normalize
        self._firsts = firsts
        self._run = run
        self._entries: list[HeatmapEntry] = []

    def capture(self) -> Heatmaps:
        """Computes the maps of the model as it is now."""
        return self._run()

    def draw(self, captured: Heatmaps, epoch: int, report: Report) -> Iterator[Output]:
        """The arrays, and the pictures."""
        self._entries = []
        classes = None if captured.classes is None else captured.classes.tolist()
        scores = captured.scores.tolist()
        arrays = {layer.group: captured.maps[layer.number] for layer in self._layers}
        told = {} if captured.classes is None else {"classes": captured.classes}
        yield ArrayFile(
            arrays_name(HEATMAPS_RUN, epoch), arrays | told | {"scores": captured.scores}
        )
        meanings = _meanings(classes, scores)
        for layer in self._layers:
            maps = captured.maps[layer.number]
            left = layer.count
            try:
                if not np.isfinite(maps).all():
                    report.meet_nonfinite(
                        layer.number, f"layer {layer.number} {layer.name!r} at epoch {epoch}"
                    )
                limits = self._limits(layer.number, maps)
                for batch in layer.draw(maps, limits, meanings, epoch):
                    yield batch
                    left -= len(batch)
                self._entries.append(layer.entry(limits, classes, scores))
            except Exception as error:
                report.lose(left, "picture", error)

    def entries(self) -> Sequence[HeatmapEntry]:
        """How the pictures drawn last are to be read."""
        return self._entries

    def _limits(self, number: str, maps: NDArray[np.float32]) -> Limits:
        if self._firsts is None:
            return _limits(maps, self._normalize)
        return self._firsts.setdefault(number, _limits(maps, self._normalize))


def _meanings(classes: list[int] | None, scores: list[float]) -> list[str]:
    if classes is None:
        return [f"Score {score:.4g}." for score in scores]
    return [
        f"Class {class_}, score {score:.4g}." for class_, score in zip(classes, scores, strict=True)
    ]


def _limits(maps: NDArray[np.float32], normalize: Normalize) -> Limits:
    low, high = measure(maps, normalize, each=True)
    if normalize in ("kernel", "layer", "first"):
        # A map begins at nothing; where it is nothing everywhere, all is the low end.
        low = np.zeros_like(low)
        high = np.where(high > 0, high, 1.0)
    return Limits(low, high)
