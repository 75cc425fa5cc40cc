"""All that was found → what of it is shown, in its order: the newest.

Of several trainings in a folder the newest is shown: one that begins at epoch 0 or 1 supersedes
those before it, one that goes on keeps their epochs before its own. Of what bears the same name,
and of points at one step, the newest counts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb_kernels.reading.curves import Curve
from tb_kernels.reading.gathering import FileFacts, Gathering, LayerKey
from tb_kernels.reading.rows import sorted_by
from tb_kernels.schema.naming import VIEWS, natural_order, order_of

# Behind every epoch.
_BEYOND = 2**32 - 1


class Shown(NamedTuple):
    """What is shown of all that was found.

    Attributes:
        rows: The pictures, `ROW`, in the order shown.
        names: What layers are called, in the newest training that says so.
        curves: By folder and tag, a point for each step.
        superseded: By folder, how many pictures are left out for a newer training.
    """

    rows: NDArray[np.void]
    names: dict[LayerKey, str]
    curves: dict[str, dict[str, Curve]]
    superseded: Counter[str]


def newest_of(found: Gathering, until: Mapping[str, int] | None = None) -> Shown:
    """What is shown: by the newest trainings.

    Args:
        found: All.
        until: By folder, the age of the newest file that counts; nothing of other folders does.
            None for all files.
    """
    age = ages_of(found.files)
    below = _kept_below(found.files, age.tolist(), until)
    rows = found.rows.array()
    # There may be millions: what is made of each is small, and gone soon.
    kept = rows["epoch"] < np.clip(below, 0, _BEYOND).astype(np.uint32)[rows["file"]]
    left_out = np.bincount(rows["file"][~kept], minlength=len(found.files))
    superseded: Counter[str] = Counter()
    for file in np.flatnonzero((left_out > 0) & (below >= 0)).tolist():
        superseded[found.files[file].folder] += int(left_out[file])
    order = _ranks(map(_order, found.layers))
    place = sorted_by(order[rows["layer"]], rows["kernel"], rows["epoch"], age[rows["file"]])
    place = place[kept[place]]
    older = np.ones(len(place), bool)
    older[-1:] = False
    for name in ("layer", "kernel", "epoch"):
        told = rows[name][place]
        older[:-1] &= told[1:] == told[:-1]
    # Six times as quick as to index by the places.
    rows = rows.take(place[~older])
    return Shown(rows, _names(found, age, below), found.points.curves(age, below), superseded)


def trainings_at(
    files: Sequence[FileFacts],
    folder: str,
    epochs: Sequence[int],
    until: Mapping[str, int] | None,
) -> list[set[str]]:
    """By epoch, the identifiers of those whose files of a folder are shown; "" for unknown.

    Args:
        files: All event files.
        folder: Its name.
        epochs: Which.
        until: As for `newest_of`.
    """
    below = _kept_below(files, ages_of(files).tolist(), until)
    shown = [
        (facts.training.identifier, end)
        for facts, end in zip(files, below.tolist(), strict=True)
        if facts.folder == folder
    ]
    return [{identifier for identifier, end in shown if epoch < end} for epoch in epochs]


def ages_of(files: Sequence[FileFacts]) -> NDArray[np.uint32]:
    """Of each event file: how many were begun before."""
    return _ranks(
        (facts.training.number, facts.wall_time, file) for file, facts in enumerate(files)
    )


def _kept_below(
    files: Sequence[FileFacts], ages: Sequence[int], until: Mapping[str, int] | None
) -> NDArray[np.float64]:
    """By file: the epoch from which on it is superseded; -1 for a file that does not count."""
    below = np.full(len(files), -1.0)
    newer: dict[str, tuple[str, float, float]] = {}
    for file in sorted(range(len(files)), key=ages.__getitem__, reverse=True):
        folder, training = files[file].folder, files[file].training
        if until is not None and ages[file] > until.get(folder, -1):
            continue
        identifier, limit, keeps = newer.get(folder, ("", math.inf, math.inf))
        if not identifier or identifier != training.identifier:
            limit = min(limit, keeps)
        below[file] = limit
        newer[folder] = training.identifier, limit, training.keeps
    return below


def _names(
    found: Gathering, age: NDArray[np.uint32], below: NDArray[np.float64]
) -> dict[LayerKey, str]:
    told = [named for named in found.names if below[named[1]] >= 0]
    told.sort(key=lambda named: age[named[1]])
    return {layer: found.names[layer, file] for layer, file in told}


def _ranks(keys: Iterable[Any]) -> NDArray[np.uint32]:
    """For each key: how many are less."""
    keys = list(keys)
    ranks = np.empty(len(keys), np.uint32)
    ranks[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    return ranks


def _order(layer: LayerKey) -> tuple[object, ...]:
    folder, group, number = layer
    training, _, view = folder.rpartition("/")
    place = VIEWS.index(view) if view in VIEWS else len(VIEWS)
    return natural_order(training), place, view, order_of(number), group
