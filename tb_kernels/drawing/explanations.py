"""What a picture tells beside its layer and its scale, in words and for the index."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tb_kernels.schema.index import (
    ExampleEntry,
    ExpandedEntry,
    HeatmapEntry,
    LayerEntry,
    PatternEntry,
)
from tb_kernels.wording import finite, shown

# Of a class, in a description.
_LONGEST_NAME = 80


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
        class_names: Of all classes of the model, in their order; None for no names.
    """

    classes: NDArray[np.int64] | None
    scores: NDArray[np.float32]
    strength: float = 1.0
    class_names: Sequence[str] | None = None

    @property
    def dead(self) -> Sequence[int]:
        """None: what nothing excites has a heatmap of zeros."""
        return ()

    def describe(self, number: int) -> str:
        """What the heatmap of an input, counted from 1, explains."""
        score = self.scores[number - 1]
        if self.classes is None:
            return f"Score {score:.4g}."
        explained = f"Class {self.classes[number - 1]}"
        if self.class_names is not None:
            # Descriptions are Markdown, in which a name may mean something else.
            name = shown(self.class_names[self.classes[number - 1]], _LONGEST_NAME)
            explained += f" `{name.replace('`', chr(39))}`"
        return f"{explained}, score {score:.4g} (before softmax or sigmoid)."

    def enter(self, entry: LayerEntry, numbers: Sequence[int]) -> HeatmapEntry:
        """The entry of the heatmaps of these inputs."""
        inputs = np.asarray(numbers) - 1
        classes = None if self.classes is None else self.classes[inputs].tolist()
        names = None
        if classes is not None and self.class_names is not None:
            names = [self.class_names[one] for one in classes]
        return HeatmapEntry(
            **entry,
            strength=self.strength,
            classes=classes,
            class_names=names,
            scores=_known(self.scores[inputs].tolist()),
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
        excited = [number not in self.dead for number in numbers]
        return PatternEntry(**entry, excitations=_known(reached), excited=excited)


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


class Exhibits(NamedTuple):
    """What the examples of some kernels of a layer are.

    Attributes:
        numbers: The kernels' numbers.
        indices: Which inputs, from 0: shape (kernels, examples).
        positions: Row and column in the layer's map: shape (kernels, examples, 2).
        values: Of the kernel there, before its activation: shape (kernels, examples).
        means: What white stands for in each kernel's mean: shape (kernels,).
        extremes: The smallest and the largest value of all inputs.
    """

    numbers: Sequence[int]
    indices: NDArray[np.int64]
    positions: NDArray[np.int64]
    values: NDArray[np.float32]
    means: NDArray[np.float64]
    extremes: tuple[float, float]

    @property
    def dead(self) -> Sequence[int]:
        """None: also of a kernel that nothing excites there are inputs that do so most."""
        return ()

    def describe(self, number: int) -> str:
        """Which inputs excite a kernel most, where and how much."""
        at = self.numbers.index(number)
        told = ", ".join(
            f"inputs[{index}] {value:.4g} at ({row}, {column})"
            for index, value, (row, column) in zip(
                self.indices[at], self.values[at], self.positions[at], strict=True
            )
        )
        reach = self.means[at]
        return f"Examples: {told}. Last their mean: black {-reach:.4g}, white {reach:.4g}."

    def enter(self, entry: LayerEntry, numbers: Sequence[int]) -> ExampleEntry:
        """The entry of the examples of these kernels."""
        at = [self.numbers.index(number) for number in numbers]
        return ExampleEntry(
            **entry,
            means=self.means[at].tolist(),
            indices=self.indices[at].tolist(),
            positions=self.positions[at].tolist(),
            values=[_known(one) for one in self.values[at].tolist()],
        )


def _known(numbers: Sequence[float]) -> list[float | None]:
    return [finite(one) for one in numbers]
