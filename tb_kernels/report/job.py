"""One report: what of which log, where to, and how. Light, so that a command can offer it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from tb_kernels.reading.log import Log
from tb_kernels.report.folder import ReportFolder
from tb_kernels.report.room import Room

if TYPE_CHECKING:
    from tb_kernels.figures.kinds import Manner

# In the order in which they are made: the page embeds what the others have drawn.
PART_NAMES = ("images", "strips", "sheets", "contexts", "animations", "curves", "page")

Format = Literal["png", "pdf", "svg"]


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
        format: Of strips, sheets, contexts and curves.
    """

    log: Log
    folder: ReportFolder
    tell: Callable[[str], None]
    step: Callable[[], None]
    manner: Manner
    together: bool = False
    format: Format = "png"

    @cached_property
    def room(self) -> Room:
        """How much all figures together may draw."""
        return Room(self.log)
