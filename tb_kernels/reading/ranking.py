"""Which kernels of a layer come first: those that changed most, the largest, the seldom active."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tb_kernels.arguments import check_layers, check_size
from tb_kernels.errors import ArgumentError
from tb_kernels.reading.criteria import (
    ASCENDING,
    Criterion,
    Epochs,
    check_criterion,
    epochs_of,
    measure,
    source_of,
    source_view,
)
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.schema.naming import KERNELS
from tb_kernels.wording import enumerate_some, shown

if TYPE_CHECKING:
    from tb_kernels.reading.log import Log


class Ranked(NamedTuple):
    """A kernel, and the number that gives it its place.

    Attributes:
        layer: The layer's number, `"1"` or `"2-5"`.
        name: The layer's name in the model.
        kernel: The kernel's number, from 1.
        value: What it was ranked by; NaN where that is not defined.
        error: How far the true value is from it at most: 0.0 where it is exact.
    """

    layer: str
    name: str
    kernel: int
    value: float
    error: float


class Ranking(NamedTuple):
    """The kernels of one layer in their order.

    Attributes:
        layer: The layer.
        epochs: Those that count: of a change two, otherwise one.
        ranked: The first kernels.
        kernels: How many there are in all.
    """

    layer: LoggedLayer
    epochs: tuple[int, ...]
    ranked: list[Ranked]
    kernels: int


def rank_layers(
    log: Log,
    by: Any = "change",
    *,
    view: str = KERNELS,
    layers: Any = None,
    epochs: Epochs = None,
    run: str | None = None,
    top: Any = None,
) -> list[Ranking]:
    """The kernels of each layer in their order, a layer at a time; `Log.rank` joins them.

    Args:
        log: The kernels that take part: those of its pictures.
        by: This and the others are those of `Log.rank`.
        view: Which pictures.
        layers: Which layers.
        epochs: Which epochs.
        run: Which training.
        top: How many kernels of each layer.

    Raises:
        ArgumentError: As `Log.rank`.
        LogError: As `Log.rank`.
    """
    by, top = check_criterion(by), check_size("top", top)
    layers = check_layers(layers)

    def rank(log: Log) -> list[Ranking]:
        return _rank_all(log.select(runs=run, views=view, layers=layers), by, epochs, top)

    return log.of_intact(rank)


def _rank_all(chosen: Log, by: Criterion, epochs: Epochs, top: int | None) -> list[Ranking]:
    if len(chosen.runs) > 1:
        raise ArgumentError(
            f"run: kernels of one training are ranked, {shown(chosen.where)!r} has those of "
            f"{enumerate_some(chosen.runs)}; say which with run="
        )
    rankings = [
        _rank(chosen, layer, source, by, epochs, top)
        for layer in chosen.layers
        if layer.kernels and (source := source_of(chosen, layer, by)) is not None
    ]
    if not rankings:
        raise ArgumentError(_nothing(chosen, by, chosen.layers))
    return rankings


def top_kernels(
    log: Log, layer: LoggedLayer, by: Any = "change", *, epochs: Epochs = None, top: Any = None
) -> list[int]:
    """The kernel numbers of one layer's pictures in their order, for whoever draws the first.

    Args:
        log: In which the layer is.
        layer: One of its layers, of any view. Of heatmaps, whose numbers are those of inputs,
            the order is always that of the numbers.
        by: This and the others are those of `Log.rank`.
        epochs: Which epochs.
        top: How many.

    Raises:
        ArgumentError: As `Log.rank`.
        LogError: As `Log.rank`.
    """
    by, top = check_criterion(by), check_size("top", top)
    source = source_of(log, layer, by)
    if source is None and source_of(log, layer, "norm") is None:
        return layer.kernels[:top]
    if source is None:
        raise ArgumentError(_nothing(log, by, [layer]))
    return [one.kernel for one in _rank(log, layer, source, by, epochs, top).ranked]


def _rank(
    log: Log,
    layer: LoggedLayer,
    source: LoggedLayer,
    by: Criterion,
    epochs: Epochs,
    top: int | None,
) -> Ranking:
    chosen = epochs_of(source, by, epochs, log.where)
    numbers = np.array(layer.kernels, np.int64)
    measured = measure(log, source, by, numbers, chosen)
    # Last is what is not defined, which NumPy sorts behind every number.
    order = np.lexsort((numbers, measured.values if by in ASCENDING else -measured.values))
    values, errors = (array.tolist() for array in measured)
    ranked = [
        Ranked(layer.number, layer.name, int(numbers[place]), values[place], errors[place])
        for place in order[:top].tolist()
    ]
    return Ranking(layer, chosen, ranked, len(numbers))


def _nothing(log: Log, by: Criterion, layers: list[LoggedLayer]) -> str:
    view, logger = source_view(by), "an Activation" if by == "activity" else "a Kernel"
    numbers = enumerate_some(dict.fromkeys(one.number for one in layers))
    return (
        f"by: {by!r} needs the {view} of a layer that has pictures of kernels, and "
        f"{shown(log.where)!r} has none of {numbers}; expected what {logger}Logger has logged"
    )
