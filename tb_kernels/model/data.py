"""What the user gives → arrays that a model can be called with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import keras
import numpy as np

from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend
from tb_kernels.model.misfits import OfDataset, each_alone, explain, is_wrong
from tb_kernels.wording import enumerate_all

_Result = TypeVar("_Result")


def check_inputs(argument: str, inputs: Any) -> Any:
    """Returns inputs of a model as NumPy arrays, in the structure they came in.

    Args:
        argument: Its name, for errors.
        inputs: An array, or a dict, list or tuple of arrays, the number of the input
            first in each; or a `tf.data.Dataset`, of which the first batch is taken,
            without its targets.

    Raises:
        ArgumentError: If it is nothing of this, holds no input, or the arrays differ
            in how many inputs they hold.
    """
    if backend.is_dataset(inputs):
        inputs, _, _ = first_batch(argument, inputs)
    arrays = check_arrays(argument, inputs)
    lengths = {array.shape[0] for array in backend.leaves(arrays)}
    if len(lengths) > 1 or 0 in lengths:
        of_one = "" if 0 in lengths else f"; if each is of one input, {each_alone(argument)}"
        raise ArgumentError(
            f"{argument}: expected arrays of the same number of inputs, at least one, "
            f"got shapes {shapes_of(arrays)}{of_one}"
        )
    return arrays


def check_arrays(argument: str, data: Any, *, optional: bool = False) -> Any:
    """Returns an array, or a structure of arrays, as NumPy arrays in Keras' precision.

    Args:
        argument: Its name, for errors.
        data: The structure.
        optional: Whether None may stand for an array.

    Raises:
        ArgumentError: If there is none, or one is no array of at least one axis.
    """
    expected = "expected an array, or a dict, list or tuple of arrays"
    if data is None or not backend.leaves(data):
        raise ArgumentError(f"{argument}: {expected}, got {data!r}")
    return backend.map_leaves(
        lambda leaf: None if optional and leaf is None else _as_array(argument, leaf, expected),
        data,
    )


def count(data: Any) -> int:
    """How many inputs the arrays of a structure hold."""
    return int(backend.leaves(data)[0].shape[0])


def as_tensors(data: Any) -> Any:
    """The arrays as tensors, in the same structure; None stays None."""
    return backend.map_leaves(
        lambda array: None if array is None else keras.ops.convert_to_tensor(array), data
    )


def part(data: Any, start: int, stop: int) -> Any:
    """Some of the inputs, in the same structure; None stays None."""
    return backend.map_leaves(lambda array: None if array is None else array[start:stop], data)


def shapes_of(data: Any) -> str:
    """The shapes of a structure's arrays, for people."""
    return str(
        backend.map_leaves(lambda array: None if array is None else tuple(array.shape), data)
    )


def attempt(argument: str, data: Any, model: keras.Model, try_: Callable[[], _Result]) -> _Result:
    """Calls something that calls the model on data, and explains it if that fails.

    Raises:
        ArgumentError: If the model cannot take the data.
    """
    if is_wrong(argument, data, model):
        raise ArgumentError(explain(argument, data, model, None))
    try:
        return try_()
    except ArgumentError:
        raise
    except Exception as error:
        raise ArgumentError(explain(argument, data, model, error)) from error


def first_batch(argument: str, dataset: Any) -> tuple[Any, Any, Any]:
    """Inputs, targets and weights of a dataset's first batch; None for what it does not have.

    Raises:
        ArgumentError: If it is empty, or not one of batches.
    """
    batch = backend.first_of(dataset)
    if batch is None:
        raise ArgumentError(f"{argument}: the dataset is empty; expected at least one batch")
    parts = keras.utils.unpack_x_y_sample_weight(batch)
    shapes = [tuple(one.shape) for one in backend.leaves(parts) if hasattr(one, "shape")]
    if () in shapes or len({shape[0] for shape in shapes}) > 1:
        raise ArgumentError(
            f"{argument}: expected a dataset of batches, arrays of the same number of inputs; its "
            f"first element has shapes {enumerate_all(map(str, shapes))}; if it is one input, "
            f"{argument}.batch(n)"
        )
    inputs = check_arrays(argument, parts[0])
    return backend.map_leaves(lambda array: array.view(OfDataset), inputs), *parts[1:]


def _as_array(argument: str, leaf: Any, expected: str) -> np.ndarray[Any, Any]:
    if isinstance(leaf, keras.KerasTensor):
        raise ArgumentError(f"{argument}: {expected}, got a symbolic tensor in it")
    if not hasattr(leaf, "__array__"):
        raise ArgumentError(f"{argument}: {expected}, got {type(leaf).__name__} in it")
    array = leaf if isinstance(leaf, OfDataset) else np.asarray(leaf)
    if array.ndim == 0:
        raise ArgumentError(f"{argument}: {expected}, got a single value in it")
    if array.dtype == object:
        # As tensors of text and the columns of tables are made arrays; bytes of an array of bytes
        # would end at their last that is not 0.
        if all(isinstance(one, str | bytes) for one in array.flat):
            return array
        raise ArgumentError(
            f"{argument}: {expected}, got {type(leaf).__name__} of Python objects in it, such as "
            "pictures of several sizes"
        )
    if array.dtype.kind == "f" and array.dtype.itemsize > 4:
        # As Keras' own loops do: bfloat16 and float16 stay, others become what Keras works in.
        return array.astype(keras.config.floatx())
    if array.dtype.kind not in "US":
        try:
            keras.backend.standardize_dtype(array.dtype)
        except ValueError:
            raise ArgumentError(
                f"{argument}: expected an array of numbers, got one of {array.dtype}"
            ) from None
    return array
