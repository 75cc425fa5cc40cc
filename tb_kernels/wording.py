"""How numbers, lists and names of strangers are put into a sentence."""

from __future__ import annotations

from collections.abc import Iterable

# How many names an error lists, and how much it shows of a long one.
_LISTED = 12
_LONGEST_SHOWN = 120


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
