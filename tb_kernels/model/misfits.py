"""Data that a model could not be called on → in what they differ from what it takes, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.model import backend
from tb_kernels.model.forward import call, untouched
from tb_kernels.model.maps import MapAxes
from tb_kernels.model.takes import (
    ApartError,
    Pair,
    Shape,
    Taken,
    by_name,
    pairs,
    taken_by,
)
from tb_kernels.wording import count, enumerate_all

# What the axes of one input are called, by their number; channels last.
_AXES: dict[int, tuple[str, ...]] = {
    1: ("values",),
    2: ("length", "channels"),
    3: ("height", "width", "channels"),
    4: ("depth", "height", "width", "channels"),
}


class OfDataset(np.ndarray[Any, Any]):
    """An array out of a data set: the user has no such array, to be changed."""


def explain(argument: str, data: Any, model: keras.Model, error: Exception | None) -> str:
    """One sentence on data that a model cannot be called on.

    Args:
        argument: Its name.
        data: Arrays, or a dict, list or tuple of arrays.
        model: A built model.
        error: What calling it raised; None where the data are known to be wrong.
    """
    taken = taken_by(model)
    failed = f"calling it failed ({type(error).__name__})"
    if taken is None:
        return (
            f"{argument}: model {model.name!r} does not say what it takes; got {_told(data)}, "
            f"and {failed}; expected inputs as it is trained on"
        )
    takes = f"{argument}: model {model.name!r} takes {_told_taken(taken)}"
    try:
        found = list(pairs(argument, data, taken))
    except ApartError as apart:
        where = "" if apart.place == argument else f" in {apart.place}"
        return f"{takes}; got {_told_apart(apart, where)}"
    alone = _told_alone(argument, found)
    if alone is not None:
        return f"{takes}; got {_told(data)}, {alone}"
    first = MapAxes(model).usually_first
    for place, one, array in found:
        wrong = _differs(place, one, array, channels_first=first)
        if wrong is not None:
            where = f" in {place}" if len(found) > 1 else ""
            return f"{takes}; got {tuple(array.shape)}{where}, {wrong}"
    kind = "" if _kind(data) == _kind(taken) else f"{_kind(taken)} with "
    if kind and _can_be_called(model, found, taken):
        return f"{takes}; got {_told(data)}; expected {_kind(taken)}"
    return f"{takes}; got {_told(data)}, but {failed}; expected {kind}values that it can work with"


def is_wrong(argument: str, data: Any, model: keras.Model) -> bool:
    """Whether data are wrong although calling the model may not fail, or fail with a warning.

    An array may be one input alone, without the axis of the inputs: Keras gives it an axis at
    its end where there is one channel, and sees rows as pictures.
    """
    taken = taken_by(model)
    try:
        found = [] if taken is None else list(pairs(argument, data, taken))
    except ApartError as apart:
        return apart.is_refused_by(model)
    return any(array.ndim > 1 and _fits(array.shape, one.shape[1:]) for _, one, array in found)


def is_text(array: Any) -> bool:
    """Whether an array, or a tensor, holds text."""
    # NumPy's kinds of text, its objects, of which only text is let in, or a tensor's type.
    kind = getattr(array.dtype, "kind", "")
    return kind in ("U", "S", "O") or getattr(array.dtype, "name", "") == "string"


def _told_apart(apart: ApartError, where: str) -> str:
    """What was given in another structure than the model takes, and what would do."""
    names, several = by_name(apart.taken), backend.leaves(apart.taken)
    keyed, listed = isinstance(apart.taken, Mapping), count(len(several), "array")
    if isinstance(apart.data, Mapping):
        expected = _kind(apart.taken) if len(several) == 1 else listed
        if keyed or (len(several) > 1 and all(names)):
            expected = enumerate_all(map(repr, names))
        return f"{_kind(apart.data)}{where}; expected {expected}"
    shapes = _shapes(apart.data)
    if len(several) == 1 and len(set(shapes)) == 1 and _fits(shapes[0], several[0].shape[1:]):
        stacked = f"{(len(shapes), *shapes[0])}: np.stack({apart.place})"
        return f"{_told(apart.data)}{where}, one for each input; expected {stacked}"
    return f"{_told(apart.data)}{where}; expected {_kind(apart.taken) if keyed else listed}"


def _told_alone(argument: str, found: list[Pair]) -> str | None:
    """What is said where every array is of one input alone; None where that is not so."""
    if not all(_fits(array.shape, one.shape[1:]) for _, one, array in found):
        return None
    shapes = [tuple(array.shape) for _, _, array in found]
    lacks = f"which {'lacks' if len(found) == 1 else 'lack'} the axis of the inputs"
    if isinstance(found[0].array, OfDataset):
        several = enumerate_all(f"(n, {', '.join(map(str, shape))})" for shape in shapes)
        return f"{lacks}; expected {several}: {argument}.batch(n)"
    if len(found) == 1:
        return None
    several = enumerate_all(str((1, *shape)) for shape in shapes)
    return f"{lacks}; expected {several}: {each_alone(argument)}"


def each_alone(argument: str) -> str:
    """How arrays of one input each get the axis of the inputs."""
    return f"keras.tree.map_structure(lambda one: one[None], {argument})"


def _can_be_called(model: keras.Model, found: list[Pair], taken: Any) -> bool:
    """Whether the same arrays will do in the structure that the model takes."""
    arrays = {id(one): keras.ops.convert_to_tensor(array) for _, one, array in found}
    try:
        with untouched():
            call(model, backend.map_leaves(lambda one: arrays[id(one)], taken))
    except Exception:
        return False
    return True


def _kind(structure: Any) -> str:
    """What holds the arrays that are given, or taken."""
    if isinstance(structure, Mapping):
        return f"a dict of {enumerate_all(map(repr, structure))}"
    if isinstance(structure, list | tuple):
        return f"a list of {count(len(structure), 'array')}"
    return "an array"


def _differs(place: str, taken: Taken, array: NDArray[Any], *, channels_first: bool) -> str | None:
    """In what an array differs from what is taken, and what would do; None if in nothing."""
    text = is_text(array)
    if text != (taken.dtype == "string"):
        return "which is text; expected numbers" if text else "which are numbers; expected text"
    given, wanted = tuple(array.shape), taken.shape[1:]
    if _fits(given[1:], wanted):
        return None
    for says, way, shape in _ways(place, given, wanted):
        if _fits(shape[1:], wanted):
            return f"{says}; expected {shape}: {way}"
    inputs, *own = given
    if len(own) != len(wanted):
        amount = "too many" if len(own) > len(wanted) else "too few"
        axes = abs(len(own) - len(wanted))
        return (
            f"which has {axes} {'axis' if axes == 1 else 'axes'} {amount}; expected "
            f"{(inputs, *wanted)}"
        )
    names = _AXES.get(len(wanted), tuple(f"axis {axis + 1}" for axis in range(len(wanted))))
    if channels_first:
        names = names[-1:] + names[:-1]
    wrong = [
        f"{name} {size}"
        for name, size, right in zip(names, own, wanted, strict=True)
        if right not in (None, size)
    ]
    sizes = zip(own, wanted, strict=True)
    shape = (inputs, *(size if right is None else right for size, right in sizes))
    return f"with {enumerate_all(wrong)}; expected {shape}"


def _ways(
    place: str, given: tuple[int, ...], wanted: Shape
) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """What may have happened to an array: what to say, how to undo it, and the shape then."""
    inputs, *own = given
    axes = len(own) - len(wanted)
    if axes in (-1, -2):
        lacks, last, second = "which lacks the axis of the channels", "..., None", ":, None"
        if axes == -1:
            yield "which lacks the axis of the inputs", f"{place}[None]", (1, *given)
        else:
            lacks = "which lacks the axes of the inputs and of the channels"
            last, second, given = "None, ..., None", "None, None", (1, *given)
        for way, axis, channels, shape in (
            (f"{place}[{last}]", -1, wanted[-1], (*given, wanted[-1] or 1)),
            (f"{place}[{second}]", 1, wanted[0], (given[0], wanted[0] or 1, *given[1:])),
        ):
            repeated = f"np.repeat({way}, {channels}, axis={axis})"
            yield lacks, repeated if channels and channels > 1 else way, shape
    elif axes == 1:
        more = "which has an axis too many"
        if inputs == 1:
            yield more, f"{place}[0]", tuple(own)
        if own[0] == 1:
            yield more, f"{place}[:, 0]", (inputs, *own[1:])
        if own[-1] == 1:
            yield more, f"{place}[..., 0]", given[:-1]
        sizes = ", ".join(map(str, own[1:]))
        yield more, f"{place}.reshape(-1, {sizes})", (inputs * own[0], *own[1:])
    elif axes == 0 and len(own) > 1:
        first, last = "which has its channels first", "which has its channels last"
        yield first, f"np.moveaxis({place}, 1, -1)", (inputs, *own[1:], own[0])
        yield last, f"np.moveaxis({place}, -1, 1)", (inputs, own[-1], *own[:-1])


def _fits(given: Iterable[int], wanted: Shape) -> bool:
    given = tuple(given)
    return len(given) == len(wanted) and all(
        right in (None, size) for size, right in zip(given, wanted, strict=True)
    )


def _shapes(data: Any) -> list[tuple[int, ...]]:
    return [tuple(array.shape) for array in backend.leaves(data)]


def _told(data: Any) -> str:
    """The shapes that are given."""
    every = [str(shape) for shape in _shapes(data)]
    return every[0] if len(every) == 1 else f"{len(every)} arrays, {enumerate_all(every)}"


def _told_taken(taken: Any) -> str:
    """The shapes that are taken, with their names."""
    several: list[Taken] = backend.leaves(taken)
    if len(several) == 1:
        return f"shape {several[0].shape}"
    return enumerate_all(
        f"{one.name!r} {one.shape}" if one.name else str(one.shape) for one in several
    )
