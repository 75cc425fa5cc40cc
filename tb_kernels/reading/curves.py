"""The curves of a training, by who wrote them."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb_kernels.errors import ArgumentError
from tb_kernels.reading.sources import Source
from tb_kernels.wording import enumerate_some, shown

# What keras.callbacks.TensorBoard writes beside the views.
WRITERS = ("train", "validation")


class Curve(NamedTuple):
    """A curve that TensorBoard draws.

    Attributes:
        steps: int64 of shape (points,), ascending.
        values: float64 of shape (points,).
    """

    steps: NDArray[np.int64]
    values: NDArray[np.float64]


def curve_of(points: Sequence[tuple[array[int], array[float]]], ends: Sequence[float]) -> Curve:
    """The curve through points: of each step the newest.

    Args:
        points: Steps and values of each writer, in the order of their writing.
        ends: The steps from which on each writer's points do not count.
    """
    steps = np.concatenate([np.frombuffer(steps, np.int64) for steps, _ in points])
    values = np.concatenate([np.frombuffer(values, np.float64) for _, values in points])
    counts = steps < np.repeat(ends, [len(steps) for steps, _ in points])
    # The first of the reversed steps is the newest.
    unique, newest = np.unique(steps[counts][::-1], return_index=True)
    return Curve(unique, values[counts][::-1][newest])


def find_curves(
    curves: Mapping[str, dict[str, Curve]],
    source: Source,
    runs: Sequence[str],
    views: Sequence[str],
    run: str | None,
    *,
    selected: bool,
) -> dict[str, dict[str, Curve]]:
    """The curves of one training, by writer and tag.

    Args:
        curves: All of a log directory, by folder and tag.
        source: The log directory.
        runs: The trainings with pictures.
        views: The views with pictures.
        run: The training; None for the only one.
        selected: Whether they were chosen, so that others do not count.

    Raises:
        ArgumentError: If it is not clear of which training.
    """
    found: dict[str, dict[str, dict[str, Curve]]] = {}
    for folder, by_tag in sorted(curves.items()):
        training, writer = source.split(folder)
        if writer not in WRITERS and selected and writer not in views:
            continue
        if training in runs or (writer in WRITERS and not selected):
            found.setdefault(training, {})[writer] = by_tag
    if run is None and len(found) <= 1:
        return next(iter(found.values()), {})
    if run not in found and run not in runs:
        raise ArgumentError(
            f"run: expected one of those with curves in {shown(source.where)!r}, "
            f"{enumerate_some(found) or 'of which there are none'}; got {run!r}"
        )
    return found.get(str(run), {})
