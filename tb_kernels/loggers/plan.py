"""What a logger draws of one model: the plan that all views share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Generic, TypeVar

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.layer_pictures import LayerPictures
from tb_kernels.drawing.levels import Limits, Normalize, find_nonfinite, measure
from tb_kernels.drawing.subjects import Subject
from tb_kernels.loggers.incidents import Report
from tb_kernels.loggers.notice import Volume
from tb_kernels.model.layers import KernelWeight
from tb_kernels.schema.index import LayerEntry
from tb_kernels.schema.outputs import Output, Scalars

_Pictures = TypeVar("_Pictures", bound=LayerPictures)


class LayerPlan(Generic[_Pictures]):
    """Draws an array of each layer.

    A view adds how it captures the arrays, and what it writes beside the pictures.

    Args:
        model: The model.
        layers: What is drawn of it.
        normalize: What black and white stand for.
        firsts: Each layer's limits at the first epoch drawn, by its number, filled
            here; None if every epoch has limits of its own.
        volume: How much one epoch is.
    """

    # Whether "standard" looks at each picture by itself, and a sheet keeps their scales.
    each_alone = False

    def __init__(
        self,
        model: keras.Model,
        layers: Sequence[_Pictures],
        normalize: Normalize,
        firsts: MutableMapping[str, Limits] | None,
        volume: Volume,
    ) -> None:
        self.model = model
        self.volume = volume
        self.layers = layers
        self.normalize = normalize
        self._firsts = firsts
        self._entries: list[LayerEntry] = []

    def draw_layers(
        self, arrays: list[NDArray[Any]], epoch: int, report: Report
    ) -> Iterator[Output]:
        """The pictures, layer by layer, and the numbers beside them.

        Args:
            arrays: Of each layer, the last layer first; emptied, so that each is let
                go once its layer is drawn.
            epoch: Their epoch.
            report: Where a layer that cannot be drawn is told.
        """
        self._entries = []
        numbers: dict[str, float] = {}
        for layer in self.layers:
            left = layer.count
            try:
                kernels = layer.subject.axes.arrange(arrays.pop())
                numbers.update(self.measure(layer, kernels))
                nonfinite = _find_nonfinite(layer, kernels, epoch, report)
                limits = self._limits(layer.subject.number, kernels)
                shared = limits.low.ndim == 0 or self.each_alone
                whole = limits if shared else measure(kernels, "layer")
                for batch in layer.draw(kernels, nonfinite, limits, whole, epoch):
                    yield batch
                    left -= len(batch)
                self._entries.append(layer.entry(limits, whole))
            except Exception as error:
                report.lose(left, "picture", error)
        yield Scalars(numbers)

    def is_current(self) -> bool:
        """Always: what is drawn depends on nothing but weights."""
        return True

    def entries(self) -> Sequence[LayerEntry]:
        """How the pictures drawn last are to be read."""
        return self._entries

    def measure(self, layer: LayerPictures, kernels: NDArray[np.float32]) -> Mapping[str, float]:
        """Numbers to stand beside the pictures of a layer, by tag; none by default."""
        return {}

    def limits_of(self, kernels: NDArray[np.float32]) -> Limits:
        """What black and white stand for in these kernels."""
        return measure(kernels, self.normalize, each=self.each_alone)

    def is_telling(self, kernels: NDArray[np.float32]) -> bool:
        """Whether limits measured here are worth keeping for later epochs."""
        return bool(np.isfinite(kernels).any())

    def _limits(self, number: str, kernels: NDArray[np.float32]) -> Limits:
        if self._firsts is None:
            return self.limits_of(kernels)
        if number not in self._firsts:
            limits = self.limits_of(kernels)
            if not self.is_telling(kernels):
                return limits
            self._firsts[number] = limits
        return self._firsts[number]


def kernels_of_weight(weight: KernelWeight, values: str = "weights") -> Subject:
    """The kernels of a weight, or an array of its shape that holds other values."""
    return Subject(weight.number, weight.name, weight.kind, weight.axes, values=values)


def volume_of(layers: Sequence[LayerPictures], *, noun: str = "kernel", more: int = 0) -> Volume:
    """How much an epoch of these pictures is.

    Args:
        layers: What is drawn.
        noun: What one picture shows.
        more: Bytes of what is written beside them.
    """
    subjects = [layer.subject for layer in layers]
    return Volume(
        # A separable convolution is one layer of two parts.
        layers=len({(s.name, s.number.rpartition("-")[0]) for s in subjects}),
        drawn=sum(layer.kernels_drawn for layer in layers),
        noun=noun,
        pictures=sum(layer.count for layer in layers),
        size=sum(layer.size for layer in layers) + more,
    )


def _find_nonfinite(
    layer: LayerPictures, kernels: NDArray[np.float32], epoch: int, report: Report
) -> NDArray[np.bool_] | None:
    nonfinite = find_nonfinite(kernels)
    if nonfinite is not None:
        subject = layer.subject
        report.meet_nonfinite(
            subject.number,
            f"layer {subject.number} {subject.name!r}, "
            f"{nonfinite.sum():,} of {nonfinite.size:,} {subject.values} at epoch {epoch}",
        )
    return nonfinite
