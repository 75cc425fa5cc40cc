"""Targets and weights that a model's loss cannot take → which, and what would do, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.model import backend
from tb_kernels.model.data import count, shapes_of
from tb_kernels.model.misfits import is_text

# Whether the loss takes these targets and weights.
Takes = Callable[[Any, Any], bool]


class _Target(NamedTuple):
    """What was given for one output.

    Attributes:
        place: How it is written.
        array: The targets.
        shape: Of the output, for all samples.
    """

    place: str
    array: NDArray[Any]
    shape: tuple[int, ...]


def explain_loss(
    model: keras.Model, data: tuple[Any, Any], outputs: Any, takes: Takes, error: Exception
) -> str:
    """One sentence on targets or weights that a loss cannot take.

    What it says would do, the loss has taken.

    Args:
        model: Compiled.
        data: Checked targets and weights.
        outputs: What the model gives for the samples, or some of them.
        takes: Asks the loss.
        error: What it raised.
    """
    y, sample_weight = data
    loss = f"the loss of model {model.name!r}"
    for argument, given in (("y", y), ("sample_weight", sample_weight)):
        if any(one is not None and is_text(one) for one in backend.leaves(given)):
            return f"{argument}: {loss} takes numbers; got text, shape {shapes_of(given)}"
    targets = _targets(model, y, outputs)
    if sample_weight is not None and takes(y, None):
        return f"sample_weight: {loss} {_told_weights(y, sample_weight, targets, takes)}"
    for number, target in enumerate(targets):
        for says, instead in _ways(target):
            if takes(_with(y, {number: instead}), None):
                return f"{target.place}: {loss} {says}"
    shapes = shapes_of(outputs) if not targets else ", ".join(str(one.shape) for one in targets)
    return (
        f"y: {loss} cannot take targets {shapes_of(y)} for outputs {shapes} "
        f"({type(error).__name__}); expected the outputs' shape, or for a sparse loss a class for "
        "each"
    )


def _told_weights(y: Any, sample_weight: Any, targets: list[_Target], takes: Takes) -> str:
    """What the weights are, and what would do."""
    one_each = {number: np.ones(target.shape[:-1]) for number, target in enumerate(targets)}
    right = _with(y, one_each)
    expected = "None, or a weight for each of the loss's values"
    if targets and takes(y, right):
        expected = f"shape {shapes_of(right)}"
    return f"cannot take weights of shape {shapes_of(sample_weight)}; expected {expected}"


def _targets(model: keras.Model, y: Any, outputs: Any) -> list[_Target]:
    """The targets by the outputs they are for; none if that is not clear."""
    arrays, several = backend.leaves(y), backend.leaves(outputs)
    found: list[tuple[str, Any, Any]]
    if isinstance(y, Mapping):
        names = getattr(model, "output_names", [])
        named = outputs if isinstance(outputs, Mapping) else dict(zip(names, several, strict=False))
        found = [(f"y[{key!r}]", y[key], named.get(key)) for key in sorted(y)]
    elif isinstance(y, list | tuple) and isinstance(outputs, list | tuple):
        found = [(f"y[{key}]", *both) for key, both in enumerate(zip(y, outputs, strict=False))]
    else:
        found = [("y", y, outputs)]
    if len(found) != len(arrays) or len(found) != len(several):
        return []
    # Structures in structures, names that the outputs do not have, or a loss that is an output.
    if any(len(getattr(one, "shape", ())) < 2 for _, _, one in found):
        return []
    return [_Target(place, array, (count(y), *one.shape[1:])) for place, array, one in found]


def _ways(target: _Target) -> Iterator[tuple[str, NDArray[Any]]]:
    """What may be wrong with targets: what to say then, and what would do instead."""
    place, array, shape = target
    *others, classes = shape
    of_each = tuple(others)
    if array.shape == shape:
        takes = f"takes classes; got {array.shape}, a value for each class"
        yield f"{takes}; expected {of_each}: np.argmax({place}, axis=-1)", array.argmax(-1)
    finite = np.isfinite(array)
    if not finite.all():
        says = f"takes finite numbers; got {array[~finite][0]}"
        yield says, np.where(finite, array, np.zeros_like(array))
    if array.shape not in (of_each, (*of_each, 1)) or not np.array_equal(array, np.round(array)):
        return
    beyond = array[(array < 0) | (array >= classes)]
    if beyond.size:
        takes = f"takes classes from 0 to {classes - 1}, for outputs {shape}"
        yield f"{takes}; got {int(beyond[0])}", np.clip(array, 0, classes - 1)
    else:
        does = f"expected {shape}, of classes keras.utils.to_categorical({place}, {classes})"
        instead = np.eye(classes)[array.reshape(of_each).astype(np.int64)]
        yield f"takes a value for each of the outputs; got {array.shape}; {does}", instead


def _with(y: Any, instead: Mapping[int, Any]) -> Any:
    """The same structure with other arrays, by their number, in place of some."""
    numbered = iter(range(len(backend.leaves(y))))
    return backend.map_leaves(lambda array: instead.get(next(numbered), array), y)
