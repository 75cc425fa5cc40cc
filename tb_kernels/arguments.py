"""Arguments of users, checked: each error names the argument, what was given and what would do."""

from __future__ import annotations

import math
import numbers
import operator
import os
import re
import sys
from collections.abc import Iterable
from typing import Any

from tb_kernels.errors import ArgumentError

# Among epochs: the last one.
LAST = "last"

# Numbers in addresses have nine digits at most.
LAST_EPOCH = 999_999_999

# A longer text of an argument says less than its type.
_LONGEST_REPR = 80

# Addresses begin with a scheme; a single letter is a drive of Windows. Joined by "::", several
# are one place, and pathlib makes one slash of two.
_ADDRESS = re.compile(r"[^/\\]{2,}://")
_SHORT_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(?:::[A-Za-z0-9+.-]+)*:[/\\]")


def check_path(argument: str, value: Any, *, remote: bool = False) -> str:
    """Returns a path as text, a home directory in front of it filled in.

    Args:
        argument: Its name, for errors.
        value: The path.
        remote: Whether an address such as `s3://bucket/logs` will do; it stays as it is.

    Raises:
        ArgumentError: If it is none, or empty, or no name that this system's files can have.
    """
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        given = repr(value)
        given = given if len(given) < _LONGEST_REPR else type(value).__name__
        raise ArgumentError(f"{argument}: expected a path such as 'logs', got {given}")
    path = os.fsdecode(value)
    if "\0" in path:
        raise ArgumentError(f"{argument}: expected a path without NUL characters, got {path!r}")
    if is_address(path):
        if remote:
            return path
        raise ArgumentError(
            f"{argument}: {path!r} is a remote address; expected a directory of this "
            "machine, to be copied when all is written"
        )
    if _SHORT_ADDRESS.match(path):
        raise ArgumentError(
            f"{argument}: {path!r} is an address that lacks a slash, which pathlib drops; expected "
            + ("it as text, such as 's3://bucket/logs'" if remote else "a path of this machine")
        )
    return _encodable(argument, _at_home(argument, path))


def is_address(path: str) -> bool:
    """Whether it names a place on another file system, such as `s3://bucket/logs`."""
    return _ADDRESS.search(path) is not None


def _at_home(argument: str, path: str) -> str:
    """The path with the home directory for `~` or `~user`."""
    expanded = os.path.expanduser(path)  # noqa: PTH111 (pathlib raises errors of its own)
    if path.startswith("~") and expanded == path:
        raise ArgumentError(
            f"{argument}: no home directory is known for {path!r}; expected a user of this "
            "machine, or the whole path of a directory of that name"
        )
    return expanded


def _encodable(argument: str, path: str) -> str:
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise ArgumentError(
            f"{argument}: file names of this system are {sys.getfilesystemencoding()}, which "
            f"cannot hold {path!r}; expected other letters, or a locale that has these"
        ) from None
    return path


def check_epoch(argument: str, epoch: Any, expected: str = "expected a whole number from 0") -> int:
    """Returns the number of an epoch, 0 for before training.

    Raises:
        ArgumentError: If it is no whole number from 0, or one that no address can have.
    """
    number = check_whole(argument, epoch, 0, expected)
    if number > LAST_EPOCH:
        raise ArgumentError(
            f"{argument}: names have room for epochs up to {LAST_EPOCH:,}, got {number:,}"
        )
    return number


def check_layers(layers: Any) -> list[int | str] | None:
    """Returns the names and numbers asked for; None for all layers.

    Raises:
        ArgumentError: If `layers` is not None, a name or number, or a non-empty
            collection of these.
    """
    if layers is None:
        return None
    single = isinstance(layers, str) or _is_whole(layers)
    items = [layers] if single else check_list("layers", layers, "['conv2d_3', 3, '2-5']")
    expected = "expected names or numbers such as 'conv2d_3', 3 or '2-5'"
    return [
        item if isinstance(item, str) else check_whole("layers", item, 1, expected)
        for item in items
    ]


