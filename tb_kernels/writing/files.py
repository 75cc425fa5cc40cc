"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import BinaryIO

from tb_kernels.writing.hand import name_partial, place_whole


class WholeFiles:
    """Writes files below a directory; what was there before stays until the new one is whole.

    Args:
        directory: Made when it is needed.

    Attributes:
        count: How many files were written.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = os.fspath(directory)
        self._partial = name_partial()
        self.count = 0

    def write(self, path: str, data: bytes) -> None:
        """Writes a file.

        Args:
            path: Below the directory.
            data: All of it.

        Raises:
            OSError: If it cannot be written.
        """
        self.fill(path, lambda stream: stream.write(data))

    def fill(self, path: str, fill: Callable[[BinaryIO], object]) -> None:
        """Writes a file by a function that is given it as a stream.

        Raises:
            OSError: If it cannot be written.
        """

        def buffered(stream: FileIO) -> None:
            with BufferedWriter(stream) as buffer:
                fill(buffer)

        place_whole(self._directory, self._partial, path, buffered)
        self.count += 1
