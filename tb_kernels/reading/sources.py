"""A log directory → the folders in it that hold a run, wherever they are.

A directory of this machine is read in place. Any other path that TensorBoard reads by
itself (`s3://`, and what fsspec knows) is read through TensorBoard's own file
systems, each file being copied into a temporary directory when it is needed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from tb_kernels.arguments import check_path
from tb_kernels.errors import ArgumentError, LogError, reason_of
from tb_kernels.wording import shown

# What TensorBoard looks for in the name of an event file.
_EVENTS = "tfevents"

_ARRAYS = ".npz"

# A log directory has not so many; a link may lead to a whole file system.
_MOST_DIRECTORIES = 100_000

Tell = Callable[[str], None]


class Folder(NamedTuple):
    """A folder that holds a run, or arrays of one.

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

    def folders(self, tell: Tell) -> list[Folder]:
        """Its folders that hold events or arrays.

        Args:
            tell: Is told of directories that cannot be looked into.

        Raises:
            LogError: If the log directory itself cannot be looked into.
        """
        found = []
        for name, files in self._walk(tell):
            arrays = [file for file in files if file.endswith(_ARRAYS)]
            events = sorted(file for file in files if _is_run_file(file) and file not in arrays)
            if events or arrays:
                found.append(Folder(name, events, arrays))
        return found

    @abstractmethod
    def path(self, folder: Folder, file: str) -> Path:
        """A file of a folder, on this machine's disk.

        Raises:
            LogError: If it cannot be brought there.
        """

    @abstractmethod
    def _walk(self, tell: Tell) -> Iterator[tuple[str, list[str]]]:
        """The names of all directories and of the files in each."""


class _LocalSource(Source):
    def __init__(self, where: str) -> None:
        super().__init__(where)
        self._root = Path(where).expanduser()
        self.title = self._root.resolve().name
        if not self._root.is_dir():
            problem = "is a file" if self._root.exists() else "does not exist"
            raise ArgumentError(
                f"log_dir: {shown(where)!r} {problem}; expected the directory that "
                "`tensorboard --logdir` is given"
            )

    def path(self, folder: Folder, file: str) -> Path:
        return self._root / folder.name / file

    def _walk(self, tell: Tell) -> Iterator[tuple[str, list[str]]]:
        def failed(error: OSError) -> None:
            tell(f"{shown(str(error.filename))}: left out, {error.strerror}")

        # Links are followed, as TensorBoard does, but none in a circle or upwards.
        visited = {str(above) for above in self._root.resolve().parents}
        for directory, subdirectories, files in os.walk(
            self._root, onerror=failed, followlinks=True
        ):
            real = os.path.realpath(directory)
            if real in visited:
                subdirectories.clear()
                continue
            visited.add(real)
            if len(visited) > _MOST_DIRECTORIES:
                tell(f"only the first {_MOST_DIRECTORIES:,} directories are looked into")
                return
            subdirectories.sort()
            # No pipes and the like, which a reader would wait for.
            plain = [
                name for name in files if _is_run_file(name) and (Path(directory) / name).is_file()
            ]
            yield Path(directory).relative_to(self._root).as_posix(), plain


class _RemoteSource(Source):
    def __init__(self, where: str) -> None:
        super().__init__(where.rstrip("/"))
        self._folder = Path(tempfile.mkdtemp(prefix="tb_kernels-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._fetched: dict[str, Path] = {}
        if not self._call(_gfile().isdir, self.where):
            raise ArgumentError(
                f"log_dir: {shown(where)!r} does not exist; expected the address that "
                "`tensorboard --logdir` is given"
            )

    def path(self, folder: Folder, file: str) -> Path:
        join = self._call(_gfile().get_filesystem, self.where).join
        address = join(self.where, *([] if folder.name == "." else [folder.name]), file)
        if address not in self._fetched:
            copy = self._folder / str(len(self._fetched))
            self._call(_fetch, address, copy)
            self._fetched[address] = copy
        return self._fetched[address]

    def _walk(self, tell: Tell) -> Iterator[tuple[str, list[str]]]:
        for directory, _, files in self._call(lambda: list(_gfile().walk(self.where))):
            yield directory[len(self.where) :].strip("/") or ".", files

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:  # each file system has errors of its own
            raise LogError(
                f"log_dir: cannot read {shown(self.where)!r} ({reason_of(error)}); expected a "
                "directory of this machine or an address that TensorBoard can read"
            ) from None


def find_source(log_dir: Any) -> Source:
    """The log directory at a path.

    Raises:
        ArgumentError: If there is none.
        LogError: If it lies on a file system that cannot be reached.
    """
    where = check_path("log_dir", log_dir)
    return _RemoteSource(where) if "://" in where else _LocalSource(where)


def _is_run_file(name: str) -> bool:
    return _EVENTS in name or name.endswith(_ARRAYS)


def _gfile() -> Any:
    # Here, because only logs from afar need it.
    from tensorboard.compat.tensorflow_stub.io import gfile

    return gfile


def _fetch(address: str, target: Path) -> None:
    block = 1 << 24
    with _gfile().GFile(address, "rb") as file, target.open("wb") as copy:
        shutil.copyfileobj(file, copy, block)
