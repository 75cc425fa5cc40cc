"""What kernels are ranked by: for each kernel of a layer a number, from what was logged of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, get_args
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from tb_kernels.arguments import check_epoch
from tb_kernels.errors import ArgumentError, LogError
from tb_kernels.reading.activity import activity_of
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.measures import Measured, measure_changes, measure_norms, ratio
from tb_kernels.reading.weights import LayerWeights, weights_of
from tb_kernels.schema.naming import ACTIVATIONS, FINAL, HEATMAPS, KERNELS
from tb_kernels.wording import ranges, shown

if TYPE_CHECKING:
    from tb_kernels.reading.log import Log

Criterion = Literal["change", "relative_change", "norm", "activity", "number"]

CRITERIA: tuple[Criterion, ...] = get_args(Criterion)

# These compare two epochs.
CHANGES = ("change", "relative_change")

# Of these the smallest is the first.
ASCENDING = ("activity", "number")

# What was measured of a log: the views of a layer are ranked by the same numbers.
_measured: WeakKeyDictionary[Log, dict[tuple[Any, ...], tuple[NDArray[np.int64], Measured]]] = (
    WeakKeyDictionary()
)

# What users may give: one or two.
Epochs = Iterable[int | str] | int | str | None


def check_criterion(by: Any) -> Criterion:
    """Returns `by` if it is a criterion.

    Raises:
        ArgumentError: If it is none.
    """
    if by not in CRITERIA:
        raise ArgumentError(f"by: expected one of {', '.join(map(repr, CRITERIA))}, got {by!r}")
    return by  # type: ignore[no-any-return]


def source_view(by: Criterion) -> str:
    """The view whose weights or feature maps count."""
    return ACTIVATIONS if by == "activity" else KERNELS


def source_of(log: Log, layer: LoggedLayer, by: Criterion) -> LoggedLayer | None:
    """Where the numbers of a layer's kernels come from.

    Args:
        log: In which the layer is. What it does not have is looked for in the log that it is
            a selection of.
        layer: Of any view.
        by: The criterion.

    Returns:
        The same layer of the same model in the view that counts; None if it was not logged
        there, and for heatmaps, whose numbers are those of inputs.
    """
    view = source_view(by)
    if layer.view == view or by == "number":
        return layer
    if layer.view == HEATMAPS:
        return None
    for there in (log, log.whole):
        same = [
            other
            for other in there.layers
            if (other.run, other.view, other.number) == (layer.run, view, layer.number)
        ]
        # A model whose layers have other names may go on where one like it ended.
        for other in sorted(same, key=lambda other: other.name != layer.name):
            if _picture(there, other).is_beside(_picture(log, layer)):
                return other
    return None


def epochs_of(source: LoggedLayer, by: Criterion, epochs: Epochs, where: str) -> tuple[int, ...]:
    """The epochs that count: of a change two, otherwise one.

    Args:
        source: Where the numbers come from.
        by: The criterion.
        epochs: What the user gave.
        where: The log's name, for errors.

    Raises:
        ArgumentError: If something else was given, or the layer was not logged then.
    """
    have = source.epochs
    told = f"{source.view} of layer {source.number} ({shown(source.name)}) in {shown(where)!r}"
    wanted = _listed(epochs)
    for epoch in wanted:
        if epoch not in have:
            raise ArgumentError(f"epochs: no {told} at epoch {epoch}; there are {ranges(have)}")
    if by not in CHANGES:
        return (*(wanted or have),)[-1:]
    pair = wanted or tuple(dict.fromkeys((have[0], have[-1])))
    if len(pair) != 2:
        raise ArgumentError(
            f"epochs: {by!r} compares two epochs such as (1, 10), got {', '.join(map(str, pair))}; "
            f"of {told} there are {ranges(have)}"
        )
    return pair


def measure(
    log: Log,
    source: LoggedLayer,
    by: Criterion,
    numbers: NDArray[np.int64],
    epochs: tuple[int, ...],
) -> Measured:
    """The number of each kernel.

    Args:
        log: In which the layer is.
        source: Where the numbers come from.
        by: The criterion.
        numbers: Of the kernels, shape (kernels,).
        epochs: Those that count.

    Returns:
        NaN where a kernel was not logged at one of the epochs, or there is no such number.

    Raises:
        LogError: If pictures or arrays cannot be read, or do not go together.
    """
    if by == "number":
        return Measured(numbers.astype(np.float64), np.zeros(len(numbers)))
    known = _measured.setdefault(log, {})
    key = source.folder, source.group, source.number, by, epochs
    if key not in known:
        known[key] = _measure(log, source, by, epochs)
    found, measured = known[key]
    return measured.taken(_places(found, numbers))


def _measure(
    log: Log, source: LoggedLayer, by: Criterion, epochs: tuple[int, ...]
) -> tuple[NDArray[np.int64], Measured]:
    """The numbers of all kernels that were logged, and each one's number."""
    if by == "activity":
        return activity_of(log, source, epochs[-1])
    if by == "norm":
        weights = weights_of(log, source, epochs[-1])
        return weights.numbers, measure_norms(weights.values, weights.error)
    before, after = (weights_of(log, source, epoch) for epoch in epochs)
    found, changes, norms = compare(before, after, f"layer {source.number}")
    return found, changes if by == "change" else ratio(changes, norms)


def compare(
    before: LayerWeights, after: LayerWeights, what: str
) -> tuple[NDArray[np.int64], Measured, Measured]:
    """How far the kernels of a layer moved between two epochs.

    Args:
        before: The weights at the first.
        after: The weights at the second.
        what: The layer, for errors.

    Returns:
        The numbers of the kernels that are there at both, the norms of their differences and
        their norms before.

    Raises:
        LogError: If the two are not of one shape.
    """
    shapes = before.values.shape[1:], after.values.shape[1:]
    if shapes[0] != shapes[1]:
        raise LogError(
            f"the kernels of {shown(what)} have the shapes {shapes[0]} and {shapes[1]} at the two "
            "epochs; expected epochs of one network"
        )
    both = np.intersect1d(before.numbers, after.numbers)
    (old, old_error), (new, new_error) = (_taken(one, both) for one in (before, after))
    changes = measure_changes(old, new, old_error, new_error)
    return both, changes, measure_norms(old, old_error)


def _taken(
    weights: LayerWeights, numbers: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values and errors of some kernels, without a copy where these are all."""
    if np.array_equal(weights.numbers, numbers):
        return weights.values, weights.error
    places = _places(weights.numbers, numbers)
    return weights.values[places], weights.error[places]


def _places(have: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where each number stands among others; -1 for nowhere."""
    places = {number: place for place, number in enumerate(have.tolist())}
    return np.array([places.get(number, -1) for number in wanted.tolist()], np.intp)


def _listed(epochs: Epochs) -> tuple[int, ...]:
    if epochs is None:
        return ()
    items = [epochs] if isinstance(epochs, int | str) else list(epochs)
    expected = "expected whole numbers from 0 or 'final', such as (1, 10)"
    return tuple(
        FINAL if one in (FINAL, str(FINAL)) else check_epoch("epochs", one, expected)
        for one in items
    )


def _picture(log: Log, layer: LoggedLayer) -> Any:
    return log.of_layer(layer, layer.epochs[0])[0]
