"""What a log directory holds, and where: one pass over its event files.

Of each picture only the place is kept, 44 bytes in all, so a log of any length can be
looked through. Of a long one the pictures are not even read: their indexes note where they stand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb_kernels.errors import LogError, reason_of
from tb_kernels.reading.event_files import Part, named, read_file
from tb_kernels.reading.gathering import Gathering, LayerKey
from tb_kernels.reading.newest import Shown, newest_of
from tb_kernels.reading.rows import NO_INDEX
from tb_kernels.reading.sources import Folder, Source, Tell
from tb_kernels.wording import count, shown

# So many bytes that are new are read whole and verified. What is behind them is verified when
# somebody asks for it, by a picture's own checksum.
CHECKED = 1 << 26


class Span(NamedTuple):
    """Some bytes of an event file, by the file's place in `Catalog.files`."""

    file: int
    offset: int
    length: int


class Reach(NamedTuple):
    """How far an event file was read: where its last whole record ended, and its size then."""

    end: int
    size: int


@dataclass
class Catalog:
    """What was found.

    Attributes:
        source: Where.
        folders: The folders with runs.
        files: The event files, each with its folder.
        reached: How far each was read.
        found: All that was found in these files.
        layers: Folder, group and number of each layer, in the order in which they were met.
        indexes: Where the texts of the indexes are, `SPAN`, by the numbers in the rows.
        shown: What of it is shown.
        verified: Whether all of it was read and verified.
        until: By folder, the age of the newest file that counts; None if all do.
        again: The same read whole, if somebody has done so; of all that go on from it.
    """

    source: Source
    folders: list[Folder]
    files: list[tuple[Folder, str]]
    reached: list[Reach]
    found: Gathering
    layers: list[LayerKey]
    indexes: NDArray[np.void]
    shown: Shown
    verified: bool
    until: Mapping[str, int] | None = None
    again: list[Catalog] = field(default_factory=list)

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another process, which may read it whole itself."""
        return self.__dict__ | {"again": []}

    @property
    def rows(self) -> NDArray[np.void]:
        """The pictures, `ROW`, in the order of runs, views, the network, kernels and epochs."""
        return self.shown.rows

    def as_of(self, until: Mapping[str, int]) -> Catalog:
        """The catalog before newer files came.

        Args:
            until: By folder, the age of its newest file that counts.
        """
        return replace(self, shown=newest_of(self.found, until), until=until)

    def read(self, span: Span) -> bytes:
        """Some bytes of an event file.

        Raises:
            LogError: If they are no longer there.
        """
        folder, file = self.files[span.file]
        try:
            data = self.source.read(folder, file, span.offset, span.length)
        except LogError:
            raise
        except OSError as error:
            raise LogError(f"cannot read {self._named(span)} ({error.strerror})") from None
        if len(data) < span.length:
            raise LogError(f"{self._named(span)} has become shorter since it was opened")
        return data

    def index_span(self, index: int) -> Span:
        """Where the text of an index lies."""
        return Span(*self.indexes[index].tolist())

    def name_of(self, file: int) -> str:
        """An event file with its folder, by its place in `files`."""
        folder, name = self.files[file]
        return f"{folder.name}/{name}"

    def _named(self, span: Span) -> str:
        return shown(self.name_of(span.file))


def split_by_layer(rows: NDArray[np.void]) -> list[NDArray[np.void]]:
    """The rows of each layer, in the order of the rows."""
    layers = rows["layer"]
    starts = np.flatnonzero(layers[1:] != layers[:-1]) + 1
    return np.split(rows, starts) if len(rows) else []


def read_catalog(
    source: Source,
    tell: Tell,
    before: Catalog | None = None,
    checked: float = CHECKED,
    *,
    strict: bool = False,
) -> Catalog:
    """Looks through all event files of a log directory.

    Args:
        source: The log directory.
        tell: Is told, in a line each, of what is damaged or cannot be read.
        before: What it held earlier: only what has been added since is read. Where a file has
            gone or become shorter, all is.
        checked: So many bytes are read whole and verified.
        strict: Whether it is an error if something cannot be read.

    Returns:
        What it holds now; `before` itself where nothing has been added.

    Raises:
        LogError: If the log directory cannot be looked into, or something in it, if strict.
    """
    miss = _refuse if strict else tell
    folders = source.folders(miss)
    there = [(folder, name) for folder in folders for name in folder.events]
    sizes = _sizes(source, there, miss)
    known = {} if before is None else _known(before)
    if before is None or any(sizes.get(file, -1) < read.end for file, (_, read) in known.items()):
        files, reached, gathering, known, verified = [], [], Gathering(), {}, True
        again = []
    elif folders == before.folders and all(
        sizes[file] == read.size for file, (_, read) in known.items()
    ):
        return before
    else:
        files, reached = list(before.files), list(before.reached)
        gathering, verified, again = before.found.copy(), before.verified, before.again
    for folder, name in there:
        file, read = known.get((folder.name, name), (len(files), Reach(0, 0)))
        if file == len(files):
            gathering.begin_file(folder.name)
            files.append((folder, name))
            reached.append(read)
        size = sizes.get((folder.name, name), 0)
        if size > read.size:
            gathering.go_on(file)
            part = Part(read.end, size, max(0, checked))
            checked -= size - read.end
            verified = verified and checked >= 0
            end = read_file(source, folder, name, part, gathering, tell, miss)
            reached[file] = Reach(end, size)
    told = gathering.layers, gathering.spans(), newest_of(gathering)
    catalog = Catalog(source, folders, files, reached, gathering, *told, verified, again=again)
    _tell_of_unexplained(catalog, tell)
    if gathering.points.left_out:
        tell(f"{count(gathering.points.left_out, 'point')} left out, they are of too many curves")
    return catalog


def _refuse(line: str) -> None:
    raise LogError(f"not all can be read: {line}") from None


def _tell_of_unexplained(catalog: Catalog, tell: Tell) -> None:
    layers = catalog.rows["layer"][catalog.rows["index"] == NO_INDEX]
    pictures = Counter(catalog.layers[layer][0] for layer in layers.tolist())
    for folder, number in pictures.items():
        tell(
            f"{shown(folder)}: {count(number, 'picture')} without the index that belongs to "
            f"{'it' if number == 1 else 'them'}; pixels can be had, weights cannot"
        )


def _sizes(
    source: Source, files: list[tuple[Folder, str]], miss: Tell
) -> dict[tuple[str, str], int]:
    """By folder and name, the bytes of each event file, as far as they can be told."""
    sizes = {}
    for folder, name in files:
        try:
            sizes[folder.name, name] = source.size(folder, name)
        except OSError as error:
            miss(f"{named(folder, name)}: left out, {error.strerror or reason_of(error)}")
    return sizes


def _known(catalog: Catalog) -> dict[tuple[str, str], tuple[int, Reach]]:
    """By folder and name, the number of each event file, and how far it was read."""
    files = zip(catalog.files, catalog.reached, strict=True)
    return {(folder.name, name): (file, read) for file, ((folder, name), read) in enumerate(files)}
