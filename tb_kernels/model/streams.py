"""What the user gives, however much it is → batches that a model can be called with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
from numpy.typing import NDArray

from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend
from tb_kernels.model.canvas import Canvas
from tb_kernels.model.data import check_arrays, check_inputs, count, part
from tb_kernels.model.maps import MapAxes
from tb_kernels.model.takes import ApartError, pairs, taken_by


class Stream:
    """Inputs of a model, a batch at a time, from the beginning as often as they are asked for.

    Args:
        argument: Its name, for errors.
        inputs: An array, or a dict, list or tuple of arrays, with the axis of the inputs first; a
            `tf.data.Dataset` or a `keras.utils.PyDataset` of batches, whose targets and weights
            are left aside.
        batch_size: How many inputs a batch of arrays has.

    Raises:
        ArgumentError: If it is nothing of this, empty, or has no end.

    Attributes:
        total: How many inputs there are; None if nobody knows before the last.
        first: The first batch, for what a model is to be tried on.
    """

    def __init__(self, argument: str, inputs: Any, batch_size: int) -> None:
        self._argument = argument
        self._batch_size = batch_size
        self._is_data = backend.is_dataset(inputs) or isinstance(inputs, keras.utils.PyDataset)
        if self._is_data:
            _check_end(argument, inputs)
        else:
            if inputs is None or not hasattr(inputs, "__array__"):
                _refuse_generator(argument, inputs)
            inputs = check_inputs(argument, inputs)
        self._inputs = inputs
        self.total = None if self._is_data else count(inputs)
        # Of arrays it is a view of them, which costs nothing.
        self.first = next(iter(self), None)
        if self.first is None:
            raise ArgumentError(f"{argument}: the dataset is empty; expected at least one batch")

    def __deepcopy__(self, memo: Any) -> Stream:
        # Tuners copy loggers; a tf.data.Dataset cannot be copied, and nothing here changes.
        return self

    def __iter__(self) -> Iterator[Any]:
        """The batches: NumPy arrays in the structure they came in."""
        if not self._is_data:
            for start in range(0, count(self._inputs), self._batch_size):
                yield part(self._inputs, start, start + self._batch_size)
            return
        for batch in _batches_of(self._inputs):
            inputs, _, _ = keras.utils.unpack_x_y_sample_weight(batch)
            yield check_arrays(self._argument, inputs)


class Pictures(NamedTuple):
    """Which of the arrays that a model takes holds the pictures.

    Attributes:
        position: Among the arrays of a batch.
        channels_first: Where its channels are.
        plain: Whether it lacks the axis of the channels, which Keras adds.
    """

    position: int
    channels_first: bool
    plain: bool

    @classmethod
    def among(cls, model: keras.Model, batch: Any) -> Pictures | None:
        """The first array of pictures; None if there is none.

        Args:
            model: A built model.
            batch: What it is called with.
        """
        first = MapAxes(model).usually_first
        arrays = backend.leaves(batch)
        for position, array in enumerate(arrays):
            if array.ndim == 4:
                return cls(position, first, plain=False)
        taken = taken_by(model)
        try:
            found = [] if taken is None else list(pairs("", batch, taken))
        except ApartError:
            found = []
        for position, array in enumerate(arrays):
            if any(array is one.array and len(one.taken.shape) == 4 for one in found):
                return cls(position, channels_first=False, plain=True)
        return None

    def of(self, batch: Any) -> NDArray[Any]:
        """The pictures of a batch: shape (inputs, height, width, channels)."""
        array: NDArray[Any] = backend.leaves(batch)[self.position]
        if self.plain:
            return array[..., None]
        return array.transpose(0, 2, 3, 1) if self.channels_first else array

    def canvas(self, model: keras.Model, batch: Any) -> Canvas | None:
        """What the model takes, for pictures of this size; None if nobody knows."""
        try:
            return Canvas(model, self.of(batch).shape[1:])
        except ArgumentError:
            return None


def _batches_of(data: Any) -> Iterator[Any]:
    if not isinstance(data, keras.utils.PyDataset):
        yield from data
        return
    for number in range(len(data)):
        yield data[number]


def _check_end(argument: str, data: Any) -> None:
    if isinstance(data, keras.utils.PyDataset):
        try:
            len(data)
        except (TypeError, NotImplementedError) as error:
            raise ArgumentError(
                f"{argument}: the PyDataset has no length; expected one with __len__, which says "
                "how many batches it has"
            ) from error
    elif backend.is_endless(data):
        raise ArgumentError(
            f"{argument}: the dataset has no end; expected one that has, such as .take(n) of it"
        )


def _refuse_generator(argument: str, inputs: Any) -> None:
    if isinstance(inputs, Iterator):
        raise ArgumentError(
            f"{argument}: got {type(inputs).__name__}, which can be read only once; expected "
            "arrays, a tf.data.Dataset or a keras.utils.PyDataset"
        )
