"""Model + any number of inputs → what excites kernels of some layers most, in one pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend
from tb_kernels.model.data import as_tensors, attempt
from tb_kernels.model.field import Reach
from tb_kernels.model.forward import call, untouched
from tb_kernels.model.frames import Frames, frames_of
from tb_kernels.model.layers import Place
from tb_kernels.model.streams import Pictures, Stream
from tb_kernels.views.best import Best, Examples, MeanPicture

# Seconds after which somebody who waits is told so, and again whenever it has taken twice as long.
_SILENT_SECONDS = 2.0

# Says a line.
Tell = Callable[[str], None]


class Search:
    """A search through inputs, compiled once for as many passes as are asked for.

    Args:
        model: A built model.
        stream: The inputs.
        places: The layers.

    Raises:
        ArgumentError: If the model cannot take the inputs, none of these are pictures, or a layer
            gives no maps of height, width and channels.

    Attributes:
        kernels: How many kernels each layer has.
        frames: Where the values of each layer look.
    """

    def __init__(self, model: keras.Model, stream: Stream, places: Sequence[Place]) -> None:
        backend.check_calls(model)
        self._model, self._stream = model, stream
        self._reaches = [Reach(model, place, None) for place in places]
        maps = attempt("inputs", stream.first, model, self._try)
        pictures = Pictures.among(model, stream.first)
        if pictures is None:
            raise ArgumentError(
                f"inputs: model {model.name!r} is given no pictures to cut examples out of; "
                "expected an array (inputs, height, width, channels) among them"
            )
        self._pictures = pictures
        self.kernels = [kernels for _, _, kernels in maps]
        canvas = pictures.canvas(model, stream.first)
        self._size: tuple[int, ...] = pictures.of(stream.first).shape[1:]
        height, width, channels = self._size
        self.frames: list[Frames] = [
            frames_of(reach, canvas, (height, width, channels), (rows, columns))
            for reach, (rows, columns, _) in zip(self._reaches, maps, strict=True)
        ]
        self._run = backend.compiled(model, self._forward)

    def __call__(
        self,
        numbers: Sequence[Sequence[int]],
        top: int,
        mean_of: int,
        tell: Tell | None = None,
    ) -> tuple[list[Examples], tuple[float, float]]:
        """What excites these kernels most, as the model is now.

        Args:
            numbers: Of each layer, which kernels, from 1.
            top: How many examples of each.
            mean_of: How many go into the mean.
            tell: Is told how far it is, where that takes a while.

        Returns:
            The examples of each layer, and the smallest and the largest value of all inputs.

        Raises:
            ArgumentError: If the inputs are not all of one size.
        """
        wanted = [keras.ops.convert_to_tensor(np.asarray(one, np.int32) - 1) for one in numbers]
        best = [
            Best(frames, len(one), max(top, mean_of))
            for frames, one in zip(self.frames, numbers, strict=True)
        ]
        mean = MeanPicture()
        progress = _Progress(self._stream.total, tell)
        for batch in self._stream:
            pictures = self._check(self._pictures.of(batch))
            found = self._run(as_tensors(batch), wanted)
            for one, (values, places) in zip(best, found, strict=True):
                one.add(pictures, backend.to_numpy(values), backend.to_numpy(places))
            mean.add(pictures)
            progress.tell(mean.count)
        return [one.found(top, mean_of, mean.mean) for one in best], mean.extremes

    def _forward(self, inputs: Any, wanted: Sequence[Any]) -> list[tuple[Any, Any]]:
        found = []
        for reach, numbers in zip(self._reaches, wanted, strict=True):
            values = keras.ops.take(reach.values(inputs), numbers, axis=-1)
            found.append(backend.strongest(keras.ops.cast(values, "float32")))
        return found

    def _try(self) -> list[tuple[int, int, int]]:
        """Runs the model on the first inputs: height, width and channels of each layer's map."""

        def forward(inputs: Any) -> list[tuple[Any, Any]]:
            # As far as a layer it may be called on pictures that the whole does not take.
            with untouched():
                call(self._model, inputs)
            every = [reach.values(inputs) for reach in self._reaches]
            # The values are asked for as well, or they would not be computed.
            return [(keras.ops.shape(one)[1:], keras.ops.max(one)) for one in every]

        shapes = backend.compiled(self._model, forward)(as_tensors(self._stream.first))
        every = [[int(keras.ops.convert_to_numpy(size)) for size in shape] for shape, _ in shapes]
        return [(rows, columns, kernels) for rows, columns, kernels in every]

    def _check(self, pictures: NDArray[Any]) -> NDArray[Any]:
        if pictures.shape[1:] != self._size:
            raise ArgumentError(
                f"inputs: expected pictures of one size, got {self._size} and {pictures.shape[1:]}"
            )
        return pictures


class _Progress:
    """Tells how far a search is, if it takes a while."""

    def __init__(self, total: int | None, tell: Tell | None) -> None:
        self._total, self._tell = total, tell
        self._begun, self._next = time.monotonic(), _SILENT_SECONDS

    def tell(self, seen: int) -> None:
        passed = time.monotonic() - self._begun
        if self._tell is None or passed < self._next or seen == self._total:
            return
        self._next = 2 * passed
        of = "" if self._total is None else f" of {self._total:,}"
        self._tell(f"looking for examples: {seen:,}{of} inputs after {passed:.0f} s")
