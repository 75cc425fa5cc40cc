"""A long log read whole, as soon as a picture of it turns out to be damaged.

What is damaged is then left out as of any log, so that an older picture may take its place.
"""

from __future__ import annotations

import math
import threading

import numpy as np
from numpy.typing import NDArray

from tb_kernels.reading.catalog import Catalog, read_catalog, split_by_layer
from tb_kernels.reading.newest import ages_of
from tb_kernels.reading.sources import Tell

_ONE_AT_A_TIME = threading.Lock()

# A kernel's and an epoch's number are below.
_BITS = 30


def verify(catalog: Catalog, tell: Tell) -> Catalog:
    """The catalog with every byte verified: itself if that is so, otherwise read anew, once.

    Args:
        catalog: Of a log directory.
        tell: Is told of damage, a line at a time.

    Returns:
        What the log directory holds now, which may be more.

    Raises:
        LogError: If not all of it can be read.
    """
    if catalog.verified:
        return catalog
    with _ONE_AT_A_TIME:
        known = catalog.again[0] if catalog.again else None
        whole = read_catalog(catalog.source, tell, known, math.inf, strict=True)
        catalog.again[:] = [whole]
    return whole if catalog.until is None else whole.as_of(_until_again(catalog, whole))


def _until_again(before: Catalog, after: Catalog) -> dict[str, int]:
    """As `before.until`, of the same files: their ages are others where files came or went."""
    ages, until = _ages(after), dict[str, int]()
    for (folder, name), age in _ages(before).items():
        if age <= (before.until or {}).get(folder, -1) and (folder, name) in ages:
            until[folder] = max(until.get(folder, -1), ages[folder, name])
    return until


def _ages(catalog: Catalog) -> dict[tuple[str, str], int]:
    files = [(folder.name, name) for folder, name in catalog.files]
    return dict(zip(files, ages_of(catalog.found.files).tolist(), strict=True))


def rows_again(rows: NDArray[np.void], before: Catalog, after: Catalog) -> NDArray[np.void]:
    """The rows of one catalog that are of the same pictures as some of another.

    Args:
        rows: Some of `before`.
        before: A catalog.
        after: The same log directory's.
    """
    there = {after.layers[int(own["layer"][0])]: own for own in split_by_layer(after.rows)}
    found = [after.rows[:0]]
    for asked in split_by_layer(rows):
        own = there.get(before.layers[int(asked["layer"][0])], after.rows[:0])
        found.append(own[np.isin(_named(own), _named(asked))])
    return np.concatenate(found)


def _named(rows: NDArray[np.void]) -> NDArray[np.uint64]:
    """Kernel and epoch, in one number."""
    named: NDArray[np.uint64] = rows["kernel"].astype(np.uint64) << _BITS | rows["epoch"]
    return named
