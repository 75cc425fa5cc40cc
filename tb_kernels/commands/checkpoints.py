"""Files of saved models → which epoch each is of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from tb_kernels.arguments import check_epoch
from tb_kernels.errors import ArgumentError
from tb_kernels.schema.naming import natural_order

# A field of a name as `keras.callbacks.ModelCheckpoint` fills it in: `{epoch:02d}`.
_FIELD = re.compile(r"\{(\w+)(?:![rsa])?(?::[^{}]*)?\}")


def epochs_of(
    paths: Sequence[Path], epoch: int | None = None, pattern: str | None = None
) -> list[int]:
    """The epoch of each file.

    Args:
        paths: The files.
        epoch: That of the only file.
        pattern: A file name as `keras.callbacks.ModelCheckpoint` takes it,
            `"model-{epoch:02d}-{val_loss:.2f}.keras"`; the files' names must be of it.
            With neither epoch nor pattern the files are counted from 1.

    Raises:
        ArgumentError: If epoch or pattern do not fit the files, or files that would be
            counted are not in the order of the numbers in their names.
    """
    if pattern is not None:
        if epoch is not None:
            raise ArgumentError("--epoch and --pattern: expected one of them, got both")
        return _from_names(paths, pattern)
    if epoch is None:
        _check_order(paths)
        return list(range(1, len(paths) + 1))
    if len(paths) > 1:
        raise ArgumentError(
            f"--epoch: expected one model, got {len(paths)}; --pattern takes the epoch from each "
            "file's name, and without either they are counted from 1"
        )
    return [check_epoch("--epoch", epoch)]


def _check_order(paths: Sequence[Path]) -> None:
    """Refuses to count `model-10` before `model-2`, which is how a shell sorts them."""
    for before, after in pairwise(path.name for path in paths):
        texts, others = natural_order(before), natural_order(after)
        if texts[::2] == others[::2] and texts > others:
            raise ArgumentError(
                f"MODEL: {before!r} is listed before {after!r}; say with --pattern, such as "
                "'model-{epoch}.keras', which number is the epoch, or list them in order"
            )


def _from_names(paths: Sequence[Path], pattern: str) -> list[int]:
    expression = _expression(pattern)
    epochs: dict[int, Path] = {}
    for path in paths:
        match = expression.fullmatch(path.name)
        if match is None:
            raise ArgumentError(f"--pattern: {path.name!r} is not of the pattern {pattern!r}")
        before = epochs.setdefault(int(match["epoch"]), path)
        if before is not path:
            raise ArgumentError(
                f"--pattern: {before.name!r} and {path.name!r} are both of epoch "
                f"{int(match['epoch'])}; expected one model for each epoch"
            )
    return list(epochs)


def _expression(pattern: str) -> re.Pattern[str]:
    name = Path(pattern).name
    fields = [match[1] for match in _FIELD.finditer(name)]
    if fields.count("epoch") != 1:
        raise ArgumentError(
            f"--pattern: expected a file name with {{epoch}} once, such as "
            f"'model-{{epoch:02d}}.keras', got {pattern!r}"
        )
    parts = re.split(_FIELD, name)
    # Between the texts, at every second place, stand the names of the fields.
    return re.compile(
        "".join(
            re.escape(part) if place % 2 == 0 else _value(part) for place, part in enumerate(parts)
        )
    )


def _value(field: str) -> str:
    return "(?P<epoch>[0-9]{1,9})" if field == "epoch" else ".+?"
