"""A long log read whole, as soon as a picture of it turns out to be damaged.

What is damaged is then left out as of any log, so that an older picture may take its place.
"""

from __future__ import annotations

import math
import threading

import numpy as np
from numpy.typing import NDArray

from tb_kernels.reading.catalog import Catalog, read_catalog
from tb_kernels.reading.sources import Tell

_ONE_AT_A_TIME = threading.Lock()


def verify(catalog: Catalog, tell: Tell) -> Catalog:
    """The catalog with every byte verified: itself if that is so, otherwise read anew, once.

    Args:
        catalog: Of a log directory.
        tell: Is told of damage, a line at a time.

    Raises:
        LogError: If the log directory cannot be looked into.
    """
    if catalog.verified:
        return catalog
    with _ONE_AT_A_TIME:
        if catalog.again is None:
            again = read_catalog(catalog.source, tell, checked=math.inf)
            catalog.again = again if catalog.until is None else again.as_of(catalog.until)
    return catalog.again


def rows_again(rows: NDArray[np.void], before: Catalog, after: Catalog) -> NDArray[np.void]:
    """The rows of one catalog that are of the same pictures as some of another.

    Args:
        rows: Some of `before`.
        before: A catalog.
        after: The same log directory's.
    """
    numbers = {layer: number for number, layer in enumerate(after.layers)}
    # One behind all others: of a layer that is no longer there.
    known = np.array([numbers.get(layer, len(numbers)) for layer in before.layers], np.uint32)
    wanted = _named(known[rows["layer"]], rows)
    return after.rows[np.isin(_named(after.rows["layer"], after.rows), wanted)]


def _named(layers: NDArray[np.uint32], rows: NDArray[np.void]) -> NDArray[np.void]:
    """What tells each picture from others, as something to be compared."""
    parts = np.column_stack([layers, rows["kernel"], rows["epoch"]])
    return parts.view([("", parts.dtype)] * 3)[:, 0]
