"""Saved models → their logs, as if loggers had watched the training."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import keras

from tb_kernels.errors import LogError, reason_of
from tb_kernels.loggers.base import Logger
from tb_kernels.wording import shown

# The weights alone, of a model that has to be at hand.
_WEIGHTS = ".weights.h5"


def log_saved(
    loggers: Sequence[Logger],
    saved: Iterable[tuple[int, Path]],
    architecture: Path | None,
    step: Callable[[], None],
) -> None:
    """Logs saved models, one after the other.

    They are taken for one model at several epochs, so that what changes from epoch to
    epoch can be told.

    Args:
        loggers: What draws them.
        saved: Epochs, ascending, and the files.
        architecture: A saved model for files that hold weights alone; None without.
        step: Is called after each.

    Raises:
        LogError: If a file cannot be loaded, or is of another model than the first.
        ArgumentError: If the loggers cannot draw the model.
    """
    model = None if architecture is None else load_model(architecture)
    for epoch, path in saved:
        if path.name.endswith(_WEIGHTS):
            _load_weights(model, path)
        elif model is None:
            model = load_model(path)
        else:
            _take_weights(model, path)
        for logger in loggers:
            logger.log(model, epoch)
        step()


def load_model(path: Path) -> keras.Model:
    """Loads a saved model, which may be a stranger's: no code in the file is run.

    Raises:
        LogError: If it cannot be loaded that way.
    """
    if path.suffix != ".keras":
        # Not every Keras 3 has a safe mode for the older formats.
        raise LogError(
            f"{shown(str(path))}: expected a model saved as .keras, or {_WEIGHTS} with "
            "--architecture; load an older file in Python and save it as .keras"
        )
    with _loading(path):
        return keras.saving.load_model(path, compile=False, safe_mode=True)


def _load_weights(model: keras.Model | None, path: Path) -> None:
    if model is None:
        raise LogError(
            f"{shown(str(path))} holds weights alone; say with --architecture MODEL.keras of "
            "which model"
        )
    with _loading(path):
        model.load_weights(path)


def _take_weights(model: keras.Model, path: Path) -> None:
    other = load_model(path)
    shapes, others = ([tuple(one.shape) for one in each.weights] for each in (model, other))
    if shapes != others:
        raise LogError(
            f"{shown(str(path))}: its weights are of other shapes than those before; log "
            "different models to a directory each"
        )
    model.set_weights(other.get_weights())


@contextlib.contextmanager
def _loading(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # of a file of any content
        raise LogError(f"{shown(str(path))}: cannot be loaded ({reason_of(error)})") from None
