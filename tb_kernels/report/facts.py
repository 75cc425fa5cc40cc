"""What is told of a layer beside its pictures."""

from __future__ import annotations

from typing import NamedTuple

from tb_kernels.reading.labels import LoggedLayer
from tb_kernels.wording import ranges, shown

_LONGEST_NAME = 80


class Facts(NamedTuple):
    """A layer in words, each on one line.

    Attributes:
        title: `Layer 1, conv2d`.
        view: `kernels`.
        kernels: `1-32`; `sheets` where there is nothing else.
        epochs: `0-1, 6, 10`.
    """

    title: str
    view: str
    kernels: str
    epochs: str


def facts_of(layer: LoggedLayer) -> Facts:
    """Of a layer."""
    name = f", {shown(layer.name, _LONGEST_NAME)}" if layer.name else ""
    return Facts(
        f"Layer {layer.number}{name}",
        shown(layer.view),
        ranges(layer.kernels) or "sheets",
        ranges(layer.epochs),
    )
