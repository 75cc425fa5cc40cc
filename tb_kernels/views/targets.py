"""What the user gives beside a model's inputs → arrays that its loss can be called with."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend
from tb_kernels.model.data import check_arrays, check_inputs, count, first_batch, shapes_of
from tb_kernels.model.misfits import each_alone, is_text


def check_targets(
    x: Any, y: Any, sample_weight: Any, class_weight: Mapping[int, float] | None = None
) -> tuple[Any, Any, Any]:
    """Returns samples, targets and weights as NumPy arrays, in the structures they came in.

    A `tf.data.Dataset` for `x` alone stands for all of its first batch. Weights of classes
    become weights of samples.

    Raises:
        ArgumentError: If they are no arrays, or differ in how many samples they hold.
    """
    if backend.is_dataset(x) and y is None and sample_weight is None:
        x, y, sample_weight = first_batch("x", x)
    x, y = check_inputs("x", x), check_arrays("y", y)
    if sample_weight is not None:
        sample_weight = check_arrays("sample_weight", sample_weight, optional=True)
    for argument, data in (("y", y), ("sample_weight", sample_weight)):
        lengths = {array.shape[0] for array in backend.leaves(data) if array is not None}
        if lengths - {count(x)}:
            alone = "x[None]" if len(backend.leaves(x)) == 1 else each_alone("x")
            raise ArgumentError(
                f"{argument}: expected {count(x)} samples as in x, got shapes {shapes_of(data)}"
                + (f"; if x is one sample without its axis, {alone}" if lengths == {1} else "")
            )
    if class_weight is not None:
        sample_weight = _weights_of_classes(class_weight, y, sample_weight)
    return x, y, sample_weight


def _weights_of_classes(class_weight: Any, y: Any, sample_weight: Any) -> NDArray[np.float32]:
    """The weight of each sample, as `fit` makes it of those of the classes."""
    weights = _check_class_weight(class_weight)
    if sample_weight is not None:
        raise ArgumentError("class_weight: expected sample_weight or class_weight; got both")
    if len(backend.leaves(y)) != 1:
        raise ArgumentError(
            "class_weight: expected a model of one output, got targets of "
            f"{len(backend.leaves(y))}; give sample_weight for each instead"
        )
    (targets,) = backend.leaves(y)
    if is_text(targets):
        raise ArgumentError("y: expected numbers of classes, as class_weight has them; got text")
    classes = targets
    if targets.ndim > 1:
        classes = targets[..., 0] if targets.shape[-1] == 1 else targets.argmax(-1)
    if classes.ndim > 1:
        samples = len(targets)
        raise ArgumentError(
            f"class_weight: expected targets of one class for each sample, shape ({samples},), "
            f"({samples}, 1) or one-hot ({samples}, classes); got {targets.shape}; give "
            "sample_weight instead"
        )
    return np.array(
        [weights.get(int(one), 1.0) for one in np.round(classes).astype(np.int64)], np.float32
    )


def _check_class_weight(class_weight: Any) -> dict[Any, float]:
    """Weights by the number of their class."""
    expected = "class_weight: expected a dict such as {0: 1.0, 1: 5.0}, got"
    if not isinstance(class_weight, Mapping):
        raise ArgumentError(f"{expected} {class_weight!r}")
    for class_, weight in class_weight.items():
        number = isinstance(class_, numbers.Real) and isinstance(weight, numbers.Real)
        if not number or not math.isfinite(weight):
            raise ArgumentError(f"{expected} {class_!r}: {weight!r} in it")
    return dict(class_weight)
