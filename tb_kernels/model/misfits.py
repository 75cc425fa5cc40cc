"""Data that a model could not be called on → in what they differ from what it takes, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import keras
from numpy.typing import NDArray

from tb_kernels.model import backend
from tb_kernels.model.forward import functional_of
from tb_kernels.model.maps import MapAxes
from tb_kernels.wording import count, enumerate_all

_Shape = tuple[int | None, ...]

# What the axes of one input are called, by their number; channels last.
_AXES: dict[int, tuple[str, ...]] = {
    1: ("values",),
    2: ("length", "channels"),
    3: ("height", "width", "channels"),
    4: ("depth", "height", "width", "channels"),
}


class _Taken(NamedTuple):
    """One array that a model takes.

    Attributes:
        shape: None along an axis for any length, as along that of the inputs.
        dtype: `"float32"`; None if nobody knows.
    """

    shape: _Shape
    dtype: str | None


def explain(argument: str, data: Any, model: keras.Model, error: Exception | None) -> str:
    """One sentence on data that a model cannot be called on.

    Args:
        argument: Its name.
        data: Arrays, or a dict, list or tuple of arrays.
        model: A built model.
        error: What calling it raised; None where the data are known to be wrong.
    """
    taken = _taken_by(model)
    shapes = _shapes(data)
    failed = f"calling it failed ({type(error).__name__})"
    if not taken:
        return (
            f"{argument}: model {model.name!r} does not say what it takes; got {_told(shapes)}, "
            f"and {failed}; expected inputs as it is trained on"
        )
    takes = f"{argument}: model {model.name!r} takes {_told(taken)}"
    wrong = _counted_wrong(argument, data, taken, shapes)
    if wrong is not None:
        return f"{takes}; got {wrong}"
    first = MapAxes(model).usually_first
    for place, one, array in _pairs(argument, data, taken):
        wrong = _differs(place, one, array, channels_first=first)
        if wrong is not None:
            where = f" in {place}" if len(taken) > 1 else ""
            return f"{takes}; got {tuple(array.shape)}{where}, {wrong}"
    return f"{takes}; got {_told(shapes)}, but {failed}; expected values that it can work with"


def is_one_input(argument: str, data: Any, model: keras.Model) -> bool:
    """Whether an array is one input alone, without the axis of the inputs.

    Keras gives it an axis at its end where there is one channel, and sees rows as pictures.
    """
    taken = _taken_by(model)
    if not taken or _counted_wrong(argument, data, taken, _shapes(data)) is not None:
        return False
    return any(
        array.ndim > 1 and _fits(array.shape, one.shape[1:])
        for _, one, array in _pairs(argument, data, taken)
    )


def _taken_by(model: keras.Model) -> dict[str, _Taken]:
    """What the model takes, by the names of its inputs; empty if it does not say."""
    functional = functional_of(model)
    symbolic = getattr(functional, "inputs", None)
    if symbolic is not None:
        keyed = functional.input if isinstance(functional.input, dict) else {}
        names = {id(tensor): name for name, tensor in keyed.items()}
        return {
            names.get(id(tensor), tensor.name): _Taken(tuple(tensor.shape), tensor.dtype)
            for tensor in symbolic
        }
    built = (model.get_build_config() or {}).get("input_shape")
    if _is_shape(built):
        built = {"": built}
    elif isinstance(built, list | tuple):
        built = {str(place): shape for place, shape in enumerate(built)}
    if not isinstance(built, Mapping) or not all(map(_is_shape, built.values())):
        return {}
    # What it was built with has a number of inputs, which may be any.
    return {name: _Taken((None, *shape[1:]), None) for name, shape in built.items()}


def _is_shape(built: Any) -> bool:
    return (
        isinstance(built, list | tuple)
        and bool(built)
        and all(size is None or hasattr(size, "__index__") for size in built)
    )


def _counted_wrong(
    argument: str, data: Any, taken: dict[str, _Taken], shapes: list[tuple[int, ...]]
) -> str | None:
    """What is wrong with the number of arrays or their names; None if nothing is."""
    if isinstance(data, Mapping):
        # Of a model of one input Keras takes the only array, whatever it is called.
        if all(name in data for name in taken) or len(taken) == len(data) == 1:
            return None
        named = [repr(name) for name in taken if name]
        expected = enumerate_all(named) if named else "an array"
        return f"a dict of {enumerate_all(map(repr, data))}; expected {expected}"
    if len(shapes) == len(taken):
        return None
    (one, *others), shape = taken.values(), shapes[0]
    if not others and len(set(shapes)) == 1 and _fits(shape, one.shape[1:]):
        stacked = (len(shapes), *shape)
        return f"{_told(shapes)}, one for each input; expected {stacked}: np.stack({argument})"
    return f"{_told(shapes)}; expected {count(len(taken), 'array')}"


def _pairs(
    argument: str, data: Any, taken: dict[str, _Taken]
) -> list[tuple[str, _Taken, NDArray[Any]]]:
    """Each array with how to write it, and what the model takes in its place."""
    if isinstance(data, Mapping):
        names = taken if all(name in data for name in taken) else data
        return [
            (f"{argument}[{name!r}]", one, data[name])
            for name, one in zip(names, taken.values(), strict=True)
        ]
    given = backend.leaves(data)
    places = [argument]
    if isinstance(data, list | tuple):
        places = [f"{argument}[{place}]" for place in range(len(given))]
    return list(zip(places, taken.values(), given, strict=True))


def _differs(place: str, taken: _Taken, array: NDArray[Any], *, channels_first: bool) -> str | None:
    """In what an array differs from what is taken, and what would do; None if in nothing."""
    # NumPy's kinds of text, or a tensor's one.
    text = getattr(array.dtype, "kind", "") in ("U", "S") or array.dtype.name == "string"
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
    place: str, given: tuple[int, ...], wanted: _Shape
) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """What may have happened to an array: what to say, how to undo it, and the shape then."""
    inputs, *own = given
    axes = len(own) - len(wanted)
    if axes == -1:
        yield "which lacks the axis of the inputs", f"{place}[None]", (1, *given)
        lacks = "which lacks the axis of the channels"
        for way, axis, channels, shape in (
            (f"{place}[..., None]", -1, wanted[-1], (*given, wanted[-1] or 1)),
            (f"{place}[:, None]", 1, wanted[0], (inputs, wanted[0] or 1, *own)),
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


def _fits(given: Iterable[int], wanted: _Shape) -> bool:
    given = tuple(given)
    return len(given) == len(wanted) and all(
        right in (None, size) for size, right in zip(given, wanted, strict=True)
    )


def _shapes(data: Any) -> list[tuple[int, ...]]:
    return [tuple(array.shape) for array in backend.leaves(data)]


def _told(shapes: Mapping[str, _Taken] | list[tuple[int, ...]]) -> str:
    """The shapes that are taken, or given."""
    if isinstance(shapes, list):
        every = [str(shape) for shape in shapes]
        return every[0] if len(every) == 1 else f"{len(every)} arrays, {enumerate_all(every)}"
    if len(shapes) == 1:
        (one,) = shapes.values()
        return f"shape {one.shape}"
    return enumerate_all(f"{name!r} {one.shape}" for name, one in shapes.items())
