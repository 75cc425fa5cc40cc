"""The `.npz` files of a view → arrays over epochs."""

from __future__ import annotations

import contextlib
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from tb_kernels.errors import LogError, reason_of
from tb_kernels.reading.sources import Folder, Source
from tb_kernels.wording import enumerate_some, shown

# Arrays may take so many times the bytes of their files, and so many bytes beside: as the
# loggers store them it is once, but zeros can be compressed a thousandfold.
_SWELL, _BESIDE = 2, 120_000_000

# So much of a file is read at once: the list of its arrays, of which each takes a tenth of a
# kilobyte there and a whole one as read, or a part of one.
_AT_ONCE = 1 << 21

# The other ways to compress swell without a bound.
_WAYS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

_BROKEN = (
    OSError,
    ValueError,
    EOFError,
    LookupError,
    MemoryError,
    SyntaxError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
    # Of a file that is encrypted, or compressed in a way nobody knows.
    RuntimeError,
    # Of a single array, which is no archive to open.
    AttributeError,
    TypeError,
)


class Arrays(Mapping[str, NDArray[Any]]):
    """The arrays of a view, each over epochs; read when one is asked for.

    `arrays["sequential/conv2d/kernel"]` has the shape (epochs, *shape of the array).

    Attributes:
        epochs: The epochs along the first axis.
    """

    def __init__(self, source: Source, folder: Folder, files: Mapping[int, str]) -> None:
        self._source = source
        self._folder = folder
        self._files = list(files.values())
        self.epochs = list(files)
        self._names: list[str] | None = None

    def __getitem__(self, key: str) -> NDArray[Any]:
        arrays, room = [], _BESIDE
        for file in self._files:
            array, room = self._read(file, key, room)
            arrays.append(array)
        shapes = {one.shape for one in arrays}
        if len(shapes) > 1:
            raise LogError(
                f"{shown(key)!r} has a shape of its own at some epochs: "
                f"{enumerate_some(sorted(shapes))}; select epochs of one shape"
            )
        try:
            return _stacked(arrays)
        except TypeError:
            kinds = enumerate_some(sorted({str(one.dtype) for one in arrays}))
            raise LogError(
                f"{shown(key)!r} has types that do not go together: {kinds}; select epochs of one"
            ) from None

    def __iter__(self) -> Iterator[str]:
        if self._names is None:
            self._names = list(
                dict.fromkeys(name for file in self._files for name in self._names_in(file))
            )
        return iter(self._names)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return f"Arrays(epochs={self.epochs}, keys={list(self)})"

    def __contains__(self, key: object) -> bool:
        # Not as Mapping does it, which would read the arrays.
        return key in list(self)

    def _read(self, file: str, key: str, room: int) -> tuple[NDArray[Any], int]:
        """An array, and how much room is left of what there was."""
        with self._opened(file) as (stored, size):
            if key in stored.files:
                told = stored.zip.getinfo(f"{key}.npy")  # type: ignore[union-attr]
                # No more is ever unpacked than this says.
                room += _SWELL * size - told.file_size
                if room < 0 or told.compress_type not in _WAYS:
                    raise ValueError(f"{shown(key)!r} takes too much when it is unpacked")
                return np.asarray(stored[key]), room
        if key in self:
            where = self._source.address(self._folder, file)
            epochs = zip(self.epochs, self._files, strict=True)
            having = [epoch for epoch, one in epochs if key in self._names_in(one)]
            raise LogError(
                f"{shown(where)} has no {shown(key)!r}; select epochs that have it, "
                f"{enumerate_some(having)}"
            )
        raise KeyError(f"{key}; there are {enumerate_some(self)}")

    def _names_in(self, file: str) -> list[str]:
        with self._opened(file) as (stored, _):
            return list(stored.files)

    @contextlib.contextmanager
    def _opened(self, file: str) -> Iterator[tuple[NpzFile, int]]:
        """A file, of which each array is read when it is asked for, and its bytes.

        Errors say of which file.
        """
        try:
            with self._source.open(self._folder, file) as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(0)
                with np.load(_InParts(stream), allow_pickle=False) as stored:
                    yield stored, size
        except LogError:
            raise
        except _BROKEN as error:
            where = shown(self._source.address(self._folder, file))
            raise LogError(f"cannot read {where} ({reason_of(error)})") from None


class _InParts:
    """A stream that gives no more than `_AT_ONCE` bytes at once."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if size > _AT_ONCE:
            raise ValueError(f"more than {_AT_ONCE:,} bytes in one piece")
        return self._stream.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _stacked(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    """As `np.stack`, but each array is let go as soon as it has its place; the list is emptied."""
    if len(arrays) == 1:
        return arrays.pop()[None]
    stacked = np.empty(
        (len(arrays), *arrays[0].shape), np.result_type(*{one.dtype for one in arrays})
    )
    for place in reversed(range(len(arrays))):
        stacked[place] = arrays.pop()
    return stacked
