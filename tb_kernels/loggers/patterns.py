"""The logger of patterns."""

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
from tb_kernels.loggers.incidents import Report
from tb_kernels.loggers.layer_logger import LayerLogger
from tb_kernels.loggers.plan import LayerPlan, volume_of
from tb_kernels.model.layers import Place, kernels_of, walk
from tb_kernels.model.selection import select_places, select_weights
from tb_kernels.schema.axes import Axes
from tb_kernels.schema.naming import PATTERNS_RUN
from tb_kernels.schema.outputs import Output
from tb_kernels.views.ascent import USUAL_KERNELS, Climb, Method, check_method
from tb_kernels.views.canvas import Size


class PatternLogger(LayerLogger):
    """Draws what kernels look for, at the end of the epochs you choose.

    The picture `<layer>_<kernel>_<epoch>` is an input, made by gradient ascent, that
    excites the kernel: the file `<log_dir>/patterns/3-conv2d_1/3_6_10.png` and an image in
    TensorBoard. Training waits for the ascent, since it needs the model; see
    `synthesize_patterns` for the methods. The noise it starts from is the same at every
    epoch, so that what differs between epochs is what was learned.

    Keywords that are not listed here are those of `KernelLogger`.

    Args:
        log_dir: The directory that `tensorboard --logdir` is given; made if missing.
        epochs: Which epochs.
        layers: Names or numbers of layers. Default: the last convolution.
        kernels: Kernel numbers, from 1; a layer without that number is passed over.
            Default: 1 to 16.
        steps: As in `synthesize_patterns`.
        method: Likewise.
        input_range: Likewise.
        size: Likewise.
        seed: Likewise.
        normalize: What black and white stand for, of patterns in 0 to 1.
        colormap: `"rgb"`, which draws patterns of three channels in colour and others in
            grey, or as for kernels.
        columns: Channels in a row, where each is drawn by itself.
        scale: Pixels along the side of a pattern's pixel.
        group: Whether files and tags have the layer's group in front.
        sheets: Whether the patterns of a layer are also drawn on one sheet, `3_0_10`.
        strict: Whether a failed write raises.

    Raises:
        ArgumentError: If an argument is not valid, or the model cannot be cut off at one
            of the layers.
    """

    view: ClassVar[str] = PATTERNS_RUN

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        *,
        epochs: Iterable[int | str] | str | None = None,
        layers: Iterable[int | str] | int | str | None = None,
        kernels: Iterable[int] | int | None = None,
        steps: int | None = None,
        method: Method = "ascent",
        input_range: tuple[float, float] = (0, 1),
        size: Size | None = None,
        seed: int = 0,
        normalize: Normalize = (0, 1),
        colormap: str = "rgb",
        columns: int | None = None,
        scale: int | None = None,
        group: bool = True,
        sheets: bool = False,
        strict: bool = False,
    ) -> None:
        super().__init__(
            log_dir,
            epochs=epochs,
            layers=layers,
            kernels=range(1, USUAL_KERNELS + 1) if kernels is None else kernels,
            style=Style.checked(normalize, colormap, columns, scale, group, sheets),
            strict=strict,
        )
        self._how = check_method(steps, method, input_range, size, seed)

    def _plan_for(self, model: keras.Model) -> PatternPlan:
        climbs = {
            place.number: (place, Climb(model, place, self._how)) for place in self._places(model)
        }
        subjects = [_patterns(place, climb, self._kernels) for place, climb in climbs.values()]
        layers = self._pictures(model, subjects, LayerPictures)
        return PatternPlan(
            model,
            layers,
            [climbs[layer.subject.number][1] for layer in layers],
            normalize=self._style.normalize,
            firsts=self._firsts_of(model),
        )

    def _places(self, model: keras.Model) -> list[Place]:
        if self._layers is not None:
            return select_places(model, "layers", self._layers)
        select_weights(model, None)
        return [place for place in walk(model) if place.layer.built and kernels_of(place)][-1:]


class PatternPlan(LayerPlan[LayerPictures]):
    """The patterns drawn of one model.

    Args:
        model: The model.
        layers: What is drawn of it.
        climbs: What makes the patterns of each.
        normalize: What black and white stand for.
        firsts: As in `LayerPlan`.
    """

    def __init__(
        self,
        model: keras.Model,
        layers: Sequence[LayerPictures],
        climbs: Sequence[Climb],
        *,
        normalize: Normalize,
        firsts: dict[str, Limits] | None,
    ) -> None:
        super().__init__(model, layers, normalize, firsts, volume_of(layers, noun="pattern"))
        self._climbs = climbs

    def capture(self) -> list[NDArray[np.float32]]:
        """Makes the patterns of the model as it is now, the last layer first."""
        return [
            climb(layer.numbers) for layer, climb in zip(self.layers, self._climbs, strict=True)
        ][::-1]

    def draw(self, captured: list[NDArray[Any]], epoch: int, report: Report) -> Iterator[Output]:
        """The pictures."""
        return self.draw_layers(captured, epoch, report)


def _patterns(place: Place, climb: Climb, numbers: frozenset[int] | None) -> Subject:
    drawn = sum(number <= climb.kernels for number in numbers or ())
    return Subject(
        place.number,
        place.layer.name,
        type(place.layer).__name__,
        Axes("ohwi", (drawn, *climb.shape)),
        noun="pattern",
        values="fractions of the input's range",
        of=climb.kernels,
    )
