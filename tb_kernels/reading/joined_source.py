"""Several log directories as one, as `tensorboard --logdir_spec name:path,other:path2` has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

from tb_kernels.errors import ArgumentError, LogError
from tb_kernels.reading.log_dirs import source_of
from tb_kernels.reading.sources import Folder, Source, Tell


class _Place(NamedTuple):
    """Where a folder comes from: the name of its log directory, that, and the folder in it."""

    name: str
    source: Source
    folder: Folder


class JoinedSource(Source):
    """Log directories, each below its name. Those that are not there may come later.

    Args:
        where: What they are called together.
        names: By log directory, its name; None if what is in it has no other name than there. Of
            folders of the same name the last counts, as in TensorBoard.
    """

    def __init__(self, where: str, names: Mapping[str, str | None]) -> None:
        super().__init__(where)
        self.title = "."
        self._names = names
        self._sources: dict[str, Source] = {}
        # Whatever has been found once: who reads may have asked before it went.
        self._places: dict[str, _Place] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.where, self._names), self.__dict__

    def folders(self, tell: Tell) -> list[Folder]:
        """The folders of all of them, by their names here."""
        found = {}
        for log_dir, name in self._names.items():
            try:
                source = self._sources.get(log_dir) or source_of(log_dir)
                folders = source.folders(tell)
            except (ArgumentError, LogError) as error:
                tell(str(error))
                continue
            self._sources[log_dir] = source
            for folder in folders:
                found[_below(name, folder.name)] = _Place(name or "", source, folder)
        self._places.update(found)
        return [place.folder._replace(name=name) for name, place in found.items()]

    def split(self, folder: str) -> tuple[str, str]:
        """A folder's name → the training, below the name of its log directory, and the view."""
        name, source, original = self._places[folder]
        training, view = source.split(original.name)
        return _below(name, training), view

    def address(self, folder: Folder, file: str) -> str:
        """Its path or address, without the name."""
        _, source, original = self._places[folder.name]
        return source.address(original, file)

    def open(self, folder: Folder, file: str) -> BinaryIO:
        """The file, opened where it is."""
        _, source, original = self._places[folder.name]
        return source.open(original, file)

    def size(self, folder: Folder, file: str) -> int:
        """Its bytes."""
        _, source, original = self._places[folder.name]
        return source.size(original, file)

    def read(self, folder: Folder, file: str, offset: int, length: int) -> bytes:
        """Some of its bytes."""
        _, source, original = self._places[folder.name]
        return source.read(original, file, offset, length)


def _below(name: str | None, folder: str) -> str:
    return "/".join(part for part in (name, folder) if part and part != ".") or "."
