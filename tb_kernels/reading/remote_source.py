"""A log directory elsewhere: `s3://`, and what fsspec knows, as TensorBoard reads it by itself.

Ranges are fetched as they are asked for, of a stream a block at a time; nothing is copied to disk.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from tb_kernels.errors import ArgumentError, LogError, reason_of
from tb_kernels.reading.sources import Folder, Source, Tell, folders_among
from tb_kernels.wording import shown

# What a stream fetches at a time: many small requests take longer than one.
_BLOCK = 1 << 20


class RemoteSource(Source):
    """A directory that TensorBoard's own file systems reach.

    Raises:
        ArgumentError: If there is none.
        LogError: If it lies on a file system that cannot be reached.
    """

    def __init__(self, where: str) -> None:
        # Here, because only logs from afar need it.
        from tensorboard.compat.tensorflow_stub.io import gfile

        super().__init__(where.rstrip("/"))
        self._gfile = gfile
        if not self._call(gfile.isdir, self.where):
            raise ArgumentError(
                f"log_dir: {shown(where)!r} does not exist; expected the address that "
                "`tensorboard --logdir` is given"
            )
        self._files = self._call(gfile.get_filesystem, self.where)

    def folders(self, tell: Tell) -> list[Folder]:
        """Its folders that hold events or arrays."""
        return folders_among(self._walk())

    def address(self, folder: Folder, file: str) -> str:
        """Its address."""
        below = () if folder.name == "." else (folder.name,)
        return str(self._files.join(self.where, *below, file))

    def open(self, folder: Folder, file: str) -> BinaryIO:
        """The file as a stream that fetches what is read, a block at a time."""
        ranges = _Ranges(
            lambda offset, length: self.read(folder, file, offset, length),
            lambda: self.size(folder, file),
        )
        return cast("BinaryIO", io.BufferedReader(ranges, _BLOCK))

    def size(self, folder: Folder, file: str) -> int:
        """Its bytes, as the file system says."""
        return int(self._call(self._files.stat, self.address(folder, file)).length)

    def read(self, folder: Folder, file: str, offset: int, length: int) -> bytes:
        """Some of its bytes: these are fetched, and no others."""
        # Each file system looks for the place under a name of its own.
        place = {"opaque_offset": offset, "byte_offset": offset}
        data, _ = self._call(self._files.read, self.address(folder, file), True, length, place)
        # S3 gives one more: the end of its ranges is a part of them.
        return bytes(data[:length])

    def _walk(self) -> Iterator[tuple[str, list[str]]]:
        for directory, _, files in self._call(lambda: list(self._gfile.walk(self.where))):
            yield directory[len(self.where) :].strip("/") or ".", files

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:  # each file system has errors of its own
            raise LogError(
                f"log_dir: cannot read {shown(self.where)!r} ({reason_of(error)}); expected a "
                "directory of this machine or an address that TensorBoard can read"
            ) from None


class _Ranges(io.RawIOBase):
    """A stream whose bytes are fetched when they are read.

    Args:
        read: Gives the bytes at an offset, so many.
        size: Gives how many there are; only asked by who seeks the end.
    """

    def __init__(self, read: Callable[[int, int], bytes], size: Callable[[], int]) -> None:
        self._read = read
        self._size = size
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: lambda: 0, os.SEEK_CUR: self.tell, os.SEEK_END: self._size}[whence]()
        self._place = start + offset
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any) -> int:
        data = self._read(self._place, len(buffer))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)
