"""How the losses of batches are put together to that of all samples."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend

# Losses are means over samples, their sum, or means that are divided by the samples' weights.
_MEAN, _SUM, _WEIGHTED = "sum_over_batch_size", "sum", "mean_with_sample_weight"


def factors_of(
    model: keras.Model, sample_weight: Any, batches: list[Any], shares: list[float]
) -> list[float]:
    """How much each batch's loss counts in that of all samples, by the loss's reduction.

    Args:
        model: Compiled.
        sample_weight: Of all samples, or None.
        batches: Samples, targets and weights of each.
        shares: How many of the samples each is, as a fraction.

    Raises:
        ArgumentError: If batches cannot be put together.
    """
    if len(batches) == 1:
        return [1.0]
    weights = backend.leaves(sample_weight)
    weighted = any(one is not None for one in weights)
    losses = _losses(model)
    kinds = {_kind(loss, weighted=weighted) for loss in losses}
    if kinds == {_SUM}:
        return [1.0] * len(batches)
    if any(getattr(loss, "ignore_class", None) is not None for loss in losses):
        raise _not_put_together(model, "are means over the samples of classes that are not ignored")
    if kinds <= {_MEAN}:
        return shares
    if kinds == {_WEIGHTED} and len(weights) == 1:
        whole = float(np.sum(weights[0]))
        return [float(np.sum(batch[2])) / whole for batch in batches]
    raise _not_put_together(model, "are reduced in several ways")


def _losses(model: keras.Model) -> list[Any]:
    """The compiled losses, without the outputs that have none."""
    return [loss for loss in backend.leaves(model.loss) if loss is not None]


def check_masks(model: keras.Model, outputs: Any) -> None:
    """Makes sure that what is masked does not matter to how batches are put together.

    Raises:
        ArgumentError: If it does.
    """
    if {_kind(loss, weighted=False) for loss in _losses(model)} <= {_SUM}:
        return
    # Keras leaves it at the output for its own losses.
    if any(getattr(one, "_keras_mask", None) is not None for one in backend.leaves(outputs)):
        raise _not_put_together(model, "are means over what is not masked in its outputs")


def _not_put_together(model: keras.Model, why: str) -> ArgumentError:
    return ArgumentError(
        f"batch_size: the losses of model {model.name!r} {why}, so that those of batches cannot "
        "be put together; expected None, all samples at once"
    )


def _kind(loss: Any, *, weighted: bool) -> str:
    """How a loss of many samples is made of theirs."""
    reduction = getattr(loss, "reduction", _MEAN)
    if reduction in ("sum", "none", None):
        return _SUM
    return _WEIGHTED if reduction == _WEIGHTED and weighted else _MEAN
