"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import BinaryIO


def write_all(stream: FileIO, data: bytes) -> None:
    """Writes all of the data; one call to the system may take less."""
    left = memoryview(data)
    while left:
        left = left[stream.write(left) :]


class WholeFiles:
    """Writes files below a directory; what was there before stays until the new one is whole.

    Args:
        directory: Made when it is needed.

    Attributes:
        count: How many files were written.
    """

    def __init__(self, directory: Path) -> None:
        self._prefix = os.path.join(directory, "")
        self.count = 0

    def write(self, path: str, data: bytes) -> None:
        """Writes a file.

        Args:
            path: Below the directory.
            data: All of it.

        Raises:
            OSError: If it cannot be written.
        """
        # Without a buffer, which a file of one piece would only wait for.
        self._write(path, lambda stream: write_all(stream, data))

    def fill(self, path: str, fill: Callable[[BinaryIO], object]) -> None:
        """Writes a file by a function that is given it as a stream.

        Raises:
            OSError: If it cannot be written.
        """

        def buffered(stream: FileIO) -> None:
            with BufferedWriter(stream) as buffer:
                fill(buffer)

        self._write(path, buffered)

    def _write(self, path: str, write: Callable[[FileIO], None]) -> None:
        target = f"{self._prefix}{path}"
        try:
            self._place(target, write)
        except FileNotFoundError:
            # The folder's first file, or somebody has cleared the directory.
            os.makedirs(os.path.dirname(target), exist_ok=True)
            self._place(target, write)
        self.count += 1

    def _place(self, target: str, write: Callable[[FileIO], None]) -> None:
        # One for each process: it gets the file's own name once it is whole.
        partial = f"{self._prefix}.partial-{os.getpid()}"
        try:
            with FileIO(partial, "w") as stream:
                write(stream)
            os.replace(partial, target)
        except BaseException:
            # Also where somebody interrupts; and a disk that is full is not made fuller.
            with contextlib.suppress(OSError):
                os.unlink(partial)
            raise