def check_kernels(kernels: Any) -> list[int] | None:
    """Returns the kernel numbers asked for, in their order; None for all kernels.

    Raises:
        ArgumentError: If `kernels` is not None or a non-empty collection of whole
            numbers from 1.
    """
    if kernels is None:
        return None
    items = [kernels] if _is_whole(kernels) else check_list("kernels", kernels, "[1, 6]")
    expected = "kernel numbers count from 1; sheets=True draws whole layers"
    return [check_whole("kernels", item, 1, expected) for item in items]


def check_size(argument: str, value: Any) -> int | None:
    """Returns a whole number from 1, such as a `scale`; None for the default.

    Raises:
        ArgumentError: If it is neither.
    """
    return None if value is None else check_count(argument, value)


def check_count(argument: str, value: Any) -> int:
    """Returns a whole number from 1.

    Raises:
        ArgumentError: If it is none.
    """
    return check_whole(argument, value, 1, "expected a whole number from 1")


def check_range(argument: str, value: Any, problem: str | None = None) -> tuple[float, float]:
    """Returns a pair of finite numbers, low below high.

    Args:
        argument: Its name, for errors.
        value: The pair.
        problem: What the error says of a value that is no pair; None for the usual.

    Raises:
        ArgumentError: If it is none.
    """
    try:
        low, high = (float(limit) for limit in value)
    except (TypeError, ValueError):
        usual = f"expected a pair (low, high) such as (0, 1), got {value!r}"
        raise ArgumentError(f"{argument}: {problem or usual}") from None
    if not (math.isfinite(high - low) and low < high):
        raise ArgumentError(
            f"{argument}: low must be below high, and their difference finite; got "
            f"({low:g}, {high:g})"
        )
    return low, high


def check_fraction(argument: str, value: Any) -> float:
    """Returns a number from 0 to 1.

    Raises:
        ArgumentError: If it is none.
    """
    number = float(value) if isinstance(value, numbers.Real) else math.nan
    if isinstance(value, bool) or not 0 <= number <= 1:
        raise ArgumentError(f"{argument}: expected a number from 0 to 1, got {value!r}")
    return number


# For ever, as far as anybody waits; the system's clocks know no much longer time.
_LONGEST_SECONDS = 1e8


def check_seconds(argument: str, value: Any) -> float:
    """Returns a duration in seconds, more than none.

    Raises:
        ArgumentError: If it is none.
    """
    number = float(value) if isinstance(value, numbers.Real) else math.nan
    if isinstance(value, bool) or not 0 < number < math.inf:
        raise ArgumentError(f"{argument}: expected seconds, more than 0, got {value!r}")
    return min(number, _LONGEST_SECONDS)


def check_whole(argument: str, item: Any, least: int, expected: str) -> int:
    """Returns a whole number.

    Raises:
        ArgumentError: If it is none, or below the least.
    """
    try:
        number = operator.index(item)
    except TypeError:
        raise ArgumentError(f"{argument}: {expected}, got {item!r}") from None
    if isinstance(item, bool) or number < least:
        raise ArgumentError(f"{argument}: {expected}, got {item!r}")
    return number


def _is_whole(item: Any) -> bool:
    return hasattr(item, "__index__") and not hasattr(item, "__len__")


def check_list(argument: str, wanted: Any, example: str) -> list[Any]:
    """Returns what a collection holds.

    Raises:
        ArgumentError: If it is no collection, a text, or empty.
    """
    if isinstance(wanted, str | bytes) or not isinstance(wanted, Iterable):
        raise ArgumentError(f"{argument}: expected a list such as {example}, got {wanted!r}")
    items = list(wanted)
    if not items:
        raise ArgumentError(
            f"{argument}: an empty list selects nothing; expected a list such as {example}, "
            "or None for the default"
        )
    return items
