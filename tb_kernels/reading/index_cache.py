"""The indexes of a log, read when they are asked for: names of layers, legends of pictures."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Hashable

from tb_kernels.errors import LogError
from tb_kernels.reading.catalog import Catalog
from tb_kernels.reading.indexes import draws, parse_index
from tb_kernels.reading.legends import Legend, legend_of
from tb_kernels.reading.sources import Tell
from tb_kernels.schema.index import LayerEntry, entry_key
from tb_kernels.schema.naming import Address
from tb_kernels.wording import shown

# How much text of indexes is kept as read.
_KEPT_TEXT = 8_000_000

# An epoch that was logged again and again has an index each time; the newest count.
_NEWEST_INDEXES = 64

# An index of more bytes is not read: of a hundred thousand kernels it has a twentieth.
_LONGEST_INDEX = 1 << 24

_Entries = dict[tuple[str, str], list[LayerEntry]]


class IndexCache:
    """The newest indexes of a log, a bounded number of them kept as read.

    Args:
        catalog: Of a log directory.
        tell: Is told of indexes that are wrong.
    """

    def __init__(self, catalog: Catalog, tell: Tell) -> None:
        self._catalog = catalog
        self._tell = tell
        self._kept: OrderedDict[tuple[str, int], tuple[int, _Entries]] = OrderedDict()

    def legend(self, folder: str, group: str, address: Address) -> Legend:
        """How a picture is to be read.

        Raises:
            LogError: If the log has no index of it, or a wrong one.
        """
        layer, kernel, epoch = address
        entries = self._index(folder, epoch).get((layer, group), ())
        fitting = [entry for entry in entries if draws(entry, kernel)]
        if not fitting:
            raise LogError(
                f"the index of epoch {epoch} does not tell of {address} in "
                f"{shown(folder)!r}, so its layout and its weights are not known"
            )
        return legend_of(fitting[-1], kernel)

    def name(self, folder: str, group: str, number: str, epoch: int) -> str:
        """A layer's name in the model: as the index says, or else as its group does."""
        entries = self._index(folder, epoch).get((number, group))
        return entries[-1]["name"] if entries else group.removeprefix(f"{number}-")

    def _index(self, folder: str, epoch: int) -> _Entries:
        """The layers of an epoch's indexes by number and group, of each the newest last."""
        asked = folder, epoch
        if asked not in self._kept:
            spans = self._catalog.indexes.get(asked, [])[-_NEWEST_INDEXES:]
            newest: dict[Hashable, LayerEntry] = {}
            tell = functools.partial(self._tell_of_index, folder, epoch)
            for span in spans:
                if span.length > _LONGEST_INDEX:
                    tell(f"expected at most {_LONGEST_INDEX:,} bytes, got {span.length:,}")
                    continue
                for entry in parse_index(self._catalog.read(span), tell):
                    newest.pop(entry_key(entry), None)
                    newest[entry_key(entry)] = entry
            entries: _Entries = {}
            for entry in newest.values():
                entries.setdefault((entry["number"], entry["group"]), []).append(entry)
            self._kept[asked] = sum(span.length for span in spans), entries
            while len(self._kept) > 1 and sum(size for size, _ in self._kept.values()) > _KEPT_TEXT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(asked)
        return self._kept[asked][1]

    def _tell_of_index(self, folder: str, epoch: int, problem: str) -> None:
        self._tell(f"{shown(folder)}, index of epoch {epoch}: {problem}; that layer is left out")
