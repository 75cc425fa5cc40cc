"""What a log directory holds, and where: one pass over its event files.

Of each picture only the place is kept, 36 bytes in all, so a log of any length can be
looked through. Of pictures of one name the newest counts, and of points of a curve at
one step: that is what TensorBoard's default loader shows.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb_kernels.errors import LogError, reason_of
from tb_kernels.reading.curves import Curve, curve_of
from tb_kernels.reading.sources import Folder, Source, Tell
from tb_kernels.reading.summaries import (
    Foreign,
    Found,
    FoundIndex,
    FoundPicture,
    FoundPoint,
    read_summaries,
)
from tb_kernels.schema.naming import VIEWS, natural_order, order_of
from tb_kernels.schema.records import Damage, read_records
from tb_kernels.wording import count, shown

# Where a picture lies and what it shows: a row for each.
_ROW = struct.Struct("<IIIIQIII")
_FIELDS = ("layer", "kernel", "epoch", "file", "offset", "length", "width", "height")
ROW = np.dtype([(name, "<u8" if name == "offset" else "<u4") for name in _FIELDS])

# A layer's folder, group and number.
LayerKey = tuple[str, str, str]


class Span(NamedTuple):
    """Some bytes of an event file, by the file's place in `Catalog.files`."""

    file: int
    offset: int
    length: int


@dataclass
class Catalog:
    """What was found.

    Attributes:
        source: Where.
        folders: The folders with runs.
        files: The event files, each with its folder.
        layers: Folder, group and number of each layer, in the order in which they were met.
        rows: The pictures, `ROW`, in the order of runs, views, the network, kernels and epochs.
        indexes: By folder and epoch, where the texts are, the newest last.
        curves: By folder and tag.
    """

    source: Source
    folders: list[Folder]
    files: list[tuple[Folder, str]]
    layers: list[LayerKey]
    rows: NDArray[np.void]
    indexes: dict[tuple[str, int], list[Span]]
    curves: dict[str, dict[str, Curve]]

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

    def _named(self, span: Span) -> str:
        folder, file = self.files[span.file]
        return shown(f"{folder.name}/{file}")


def split_by_layer(rows: NDArray[np.void]) -> list[NDArray[np.void]]:
    """The rows of each layer, in the order of the rows."""
    layers = rows["layer"]
    starts = np.flatnonzero(layers[1:] != layers[:-1]) + 1
    return np.split(rows, starts) if len(rows) else []


def read_catalog(source: Source, tell: Tell) -> Catalog:
    """Looks through all event files of a log directory.

    Args:
        source: The log directory.
        tell: Is told, in a line each, of what is damaged or cannot be read.

    Raises:
        LogError: If the log directory cannot be looked into.
    """
    folders = source.folders(tell)
    files = [(folder, name) for folder in folders for name in folder.events]
    gathering = _Gathering()
    for number, (folder, name) in enumerate(files):
        try:
            _read_file(source, folder, name, gathering, number, tell)
        except OSError as error:
            tell(f"{_named(folder, name)}: left out, {error.strerror or reason_of(error)}")
    layers, rows = gathering.pictures()
    return Catalog(source, folders, files, layers, rows, gathering.indexes, gathering.curves())


@dataclass
class _Gathering:
    """What was found so far."""

    layers: dict[LayerKey, int] = field(default_factory=dict)
    rows: bytearray = field(default_factory=bytearray)
    indexes: dict[tuple[str, int], list[Span]] = field(default_factory=dict)
    points: dict[str, dict[str, tuple[array[int], array[float]]]] = field(default_factory=dict)

    def add(self, found: Found, folder: str, file: int) -> None:
        """Adds one thing found in a file of a folder."""
        if isinstance(found, FoundPicture):
            group, (number, kernel, epoch), *where = found
            layer = self.layers.setdefault((folder, group, number), len(self.layers))
            self.rows += _ROW.pack(layer, kernel, epoch, file, *where)
        elif isinstance(found, FoundIndex):
            span = Span(file, found.offset, found.length)
            self.indexes.setdefault((folder, found.epoch), []).append(span)
        elif isinstance(found, FoundPoint):
            curves = self.points.setdefault(folder, {})
            steps, values = curves.setdefault(found.tag, (array("q"), array("d")))
            steps.append(found.step)
            values.append(found.value)

    def pictures(self) -> tuple[list[LayerKey], NDArray[np.void]]:
        """The layers as they were met, and the rows of the newest pictures in the order shown."""
        layers = list(self.layers)
        rank = np.empty(len(layers), np.uint32)
        rank[sorted(range(len(layers)), key=lambda one: _order(*layers[one]))] = range(len(layers))
        rows = np.frombuffer(self.rows, ROW)
        # lexsort keeps the order of equals, in which the newest is the last.
        rows = rows[np.lexsort((rows["epoch"], rows["kernel"], rank[rows["layer"]]))]
        newest = np.ones(len(rows), bool)
        names = [rows[name] for name in ("layer", "kernel", "epoch")]
        newest[:-1] = np.any([name[1:] != name[:-1] for name in names], axis=0)
        return layers, rows[newest]

    def curves(self) -> dict[str, dict[str, Curve]]:
        """The curves, a point for each step."""
        return {
            folder: {tag: curve_of(*points) for tag, points in sorted(curves.items())}
            for folder, curves in self.points.items()
        }


def _read_file(
    source: Source, folder: Folder, name: str, gathering: _Gathering, number: int, tell: Tell
) -> None:
    damaged = foreign = records = 0
    cut = ours = False
    with source.open(folder, name) as stream:
        for record in read_records(stream, source.size(folder, name)):
            if isinstance(record, Damage):
                damaged, cut = damaged + (not record.at_end), record.at_end
                continue
            try:
                for found in read_summaries(record):
                    foreign += isinstance(found, Foreign)
                    ours = ours or isinstance(found, FoundPicture | FoundIndex)
                    gathering.add(found, folder.name, number)
            except ValueError:
                damaged += 1
                continue
            records += 1
    for problem in _problems(records, damaged, cut, foreign if ours else 0):
        tell(f"{_named(folder, name)}: {problem}")


def _problems(records: int, damaged: int, cut: bool, foreign: int) -> Iterator[str]:
    whole = f"its {count(records, 'whole record')} {'is' if records == 1 else 'are'} used"
    if not records and (damaged or cut):
        yield "left out, it has no whole record of an event file"
    elif damaged:
        yield f"damaged in {count(damaged, 'place')}; {whole}"
    elif cut:
        yield f"ends within a record, cut off or still being written; {whole}"
    if foreign:
        yield f"{count(foreign, 'image')} of other names or broken left out"


def _order(folder: str, group: str, number: str) -> tuple[object, ...]:
    training, _, view = folder.rpartition("/")
    place = VIEWS.index(view) if view in VIEWS else len(VIEWS)
    return natural_order(training), place, view, order_of(number), group


def _named(folder: Folder, name: str) -> str:
    return shown(name if folder.name == "." else f"{folder.name}/{name}")
