"""What an event file says first: which training wrote it."""

from __future__ import annotations

import json
from typing import NamedTuple

# The tag of the summary that says it.
TRAINING_TAG = "training"

# Of what a stranger's file claims to be its number.
_HIGHEST = 2**53


class Training(NamedTuple):
    """A training, as one view's event file knows it.

    Attributes:
        number: Greater than that of every event file that was there before; it says
            which of two trainings is newer where clocks and names do not.
        identifier: Random, unlike any other.
        started: When its first pictures were written, in seconds since 1970.
    """

    number: int
    identifier: str
    started: float

    def to_json(self) -> str:
        """The text of the summary."""
        return json.dumps(self._asdict(), separators=(",", ":"))


def number_in(text: bytes) -> int:
    """The number of the training that a text tells of; 0 if it tells of none."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return 0
    number = told.get("number") if isinstance(told, dict) else None
    return number if type(number) is int and 0 < number <= _HIGHEST else 0
