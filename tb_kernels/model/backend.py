"""What is TensorFlow's own: all that Keras has no word for, or has with other results.

The rest of the package speaks Keras, `keras.ops` and `keras.tree`. Another backend gives
each function here:

- `compiled`, `traced`, `trace`, `untraced`, `sight`: `jit` and its tracers on JAX. Where nothing is
  traced, as on PyTorch, functions stay as they are and every tensor can be seen.
- `gradients`, `gradients_within`: on JAX `watch` adds a zero to the tensor, with respect to
  which it is differentiated; on PyTorch it asks the tensor to keep its gradient.
- `loop`, `only`, `irfft2`, `argmax`, `pick`, `max_pool`, `is_numeric`, `to_numpy`: as they say.
  `max_pool` may be Keras' own where its gradient is quick.
- `leaves`, `map_leaves`: of what people give and models return, which may be mappings that
  `keras.tree` does not know.
- `is_dataset`, `is_endless`, `first_of`: for the data sets that people have beside it.
- `strongest`: `max` and `argmax` along the places of a map.

Random numbers are drawn with NumPy, so that they are the same on all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tb_kernels.errors import ArgumentError
from tb_kernels.model.layers import check_call

# Marks a tensor as one to differentiate at; returns the tensor to go on with.
Watch = Callable[[Any], Any]


def check_calls(model: keras.Model) -> None:
    """Makes sure that a view can call the model.

    Raises:
        ArgumentError: If Keras runs on something else than TensorFlow, or the model has no `call`.
    """
    if keras.config.backend() != "tensorflow":
        raise ArgumentError(
            f"model: this view calls the model and needs Keras on TensorFlow; the backend "
            f"is {keras.config.backend()!r} (set KERAS_BACKEND=tensorflow; kernels can be "
            "logged on every backend)"
        )
    check_call(model)


def compiled(model: keras.Model, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a graph, unless the model is one that only runs eagerly."""
    if getattr(model, "run_eagerly", False):
        return function
    # TensorFlow warns of many traces of one function; a partial one is one of its own.
    compiled_function: Callable[..., Any] = tf.function(
        functools.partial(function), autograph=False, reduce_retracing=True
    )
    return compiled_function


def traced(
    function: Callable[..., Any], *arguments: keras.KerasTensor
) -> Callable[..., Any] | None:
    """A compiled function traced now, once for all arguments like these.

    Args:
        function: What `compiled` returned.
        arguments: Their shapes, None along an axis for any length, and types.

    Returns:
        The function for such arguments; None if it runs eagerly.
    """
    if not hasattr(function, "get_concrete_function"):
        return None
    concrete: Callable[..., Any] = function.get_concrete_function(
        *(tf.TensorSpec(argument.shape, argument.dtype) for argument in arguments)
    )
    return concrete


def trace(model: keras.Model, function: Callable[..., Any], *arguments: Any) -> None:
    """Calls a function for what it sees: only traced, unless the model is one that runs eagerly."""
    graph = compiled(model, function)
    call = getattr(graph, "get_concrete_function", graph)
    call(*arguments)


