"""One report: what of which log, where to, and how. Light, so that a command can offer it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tb_kernels.figures.choosing import Choosing
from tb_kernels.figures.paper import Format
from tb_kernels.reading.log import Log
from tb_kernels.report.folder import ReportFolder
from tb_kernels.report.room import Room

if TYPE_CHECKING:
    from tb_kernels.drawing.levels import Limits
    from tb_kernels.figures.manner import Manner
    from tb_kernels.reading.layers import LoggedLayer
    from tb_kernels.schema.naming import Address

# In the order in which they are made: the page embeds what the others have drawn.
PART_NAMES = (
    "images",
    "strips",
    "grids",
    "sheets",
    "differences",
    "contexts",
    "animations",
    "curves",
    "page",
)
# Those that answer a question of their own, and are made when they are asked for.
ON_REQUEST = ("grids", "differences")

# So many kernels of a layer are drawn, if nobody says otherwise.
TOP = {"strips": 8, "grids": 64, "differences": 64}


@dataclass(frozen=True)
class Job:
    """What a report is made of.

    Attributes:
        log: The pictures that were chosen.
        folder: Where it goes.
        tell: Is told, in a line each, of what could not be made.
        step: Is called after each piece of work.
        manner: How figures are drawn.
        together: Whether a strip has all views of its address.
        format: Of figures.
        order: What kernels are ranked by; None for their numbers.
        top: How many kernels of each layer; 0 for all, None for as many as is usual.
        command: What it was asked for with; empty if by no command.
    """

    log: Log
    folder: ReportFolder
    tell: Callable[[str], None]
    step: Callable[[], None]
    manner: Manner
    together: bool = False
    format: Format = "png"
    order: str | None = None
    top: int | None = None
    command: str = ""

    @cached_property
    def cut(self) -> str:
        """Which strips there are, if not all; empty for all."""
        choosing = self.choosing("strips")
        if not any(map(choosing.cuts, self.log.layers)):
            return ""
        by = self.order or ("change" if len(self.log.epochs) > 1 else "number")
        return (
            f"strips: the first {choosing.top} kernels of each layer by {by}; --top all draws all"
        )

    def choosing(self, part: str) -> Choosing:
        """Which kernels a part shows."""
        top = TOP.get(part) if self.top is None else self.top or None
        return Choosing(self.order, top)

    def limits(self, layer: LoggedLayer) -> dict[Address, Limits | None]:
        """The scale of each picture of a layer, one for all epochs, as the figures have it."""
        pictures = [one for epoch in layer.epochs for one in self.log.of_layer(layer, epoch)]
        limits = self.manner.scale.limits(pictures)
        return dict(zip((one.address for one in pictures), limits, strict=True))

    @cached_property
    def room(self) -> Room:
        """How much all figures together may draw."""
        return Room(self.log)
