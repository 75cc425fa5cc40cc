"""The `.npz` files of a view → arrays over epochs."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tb_kernels.errors import ArgumentError, LogError, reason_of
from tb_kernels.reading.catalog import Catalog
from tb_kernels.schema.naming import arrays_name
from tb_kernels.wording import enumerate_some, shown

_BROKEN = (OSError, ValueError, EOFError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error)


class Arrays(Mapping[str, NDArray[Any]]):
    """The arrays of a view, each over epochs; read when one is asked for.

    `arrays["sequential/conv2d/kernel"]` has the shape (epochs, *shape of the array).

    Attributes:
        epochs: The epochs along the first axis.
    """

    def __init__(self, files: Sequence[tuple[int, Path]]) -> None:
        self._files = files
        self.epochs = [epoch for epoch, _ in files]
        self._names: list[str] | None = None

    def __getitem__(self, key: str) -> NDArray[Any]:
        arrays = [self._read(path, key) for _, path in self._files]
        shapes = {array.shape for array in arrays}
        if len(shapes) > 1:
            raise LogError(
                f"{shown(key)!r} has a shape of its own at some epochs: "
                f"{enumerate_some(sorted(shapes))}; select epochs of one shape"
            )
        return np.stack(arrays)

    def __iter__(self) -> Iterator[str]:
        if self._names is None:
            self._names = list(
                dict.fromkeys(name for _, path in self._files for name in _names(path))
            )
        return iter(self._names)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return f"Arrays(epochs={self.epochs}, keys={list(self)})"

    def __contains__(self, key: object) -> bool:
        # Not as Mapping does it, which would read the arrays.
        return key in list(self)

    def _read(self, path: Path, key: str) -> NDArray[Any]:
        try:
            with np.load(path, allow_pickle=False) as file:
                if key in file.files:
                    return np.asarray(file[key])
        except (*_BROKEN, AttributeError) as error:
            raise _broken(path, error) from None
        if key in self:
            raise LogError(f"{shown(str(path))} has no {shown(key)!r}; select other epochs")
        raise KeyError(f"{key}; there are {enumerate_some(self)}")


def find_arrays(
    catalog: Catalog,
    view: str,
    run: str | None,
    *,
    runs: Collection[str] | None,
    epochs: Collection[int] | None,
) -> Arrays:
    """The arrays of a view in one training.

    Args:
        catalog: Of a log directory.
        view: The view.
        run: The training; None for the only one that has such files.
        runs: Only one of these; None for all.
        epochs: Only these; None for all.

    Raises:
        ArgumentError: If there are none, or it is not clear of which training.
        LogError: If they cannot be fetched.
    """
    named = re.compile(re.escape(view) + r"_([0-9]{1,9})\.npz")
    found = {}
    for folder in catalog.folders.values():
        training, folder_view = catalog.split(folder.name)
        stored = sorted(int(match[1]) for file in folder.arrays if (match := named.fullmatch(file)))
        stored = [epoch for epoch in stored if epochs is None or epoch in epochs]
        asked = run == training if run is not None else runs is None or training in runs
        if stored and folder_view == view and asked:
            found[training] = (folder, stored)
    if len(found) != 1:
        raise ArgumentError(
            f"view: expected one run with files {view}_<epoch>.npz in "
            f"{shown(catalog.source.where)!r}, found {enumerate_some(found) or 'none'}"
            + (
                "; say which with run="
                if found
                else "; ActivationLogger, GradientLogger and HeatmapLogger write them"
            )
        )
    ((folder, stored),) = found.values()
    path = catalog.source.path
    return Arrays([(epoch, path(folder, f"{arrays_name(view, epoch)}.npz")) for epoch in stored])


def _names(path: Path) -> list[str]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return list(file.files)
    except (*_BROKEN, AttributeError) as error:
        raise _broken(path, error) from None


def _broken(path: Path, error: BaseException) -> LogError:
    return LogError(f"cannot read {shown(str(path))} ({reason_of(error)})")
