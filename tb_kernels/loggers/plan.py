"""A view of one model, epoch after epoch: what was captured → all that is written of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.exhibits import hang
from tb_kernels.drawing.explanations import Explanation
from tb_kernels.drawing.layer_pictures import LayerPictures, Moment
from tb_kernels.drawing.levels import Limits, are_telling, find_limits, find_nonfinite
from tb_kernels.errors import described
from tb_kernels.loggers.incidents import COMPUTED, DRAWN, Incidents
from tb_kernels.loggers.notice import Volume
from tb_kernels.model.layers import built_convolutions
from tb_kernels.schema.naming import FINAL
from tb_kernels.schema.outputs import ArrayFile, Output, Scalars
from tb_kernels.views.view import Captured, View


@dataclass(frozen=True)
class Memory:
    """What a logger remembers of an architecture from epoch to epoch, across trainings.

    Attributes:
        firsts: Each layer's limits at the first epoch drawn, for `normalize="first"`.
        before: Each layer's kernels at the epoch before.
    """

    firsts: dict[str, Limits] = field(default_factory=dict)
    before: dict[str, NDArray[np.float32]] = field(default_factory=dict)


class Plan:
    """Draws what a view captures.

    Args:
        view: Of one model.
        memory: Of that model.

    Attributes:
        view: Of one model.
        volume: How much one epoch is.
        stays: Whether it is kept although the model has changed.
    """

    def __init__(self, view: View, memory: Memory) -> None:
        self.view = view
        self.volume = _volume_of(view)
        self.stays = False
        self._memory = memory
        self._built = built_convolutions(view.model)

    def holds(self) -> bool:
        """Whether it still fits the model, of which more may be built by now."""
        model, built = self.view.model, self._built
        complete = all(built) or built == built_convolutions(model)
        return self.stays or (complete and self.view.is_current())

    def draw(self, captured: Captured, epoch: int, incidents: Incidents) -> Iterator[Output]:
        """All that is written of an epoch, on the worker.

        What of it cannot be drawn is reported, and the rest is drawn.

        Args:
            captured: By the view; emptied, so that each array is let go once it is drawn.
            epoch: Its epoch.
            incidents: Where that is reported.
        """
        view, before = self.view, self._memory.before
        if not captured.sampled:
            yield from _made(ArrayFile.noun, lambda: view.array_file(captured, epoch), incidents)
        # The model as training leaves it stands at a step that has its numbers already.
        measure = (lambda: None) if epoch == FINAL else (lambda: view.scalars(captured, before))
        yield from _made(Scalars.noun, measure, incidents)
        captured.beside.clear()
        arrays = deque(captured.drawn)
        captured.drawn.clear()
        explained = deque(captured.explained)
        for layer in () if captured.sampled else self.view.layers:
            left = layer.count
            told = explained.popleft() if explained else None
            try:
                kernels = layer.subject.axes.arrange(arrays.popleft())
                moment = self._moment(layer, kernels, epoch, told, incidents)
                for batch in layer.draw(moment):
                    yield batch
                    left -= len(batch)
            except Exception as error:
                incidents.lose(left, "picture", described(error), DRAWN)

    def _moment(
        self,
        layer: LayerPictures,
        kernels: NDArray[np.float32],
        epoch: int,
        explained: Explanation | None,
        incidents: Incidents,
    ) -> Moment:
        limits, outside = self._limits(layer, kernels, explained), None
        if layer.subject.axes.has_examples:
            kernels, outside = hang(kernels, limits)
        nonfinite = find_nonfinite(kernels)
        if nonfinite is not None:
            incidents.meet_nonfinite(layer.subject, nonfinite, epoch)
        if explained is not None:
            incidents.meet_dead(layer.subject, explained.dead, epoch)
        shared = limits.low.ndim == 0 or self.view.each_alone
        whole = limits if shared else find_limits(kernels, "layer")
        return Moment(epoch, kernels, nonfinite, limits, whole, explained, outside)

    def _limits(
        self, layer: LayerPictures, kernels: NDArray[np.float32], explained: Explanation | None
    ) -> Limits:
        """What black and white stand for: in these kernels, or in the first ones drawn."""
        number, normalize = layer.subject.number, layer.style.normalize
        if normalize == "first" and number in self._memory.firsts:
            return self._memory.firsts[number]
        limits = self.view.limits(kernels, normalize, explained)
        # On a scale of one value, as of a layer that begins with zeros, nothing is seen later.
        wide = bool(np.any(limits.low < limits.high))
        telling = are_telling(kernels, from_zero=self.view.from_zero)
        if normalize == "first" and wide and telling:
            self._memory.firsts[number] = limits
        return limits


def _volume_of(view: View) -> Volume:
    layers, subjects = view.layers, [layer.subject for layer in view.layers]
    return Volume(
        # A separable convolution is one layer of two parts.
        layers=len({(s.name, s.number.rpartition("-")[0]) for s in subjects}),
        drawn=sum(layer.kernels_drawn for layer in layers),
        noun=view.noun,
        pictures=sum(layer.count for layer in layers),
        size=sum(layer.size for layer in layers) + view.size_beside,
        too_large=tuple(view.too_large),
        remark=view.remark,
        chosen=view.chosen,
    )


def _made(noun: str, make: Callable[[], Output | None], incidents: Incidents) -> Iterator[Output]:
    """What is stored or measured of all layers together; what cannot be made is reported."""
    try:
        output = make()
    except Exception as error:
        incidents.lose(1, noun, described(error), COMPUTED)
    else:
        if output is not None:
            yield output
