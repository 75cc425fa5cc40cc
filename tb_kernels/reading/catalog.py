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

from tb_kernels.errors import reason_of
from tb_kernels.reading.sources import Folder, Source, Tell
from tb_kernels.reading.summaries import Foreign, Found, Index, Number, Picture, read_summaries
from tb_kernels.schema.naming import VIEWS, natural_order, order_of
from tb_kernels.schema.records import Damage, read_records
from tb_kernels.wording import count, shown

# Where a picture lies and what it shows: a row for each.
_ROW = struct.Struct("<IIIIQIII")
ROW = np.dtype(
    [
        ("layer", "<u4"),
        ("kernel", "<u4"),
        ("epoch", "<u4"),
        ("file", "<u4"),
        ("offset", "<u8"),
        ("length", "<u4"),
        ("width", "<u4"),
        ("height", "<u4"),
    ]
)


class LayerKey(NamedTuple):
    """What the pictures of one layer in one run have in common.

    Attributes:
        folder: The run's folder below the log directory.
        group: What stands before the addresses; empty for nothing.
        number: The layer's number.
    """

    folder: str
    group: str
    number: str


class Place(NamedTuple):
    """Some bytes of an event file, by the file's place in `Catalog.files`."""

    file: int
    offset: int
    length: int


class Curve(NamedTuple):
    """A curve that TensorBoard draws.

    Attributes:
        steps: int64 of shape (points,), ascending.
        values: float64 of shape (points,).
    """

    steps: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass
class Catalog:
    """What was found.

    Attributes:
        source: Where.
        folders: The folders with runs, by name.
        files: The event files, each with its folder.
        layers: The layers, in the order of runs, views and the network.
        rows: The pictures, `ROW`, in the order of layers, kernels and epochs.
        indexes: By folder and epoch, the places of the texts, the newest last.
        curves: By folder and tag.
    """

    source: Source
    folders: dict[str, Folder]
    files: list[tuple[Folder, str]]
    layers: list[LayerKey]
    rows: NDArray[np.void]
    indexes: dict[tuple[str, int], list[Place]]
    curves: dict[str, dict[str, Curve]]

    def split(self, folder: str) -> tuple[str, str]:
        """A run's folder → the training, and the view or writer.

        The log directory may itself be the folder of a view; then it has its name.
        """
        if folder == ".":
            return ".", self.source.title
        training, _, view = folder.rpartition("/")
        return training or ".", view


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
    return Catalog(
        source,
        {folder.name: folder for folder in folders},
        files,
        layers,
        rows,
        gathering.indexes,
        gathering.curves(),
    )


@dataclass
class _Gathering:
    """What was found so far."""

    layers: dict[tuple[str, str, str], int] = field(default_factory=dict)
    rows: bytearray = field(default_factory=bytearray)
    indexes: dict[tuple[str, int], list[Place]] = field(default_factory=dict)
    points: dict[str, dict[str, tuple[array[int], array[float]]]] = field(default_factory=dict)

    def add(self, found: Found, folder: str, file: int) -> None:
        """Adds one thing found in a file of a folder."""
        if isinstance(found, Picture):
            group, (number, kernel, epoch), *where = found
            layer = self.layers.setdefault((folder, group, number), len(self.layers))
            self.rows += _ROW.pack(layer, kernel, epoch, file, *where)
        elif isinstance(found, Index):
            place = Place(file, found.offset, found.length)
            self.indexes.setdefault((folder, found.epoch), []).append(place)
        elif isinstance(found, Number):
            curves = self.points.setdefault(folder, {})
            steps, values = curves.setdefault(found.tag, (array("q"), array("d")))
            steps.append(found.step)
            values.append(found.value)

    def pictures(self) -> tuple[list[LayerKey], NDArray[np.void]]:
        """The layers and the rows of the newest pictures, in order."""
        layers = sorted(map(LayerKey._make, self.layers), key=_order)
        rank = np.zeros(len(layers), np.uint32)
        for place, key in enumerate(layers):
            rank[self.layers[key]] = place
        rows = np.frombuffer(self.rows, ROW)
        rows["layer"] = rank[rows["layer"]]
        # lexsort keeps the order of equals, in which the newest is the last.
        rows = rows[np.lexsort((rows["epoch"], rows["kernel"], rows["layer"]))]
        newest = np.ones(len(rows), bool)
        names = [rows[name] for name in ("layer", "kernel", "epoch")]
        newest[:-1] = np.any([name[1:] != name[:-1] for name in names], axis=0)
        return layers, rows[newest]

    def curves(self) -> dict[str, dict[str, Curve]]:
        """The curves, a point for each step."""
        return {
            folder: {tag: _curve(*points) for tag, points in sorted(curves.items())}
            for folder, curves in self.points.items()
        }


def _read_file(
    source: Source, folder: Folder, name: str, gathering: _Gathering, number: int, tell: Tell
) -> None:
    damaged = foreign = records = 0
    cut = ours = False
    with source.path(folder, name).open("rb") as file:
        for record in read_records(file):
            if isinstance(record, Damage):
                damaged, cut = damaged + (not record.at_end), record.at_end
                continue
            try:
                for found in read_summaries(record):
                    foreign += isinstance(found, Foreign)
                    ours = ours or isinstance(found, Picture | Index)
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


def _curve(steps: array[int], values: array[float]) -> Curve:
    # The first of the reversed steps is the newest.
    unique, newest = np.unique(np.frombuffer(steps, np.int64)[::-1], return_index=True)
    return Curve(unique, np.frombuffer(values, np.float64)[::-1][newest])


def _order(key: LayerKey) -> tuple[object, ...]:
    training, _, view = key.folder.rpartition("/")
    place = VIEWS.index(view) if view in VIEWS else len(VIEWS)
    return natural_order(training), place, view, order_of(key.number), key.group


def _named(folder: Folder, name: str) -> str:
    return shown(name if folder.name == "." else f"{folder.name}/{name}")
