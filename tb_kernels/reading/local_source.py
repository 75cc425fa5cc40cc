"""A log directory of this machine, read in place."""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from io import FileIO
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

from tb_kernels.errors import ArgumentError
from tb_kernels.reading.sources import Folder, Source, Tell, folders_among, is_events, is_log_file
from tb_kernels.schema.naming import VIEWS, number_of
from tb_kernels.wording import shown

# A log directory has not so many; a link may lead to a whole file system.
_MOST_DIRECTORIES = 100_000

# How many files are held open for `read`.
_OPEN_FILES = 32

# Of a directory that has no other in it.
_NO_FOLDERS = 2

_HAS_PREAD = hasattr(os, "pread")


class LocalSource(Source):
    """A directory of this machine.

    Args:
        where: Its path as the user gave it.
        path: The same, checked.

    Raises:
        ArgumentError: If there is none.
    """

    def __init__(self, where: str, path: str) -> None:
        super().__init__(where)
        root = Path(path)
        try:
            found = root.is_dir()
        except OSError as error:
            raise ArgumentError(
                f"log_dir: cannot use {shown(where)!r} ({error.strerror})"
            ) from None
        if not found:
            problem = "is a file" if root.exists() else "does not exist"
            raise ArgumentError(
                f"log_dir: {shown(where)!r} {problem}; expected the directory that "
                "`tensorboard --logdir` is given"
            )
        # Absolute, for a program that changes its working directory while it reads.
        self._root = root.absolute()
        self.title = root.resolve().name
        # Folders that hold pictures and nothing else, as far as was looked: a refresh does not.
        self._of_pictures: set[Path] = set()
        self._held: OrderedDict[tuple[str, str], FileIO] = OrderedDict()
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._held)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.where, str(self._root))

    def folders(self, tell: Tell) -> list[Folder]:
        """Its folders that hold events or arrays."""
        return folders_among(self._walk(tell))

    def address(self, folder: Folder, file: str) -> str:
        """Its path, as the log directory was given."""
        return str(Path(self.where) / folder.name / file)

    def open(self, folder: Folder, file: str) -> BinaryIO:
        """The file, opened."""
        return self._path(folder, file).open("rb")

    def size(self, folder: Folder, file: str) -> int:
        """Its bytes, as the disk says."""
        return self._path(folder, file).stat().st_size

    def read(self, folder: Folder, file: str, offset: int, length: int) -> bytes:
        """Some of its bytes; the file stays open for the next."""
        # One at a time: another thread could move the file on, or close it.
        with self._lock:
            held = self._hold((folder.name, file))
            if _HAS_PREAD:
                # Without moving the file on, which a forked process would share.
                return os.pread(held.fileno(), length, offset)
            held.seek(offset)
            return held.read(length)

    def _path(self, folder: Folder, file: str) -> Path:
        return self._root / folder.name / file

    def _hold(self, asked: tuple[str, str]) -> FileIO:
        held = self._held.get(asked)
        if held is None:
            held = self._held[asked] = FileIO(self._root.joinpath(*asked))
            if len(self._held) > _OPEN_FILES:
                self._held.popitem(last=False)[1].close()
        else:
            self._held.move_to_end(asked)
        return held

    def _walk(self, tell: Tell) -> Iterator[tuple[str, list[str]]]:
        def failed(error: OSError) -> None:
            where = Path(self.where) / Path(error.filename).relative_to(self._root)
            tell(f"{shown(str(where))}: left out, {error.strerror}")

        # Another file may stand in the place of one that is held: rsync copies what has grown so.
        with self._lock:
            _close_all(self._held)
        # Links are followed, as TensorBoard does, but none in a circle, upwards, or to what
        # is walked anyway: so they come last, and what has a name of its own keeps it.
        visited = {str(above) for above in self._root.resolve().parents}
        waiting, seen = [str(self._root)], 0
        while waiting:
            walks = chain.from_iterable(os.walk(start, onerror=failed) for start in waiting)
            links: list[str] = []
            for directory, subdirectories, files in walks:
                real = os.path.realpath(directory)
                if real in visited:
                    subdirectories.clear()
                    continue
                visited.add(real)
                subdirectories.sort()
                found = [
                    one for one in map(Path(directory).joinpath, subdirectories) if one.is_symlink()
                ]
                links += map(str, found)
                if Path(real).name in VIEWS and any(map(is_events, files)):
                    subdirectories[:] = [
                        name
                        for name in subdirectories
                        if not self._has_pictures(Path(directory, name))
                    ]
                seen += 1 + len(found)
                if seen > _MOST_DIRECTORIES:
                    tell(f"only the first {_MOST_DIRECTORIES:,} directories are looked into")
                    return
                yield Path(directory).relative_to(self._root).as_posix(), _plain(directory, files)
            waiting = sorted(links, key=_reach)

    def _has_pictures(self, folder: Path) -> bool:
        """Whether pictures of a layer are all that a folder of a view holds: perhaps 100,000 files.

        It has a layer's name, no folder below (two links, its own and its name's), and the first of
        its files is a picture. File systems that do not count links so have it looked into.
        """
        try:
            if number_of(folder.name) is None or folder.lstat().st_nlink != _NO_FOLDERS:
                return False
            if folder not in self._of_pictures:
                with os.scandir(folder) as files:
                    if not all(file.name.endswith(".png") for file in islice(files, 1)):
                        return False
                self._of_pictures.add(folder)
        except OSError:
            return False
        return True


def _reach(link: str) -> tuple[int, str]:
    """What sorts links: those first that lead to directories with others in them."""
    return os.path.realpath(link).count(os.sep), link


def _plain(directory: str, files: list[str]) -> list[str]:
    """The files to be looked at: no pipes and the like, which a reader would wait for."""
    return [name for name in files if is_log_file(name) and (Path(directory) / name).is_file()]


def _close_all(files: OrderedDict[tuple[str, str], FileIO]) -> None:
    while files:
        files.popitem()[1].close()
