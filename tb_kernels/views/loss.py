"""A model's compiled loss on some data, and its gradients."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend
from tb_kernels.model.data import as_tensors, attempt, count, part, shapes_of
from tb_kernels.model.forward import call, fixed_seeds, untouched

# Losses are means over samples, their sum, or means that are divided by the samples' weights.
_MEAN, _SUM, _WEIGHTED = "sum_over_batch_size", "sum", "mean_with_sample_weight"


class LossGradient:
    """The gradients of a model on some data, compiled by the first call, for many epochs.

    Args:
        model: A built model, whose loss is checked here.
        x: Checked samples.
        y: Checked targets.
        sample_weight: Checked weights, or None.
        batch_size: Samples at a time; None for all at once.
        training: Whether the model is called as in training.

    Raises:
        ArgumentError: If the model has no loss, or batches cannot be put together.
    """

    def __init__(
        self,
        model: keras.Model,
        x: Any,
        y: Any,
        sample_weight: Any,
        batch_size: int | None,
        *,
        training: bool = False,
    ) -> None:
        backend.check_backend()
        _check_loss(model)
        self._model = model
        self._training = training
        samples = count(x)
        size = batch_size or samples
        batches = [
            part((x, y, sample_weight), start, start + size) for start in range(0, samples, size)
        ]
        self._batches = [as_tensors(batch) for batch in batches]
        self._shares = [count(batch) / samples for batch in batches]
        self._factors = _factors(model, sample_weight, batches, self._shares)
        self.variables = _by_path(model.trainable_variables)
        self._compiled_with = getattr(model, "_compile_loss", None)
        self._run = backend.compiled(model, self._gradients)
        # Whether the model and its loss have taken the data before.
        self._fits = False

    def __call__(self) -> dict[str, NDArray[np.float32]]:
        """The gradients of the model as it is now, by the weights' paths.

        Raises:
            ArgumentError: If the model or its loss cannot take the data.
        """
        try:
            _build_loss(self._model, self._batches[0])
            means = self._unscaled_means()
        except ArgumentError:
            raise
        except Exception as error:
            if self._fits:
                raise
            raise self._explained(error) from error
        self._fits = True
        return {
            path: mean.astype(np.float32, copy=False)
            for path, mean in zip(self.variables, means, strict=True)
        }

    def is_current(self) -> bool:
        """Whether the model is compiled as it was, and trains the same weights."""
        model = self._model
        now, then = model.trainable_variables, self.variables.values()
        return (
            getattr(model, "_compile_loss", None) is self._compiled_with
            and len(now) == len(then)
            and all(one is other for one, other in zip(now, then, strict=True))
        )

    def _unscaled_means(self) -> list[NDArray[Any]]:
        # Without the optimizer's loss scale what flows back through float16 layers would
        # vanish. Where it makes gradients overflow, training lowers it and tries again.
        optimizer = getattr(self._model, "optimizer", None)
        scale = 1.0 if optimizer is None else float(optimizer.scale_loss(keras.ops.ones(())))
        while True:
            means = self._means(keras.ops.convert_to_tensor(scale, "float32"))
            if scale <= 1 or all(np.isfinite(mean).all() for mean in means):
                return means
            scale = max(1.0, scale / 16)

    def _means(self, scale: Any) -> list[NDArray[Any]]:
        if len(self._batches) == 1:
            return [backend.to_numpy(one) for one in self._run(*self._batches[0], scale)]
        sums = [np.zeros(tuple(v.shape), np.float64) for v in self.variables.values()]
        for batch, *shares in zip(self._batches, self._factors, self._shares, strict=True):
            factors = [keras.ops.convert_to_tensor(share, "float32") for share in shares]
            for whole, gradient in zip(sums, self._run(*batch, scale, *factors), strict=True):
                whole += backend.to_numpy(gradient)
        return sums

    def _gradients(
        self, x: Any, y: Any, sample_weight: Any, scale: Any, factor: Any = None, share: Any = None
    ) -> list[Any]:
        """The gradients of one batch's loss, each multiplied by what it counts in the whole.

        Args:
            x: Of the batch.
            y: Likewise.
            sample_weight: Likewise.
            scale: What the loss is multiplied by before it is differentiated.
            factor: How much of the compiled loss the batch is; None for all of it.
            share: How much of what does not depend on the samples, such as regularisation.
        """
        variables = list(self.variables.values())
        values = [keras.ops.convert_to_tensor(variable.value) for variable in variables]
        model, training = self._model, self._training
        seeds = fixed_seeds(model) if training else []

        def loss_of(*values: Any) -> Any:
            with untouched([*zip(variables, values, strict=True), *seeds]):
                outputs = call(model, x, training=training)
                if factor is not None:
                    _check_masks(model, outputs)
                loss = _compute_loss(model, x, y, outputs, sample_weight, training=training)
                if factor is not None:
                    added = sum(keras.ops.cast(one, "float32") for one in model.losses)
                    loss = factor * (keras.ops.cast(loss, "float32") - added) + share * added
            return keras.ops.cast(loss, "float32") * scale

        return [
            keras.ops.cast(keras.ops.zeros_like(value) if one is None else one, "float32") / scale
            for value, one in zip(values, backend.gradients(loss_of, values), strict=True)
        ]

    def _explained(self, error: Exception) -> Exception:
        """An error that says which of the data does not fit."""
        x, y, sample_weight = self._batches[0]

        def forward() -> Any:
            with untouched():
                return call(self._model, x)

        try:
            outputs = attempt("x", x, self._model, forward)
        except ArgumentError as wrong:
            return wrong
        weights = "" if sample_weight is None else f" and weights {shapes_of(sample_weight)}"
        return ArgumentError(
            f"y: the loss of model {self._model.name!r} cannot take targets {shapes_of(y)}"
            f"{weights} for outputs {shapes_of(outputs)} ({type(error).__name__}); expected the "
            "outputs' shape, or for a sparse loss a class for each"
        )


def _by_path(variables: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable in variables:
        path, again = variable.path, 1
        while path in found:
            again += 1
            path = f"{variable.path}#{again}"
        found[path] = variable
    return found


def _check_loss(model: keras.Model) -> None:
    overridden = type(model).compute_loss is not keras.Model.compute_loss
    if getattr(model, "compiled", False) and (model.loss is not None or overridden):
        return
    how = "is compiled without a loss" if getattr(model, "compiled", False) else "is not compiled"
    raise ArgumentError(
        f"model: {model.name!r} {how}, so there is nothing to take gradients of; expected "
        "model.compile(optimizer, loss) before"
    )


def _build_loss(model: keras.Model, batch: Any) -> None:
    """Lets the compiled loss make its trackers, which `fit` has done, and no scope lets it do."""
    loss = getattr(model, "_compile_loss", None)
    if loss is None or loss.built:
        return
    x, y, _ = batch
    with untouched():
        outputs = call(model, x)
    # Only this: calling the loss would move what a loss of one's own keeps.
    loss.build(y, outputs)


def _factors(
    model: keras.Model, sample_weight: Any, batches: list[Any], shares: list[float]
) -> list[float]:
    """How much each batch's loss counts in that of all samples, by the loss's reduction."""
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


def _check_masks(model: keras.Model, outputs: Any) -> None:
    """Makes sure that what is masked does not matter to how batches are put together."""
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


def _compute_loss(
    model: keras.Model, x: Any, y: Any, outputs: Any, sample_weight: Any, *, training: bool
) -> Any:
    # The argument is newer than Keras 3.3, and models may override the method without it.
    knows = "training" in inspect.signature(model.compute_loss).parameters
    options = {"training": training} if knows else {}
    return model.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=sample_weight, **options)
