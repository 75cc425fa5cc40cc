"""How numbers, lists and names of strangers are put into a sentence."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

# How many names an error lists, and how much it shows of a long one.
_LISTED = 12
_LONGEST_SHOWN = 120

# How many names, and how much of each, are compared with one that is not among them, and what part
# of two names has to be the same.
_MOST_COMPARED = 2000
_LONGEST_COMPARED = 200
_ALIKE = 0.65

_NUMBERS = re.compile("[0-9]+")


def count(number: int, noun: str) -> str:
    """A number and what it counts, in English."""
    if number == 1:
        return f"{number:,} {noun}"
    return f"{number:,} {noun}es" if noun.endswith("x") else f"{number:,} {noun}s"


def enumerate_all(texts: Iterable[str]) -> str:
    """Joins texts as in a sentence: `a`, `a and b`, `a, b and c`."""
    *firsts, last = texts
    return f"{', '.join(firsts)} and {last}" if firsts else last


def enumerate_some(names: Iterable[object]) -> str:
    """The first names, and how many more there are."""
    listed = [shown(str(name)) for name in names]
    more = len(listed) - _LISTED
    text = ", ".join(listed[:_LISTED])
    return f"{text} and {more} more" if more > 0 else text


def did_you_mean(text: str, names: Iterable[str]) -> str:
    """`; did you mean 'conv2d'?` for a name that is much like another; empty where none is.

    Of names that differ in their numbers alone none is offered for the other.

    Args:
        text: What was given.
        names: What there is.
    """
    # Here, because only what goes wrong needs it.
    import difflib

    plain = text[:_LONGEST_COMPARED].casefold()
    known = {
        name[:_LONGEST_COMPARED].casefold(): name
        for name in sorted(names)[:_MOST_COMPARED]
        if _NUMBERS.sub("", name.casefold()) != _NUMBERS.sub("", text.casefold())
        or name.casefold() == text.casefold()
    }
    found = difflib.get_close_matches(plain, known, n=1, cutoff=_ALIKE)
    return f"; did you mean {shown(known[found[0]])!r}?" if found else ""


def ranges(numbers: Iterable[int]) -> str:
    """Ascending numbers, those that follow each other joined: `1-3, 6`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)


def shown(text: str, longest: int = _LONGEST_SHOWN) -> str:
    """A text of unknown origin on one line: no control characters, not endless."""
    short = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in short
    )


def readable_size(size: float) -> str:
    """Bytes in the unit that people would use."""
    unit = "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.1f} {unit}" if size < 10 else f"{size:,.0f} {unit}"


def finite(value: float) -> float | None:
    """A number as JSON has it: null for what is not finite, for which that has no word."""
    return value if math.isfinite(value) else None
