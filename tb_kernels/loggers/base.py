"""What all loggers do: when to look, what to hand over, what to tell.

A logger decides in the thread that trains which epochs are logged and copies what
they need; everything else happens on the worker. Each adds only its view of a model.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

import keras

from tb_kernels.arguments import LAST_EPOCH, check_epoch, check_seconds
from tb_kernels.drawing.style import Style
from tb_kernels.errors import reason_of, warn
from tb_kernels.loggers.epochs import Epochs, Progress
from tb_kernels.loggers.plan import Plan
from tb_kernels.loggers.recorder import Recorder
from tb_kernels.loggers.training import (
    after_callback,
    is_fitted,
    join_training,
    last_callback,
)
from tb_kernels.model.forward import Kept
from tb_kernels.model.layers import check_built, check_call, check_model, has_call, is_built
from tb_kernels.schema.naming import FINAL
from tb_kernels.views.view import Captured, View
from tb_kernels.writing.opening import check_log_dir

if TYPE_CHECKING:
    from typing_extensions import Self


class Logger(keras.callbacks.Callback):
    """Base of the loggers; see `KernelLogger` for the keywords."""

    view: ClassVar[str]
    # Whether the view calls the model.
    calls: ClassVar[bool] = True

    def __init__(
        self, log_dir: Any, *, epochs: Any, style: Style, strict: bool, patience: float
    ) -> None:
        super().__init__()
        # Keras sets it when a training begins; its first versions have none before.
        self.params: dict[str, Any] | None = None
        self._epochs = Epochs(epochs)
        self._style = style
        self._strict = bool(strict)
        self._recorder = Recorder(
            check_log_dir(log_dir),
            self.view,
            strict=self._strict,
            patience=check_seconds("patience", patience),
        )
        # Gives the copies of the last epoch, where that may be drawn when training has ended.
        self._kept: Callable[[], Captured] | None = None
        # What was drawn as final before the last callback had ended.
        self._drawn_as_final: Kept | None = None
        self._in_training = False
        # Whether the training ends, as this logger sees it, behind the callbacks after it.
        self._ends_later = False

    @property
    def log_dir(self) -> Path:
        """The directory that `tensorboard --logdir` is given."""
        return self._recorder.log_dir

    @log_dir.setter
    def log_dir(self, log_dir: Any) -> None:
        # Tuners give each trial's copy of a logger a directory of its own.
        self._recorder.log_dir = check_log_dir(log_dir)

    @abstractmethod
    def _look_at(self, model: keras.Model) -> View:
        """What is drawn of a built model; raises ArgumentError if that cannot be done."""
        raise NotImplementedError

    def log(self, model: keras.Model, epoch: int | str) -> bool:
        """Logs the model as it is now: for training loops of one's own.

        Returns as soon as the weights are copied, unless two epochs wait already to
        be written.

        Args:
            model: A built model.
            epoch: The epoch as Keras counts, from 1; 0 is before training, `"final"` after it.

        Returns:
            Whether it was drawn: not, if `epochs` was given and this is none of them.

        Raises:
            ArgumentError: If model, epoch or an argument of the logger is not valid, or the
                log directory holds pictures of another model that is in use.
            WriteError: If `strict` and earlier pictures could not be written.
        """
        check_built(model)
        self._see_whether_it_ended()
        number = FINAL if epoch == str(FINAL) else check_epoch("epoch", epoch)
        drawn = not self._epochs.chosen or number in self._epochs
        recorder = self._recorder
        plan = recorder.plan(model, self._look_at)
        if not drawn and not plan.view.measures:
            return False
        if recorder.training is not None and (model is not self._model or not self._in_training):
            recorder.hold(model)
            recorder.claim(model, number)
        if recorder.training is None:
            training = join_training(model, self, by_fit=False)
            recorder.begin(training, model, number)
        recorder.announce(plan, None)
        if number != FINAL:
            recorder.progress(model).latest = number
        if drawn:
            recorder.hand_over(plan, number, plan.view.capture)
        else:
            recorder.sample(plan, number)
        recorder.tell()
        return drawn

    def flush(self) -> None:
        """Waits until all that was handed over is on disk and in the event file.

        Raises:
            WriteError: If `strict` and pictures could not be written.
        """
        self._check_final()
        self._recorder.flush()

    def close(self) -> None:
        """Flushes, tells what was lost, and lets go of the log directory and the models.

        The logger can be used again, also with another model; what it measures change by then
        begins anew. Closing twice does nothing more.

        Raises:
            WriteError: If `strict` and pictures could not be written.
        """
        self._close(strict=self._strict)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # An error on its way is the one to be seen.
        self._close(strict=self._strict and error is None)

    def set_model(self, model: keras.Model) -> None:
        check_model(model)
        if self.calls:
            # Now, for a view that is made only when the first batch has built the model.
            check_call(model)
        super().set_model(model)

    def on_train_begin(self, logs: Any = None) -> None:
        self._check_final()
        # A training that ended with an exception, of which what was lost is told.
        self._recorder.end(strict=False)
        self._in_training, self._kept = True, None
        self._recorder.prepare(self.model, self._look_at)
        self._recorder.training = join_training(self.model, self, by_fit=True)
        self._progress.first = self._progress.latest = None
        self._ends_later = False
        if self._epochs.final:
            self._wait_for_callbacks()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        training = self._recorder.training
        if self._progress.first is not None or training is None:
            return
        # Here and not when training begins: only now BackupAndRestore has restored
        # the weights, and it is known whether training begins at its first epoch.
        first = check_epoch("initial_epoch", epoch + 1)
        self._recorder.begin(training, self.model, first)
        plan = self._recorder.planned(self.model)
        before_training = first == 1 and 0 in self._epochs
        if plan is not None:
            self._announce(plan)
            if before_training:
                self._recorder.hand_over(plan, 0, plan.view.capture)
            else:
                self._recorder.sample(plan, first - 1, written=first == 1)
        elif before_training:
            self._progress.reached.add(0)
            what = "model" if has_call(self.model) else "each convolution of model"
            warn(
                f"epoch 0 cannot be drawn: {what} {self.model.name!r} is built only by its first "
                "batch; build it before fit, or give it an Input, to see it before training"
            )

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        # A model that its first batch builds is looked at before the second.
        if self._recorder.planned(self._model) is None and is_built(self._model):
            self._announce(self._recorder.plan(self.model, self._look_at))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        latest = epoch + 1
        if latest > LAST_EPOCH:
            if latest == LAST_EPOCH + 1:
                warn(f"names have room for epochs up to {LAST_EPOCH:,}; no later one is drawn")
            return
        self._progress.latest = latest
        # Asking for `model` brings its weights up to date on backends that train a copy.
        plan = self._recorder.plan_in_training(self.model, self._look_at)
        self._announce(plan)
        ends = latest == (self.params or {}).get("epochs") or self._is_stopping
        self._kept = None
        if latest in self._epochs or (self._epochs.last and ends):
            self._recorder.hand_over(plan, latest, plan.view.capture)
        else:
            if self._epochs.last:
                self._keep(plan)
            self._recorder.sample(plan, latest)
        self._recorder.tell()

    def on_train_end(self, logs: Any = None) -> None:
        if self._progress.latest is not None and self._kept is not None:
            # Training was ended by a callback whose turn came after this logger's.
            plan = self._recorder.plan_in_training(self.model, self._look_at)
            self._recorder.hand_over(plan, self._progress.latest, self._kept)
        self._kept = None
        if not self._ends_later:
            self._end(last_of_all=False)

    @property
    def _is_stopping(self) -> bool:
        # A model that a loop of the user's trains may have no such attribute.
        return bool(getattr(self.model, "stop_training", False))

    def _wait_for_callbacks(self) -> None:
        """Lets the training end behind the callbacks after this logger, if that is possible."""
        last, training = last_callback(self), self._recorder.training

        def end() -> None:
            # An exception may have ended the training, and the callback be used in another.
            if self._recorder.training is training:
                self._end(last_of_all=True)

        if last not in (None, self):
            self._ends_later = True
            after_callback(last, end)

    def _end(self, *, last_of_all: bool) -> None:
        """The training has ended.

        Args:
            last_of_all: Whether no callback comes after this that could change the model.
        """
        progress = self._progress
        if progress.latest is not None and self._epochs.final:
            plan = self._recorder.plan_in_training(self.model, self._look_at)
            self._recorder.hand_over(plan, FINAL, plan.view.capture)
            self._drawn_as_final = None if last_of_all else Kept(self.model)
        missing = progress.missing(self._epochs)
        if missing:
            end = "no epoch was trained"
            if progress.latest is not None:
                end = f"training ended after epoch {progress.latest}"
            warn(f"epochs {', '.join(missing)} were asked for and not reached: {end}")
        self._in_training = False
        self._recorder.end()

    def _check_final(self) -> None:
        """Tells if the model was changed after it was drawn as final."""
        drawn, self._drawn_as_final = self._drawn_as_final, None
        if drawn is not None and not drawn.is_now():
            warn(
                f"the model was changed after it was drawn as {str(FINAL)!r}, by a callback behind "
                f"{type(self).__name__} or after training; list the logger last"
            )

    def _see_whether_it_ended(self) -> None:
        """Forgets a training that an exception has ended, of which Keras tells nobody."""
        if self._in_training and not is_fitted(self._model):
            self._in_training, self._kept = False, None
            self._recorder.end(strict=False)

    def _close(self, *, strict: bool) -> None:
        self._see_whether_it_ended()
        self._check_final()
        try:
            self._recorder.close(strict=strict)
        finally:
            if not self._in_training:
                # Keras' own attribute, which outlives the training.
                self._model = None

    @property
    def _progress(self) -> Progress:
        return self._recorder.progress(self.model)

    def _announce(self, plan: Plan) -> None:
        first, final = self._progress.first, (self.params or {}).get("epochs")
        epochs = None
        if first is not None and final is not None:
            epochs = self._epochs.count(first, final) + (first == 1 and 0 in self._epochs)
        self._recorder.announce(plan, epochs)

    def _keep(self, plan: Plan) -> None:
        try:
            self._kept = plan.view.keep()
        except Exception as error:
            warn(f"epoch {self._progress.latest} cannot be drawn as the last ({reason_of(error)})")
