"""Outputs of a model → the number that a heatmap explains, for each input."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

import keras
import numpy as np

from tb_kernels.arguments import check_list
from tb_kernels.errors import ArgumentError, reason_of
from tb_kernels.model import backend

Score = Callable[[Any], Any]


def check_classes(classes: Any, inputs: int) -> list[int] | None:
    """Returns a class for each input; None for the predicted ones.

    Raises:
        ArgumentError: If `classes` is not None, a whole number from 0, or one for each.
    """
    if classes is None:
        return None
    expected = f"expected a class from 0, or one for each of {inputs} inputs"
    try:
        dimensions = np.ndim(classes) if isinstance(classes, Iterable) else 0  # type: ignore[arg-type]
    except ValueError:
        # Lists of unequal length.
        dimensions = 1
    if dimensions > 1:
        shape = np.shape(classes)
        does = ""
        if shape in ((inputs, 1), (1, inputs)):
            does = ": np.ravel(classes)"
        elif len(shape) == 2 and shape[0] == inputs:
            does = ": np.argmax(classes, axis=1), if these are one-hot"
        raise ArgumentError(f"classes: {expected}, shape ({inputs},){does}; got shape {shape}")
    try:
        numbers = (
            [operator.index(class_) for class_ in classes]
            if dimensions
            else [operator.index(classes)] * inputs
        )
    except TypeError:
        raise ArgumentError(f"classes: {expected}, got {classes!r}") from None
    if len(numbers) != inputs or min(numbers) < 0:
        alone = "; if inputs is one input without its axis, inputs[None]"
        raise ArgumentError(
            f"classes: {expected}, got {classes!r}{alone if len(numbers) == 1 < inputs else ''}"
        )
    return numbers


def check_class_names(class_names: Any) -> list[str] | None:
    """Returns what the classes are called; None for no names.

    Raises:
        ArgumentError: If `class_names` is not None, or a list of texts that say something.
    """
    if class_names is None:
        return None
    example = "['cat', 'dog'], one text for each class"
    if isinstance(class_names, Mapping | Set):
        # Their order says nothing of the numbers.
        raise ArgumentError(
            f"class_names: expected a list such as {example}, got a {type(class_names).__name__}"
        )
    names = check_list("class_names", class_names, example)
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise ArgumentError(
                f"class_names: expected a list such as {example}, got {name!r} in it"
            )
    return [str(name) for name in names]


class Scores:
    """Which number of the outputs is the score.

    Args:
        classes: Checked; None for the predicted ones.
        score: A function of the outputs; None for the class's value before softmax or
            sigmoid.
        class_names: Of all classes, checked; None for no names.

    Raises:
        ArgumentError: If `score` is no function, or given with classes or their names.

    Attributes:
        class_names: As given.
    """

    def __init__(
        self,
        classes: list[int] | None,
        score: Score | None,
        class_names: list[str] | None = None,
    ) -> None:
        if score is not None and not callable(score):
            raise ArgumentError(f"score: expected a function of the outputs, got {score!r}")
        if score is not None and classes is not None:
            raise ArgumentError(
                "classes: a score of your own chooses the class itself; expected classes or "
                "score, got both"
            )
        if score is not None and class_names is not None:
            raise ArgumentError(
                "class_names: a score of your own tells of no class; expected class_names or "
                "score, got both"
            )
        self.class_names = class_names
        self._classes = classes
        self._score = score

    def of(self, model: keras.Model, outputs: Any, inputs: int) -> tuple[Any, Any]:
        """The class and the score of each input.

        Args:
            model: For what its loss says of the outputs.
            outputs: What it gave.
            inputs: How many inputs.

        Returns:
            Classes (None for a score of one's own) and float32 scores, both of shape
            (inputs,).

        Raises:
            ArgumentError: If the outputs are of another kind than this can read, a class is
                out of range, or there are more or fewer classes than names.
        """
        if self._score is not None:
            return None, _own_scores(self._score, outputs, inputs)
        values = _values(model, outputs)
        count = 2 if values.shape[1] == 1 else int(values.shape[1])
        if values.shape[1] == 1:
            # A single sigmoid: its value is for class 1, and against class 0.
            values = keras.ops.concatenate([-values, values], axis=1)
        if self.class_names is not None and len(self.class_names) != count:
            raise ArgumentError(
                f"class_names: model {model.name!r} tells {count} classes, 0 to {count - 1}; "
                f"expected {count} names, got {len(self.class_names)}"
            )
        if self._classes is None:
            classes = backend.argmax(values)
        elif max(self._classes) >= count:
            raise ArgumentError(
                f"classes: model {model.name!r} tells {count} classes, 0 to {count - 1}; got "
                f"{max(self._classes)}"
            )
        else:
            classes = keras.ops.convert_to_tensor(self._classes, "int64")
        return classes, backend.pick(values, classes)


def _values(model: keras.Model, outputs: Any) -> Any:
    """What goes into the final softmax or sigmoid, shape (inputs, classes)."""
    given = backend.leaves(outputs)
    logits = None
    if len(given) == 1:
        # Keras leaves it at the output for its own losses; with `from_logits` it is the output.
        logits = getattr(given[0], "_keras_logits", None)
        losses = backend.leaves(getattr(model, "loss", None))
        if logits is None and any(getattr(loss, "from_logits", False) for loss in losses):
            logits = given[0]
    if logits is None or len(logits.shape) != 2:
        shapes = ", ".join(str(tuple(output.shape)) for output in given)
        raise ArgumentError(
            f"score: the output of model {model.name!r}, shape {shapes}, is not one softmax or "
            "sigmoid over classes; expected a function of the outputs that gives a number for "
            "each input, such as score=lambda outputs: outputs[:, 0]"
        )
    return keras.ops.cast(logits, "float32")


def _own_scores(score: Score, outputs: Any, inputs: int) -> Any:
    try:
        scores = keras.ops.cast(keras.ops.convert_to_tensor(score(outputs)), "float32")
    except Exception as error:
        raise ArgumentError(
            f"score: failed on the model's outputs ({reason_of(error)}); expected a "
            "function of tensors such as lambda outputs: outputs[:, 0]"
        ) from error
    if tuple(scores.shape) == (inputs, 1):
        scores = scores[:, 0]
    if tuple(scores.shape) != (inputs,):
        raise ArgumentError(
            f"score: expected a number for each of {inputs} inputs, shape ({inputs},), got shape "
            f"{tuple(scores.shape)}"
        )
    return scores
