"""The curves of a training, by who wrote them."""

from __future__ import annotations

import copy
from array import array
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb_kernels.errors import ArgumentError
from tb_kernels.reading.sources import Source
from tb_kernels.schema.naming import step_of
from tb_kernels.wording import enumerate_some, shown

# So many curves are read, and one more for so many bytes; each takes a kilobyte whatever its
# length. Honest ones have a point for each epoch, of a hundred bytes.
_CURVES, _CURVE_EACH = 100_000, 300

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


class Points:
    """Points of curves, as they were found.

    Attributes:
        left_out: How many there was no room for.
    """

    def __init__(self) -> None:
        self.left_out = 0
        self._room: float = _CURVES
        # By folder, tag and file.
        self._found: dict[str, dict[str, dict[int, tuple[array[int], array[float]]]]] = {}

    def copy(self) -> Points:
        """The same, to which more can be added."""
        return copy.deepcopy(self)

    def make_room(self, size: int) -> None:
        """So many more bytes were read."""
        self._room += size / _CURVE_EACH

    def add(self, folder: str, file: int, tag: str, step: int, value: float) -> None:
        """Adds a point that stands in a file of a folder."""
        curves = self._found.setdefault(folder, {})
        points = curves.get(tag, {}).get(file)
        if points is None:
            if self._room < 1:
                self.left_out += 1
                return
            self._room -= 1
            points = array("q"), array("d")
            curves.setdefault(tag, {})[file] = points
        points[0].append(step)
        points[1].append(value)

    def curves(
        self, age: NDArray[np.uint32], below: NDArray[np.float64]
    ) -> dict[str, dict[str, Curve]]:
        """By folder and tag, a curve.

        Args:
            age: Of each file.
            below: Of each file the epoch from which on it does not count.
        """
        found: dict[str, dict[str, Curve]] = {}
        for folder, curves in self._found.items():
            for tag, points in sorted(curves.items()):
                files = [file for file in sorted(points, key=age.__getitem__) if below[file] > 0]
                if files:
                    ends = [step_of(below[file]) for file in files]
                    if folder.rpartition("/")[2] in WRITERS:
                        # Keras says nowhere that a training begins; its first point does.
                        begins = [min(points[file][0]) for file in files[1:]]
                        ends = [min([end, *begins[place:]]) for place, end in enumerate(ends)]
                    curve = _curve_of([points[file] for file in files], ends)
                    if len(curve.steps):
                        found.setdefault(folder, {})[tag] = curve
        return found


def _curve_of(points: Sequence[tuple[array[int], array[float]]], ends: Sequence[float]) -> Curve:
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
