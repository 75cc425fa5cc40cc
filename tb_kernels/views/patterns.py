"""Model → patterns: what its kernels look for, by gradient ascent in the space of inputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.arguments import check_kernels
from tb_kernels.drawing.explanations import Excitations
from tb_kernels.drawing.style import Style
from tb_kernels.model.canvas import Size
from tb_kernels.model.flow import places_or_last
from tb_kernels.model.layers import check_built
from tb_kernels.model.selection import select_kernels, select_layer
from tb_kernels.views.ascent import Climb, Climbed, How, Method, check_method
from tb_kernels.views.view import USUAL_KERNELS, Captured, View, subject_of_pictures


def synthesize_patterns(
    model: keras.Model,
    layer: str | int,
    kernels: Iterable[int] | int | None = None,
    steps: int | None = None,
    method: Method = "ascent",
    input_range: tuple[float, float] = (0, 1),
    *,
    size: Size | None = None,
    seed: int = 0,
) -> NDArray[np.float32]:
    """The inputs that excite the kernels of a layer most, found by gradient ascent.

    What is maximised is the mean of the kernel's feature map; while an activation keeps the
    kernel silent, the mean of what goes into it. The model is cut off after the layer,
    kernels are climbed in batches, and all steps of a batch are one compiled loop, traced
    once. Nothing in the model changes.

    Args:
        model: A built model of Keras on TensorFlow.
        layer: Name or number of a layer; of one that is called several times the first
            call counts.
        kernels: The kernels' numbers, from 1. Default: 1 to 16.
        steps: How often each picture is improved. Default: 30, and 128 for
            `"fourier"`.
        method: `"ascent"` adds the normalised gradient to the pixels, again and again,
            starting from weak noise around 0 (or the middle of an `input_range` without
            0), as in the Keras example "Visualizing what convnets learn", and keeps the
            pictures at one mean and one contrast.
            `"fourier"` climbs in decorrelated frequencies and colours, with jitter
            (Olah et al., "Feature Visualization", Distill 2017): pictures that people
            can read, for models trained on photographs.
        input_range: The smallest and largest value that the model takes: `(0, 255)`,
            or `(-1, 1)`.
        size: Height and width of the pictures, or one number for both; with the number
            of channels where the model does not say it, `(64, 64, 3)`. Default: the
            model's own, 128 where it takes any.
        seed: Where the noise starts; the same seed gives the same pictures, whichever
            other kernels are asked for.

    Returns:
        Shape (kernels, height, width, channels), float32, 0 to 1. With `"fourier"` these
        are fractions of `input_range`; with `"ascent"` they have a mean of 0.5 and a
        deviation of 0.15. Uniformly 0.5 is the picture of a kernel that no picture on the
        way excited.

    Raises:
        ArgumentError: If an argument is not valid, or the model cannot be cut off there.

    Example:
        >>> synthesize_patterns(model, "conv2d_1", kernels=[1, 2], input_range=(0, 1)).shape
        (2, 8, 8, 1)
    """
    check_built(model)
    wanted = check_kernels(kernels)
    place = select_layer(model, "layer", layer)
    how = check_method(steps, method, input_range, size, seed)
    climb = Climb(model, place, how)
    numbers = select_kernels(place, climb.kernels, wanted, USUAL_KERNELS)
    return climb(numbers, progress=keras.config.is_interactive_logging_enabled()).pictures


class PatternView(View):
    """What a model's kernels look for.

    Args:
        model: A built model.
        style: Which are drawn, and how.
        how: How they are made.

    Raises:
        ArgumentError: If the model has no such layers, cannot be cut off at one of them,
            or has no such kernels.
    """

    noun = "pattern"

    def __init__(self, model: keras.Model, style: Style, how: How) -> None:
        places, chosen = places_or_last(model, style.layers, how.size)
        climbs = [(place, Climb(model, place, how)) for place in places]
        values = "fractions of the input's range"
        drawn = [
            (subject_of_pictures(place, one, style.kernels, self.noun, values), one)
            for place, one in climbs
        ]
        super().__init__(model, drawn, style)
        self.chosen = chosen

    def capture(self) -> Captured:
        """Makes the patterns of the model as it is now."""
        captured = Captured([], explained=(explained := []))
        for layer, climb in zip(self.layers, self.sources, strict=True):
            found = climb(layer.numbers)
            captured.drawn.append(found.pictures)
            explained.append(_explain(layer.numbers, found))
        return captured


def _explain(numbers: Sequence[int], found: Climbed) -> Excitations:
    reached = dict(zip(numbers, found.excitations.tolist(), strict=True))
    dead = [number for number, is_dead in zip(numbers, found.dead, strict=True) if is_dead]
    return Excitations(reached, dead)
