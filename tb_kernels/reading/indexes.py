"""The indexes of a log, read when they are asked for."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from typing import Any

from tb_kernels.errors import LogError
from tb_kernels.reading.catalog import Catalog
from tb_kernels.reading.entries import LONGEST, parse_index
from tb_kernels.reading.rows import NO_INDEX
from tb_kernels.reading.sources import Tell
from tb_kernels.schema.index import LayerEntry
from tb_kernels.schema.naming import Address
from tb_kernels.wording import shown

# How many bytes of indexes are kept as read: of about a hundred thousand entries, or of some
# millions of kernels on scales of their own.
_KEPT = 48_000_000

# What an entry takes without its arrays and texts.
_ENTRY = 2_000

_Entries = dict[tuple[str, str], list[LayerEntry]]


class IndexCache:
    """The indexes of a log, a bounded number of them kept as read. Of use to many threads.

    Attributes:
        tell: Is told of indexes that are wrong.

    Args:
        catalog: Of a log directory.
        tell: As above.
    """

    def __init__(self, catalog: Catalog, tell: Tell) -> None:
        self._catalog = catalog
        self.tell = tell
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, tuple[int, _Entries]] = OrderedDict()
        self._size = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._catalog, self.tell)

    def entry(self, index: int, folder: str, group: str, address: Address) -> LayerEntry:
        """What tells how a picture is to be read.

        Args:
            index: The number of the index that was written with it.
            folder: Its view's.
            group: What stands before its address.
            address: Its own.

        Raises:
            LogError: If there is no such index, or a wrong one.
        """
        if index == NO_INDEX:
            raise LogError(
                "no index was written with it, so its layout and its weights are not known; "
                "its pixels are"
            )
        with self._lock:
            entries = self._entries(index, folder).get((address.layer, group), ())
        for entry in reversed(entries):
            if address.kernel in entry["drawn"]:
                return entry
        raise LogError(
            f"the index of epoch {address.epoch} does not tell of {address} in "
            f"{shown(folder)!r}, so its layout and its weights are not known"
        )

    def _entries(self, index: int, folder: str) -> _Entries:
        """The entries of an index by number and group, the newest last."""
        if index in self._kept:
            self._kept.move_to_end(index)
            return self._kept[index][1]
        span = self._catalog.index_span(index)
        entries: _Entries = {}
        tell = functools.partial(self._tell_of_index, folder)
        if span.length > LONGEST:
            tell(f"expected at most {LONGEST:,} bytes, got {span.length:,}")
        else:
            for entry in parse_index(self._catalog.read(span), tell):
                entries.setdefault((entry["number"], entry["group"]), []).append(entry)
        size = sum(_size(entry) for same in entries.values() for entry in same)
        self._kept[index] = size, entries
        self._size += size
        while len(self._kept) > 1 and self._size > _KEPT:
            self._size -= self._kept.popitem(last=False)[1][0]
        return entries

    def _tell_of_index(self, folder: str, problem: str) -> None:
        self.tell(f"{shown(folder)}, index: {problem}; that layer is left out")


def _size(entry: LayerEntry) -> int:
    """The bytes that an entry takes, at most about."""
    texts = sum(4 * len(value) for value in entry.values() if isinstance(value, str))
    return texts + _ENTRY + sum(getattr(value, "nbytes", 0) for value in entry.values())
