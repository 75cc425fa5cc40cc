"""One export: what of which log, where to, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tb_kernels.reading.log import Log
from tb_kernels.report.folder import ReportFolder

# In the order in which they are made: the page embeds what the others have drawn.
PART_NAMES = ("images", "strips", "sheets", "animations", "curves", "page")


@dataclass(frozen=True)
class Options:
    """How figures are drawn.

    Attributes:
        scale: Pixels along the side of a weight; None for as logged.
        columns: Slices in a row; None for as logged.
        direction: How the epochs of a kernel stand.
        together: Whether a strip has all views of its address.
        format: Of labelled figures.
    """

    scale: int | None = None
    columns: int | None = None
    direction: Literal["auto", "across", "down"] = "auto"
    together: bool = False
    format: Literal["png", "pdf"] = "png"


@dataclass(frozen=True)
class Job:
    """An export.

    Attributes:
        log: The pictures that were chosen.
        folder: Where it goes.
        options: How figures are drawn.
        tell: Is told, in a line each, of what could not be made.
        step: Is called after each piece of work.
    """

    log: Log
    folder: ReportFolder
    options: Options
    tell: Callable[[str], None]
    step: Callable[[], None]
