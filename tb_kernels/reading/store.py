"""The bytes behind a catalog: pictures, and the index of each."""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Hashable
from io import FileIO

from tb_kernels.errors import LogError
from tb_kernels.reading.catalog import Catalog, LayerKey, Place
from tb_kernels.reading.indexes import draws, parse_index
from tb_kernels.reading.legends import Legend, legend_of
from tb_kernels.reading.sources import Tell
from tb_kernels.schema.index import LayerEntry, entry_key
from tb_kernels.schema.naming import Address
from tb_kernels.wording import shown

# How many event files are held open, and how much text of indexes is kept as read.
_OPEN_FILES = 32
_KEPT_TEXT = 8_000_000

# An epoch that was logged again and again has an index each time; the newest count.
_NEWEST_INDEXES = 64

# An index of more bytes is not read: of a hundred thousand kernels it has a twentieth.
_LONGEST_INDEX = 1 << 24

_Entries = dict[tuple[str, str], list[LayerEntry]]


class Store:
    """Reads what the catalog says is there.

    Args:
        catalog: Of a log directory.
        tell: Is told of indexes that are wrong.
    """

    def __init__(self, catalog: Catalog, tell: Tell) -> None:
        self.catalog = catalog
        self._tell = tell
        self._files: OrderedDict[int, FileIO] = OrderedDict()
        self._indexes: OrderedDict[tuple[str, int], tuple[int, _Entries]] = OrderedDict()
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._files)

    def read(self, place: Place) -> bytes:
        """The bytes at a place.

        Raises:
            LogError: If they are no longer there.
        """
        try:
            data = self._read(place)
        except OSError as error:
            raise LogError(f"cannot read {self._named(place)} ({error.strerror})") from None
        if len(data) < place.length:
            raise LogError(f"{self._named(place)} has become shorter since it was opened")
        return data

    def legend(self, key: LayerKey, kernel: int, epoch: int) -> Legend:
        """How a picture is to be read.

        Raises:
            LogError: If the log has no index of it, or a wrong one.
        """
        entries = self._index(key.folder, epoch).get((key.number, key.group), ())
        fitting = [entry for entry in entries if draws(entry, kernel)]
        if not fitting:
            address = Address(key.number, kernel, epoch)
            raise LogError(
                f"the index of epoch {epoch} does not tell of {address} in "
                f"{shown(key.folder)!r}, so its layout and its weights are not known"
            )
        return legend_of(fitting[-1], kernel)

    def name(self, key: LayerKey, epoch: int) -> str:
        """The layer's name in the model: as the index says, or else as its group does."""
        entries = self._index(key.folder, epoch).get((key.number, key.group))
        return entries[-1]["name"] if entries else key.group.removeprefix(f"{key.number}-")

    def _index(self, folder: str, epoch: int) -> _Entries:
        """The layers of an epoch's indexes by number and group, of each the newest last."""
        asked = folder, epoch
        if asked not in self._indexes:
            places = self.catalog.indexes.get(asked, [])[-_NEWEST_INDEXES:]
            newest: dict[Hashable, LayerEntry] = {}
            tell = functools.partial(self._tell_of_index, folder, epoch)
            for place in places:
                if place.length > _LONGEST_INDEX:
                    tell(f"expected at most {_LONGEST_INDEX:,} bytes, got {place.length:,}")
                    continue
                for entry in parse_index(self.read(place), tell):
                    newest.pop(entry_key(entry), None)
                    newest[entry_key(entry)] = entry
            entries: _Entries = {}
            for entry in newest.values():
                entries.setdefault((entry["number"], entry["group"]), []).append(entry)
            self._indexes[asked] = sum(place.length for place in places), entries
            while len(self._indexes) > 1 and self._kept > _KEPT_TEXT:
                self._indexes.popitem(last=False)
        self._indexes.move_to_end(asked)
        return self._indexes[asked][1]

    @property
    def _kept(self) -> int:
        return sum(size for size, _ in self._indexes.values())

    def _tell_of_index(self, folder: str, epoch: int, problem: str) -> None:
        self._tell(f"{shown(folder)}, index of epoch {epoch}: {problem}; that layer is left out")

    def _read(self, place: Place) -> bytes:
        # One at a time: another thread could move the file on, or close it.
        with self._lock:
            file = self._open(place.file)
            if hasattr(os, "pread"):
                # Without moving the file on, which a forked process would share.
                return os.pread(file.fileno(), place.length, place.offset)
            file.seek(place.offset)
            return file.read(place.length)

    def _open(self, number: int) -> FileIO:
        if number not in self._files:
            folder, name = self.catalog.files[number]
            self._files[number] = FileIO(self.catalog.source.path(folder, name))
            if len(self._files) > _OPEN_FILES:
                self._files.popitem(last=False)[1].close()
        self._files.move_to_end(number)
        return self._files[number]

    def _named(self, place: Place) -> str:
        folder, name = self.catalog.files[place.file]
        return shown(f"{folder.name}/{name}")


def _close_all(files: OrderedDict[int, FileIO]) -> None:
    while files:
        files.popitem()[1].close()
