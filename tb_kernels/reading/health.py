"""What a log tells of the health of each layer: numbers and thresholds, no verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tb_kernels.arguments import check_fraction
from tb_kernels.drawing.colors import RGB
from tb_kernels.errors import ArgumentError
from tb_kernels.reading.activity import activity_of
from tb_kernels.reading.criteria import compare
from tb_kernels.reading.curves import Curve
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.measures import Measured, measure_norms, ratio
from tb_kernels.reading.weights import LayerWeights, weights_of
from tb_kernels.schema.naming import ACTIVATIONS, FINAL, KERNELS, order_of, step_of
from tb_kernels.wording import enumerate_some, shown

if TYPE_CHECKING:
    from tb_kernels.reading.log import Log

# A kernel's norm as a fraction of the median of its layer's; a layer's change as one of its norm.
ZERO_BELOW = 0.01
STILL_BELOW = 0.001


class LayerHealth(NamedTuple):
    """What the log tells of a layer. None is what was not logged; it is never told as 0.

    Attributes:
        layer: The layer's number.
        name: Its name in the model.
        epoch: That of its weights, the last one.
        kernels: How many kernels were logged.
        near_zero: How many of them have a norm of at most `zero_below` times the median norm.
        near_zero_error: How far that is from the true number at most: 0 from exact weights.
        nonfinite: How many weights are not finite. None also of pictures in `"rgb"`, in which the
            red that marks them is a colour like others.
        since: The epoch that the next is counted from.
        relative_change: The norm of the change of all of the layer's weights, as a fraction of
            their norm before. The point of the curve `relative_change` at that epoch; without
            one, from the weights of the last two epochs. NaN where weights are not finite, or
            the norm cannot be told from 0.
        relative_change_error: How far that is from the true one at most: 0.0 from the curve and
            from exact weights.
        still: Whether `relative_change` is below `still_below`.
        active_epoch: That of its activations, the last one.
        channels: How many channels of its output were logged.
        inactive: How many of these are nowhere above zero, on the inputs that were logged.
        inactive_error: How far that is from the true number at most: 0 from arrays.
    """

    layer: str
    name: str
    epoch: int | None = None
    kernels: int | None = None
    near_zero: int | None = None
    near_zero_error: int | None = None
    nonfinite: int | None = None
    since: int | None = None
    relative_change: float | None = None
    relative_change_error: float | None = None
    still: bool | None = None
    active_epoch: int | None = None
    channels: int | None = None
    inactive: int | None = None
    inactive_error: int | None = None


def check_health(
    log: Log, *, layers: Any, run: str | None, zero_below: Any, still_below: Any
) -> list[LayerHealth]:
    """What the log tells of each layer: the work of `Log.health`, a layer at a time."""
    zero_below = check_fraction("zero_below", zero_below)
    still_below = check_fraction("still_below", still_below)
    chosen = log.select(runs=run)
    views = [view for view in (KERNELS, ACTIVATIONS) if view in chosen.views]
    if not views:
        raise ArgumentError(
            f"views: no kernels and no activations in {shown(log.where)!r}, which has "
            f"{enumerate_some(chosen.views) or 'no pictures'}; expected what a KernelLogger or an "
            "ActivationLogger has logged"
        )
    chosen = chosen.select(views=views, layers=layers)
    if len(chosen.runs) > 1:
        raise ArgumentError(
            f"run: the health of one training is told, {shown(log.where)!r} has "
            f"{enumerate_some(chosen.runs)}; say which with run="
        )
    curves = log.whole.scalars(run=chosen.runs[0]).get(KERNELS, {})
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for layer in chosen.layers:
        facts = found.setdefault((layer.number, layer.name), {})
        if layer.view == ACTIVATIONS:
            facts |= _of_activations(chosen, layer)
        else:
            facts |= _of_kernels(chosen, layer, curves, zero_below)
    rows = [
        LayerHealth(number, name, **facts)
        for (number, name), facts in sorted(found.items(), key=lambda one: order_of(one[0][0]))
    ]
    return [
        row._replace(still=None if (one := row.relative_change) is None else one < still_below)
        for row in rows
    ]


def _of_kernels(
    log: Log, layer: LoggedLayer, curves: Mapping[str, Curve], zero_below: float
) -> dict[str, Any]:
    *before, epoch = layer.epochs
    weights = weights_of(log, layer, epoch)
    zeros, error = near_zero(measure_norms(weights.values, weights.error), zero_below)
    facts = {
        "epoch": epoch,
        "kernels": len(weights.numbers),
        "near_zero": zeros,
        "near_zero_error": error,
        "nonfinite": _nonfinite(log, layer, epoch, weights),
    }
    point = _point(layer, epoch, curves)
    if point is not None:
        since, change = point
        return facts | _change(since, change, 0.0)
    if not before:
        return facts
    _, changes, norms = compare(
        weights_of(log, layer, before[-1]), weights, f"layer {layer.number}"
    )
    (change,), (error_,) = ratio(changes.whole(), norms.whole())
    return facts | _change(before[-1], float(change), float(error_))


def _change(since: int, change: float, error: float) -> dict[str, Any]:
    return {"since": since, "relative_change": change, "relative_change_error": error}


def near_zero(norms: Measured, zero_below: float) -> tuple[int, int]:
    """How many kernels are near zero.

    Args:
        norms: Of a layer's kernels.
        zero_below: Near zero is at most so much of their median.

    Returns:
        The number, and how far it may be from the true one at most.
    """
    finite = ~np.isnan(norms.values)
    if not finite.any():
        return 0, 0
    values, errors = (numbers[finite] for numbers in norms)
    # No order statistic moves by more than the values do.
    median, moved = float(np.median(values)), float(errors.max())
    found = int((values <= zero_below * median).sum())
    surely = int((values + errors <= zero_below * (median - moved)).sum())
    perhaps = int((values - errors <= zero_below * (median + moved)).sum())
    return found, max(found - surely, perhaps - found)


def _nonfinite(log: Log, layer: LoggedLayer, epoch: int, weights: LayerWeights) -> int | None:
    if not weights.exact and log.whole.of_layer(layer, epoch)[0].legend.colormap == RGB:
        return None
    return int(weights.values.size - np.isfinite(weights.values).sum())


def _point(layer: LoggedLayer, epoch: int, curves: Mapping[str, Curve]) -> tuple[int, float] | None:
    """The epoch that the curve's change is counted from, and the change."""
    key = next((one for one in layer.keys if f"{one}/relative_change" in curves), None)
    if key is None:
        return None
    steps, values = curves[f"{key}/relative_change"]
    step = int(steps[-1]) if epoch == FINAL else step_of(epoch)
    (places,) = np.nonzero(steps == step)
    if not len(places):
        return None
    # The norm is measured whenever the change is, and once before it.
    measured = curves[f"{key}/kernel_norm"].steps if f"{key}/kernel_norm" in curves else steps
    earlier = measured[measured < step]
    since = int(earlier[-1]) if len(earlier) else step - 1
    return since + 1, float(values[places[0]])


def _of_activations(log: Log, layer: LoggedLayer) -> dict[str, Any]:
    epoch = layer.epochs[-1]
    numbers, (shares, errors) = activity_of(log, layer, epoch)
    return {
        "active_epoch": epoch,
        "channels": len(numbers),
        "inactive": int((shares == 0).sum()),
        "inactive_error": int(((shares == 0) & (errors > 0)).sum()),
    }
