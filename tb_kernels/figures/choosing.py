"""Which kernels of a layer a figure shows, and in which order."""

from __future__ import annotations

from typing import Any, NamedTuple

from tb_kernels.errors import ArgumentError, DamagedError, LogError
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.log import Log
from tb_kernels.reading.picture import Picture
from tb_kernels.reading.ranking import top_kernels


class Choosing(NamedTuple):
    """Which kernels are drawn, and in which order.

    Attributes:
        order: What they are ranked by, as in `Log.rank`; None for their numbers.
        top: How many; None for all.
    """

    order: Any = None
    top: int | None = None

    def cuts(self, layer: LoggedLayer) -> bool:
        """Whether some kernels of a layer are left out."""
        return self.top is not None and len(layer.kernels) > self.top

    def of(self, log: Log, layer: LoggedLayer) -> list[int]:
        """The kernel numbers of a layer, those drawn in their order.

        Without an order the first are those that changed most, where that can be told.

        Raises:
            ArgumentError: If they cannot be ranked as asked for.
            LogError: Likewise.
        """
        if self.order is not None:
            return top_kernels(log, layer, self.order, top=self.top)
        if not self.cuts(layer):
            return layer.kernels
        try:
            return top_kernels(log, layer, "change", top=self.top)
        except DamagedError:
            # Whoever asks goes on without what is damaged.
            raise
        except (ArgumentError, LogError):
            # Of one epoch, or of slices each by itself.
            return layer.kernels[: self.top]


def chosen_strips(log: Log, layer: LoggedLayer, choosing: Choosing) -> list[list[Picture]]:
    """The pictures of kernels of a layer across epochs, in their order; of sheets, if alone."""
    strips = {strip[0].address.kernel: strip for strip in log.strips_of(layer)}
    return [strips[one] for one in choosing.of(log, layer) or strips]
