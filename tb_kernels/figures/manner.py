"""How a figure is drawn: for which paper, on which scale, in which direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from tb_kernels.arguments import check_size
from tb_kernels.drawing.levels import Limits
from tb_kernels.errors import ArgumentError
from tb_kernels.figures.building import build
from tb_kernels.figures.panels import Cell, Panel, cell_of
from tb_kernels.figures.paper import DPI, Direction, Paper
from tb_kernels.figures.saving import Drawing
from tb_kernels.figures.scale import Scale
from tb_kernels.reading.picture import Picture
from tb_kernels.wording import enumerate_some


@dataclass(frozen=True)
class Manner:
    """How a figure is drawn.

    Attributes:
        paper: What for.
        scale: Which colour a weight has.
        direction: How epochs stand: `"across"`, side by side; `"down"`, below each other;
            `"auto"`, as fits the pictures.
        side: Pixels along the side of a weight; None for what fits.
        columns: Slices in a row; None for as logged.
    """

    paper: Paper = field(default_factory=Paper)
    scale: Scale = field(default_factory=Scale)
    direction: Direction = "auto"
    side: int | None = None
    columns: int | None = None

    @classmethod
    def checked(
        cls,
        *,
        width: Any = None,
        dpi: Any = DPI,
        background: Any = "white",
        normalize: Any = "layer",
        colormap: Any = None,
        direction: Any = "auto",
        scale: Any = None,
        columns: Any = None,
    ) -> Manner:
        """From what a user has given: the options of `Log.figure`.

        Raises:
            ArgumentError: If one of these is not what is expected.
        """
        if direction not in get_args(Direction):
            raise ArgumentError(
                f"direction: expected one of {enumerate_some(get_args(Direction))}, "
                f"got {direction!r}"
            )
        if scale is not None and width is not None:
            raise ArgumentError("scale: the size of a weight follows from the width; give one")
        return cls(
            Paper.checked(width, dpi, background),
            Scale.checked(normalize, colormap),
            direction,
            check_size("scale", scale),
            check_size("columns", columns),
        )

    def on_white(self) -> Manner:
        """The same without opacity, which some files do not have."""
        return replace(self, paper=replace(self.paper, background="white"))

    def cell(self, picture: Picture, caption: str, limits: Limits | None) -> Cell:
        """A picture of the figure."""
        return cell_of(picture, caption, self.scale, limits, self.columns)

    def build(self, panels: Sequence[Sequence[Panel]]) -> Drawing:
        """The figure."""
        return build(panels, self.paper, self.side)
