"""What an entry of an index notes of each of its pictures beside their layout.

Nothing is read from pixels by it, so what is wrong in a note costs the note and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from tb_kernels.schema.index import LayerEntry

_LARGEST = 2**31 - 1

# Bytes that Python takes for a text beside its letters.
_TEXT = 60


class ExplainedClass(NamedTuple):
    """The class that a heatmap explains.

    Attributes:
        number: From 0, as the model counts its classes.
        name: Empty where the logger was given no `class_names`.
    """

    number: int
    name: str

    def __str__(self) -> str:
        return self.name or f"class {self.number}"


class Notes(NamedTuple):
    """What is noted of the pictures of an entry, of each in their order; None for nothing.

    Attributes:
        classes: Which a heatmap explains.
        names: Of these classes.
        values: A heatmap's score, a pattern's excitation or an expanded kernel's linearity;
            NaN where it is not finite, or not known.
        excited: Whether anything excites a pattern's kernel.
        ends: The kernel's largest and smallest value in its examples, (pictures, 2).
    """

    classes: NDArray[np.int64] | None
    names: tuple[str, ...] | None
    values: NDArray[np.float64] | None
    excited: NDArray[np.bool_] | None
    ends: NDArray[np.float64] | None

    @property
    def nbytes(self) -> int:
        """What they take, at most about."""
        arrays = (self.classes, self.values, self.excited, self.ends)
        texts = sum(4 * len(name) + _TEXT for name in self.names or ())
        return texts + sum(array.nbytes for array in arrays if array is not None)

    def explains(self, place: int) -> ExplainedClass | None:
        """The class that the heatmap at this place of the entry explains."""
        if self.classes is None:
            return None
        name = "" if self.names is None else self.names[place]
        return ExplainedClass(int(self.classes[place]), name)


def notes_of(entry: dict[str, Any]) -> Notes:
    """The notes of an entry, those that are right.

    Args:
        entry: As it was parsed; all is checked that is no note. `drawn` says of which pictures.
    """
    drawn: Sequence[int] = entry["drawn"]
    # Format 1 noted all inputs, whichever were drawn.
    whole = isinstance(drawn, list) and drawn and min(drawn) >= 1
    whole = whole and max(drawn) <= entry["kernels"]

    def noted(field: str, is_one: Callable[[Any], bool]) -> list[Any] | None:
        told = entry.get(field)
        if not isinstance(told, list) or not all(map(is_one, told)):
            return None
        if len(told) == len(drawn):
            return told
        if whole and len(told) == entry["kernels"]:
            return [told[number - 1] for number in drawn]
        return None

    classes, names = noted("classes", _is_class), noted("class_names", _is_text)
    values = [noted(field, _is_value) for field in ("scores", "excitations", "linearities")]
    excited, examples = noted("excited", _is_truth), noted("values", _are_values)
    return Notes(
        None if classes is None else np.array(classes, np.int64),
        None if classes is None or names is None else tuple(names),
        next((_numbers(one) for one in values if one is not None), None),
        None if excited is None else np.array(excited, np.bool_),
        None if examples is None else np.array([_ends(one) for one in examples], np.float64),
    )


def notes_in(entry: LayerEntry) -> Notes:
    """The notes that `parse_index` leaves in an entry."""
    return cast("Notes", entry["notes"])  # type: ignore[typeddict-item]


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    """As numbers, NaN for what is not finite, which JSON has no word for."""
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _ends(values: Sequence[float | None]) -> tuple[float, float]:
    known = [value for value in values if value is not None]
    return (max(known), min(known)) if known else (np.nan, np.nan)


def _is_class(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def _is_value(value: Any) -> bool:
    return value is None or type(value) is float or (type(value) is int and abs(value) <= _LARGEST)


def _are_values(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_value, value))
