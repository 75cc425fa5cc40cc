"""The indexes of a log, read when they are asked for."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from typing import Any

from tb_kernels.errors import LogError
from tb_kernels.reading.catalog import Catalog
from tb_kernels.reading.entries import parse_index
from tb_kernels.reading.gathering import LONGEST_INDEX, NO_INDEX
from tb_kernels.reading.legends import Legend, legend_of
from tb_kernels.reading.sources import Tell
from tb_kernels.schema.index import LayerEntry
from tb_kernels.schema.naming import Address
from tb_kernels.wording import shown

# How much text of indexes is kept as read.
_KEPT_TEXT = 8_000_000

_Entries = dict[tuple[str, str], list[LayerEntry]]


class IndexCache:
    """The indexes of a log, a bounded number of them kept as read. Of use to many threads.

    Args:
        catalog: Of a log directory.
        tell: Is told of indexes that are wrong.
    """

    def __init__(self, catalog: Catalog, tell: Tell) -> None:
        self._catalog = catalog
        self._tell = tell
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, tuple[int, _Entries]] = OrderedDict()
        self._kept_text = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._catalog, self._tell)

    def legend(self, index: int, folder: str, group: str, address: Address) -> Legend:
        """How a picture is to be read.

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
                return legend_of(entry, address.kernel)
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
        if span.length > LONGEST_INDEX:
            tell(f"expected at most {LONGEST_INDEX:,} bytes, got {span.length:,}")
        else:
            for entry in parse_index(self._catalog.read(span), tell):
                entries.setdefault((entry["number"], entry["group"]), []).append(entry)
        self._kept[index] = span.length, entries
        self._kept_text += span.length
        while len(self._kept) > 1 and self._kept_text > _KEPT_TEXT:
            self._kept_text -= self._kept.popitem(last=False)[1][0]
        return entries

    def _tell_of_index(self, folder: str, problem: str) -> None:
        self._tell(f"{shown(folder)}, index: {problem}; that layer is left out")
