"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path


def write_all(descriptor: int, data: bytes) -> None:
    """Writes all of the data; one call to the system may take less."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


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
        self.fill(path, lambda descriptor: write_all(descriptor, data))

    def fill(self, path: str, fill: Callable[[int], None]) -> None:
        """Writes a file by a function that is given its descriptor.

        Raises:
            OSError: If it cannot be written.
        """
        target = f"{self._prefix}{path}"
        try:
            self._place(target, fill)
        except FileNotFoundError:
            # The folder's first file, or somebody has cleared the directory.
            os.makedirs(os.path.dirname(target), exist_ok=True)
            self._place(target, fill)
        self.count += 1

    def _place(self, target: str, fill: Callable[[int], None]) -> None:
        # One for each process: it gets the file's own name once it is whole.
        partial = f"{self._prefix}.partial-{os.getpid()}"
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            try:
                fill(descriptor)
            finally:
                os.close(descriptor)
            os.replace(partial, target)
        except BaseException:
            # Also where somebody interrupts; and a disk that is full is not made fuller.
            with contextlib.suppress(OSError):
                os.unlink(partial)
            raise
