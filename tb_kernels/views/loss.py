"""A model's compiled loss on some data, and its gradients."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.errors import ArgumentError, reason_of
from tb_kernels.model import backend
from tb_kernels.model.data import as_tensors, attempt, count, part
from tb_kernels.model.forward import call, fixed_seeds, untouched
from tb_kernels.views.loss_misfits import explain_loss
from tb_kernels.views.reductions import check_masks, factors_of


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
        training: bool,
    ) -> None:
        backend.check_calls(model)
        _check_loss(model)
        self._model = model
        self._training = training
        samples = count(x)
        size = batch_size or samples
        self._data = x, y, sample_weight
        self._size = size
        batches = [part(self._data, start, start + size) for start in range(0, samples, size)]
        self._batches = [as_tensors(batch) for batch in batches]
        self._shares = [count(batch) / samples for batch in batches]
        self._factors = factors_of(model, sample_weight, batches, self._shares)
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
                    check_masks(model, outputs)
                loss = _compute_loss(model, x, y, outputs, sample_weight, training=training)
                if factor is not None:
                    added = sum(keras.ops.cast(one, "float32") for one in model.losses)
                    loss = factor * (keras.ops.cast(loss, "float32") - added) + share * added
            return keras.ops.cast(loss, "float32") * scale

        return [
            keras.ops.cast(keras.ops.zeros_like(value) if one is None else one, "float32") / scale
            for value, one in zip(values, backend.gradients(loss_of, values), strict=True)
        ]

    def _explained(self, error: Exception) -> ArgumentError:
        """An error that says which of the data does not fit."""
        x, y, sample_weight = self._data
        for number, batch in enumerate(self._batches):
            outputs = attempt("x", x, self._model, functools.partial(self._forward, batch[0]))
            takes = functools.partial(self._takes, number, outputs)
            if not takes(y, sample_weight):
                data = y, sample_weight
                return ArgumentError(explain_loss(self._model, data, outputs, takes, error))
        return ArgumentError(
            f"model: {self._model.name!r} and its loss take the data, but the gradients could not "
            f"be computed ({reason_of(error)}); expected a model that `fit` can train"
        )

    def _forward(self, inputs: Any) -> Any:
        with untouched():
            return call(self._model, inputs)

    def _takes(self, number: int, outputs: Any, y: Any, sample_weight: Any) -> bool:
        """Whether the loss of the outputs of a batch takes targets and weights, those of all."""
        start = number * self._size
        try:
            y, sample_weight = as_tensors(part((y, sample_weight), start, start + self._size))
            x, _, _ = self._batches[number]
            with untouched():
                _compute_loss(self._model, x, y, outputs, sample_weight, training=self._training)
        except Exception:
            return False
        return True


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


def _compute_loss(
    model: keras.Model, x: Any, y: Any, outputs: Any, sample_weight: Any, *, training: bool
) -> Any:
    # The argument is newer than Keras 3.3, and models may override the method without it.
    knows = "training" in inspect.signature(model.compute_loss).parameters
    options = {"training": training} if knows else {}
    return model.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=sample_weight, **options)
