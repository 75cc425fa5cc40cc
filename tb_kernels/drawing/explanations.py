"""What a picture tells beside its layer and its scale, in words and for the index."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tb_kernels.schema.index import ExpandedEntry, HeatmapEntry, LayerEntry, PatternEntry


class Explanation(Protocol):
    """What there is to tell of the pictures of one layer."""

    @property
    def dead(self) -> Sequence[int]:
        """The numbers of kernels that nothing excites."""

    def describe(self, number: int) -> str:
        """Of the picture with this kernel number, for people."""

    def enter(self, entry: LayerEntry, numbers: Sequence[int]) -> LayerEntry:
        """The entry of pictures of these kernel numbers, with what is told of them."""


class Explained(NamedTuple):
    """What the heatmaps of some inputs explain.

    Attributes:
        classes: Of each input; None where a score of one's own has none.
        scores: Of each input, before softmax or sigmoid.
        strength: How much of a pixel is the map's colour.
    """

    classes: NDArray[np.int64] | None
    scores: NDArray[np.float32]
    strength: float = 1.0

    @property
    def dead(self) -> Sequence[int]:
        """None: what nothing excites has a heatmap of zeros."""
        return ()

    def describe(self, number: int) -> str:
        """What the heatmap of an input, counted from 1, explains."""
        score = self.scores[number - 1]
        if self.classes is None:
            return f"Score {score:.4g}."
        return f"Class {self.classes[number - 1]}, score {score:.4g} (before softmax or sigmoid)."

    def enter(self, entry: LayerEntry, numbers: Sequence[int]) -> HeatmapEntry:
        """The entry of the heatmaps of these inputs."""
        inputs = np.asarray(numbers) - 1
        return HeatmapEntry(
            **entry,
            strength=self.strength,
            classes=None if self.classes is None else self.classes[inputs].tolist(),
            scores=self.scores[inputs].tolist(),
        )


class Excitations(NamedTuple):
    """How much the patterns of a layer excite their kernels.

    Attributes:
        reached: By kernel number, the mean of the kernel's feature map.
        dead: The kernels that nothing excites.
    """

    reached: Mapping[int, float]
    dead: Sequence[int]

    def describe(self, number: int) -> str:
        """What the pattern of a kernel reached."""
        told = f"Excitation {self.reached[number]:.4g}"
        return (
            f"{told}: nothing was found that excites this kernel."
            if number in self.dead
            else f"{told}."
        )

    def enter(self, entry: LayerEntry, numbers: Sequence[int]) -> PatternEntry:
        """The entry of the patterns of these kernels."""
        reached = [self.reached[number] for number in numbers]
        return PatternEntry(**entry, excitations=_known(reached))


class Linearities(NamedTuple):
    """How far the kernels of a layer are what their expanded pictures show.

    Attributes:
        found: Of every kernel, the correlation of its value before its activation with that of
            the linear network.
    """

    found: NDArray[np.float32]

    @property
    def dead(self) -> Sequence[int]:
        """None: what nothing excites has weights all the same."""
        return ()

    def describe(self, number: int) -> str:
        """The linearity of a kernel."""
        found = self.found[number - 1]
        return f"Linearity {found:.2f}." if math.isfinite(found) else "Linearity unknown."

    def enter(self, entry: LayerEntry, numbers: Sequence[int]) -> ExpandedEntry:
        """The entry of the expanded kernels of these numbers."""
        found = self.found[np.asarray(numbers) - 1].tolist()
        return ExpandedEntry(**entry, linearities=_known(found))


def _known(numbers: Sequence[float]) -> list[float | None]:
    # JSON has no word for what is not finite.
    return [one if math.isfinite(one) else None for one in numbers]
