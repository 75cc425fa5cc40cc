"""Model + inputs → examples: the parts of one's own data that excite kernels most."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.arguments import check_count, check_kernels
from tb_kernels.drawing.exhibits import reach_of
from tb_kernels.drawing.explanations import Exhibits, Explanation
from tb_kernels.drawing.levels import Limits, Normalize
from tb_kernels.drawing.style import Style
from tb_kernels.drawing.subjects import Subject
from tb_kernels.model import backend
from tb_kernels.model.data import as_tensors, attempt
from tb_kernels.model.flow import Chosen, last_convolution, places_or
from tb_kernels.model.frames import Frames
from tb_kernels.model.layers import Place, check_built
from tb_kernels.model.selection import select_kernels, select_layer
from tb_kernels.model.streams import Stream
from tb_kernels.schema.axes import Axes
from tb_kernels.schema.naming import EXAMPLES, arrays_name
from tb_kernels.schema.outputs import ArrayFile
from tb_kernels.views.best import Examples
from tb_kernels.views.search import Search, Tell
from tb_kernels.views.view import Captured, View, subject_of
from tb_kernels.wording import count

# Of each kernel.
USUAL_TOP = 9

# How many inputs go into a kernel's mean.
USUAL_MEAN_OF = 64

# So many pixels a row of examples has at least.
_LONGER_SIDE = 512

# How many inputs of arrays the model is called on at once.
USUAL_BATCH_SIZE = 32


def find_examples(
    model: keras.Model,
    inputs: Any,
    layer: str | int,
    kernels: Iterable[int] | int | None = None,
    top: int = USUAL_TOP,
    *,
    mean_of: int = USUAL_MEAN_OF,
    batch_size: int = USUAL_BATCH_SIZE,
) -> Examples:
    """The parts of inputs that excite the kernels of a layer most (Girshick et al. 2014).

    Of each input the place counts where the kernel's value before its activation is largest, of
    equal values the first in the order of rows; of all inputs the best ones, of equal ones the
    first. Each is cut to the receptive field of that value (Zeiler & Fergus 2014), with nothing
    outside of the input. Where the field is longer than the input, which deep in a network is
    usual, or sees all of it, as behind attention, or cannot be found, the whole input is shown.

    Beside them stands what is common to the best `mean_of` inputs `x`, cut likewise: with `v` a
    kernel's largest value in an input, `v0` its mean over all inputs, `x0` the mean of all inputs
    cut at the same place, and only what lies inside the input counted, pixel by pixel

        mean = sum((v - v0) * (x - x0)) / sum(|v - v0|)

    so it is 0 where the best inputs are as all are. For a kernel that is linear in the whole input,
    and with all inputs in it, this is its weights seen through the covariance of the data, which is
    what tells what it stands for (Haufe et al. 2014).

    Only forward passes are made, so that every model will do; nothing in it changes. Memory does
    not grow with the number of inputs: of each kernel as many cut-outs are kept as `top` and
    `mean_of` ask for.

    Args:
        model: A built model of Keras on TensorFlow that takes pictures; of several the first.
        inputs: What it takes: an array, or a dict, list or tuple of arrays, with the axis of the
            inputs first; a `tf.data.Dataset` or a `keras.utils.PyDataset` of batches of these,
            perhaps with targets. They are read once. (A dataset that shuffles gives the inputs
            other indices each time.)
        layer: Name or number of a layer with maps of height, width and channels; of one that is
            called several times the first call counts.
        kernels: The kernels' numbers, from 1. Default: all.
        top: How many examples of each kernel; fewer where there are fewer inputs.
        mean_of: How many inputs go into the mean.
        batch_size: How many inputs of arrays the model is called on at once.

    Returns:
        `indices`, `positions`, `values`, `corners`, `cutouts` and `mean`, the kernels first in
        each; see `Examples`.

    Raises:
        ArgumentError: If an argument is not valid, the model cannot take the inputs, these are not
            of one size, or the layer gives no maps.

    References:
        Girshick et al., Rich Feature Hierarchies, CVPR 2014; Zeiler and Fergus, Visualizing and
        Understanding Convolutional Networks, ECCV 2014; Haufe et al., On the Interpretation of
        Weight Vectors, NeuroImage 87, 2014.

    Example:
        >>> find_examples(model, x_test, "conv2d_1", kernels=[1, 2]).indices.shape
        (2, 9)
    """
    check_built(model)
    backend.check_calls(model)
    wanted = check_kernels(kernels)
    top, mean_of = check_count("top", top), check_count("mean_of", mean_of)
    place = select_layer(model, "layer", layer)
    search = Search(model, Stream("inputs", inputs, check_count("batch_size", batch_size)), [place])
    numbers = select_kernels(place, search.kernels[0], wanted)
    (found,), _ = search([numbers], top, mean_of)
    return found


class ExampleView(View):
    """What excites a model's kernels most in data of one's own.

    Args:
        model: A built model.
        stream: The data.
        style: Which kernels are drawn, and how.
        top: How many examples of each.
        mean_of: How many inputs go into the mean.
        tell: Is told how far a search is that takes a while.

    Raises:
        ArgumentError: If the model cannot take the inputs, or has no such layers or kernels.
    """

    # As it is told: the picture is of a kernel, and what it shows are inputs.
    noun = "kernel"
    # Each has a mean on a scale of its own.
    each_alone = True

    def __init__(
        self,
        model: keras.Model,
        stream: Stream,
        style: Style,
        *,
        top: int,
        mean_of: int,
        tell: Tell | None = None,
    ) -> None:
        places, chosen = _places(model, style, stream)
        self._search = Search(model, stream, places)
        self._top = top if stream.total is None else min(top, stream.total)
        self._mean_of, self._tell = mean_of, tell
        drawn = [
            (self._subject(place, kernels, frames, style.kernels), one)
            for one, (place, kernels, frames) in enumerate(
                zip(places, self._search.kernels, self._search.frames, strict=True)
            )
        ]
        super().__init__(model, drawn, style, longer_side=_LONGER_SIDE)
        self.chosen = chosen
        whole = [places[one].number for one in self.sources if not self._search.frames[one].known]
        if whole:
            self.remark = (
                f"whole inputs: {count(len(whole), 'layer')} whose receptive fields are longer, or "
                "not known"
            )
        # An example's index, place, value and corner take 44 bytes.
        self.size_beside = sum(
            len(layer.numbers) * (self._top * 44 + 4 * math.prod(self._search.frames[one].shape))
            for layer, one in zip(self.layers, self.sources, strict=True)
        )

    def capture(self) -> Captured:
        """Looks through all inputs with the model as it is now."""
        numbers: list[Sequence[int]] = [[] for _ in self._search.kernels]
        for layer, one in zip(self.layers, self.sources, strict=True):
            numbers[one] = layer.numbers
        every, extremes = self._search(numbers, self._top, self._mean_of, self._tell)
        captured = Captured([])
        told = []
        for layer, one in zip(self.layers, self.sources, strict=True):
            found = every[one]
            captured.drawn.append(self._hung(found))
            means = reach_of(found.mean)
            told.append(
                Exhibits(
                    layer.numbers, found.indices, found.positions, found.values, means, extremes
                )
            )
            for name in ("indices", "positions", "values", "corners", "mean"):
                captured.beside[f"{layer.subject.group}/{name}"] = getattr(found, name)
        captured.explained = told
        return captured

    def limits(
        self, kernels: NDArray[np.float32], normalize: Normalize, explained: Explanation | None
    ) -> Limits:
        """Of the examples; of a whole layer the smallest and the largest value of all inputs."""
        if normalize in ("layer", "first") and isinstance(explained, Exhibits):
            return Limits.of(*explained.extremes)
        return super().limits(kernels[:, :, :-1], normalize, explained)

    def array_file(self, captured: Captured, epoch: int) -> ArrayFile:
        """Which inputs, where in them and how much; and the means as they are."""
        return ArrayFile(arrays_name(EXAMPLES, epoch), captured.beside)

    def _subject(
        self, place: Place, kernels: int, frames: Frames, wanted: frozenset[int] | None
    ) -> Subject:
        every = range(1, kernels + 1)
        drawn = len(every) if wanted is None else len(wanted.intersection(every))
        axes = Axes("oehwi", (drawn, self._top + 1, *frames.shape))
        return subject_of(place, axes, self.noun, "inputs", kernels)

    def _hung(self, found: Examples) -> NDArray[np.float32]:
        """Examples and mean side by side; of inputs that are fewer the rest is nothing."""
        kernels, there, *shape = found.cutouts.shape
        hung = np.full((kernels, self._top + 1, *shape), np.nan, np.float32)
        hung[:, :there] = found.cutouts
        hung[:, -1] = found.mean
        return hung


def _places(model: keras.Model, style: Style, stream: Stream) -> tuple[list[Place], str | None]:
    """The layers asked for; or the last convolution of several pixels, and how it is told."""
    first = stream.first

    def last() -> Chosen:
        return attempt("inputs", first, model, lambda: last_convolution(model, as_tensors(first)))

    return places_or(model, style.layers, last)