def untraced(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function inside one that traces itself, in which nothing can be seen; else itself."""
    own: Callable[..., Any] = getattr(function, "python_function", function)
    return own


def sight() -> Callable[[Any], bool]:
    """A test of whether something is a tensor of the trace going on here, not of a loop in it."""
    graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()

    def is_visible(tensor: Any) -> bool:
        if not isinstance(tensor, tf.Tensor):
            return False
        return not tf.is_symbolic_tensor(tensor) if graph is None else tensor.graph is graph

    return is_visible


def gradients(function: Callable[..., Any], values: Sequence[Any]) -> list[Any]:
    """The gradient of the number that a function gives, with respect to each of its arguments.

    Returns:
        Tensors in the shapes of the arguments; None for one that the number does not
        depend on.
    """

    def watched(watch: Watch) -> tuple[Any, Sequence[Any], None]:
        own = [watch(value) for value in values]
        return function(*own), own, None

    return gradients_within(watched)[0]


def gradients_within(
    function: Callable[[Watch], tuple[Any, Sequence[Any], Any]],
) -> tuple[list[Any], Any]:
    """The gradient of a number with respect to tensors that arise while it is computed.

    Args:
        function: Called with what watches a tensor as soon as it is there. Returns the
            number, those of the watched tensors whose gradients are wanted, and anything
            else.

    Returns:
        The gradients, None where the number does not depend on the tensor, and what else
        the function returned.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:

        def watch(tensor: Any) -> Any:
            tape.watch(tensor)
            return tensor

        number, tensors, rest = function(watch)
    found = tape.gradient(number, list(tensors))
    # Those of embeddings are sparse.
    return [None if one is None else tf.convert_to_tensor(one) for one in found], rest


def loop(count: Any, step: Callable[..., tuple[Any, ...]], *state: Any) -> tuple[Any, ...]:
    """The state after so many steps, which are traced once.

    Args:
        count: How many, an int32 tensor.
        step: Called with the step's number, from 0, and the state; returns the next state.
        state: Before the first step: tensors, or tuples of tensors.
    """
    _, *state_after = tf.while_loop(
        lambda number, *_: number < count,
        lambda number, *state: (number + 1, *step(number, *state)),
        (tf.constant(0), *state),
        parallel_iterations=1,
    )
    return tuple(state_after)


def leaves(structure: Any) -> list[Any]:
    """What stands in a structure of dicts, lists and tuples of any kind, by their keys in order."""
    return list(tf.nest.flatten(structure))


def map_leaves(function: Callable[[Any], Any], structure: Any) -> Any:
    """The same structure, with what a function gives for each of its leaves."""
    return tf.nest.map_structure(function, structure)


def is_dataset(data: Any) -> bool:
    """Whether this is a data set of batches."""
    return isinstance(data, tf.data.Dataset)


def is_endless(dataset: Any) -> bool:
    """Whether a data set is known to go on for ever."""
    return bool(dataset.cardinality() == tf.data.INFINITE_CARDINALITY)


def first_of(dataset: Any) -> Any:
    """A data set's first batch; None if it is empty."""
    return next(iter(dataset.take(1)), None)


def is_numeric(tensor: Any) -> bool:
    """Whether the tensor holds real numbers, or truth values."""
    return bool(tensor.dtype.is_floating or tensor.dtype.is_integer or tensor.dtype.is_bool)


def to_numpy(tensor: Any) -> NDArray[Any]:
    """The tensor as an array of its own, in its type."""
    # What Keras gives is a copy only in newer versions.
    return np.asarray(tensor.numpy())


def argmax(values: Any) -> Any:
    """Where each row has its largest value, and of equal ones the first: int64."""
    # Keras' own gives int32, and takes -0.0 to be smaller than 0.0.
    return tf.argmax(values, axis=1)


def strongest(maps: Any) -> tuple[Any, Any]:
    """The largest value of each map, and where it is; what is no number counts as smallest.

    Args:
        maps: float32 of shape (inputs, height, width, channels).

    Returns:
        The values, shape (inputs, channels), and their places, int64 of the same shape: row times
        width plus column, of equal values the first.
    """
    shape = tf.shape(maps)
    flat = tf.reshape(maps, [shape[0], shape[1] * shape[2], maps.shape[3]])
    flat = tf.where(tf.math.is_nan(flat), tf.constant(-np.inf, flat.dtype), flat)
    return tf.reduce_max(flat, axis=1), tf.argmax(flat, axis=1)


def pick(values: Any, columns: Any) -> Any:
    """Of each row the value in its column."""
    # Keras' take_along_axis makes dozens of operations of it, and tracing much longer.
    return tf.gather(values, columns, axis=1, batch_dims=1)


def only(values: Any, which: Any) -> Any:
    """The values where this is true, elsewhere zero, also in place of what is not finite."""
    # On a CPU several times as quick as a choice between two.
    return tf.math.multiply_no_nan(values, tf.cast(which, values.dtype))


def irfft2(real: Any, imaginary: Any, size: tuple[int, int]) -> Any:
    """Real pictures of this height and width from the halves of their spectra, the last axes."""
    return tf.signal.irfft2d(tf.complex(real, imaginary), fft_length=list(size))


def whether_touched(tensor: Any) -> Any:
    """Ones in place of the tensor; the gradient before it is 1 where that behind it is not 0."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def touched(tensor: Any) -> tuple[Any, Callable[[Any], Any]]:
        return tf.ones_like(tensor), lambda upstream: tf.cast(upstream != 0, tensor.dtype)

    return touched(tensor)


def max_pool(inputs: Any, window: tuple[int, int]) -> Any:
    """Max pooling of windows side by side that fit, with a quicker gradient.

    The gradient of a window goes to its largest value. TensorFlow looks for that value
    again, place by place, which on a CPU takes as long as a convolution; here every value
    is compared with its window's, which is one pass. Of values that are equal and largest
    all get the gradient, where TensorFlow gives it to the first: after a ReLU these are
    zeros, whose gradient the ReLU ends anyway.

    Args:
        inputs: float32 of shape (pictures, height, width, channels).
        window: Its height and width, which divide those of the inputs.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def pool(inputs: Any) -> tuple[Any, Callable[[Any], Any]]:
        largest = tf.nn.max_pool2d(inputs, window, window, "VALID")

        def spread(values: Any) -> Any:
            """Each window's value at all of its places."""
            return tf.raw_ops.ResizeNearestNeighbor(images=values, size=tf.shape(inputs)[1:3])

        def gradient(upstream: Any) -> Any:
            is_largest = tf.equal(inputs, spread(largest))
            return tf.cast(is_largest, inputs.dtype) * spread(upstream)

        return largest, gradient

    return pool(inputs)
