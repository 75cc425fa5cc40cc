"""A kernel's slices → the filters that make their input channels, as a log tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tb_kernels.schema.axes import Axes
from tb_kernels.schema.training import LayerFacts, Makers


class Filter(NamedTuple):
    """A filter of a layer.

    Attributes:
        layer: The layer's number.
        number: The filter's, from 1.
    """

    layer: str
    number: int


class Input(NamedTuple):
    """What a slice of a kernel is multiplied by.

    Attributes:
        channel: The number of the input channel, from 1.
        filters: Those that make it: after an addition several; none if it is the picture's, or
            nobody knows.
    """

    channel: int
    filters: tuple[Filter, ...]


def inputs_of(layers: Sequence[LayerFacts], number: str, axes: Axes, kernel: int) -> list[Input]:
    """The input channel of each slice of a kernel.

    Args:
        layers: All of the model.
        number: Of the kernel's layer, or part of a layer.
        axes: Of its weight.
        kernel: The kernel's number, from 1.
    """
    by_number = {layer["number"]: layer for layer in layers}
    whole, _, part = number.rpartition("-")
    told, separable = by_number.get(number), False
    if told is None and whole in by_number and by_number[whole]["kind"].startswith("Separable"):
        told, separable = by_number[whole], part == "2"
    makers = [Makers(*row) for row in (told["makers"] if told else ())]  # type: ignore[arg-type]
    slices = axes.channels
    # All are made by somebody where a convolution works in groups, or stands behind a depthwise
    # one with a multiplier.
    channels = max((one.channel + one.length - 1 for one in makers), default=slices)
    if "m" in axes.letters:
        times = axes.kernels // axes.shape[axes.letters.index("i")]
        numbers = [(kernel - 1) // times + 1]
    elif separable:
        times = max(1, slices // channels)
        numbers = [place // times + 1 for place in range(slices)]
    else:
        groups = max(1, channels // slices)
        first = (kernel - 1) * groups // axes.kernels * slices
        numbers = [first + place + 1 for place in range(slices)]
    return [Input(channel, _makers_of(makers, channel)) for channel in numbers]


def _makers_of(makers: Sequence[Makers], channel: int) -> tuple[Filter, ...]:
    return tuple(
        Filter(one.layer, one.filter + channel - one.channel)
        for one in makers
        if one.channel <= channel < one.channel + one.length
    )
