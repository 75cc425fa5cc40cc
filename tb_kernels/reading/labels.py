"""What the layers of a log are called, and what there is of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb_kernels.reading.store import Store
from tb_kernels.schema.naming import SHEET


class Labels(NamedTuple):
    """What a layer of a log can be asked for by; as in `LoggedLayer`."""

    run: str
    view: str
    number: str
    name: str
    group: str


@dataclass(frozen=True)
class LoggedLayer:
    """The pictures of one layer in one view of one run.

    Attributes:
        run: The training's directory below the log directory; `"."` for this itself.
        view: What they show.
        number: The layer's number.
        name: Its name in the model.
        group: What stands before the addresses; empty for nothing.
        kernels: The kernel numbers that have a picture, ascending.
        epochs: The epochs, ascending.
        sheets: Whether there are sheets of the whole layer.
        size: Width and height of the pictures in pixels: the largest.
        pictures: How many there are, sheets included.
        bytes: What their PNG files take.
    """

    run: str
    view: str
    number: str
    name: str
    group: str
    kernels: list[int]
    epochs: list[int]
    sheets: bool
    size: tuple[int, int]
    pictures: int
    bytes: int


def labels_of(store: Store) -> list[Labels]:
    """Of each layer of the catalog."""
    catalog = store.catalog
    newest: dict[str, int] = {}
    for folder, epoch in catalog.indexes:
        newest[folder] = max(epoch, newest.get(folder, 0))
    return [
        Labels(
            *catalog.split(key.folder),
            key.number,
            store.name(key, newest.get(key.folder, 0)),
            key.group,
        )
        for key in catalog.layers
    ]


def summarize(labels: Labels, rows: NDArray[np.void]) -> LoggedLayer:
    """What there is of one layer.

    Args:
        labels: The layer's.
        rows: Its pictures in the catalog; at least one.
    """
    kernels = np.unique(rows["kernel"])
    drawn = kernels[kernels != SHEET]
    plain = rows[rows["kernel"] != SHEET] if len(drawn) else rows
    return LoggedLayer(
        *labels,
        kernels=drawn.tolist(),
        epochs=np.unique(rows["epoch"]).tolist(),
        sheets=len(drawn) < len(kernels),
        size=(int(plain["width"].max()), int(plain["height"].max())),
        pictures=len(rows),
        bytes=int(rows["length"].sum(dtype=np.int64)),
    )
