"""A model → the arrays that it takes, and which of the data stands in whose place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
from numpy.typing import NDArray

from tb_kernels.model import backend
from tb_kernels.model.forward import functional_of

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Taken:
    """One array that a model takes.

    Attributes:
        name: What it is called; empty if it has no name.
        shape: None along an axis for any length, as along that of the inputs.
        dtype: `"float32"`; None if nobody knows.
    """

    name: str
    shape: Shape
    dtype: str | None


class Pair(NamedTuple):
    """An array that was given, how it is written, and what the model takes in its place."""

    place: str
    taken: Taken
    array: NDArray[Any]


class ApartError(Exception):
    """Data are in another structure than the model takes.

    Attributes:
        place: How what differs is written.
        data: What stands there.
        taken: What the model takes there.
    """

    def __init__(self, place: str, data: Any, taken: Any) -> None:
        super().__init__(place)
        self.place, self.data, self.taken = place, data, taken

    def is_refused_by(self, model: keras.Model) -> bool:
        """Whether Keras itself refuses them, which flattens lists, and of dicts takes the names.

        A model of one's own may take more than what it was built with.
        """
        if getattr(functional_of(model), "inputs", None) is None:
            return False
        number, wanted = (len(backend.leaves(one)) for one in (self.data, self.taken))
        return isinstance(self.data, Mapping) or number != wanted


def taken_by(model: keras.Model) -> Any:
    """A `Taken`, or a dict or list of them, and of such; None if the model does not say."""
    functional = functional_of(model)
    if getattr(functional, "inputs", None) is None:
        return _structure((model.get_build_config() or {}).get("input_shape"), "")
    taken = _structure(functional.input, "")
    # A list of one input is the same to these models.
    return taken[0] if isinstance(taken, list) and len(taken) == 1 else taken


def pairs(place: str, data: Any, taken: Any) -> Iterator[Pair]:
    """Each array with what the model takes in its place, as Keras puts them.

    Args:
        place: How the data are written.
        data: An array, or a structure of arrays.
        taken: What `taken_by` says.

    Raises:
        ApartError: If the structures do not go together.
    """
    parts: list[tuple[Any, Any]] = []
    if isinstance(data, Mapping):
        names = by_name(taken)
        if all(name in data for name in names):
            parts = list(names.items())
    elif isinstance(data, list | tuple):
        several = taken if isinstance(taken, list) else backend.leaves(taken)
        if len(several) == len(data):
            parts = list(enumerate(several))
    elif len(backend.leaves(taken)) == 1:
        yield Pair(place, backend.leaves(taken)[0], data)
        return
    if not parts:
        raise ApartError(place, data, taken)
    for key, one in parts:
        yield from pairs(f"{place}[{key!r}]", data[key], one)


def by_name(taken: Any) -> dict[str, Any]:
    """What the model takes by the keys that a dict has to have."""
    if isinstance(taken, Mapping):
        return dict(taken)
    return {one.name: one for one in backend.leaves(taken)}


def _structure(taken: Any, name: str) -> Any:
    """The same structure of `Taken`, from symbolic tensors or from shapes; None if of neither."""
    if hasattr(taken, "shape"):
        return Taken(name or taken.name, tuple(taken.shape), taken.dtype)
    if isinstance(taken, Mapping):
        parts = {key: _structure(one, key) for key, one in taken.items()}
        return None if not parts or None in parts.values() else parts
    if not isinstance(taken, list | tuple) or not taken:
        return None
    if all(size is None or hasattr(size, "__index__") for size in taken):
        # What it was built with has a number of inputs, which may be any.
        return Taken(name, (None, *taken[1:]), None)
    several = [_structure(one, name and f"{name}[{place}]") for place, one in enumerate(taken)]
    return None if None in several else several
