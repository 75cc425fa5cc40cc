"""Which pictures are drawn, and how: the keywords that all loggers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tb_kernels.arguments import check_kernels, check_layers, check_size
from tb_kernels.drawing.colors import check_colormap
from tb_kernels.drawing.levels import Normalize, check_normalize


@dataclass(frozen=True)
class Style:
    """Checked keywords, as `KernelLogger` explains them; `kernels` are here a set of numbers."""

    normalize: Normalize
    colormap: str
    columns: int | None
    scale: int | None
    group: bool
    sheets: bool
    layers: list[int | str] | None
    kernels: frozenset[int] | None

    @classmethod
    def checked(
        cls,
        layers: Any,
        kernels: Any,
        normalize: Any,
        colormap: Any,
        columns: Any,
        scale: Any,
        group: bool,
        sheets: bool,
    ) -> Style:
        """The style, if its values will do.

        Raises:
            ArgumentError: If one will not.
        """
        return cls(
            check_normalize(normalize),
            check_colormap(colormap),
            check_size("columns", columns),
            check_size("scale", scale),
            bool(group),
            bool(sheets),
            check_layers(layers),
            None if kernels is None else frozenset(check_kernels(kernels) or ()),
        )
