"""The training at hand: what the loggers that watch it, and the folders they fill, agree on."""

from __future__ import annotations

import secrets
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, WeakSet

import keras

import tb_kernels
from tb_kernels.errors import ArgumentError
from tb_kernels.model.graph import layers_in_words
from tb_kernels.model.layers import architecture
from tb_kernels.schema import training as schema
from tb_kernels.schema.training import LayerFacts


class Training:
    """A training, by `fit` or by a loop of one's own, which all loggers of it share.

    Attributes:
        facts: What its event files say of it, but for its first epoch, which is a logger's own.
        by_fit: Whether `fit` does it.
        begun: Whether an epoch of it has begun, so that no other logger can join.
        loggers: Those that watch it.
    """

    def __init__(self, *, by_fit: bool) -> None:
        self.facts = schema.Training(0, secrets.token_hex(8), time.time(), None, _versions())
        self.by_fit = by_fit
        self.begun = False
        self.loggers: WeakSet[Any] = WeakSet()
        # The layers, and of which state of the model: more of it may be built later.
        self._layers: list[LayerFacts] = []
        self._layers_of: tuple[Any, ...] = ()

    def layers(self, model: keras.Model) -> list[LayerFacts]:
        """What is told of the layers of its model, found once for all loggers."""
        now = architecture(model)
        if now != self._layers_of:
            self._layers, self._layers_of = layers_in_words(model), now
        return self._layers


_at_hand: WeakKeyDictionary[keras.Model, Training] = WeakKeyDictionary()


def join_training(model: keras.Model, logger: object, *, by_fit: bool) -> Training:
    """The training of a model that a logger begins to watch: that of the loggers beside it.

    Args:
        model: What is trained.
        logger: Who watches.
        by_fit: Whether `fit` does it, and not a loop that calls `log`.
    """
    training = _at_hand.get(model)
    if (
        training is None
        or training.by_fit != by_fit
        or training.begun
        or logger in training.loggers
    ):
        training = _at_hand[model] = Training(by_fit=by_fit)
    training.loggers.add(logger)
    return training


def _running(method: str, frame: FrameType | None) -> Iterator[Any]:
    """Whose method of this name is running in a thread, the innermost first."""
    while frame is not None:
        # Of no other: a frame that was asked keeps its variables alive.
        if frame.f_code.co_name == method:
            yield frame.f_locals.get("self")
        frame = frame.f_back


def is_fitted(model: keras.Model | None) -> bool:
    """Whether `fit` of this model is running, in any thread."""
    # Keras tells nobody when an exception has ended it.
    frames = list(sys._current_frames().values())
    return any(one is model for frame in frames for one in _running("fit", frame))


def last_callback(callback: keras.callbacks.Callback) -> Any:
    """The last of the callbacks that Keras calls together with one, to which training begins now.

    None if none of Keras' lists calls it.
    """
    for one in _running("on_train_begin", sys._getframe()):
        if isinstance(one, keras.callbacks.CallbackList) and callback in one.callbacks:
            return one.callbacks[-1]
    return None


def after_callback(callback: keras.callbacks.Callback, call: Callable[[], None]) -> None:
    """Lets something be called when the training has ended for a callback.

    Args:
        callback: The last one.
        call: Is called once.
    """
    before = callback.on_train_end

    def on_train_end(logs: Any = None) -> None:
        # Its own method is the class's.
        vars(callback).pop("on_train_end", None)
        before(logs)
        call()

    callback.on_train_end = on_train_end


class _Held(NamedTuple):
    """What a folder holds pictures of.

    Attributes:
        model: Which, while it lives.
        architecture: Of it.
        holders: Who writes them.
    """

    model: weakref.ref[keras.Model]
    architecture: tuple[Any, ...]
    holders: WeakSet[Any]


# By the real path of a view's folder: one model at a time.
_held: dict[str, _Held] = {}


def hold(
    folder: str, model: keras.Model, where: str, log_dir: Any, holder: object, *, anew: bool
) -> None:
    """Takes a folder for the pictures of a model.

    A copy of the model that it holds may go on in its place, and any model may begin anew.

    Args:
        folder: A view's, without links.
        model: Whose pictures will be written.
        where: The folder, for people.
        log_dir: As the user gave it.
        holder: Who will write them.
        anew: Whether a training begins that supersedes what is there.

    Raises:
        ArgumentError: If another model is alive whose pictures these would be mixed with.
    """
    own = _Held(weakref.ref(model), architecture(model), WeakSet([holder]))
    held = _held.get(folder, own)
    other = held.model()
    if not anew and other not in (None, model) and held.architecture != own.architecture:
        raise ArgumentError(
            f"log_dir: {where} holds pictures of model {other.name!r}, which is still in use; "
            f"those of model {model.name!r} would be mixed with them; expected a directory "
            f"of its own, such as '{own_directory(log_dir, model, other)}'"
        )
    if not anew:
        own.holders.update(held.holders)
    _held[folder] = own


def own_directory(log_dir: Any, model: keras.Model, other: keras.Model) -> str:
    """A log directory that would do for a model beside another one."""
    return f"{log_dir}/{model.name if model.name != other.name else 'second'}"


def let_go(folder: str, holder: object) -> None:
    """A logger was closed: if no other writes to the folder, any model may follow there."""
    held = _held.get(folder)
    if held is not None and holder in held.holders:
        held.holders.discard(holder)
        if not held.holders:
            del _held[folder]


def _versions() -> dict[str, str]:
    backend = keras.backend.backend()
    version = getattr(sys.modules.get(backend), "__version__", "")
    return {
        "tb_kernels": tb_kernels.__version__,
        "keras": keras.__version__,
        **({backend: version} if version else {}),
    }
