"""A log directory → the folders in it that hold events or arrays, and the bytes of their files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import Any, BinaryIO, NamedTuple

# What TensorBoard looks for in the name of an event file.
_EVENTS = "tfevents"

_ARRAYS = ".npz"

Tell = Callable[[str], None]


class Folder(NamedTuple):
    """A folder that holds events of a view or a writer, or arrays.

    Attributes:
        name: Its path below the log directory, with slashes; `"."` for this itself.
        events: The names of its event files, in the order in which TensorBoard reads them.
        arrays: The names of its files of arrays.
    """

    name: str
    events: list[str]
    arrays: list[str]


class Source(ABC):
    """A log directory.

    Attributes:
        where: Its path as the user gave it.
        title: The directory's own name.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.title = PurePosixPath(where).name or where

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy opens its files itself.
        return type(self), (self.where,)

    @abstractmethod
    def folders(self, tell: Tell) -> list[Folder]:
        """Its folders that hold events or arrays.

        Args:
            tell: Is told of directories that cannot be looked into.

        Raises:
            LogError: If the log directory itself cannot be looked into.
        """

    def split(self, folder: str) -> tuple[str, str]:
        """A folder's name → the training, and the view or writer.

        The log directory may itself be the folder of a view; then it has its name.
        """
        if folder == ".":
            return ".", self.title
        training, _, view = folder.rpartition("/")
        return training or ".", view

    @abstractmethod
    def address(self, folder: Folder, file: str) -> str:
        """Where a file of a folder lies: its path, or its address."""

    @abstractmethod
    def open(self, folder: Folder, file: str) -> BinaryIO:
        """A file of a folder as a stream that can be moved to any place.

        Raises:
            OSError: If it cannot be opened; or later, by the stream, if it cannot be read.
        """

    @abstractmethod
    def size(self, folder: Folder, file: str) -> int:
        """The bytes of a file of a folder, as many as it has now.

        Raises:
            OSError: If it cannot be asked for.
        """

    @abstractmethod
    def read(self, folder: Folder, file: str, offset: int, length: int) -> bytes:
        """Some bytes of a file of a folder: fewer than `length` only where the file ends.

        Threads may read at once.

        Raises:
            OSError: If it cannot be read.
        """


def folders_among(directories: Iterable[tuple[str, list[str]]]) -> list[Folder]:
    """Those that hold events or arrays, of the names of directories and of the files in each."""
    found = []
    for name, files in directories:
        arrays = [file for file in files if file.endswith(_ARRAYS)]
        events = sorted(filter(is_events, files))
        if events or arrays:
            found.append(Folder(name, events, arrays))
    return found


def is_log_file(name: str) -> bool:
    """Whether a file of this name is looked at: events, or arrays."""
    return is_events(name) or name.endswith(_ARRAYS)


def is_events(name: str) -> bool:
    """Whether a file of this name holds events."""
    return _EVENTS in name and not name.endswith(_ARRAYS)
