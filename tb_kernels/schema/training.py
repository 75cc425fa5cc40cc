"""What an event file says first: which training wrote it, and of which model."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict, cast

# The tags of the summaries that say it.
TRAINING_TAG = "training"
LAYERS_TAG = "layers"

# Of what a stranger's file claims to be its number.
HIGHEST = 2**53

# More layers than any model has, or longer texts than one of so many, are a stranger's.
_MOST_LAYERS = 100_000
LONGEST_LAYERS = 1 << 24


class Makers(NamedTuple):
    """A row of channels, and the row of filters that makes them.

    Attributes:
        channel: The number of the first channel, from 1.
        length: How many there are.
        layer: The number of the layer that makes them.
        filter: The number of the filter that makes the first, from 1.
    """

    channel: int
    length: int
    layer: str
    filter: int


class LayerFacts(TypedDict):
    """A layer of the model that was trained.

    Attributes:
        number: Its number, by which the addresses of pictures name it.
        name: Its name in the model.
        kind: Its class.
        output_shape: Of its output, None for an axis of any length; None if nobody knows.
        makers: Of a convolution's input channels, rows as `Makers` has them. A channel that is
            in none is the picture's, or nobody knows; one in several is their sum.
    """

    number: str
    name: str
    kind: str
    output_shape: list[int | None] | None
    makers: list[list[int | str]]


class Training(NamedTuple):
    """A training, as one view's event file knows it.

    Attributes:
        number: Greater than that of every event file that was there before; it says
            which of two trainings is newer where clocks and names do not.
        identifier: Random, unlike any other; all views of one training have the same.
        started: When it began, in seconds since 1970.
        first: Its first epoch. One that begins at 0 or 1 supersedes what its folder held before,
            one that begins at a later epoch what was there of this and later ones. None
            of version 0.1.0, which supersedes only what has the same names.
        versions: Of this package, of Keras and of its backend, by name.
    """

    number: int
    identifier: str
    started: float
    first: int | None = None
    versions: Mapping[str, str] = {}

    def to_json(self) -> str:
        """The text of the summary."""
        return json.dumps(self._asdict(), separators=(",", ":"))

    @property
    def keeps(self) -> float:
        """Epochs below this one stay from the trainings before it."""
        if self.first is None:
            return math.inf
        return self.first if self.first > 1 else 0


# Of a file that does not say which training wrote it.
UNKNOWN = Training(0, "", 0.0)


def training_in(text: bytes) -> Training:
    """The training that a text tells of; what is wrong in it is as in `UNKNOWN`."""
    told = _load(text)
    if not isinstance(told, dict):
        return UNKNOWN
    number, first, versions = (told.get(field) for field in ("number", "first", "versions"))
    identifier, started = told.get("identifier"), told.get("started")
    return Training(
        number if type(number) is int and 0 < number <= HIGHEST else UNKNOWN.number,
        identifier if isinstance(identifier, str) else UNKNOWN.identifier,
        _seconds(started),
        first if type(first) is int and 0 <= first <= HIGHEST else None,
        {key: value for key, value in versions.items() if isinstance(value, str)}
        if isinstance(versions, dict)
        else {},
    )


def layers_to_json(layers: Sequence[LayerFacts]) -> str:
    """The text of the summary that tells of a model's layers."""
    return json.dumps(list(layers), separators=(",", ":"))


def layers_in(text: bytes) -> list[LayerFacts]:
    """The layers that a text tells of, those that are right."""
    told = _load(text)
    layers = told[:_MOST_LAYERS] if isinstance(told, list) else []
    # Not told by the first logs of format 2.
    layers = [{"makers": [], **layer} for layer in layers if isinstance(layer, dict)]
    return [cast("LayerFacts", layer) for layer in layers if _is_layer(layer)]


def _load(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _seconds(value: Any) -> float:
    return float(value) if type(value) in (int, float) and 0 <= value <= HIGHEST else 0.0


def _is_layer(layer: dict[str, Any]) -> bool:
    if set(layer) != set(LayerFacts.__annotations__):
        return False
    shape, makers = layer["output_shape"], layer["makers"]
    return (
        all(isinstance(layer[field], str) for field in ("number", "name", "kind"))
        and (shape is None or _is_list(shape, lambda size: size is None or type(size) is int))
        and _is_list(makers, _is_row)
    )


def _is_row(row: Any) -> bool:
    kinds = [type(field) for field in row] if isinstance(row, list) else []
    return kinds == [int, int, str, int] and min(row[0], row[1], row[3]) >= 1


def _is_list(value: Any, is_one: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(map(is_one, value))
