"""What all loggers do: when to look, what to hand over, what to tell.

A logger decides in the thread that trains which epochs are logged and copies what
they need; everything else happens on the worker. Each adds only its view of a model.
"""

from __future__ import annotations

from abc import abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

import keras

from tb_kernels.arguments import check_epoch, check_seconds
from tb_kernels.drawing.style import Style
from tb_kernels.errors import WriteError, reason_of, warn
from tb_kernels.loggers.epochs import Epochs
from tb_kernels.loggers.notice import announce
from tb_kernels.loggers.plan import Memory, Plan
from tb_kernels.loggers.session import Session
from tb_kernels.model.layers import check_built, check_model, is_built
from tb_kernels.views.view import View
from tb_kernels.writing.writer import check_log_dir

if TYPE_CHECKING:
    from typing_extensions import Self


class Logger(keras.callbacks.Callback):
    """Base of the loggers; see `KernelLogger` for the keywords."""

    view: ClassVar[str]

    def __init__(
        self, log_dir: Any, *, epochs: Any, style: Style, strict: bool, patience: float
    ) -> None:
        super().__init__()
        # Keras sets it when a training begins; its first versions have none before.
        self.params: dict[str, Any] | None = None
        self.log_dir = check_log_dir(log_dir)
        self._epochs = Epochs(epochs)
        self._style = style
        self._strict = bool(strict)
        self._patience = check_seconds("patience", patience)
        self._session: Session | None = None
        self._plans: dict[int, Plan] = {}
        # Made with its first entry: an unused logger can be pickled, a weak dictionary not.
        self._memories: WeakKeyDictionary[keras.Model, Memory] | None = None
        self._reached: set[int] = set()
        # Of the training at hand: its first epoch, and the last one that ended.
        self._first: int | None = None
        self._latest: int | None = None
        self._trained_before = False
        self._in_training = False

    @abstractmethod
    def _look_at(self, model: keras.Model) -> View:
        """What is drawn of a built model; raises ArgumentError if that cannot be done."""
        raise NotImplementedError

    def log(self, model: keras.Model, epoch: int) -> bool:
        """Logs the model as it is now: for training loops of one's own.

        Returns as soon as the weights are copied, unless two epochs wait already to
        be written.

        Args:
            model: A built model.
            epoch: The epoch as Keras counts, from 1; 0 is before training.

        Returns:
            Whether it was logged: not, if `epochs` was given and this is none of them.

        Raises:
            ArgumentError: If model, epoch or an argument of the logger is not valid.
            WriteError: If `strict` and earlier pictures could not be written.
        """
        check_built(model)
        epoch = check_epoch("epoch", epoch)
        if self._epochs.chosen and epoch not in self._epochs:
            return False
        session = self._open()
        self._hand_over(self._planned(model), epoch)
        session.incidents.tell(strict=self._strict)
        return True

    def flush(self) -> None:
        """Waits until all that was handed over is on disk and in the event file.

        Raises:
            WriteError: If `strict` and pictures could not be written.
        """
        if self._session is not None:
            self._session.wait()
            self._session.incidents.tell(strict=self._strict)

    def close(self) -> None:
        """Flushes, tells what was lost, and lets go of the log directory and the models.

        The logger can be used again; what it measures change by then begins anew. Closing
        twice does nothing more.

        Raises:
            WriteError: If `strict` and pictures could not be written.
        """
        try:
            self._close(strict=self._strict)
        finally:
            self._forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # An error on its way is the one to be seen.
        try:
            self._close(strict=self._strict and error is None)
        finally:
            self._forget()

    def set_model(self, model: keras.Model) -> None:
        check_model(model)
        super().set_model(model)

    def on_train_begin(self, logs: Any = None) -> None:
        self._first = self._latest = None
        self._in_training = True
        self._plans.clear()
        self._open().begin()
        if is_built(self.model):
            self._plans[id(self.model)] = self._plan_anew(self.model)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._first is not None:
            return
        # Here and not when training begins: only now BackupAndRestore has restored
        # the weights, and it is known whether training begins at its first epoch.
        self._first = check_epoch("initial_epoch", epoch + 1)
        before_training = self._first == 1 and not self._trained_before and 0 in self._epochs
        self._trained_before = True
        plan = self._plans.get(id(self.model))
        if plan is not None:
            self._announce(plan, before_training)
        if before_training:
            self._log_before_training(plan)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        # A model that its first batch builds is looked at before the second.
        if not self._plans and is_built(self._model):
            self._planned(self.model)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._latest = epoch + 1
        # Asking for `model` brings its weights up to date on backends that train a copy.
        plan = self._planned_in_training(self.model)
        if self._latest in self._epochs and not self._ends_with(self._latest):
            self._hand_over(plan, self._latest)
        self._open().incidents.tell(strict=self._strict)

    def on_train_end(self, logs: Any = None) -> None:
        if self._latest is not None and self._epochs.last and self._latest not in self._reached:
            self._hand_over(self._planned_in_training(self.model), self._latest)
        missing = self._epochs.missing(self._reached)
        if missing:
            end = "no epoch was trained"
            if self._latest is not None:
                end = f"training ended after epoch {self._latest}"
            listed = ", ".join(map(str, missing))
            warn(f"epochs {listed} were asked for and not reached: {end}")
        self._in_training = False
        # What change is measured by stays, for a training that goes on where this one ended.
        self._close(strict=self._strict)

    def _ends_with(self, epoch: int) -> bool:
        """Whether this epoch is drawn as "last": not now, but as training leaves the model."""
        final = (self.params or {}).get("epochs")
        return self._epochs.last and (epoch == final or bool(self.model.stop_training))

    def _open(self) -> Session:
        if self._session is None:
            self._session = session = Session(self.log_dir, self.view, self._patience)
            if session.hangs is not None:
                text = f"nothing can be written to {session.where} ({session.hangs.strerror})"
                if self._strict:
                    raise WriteError(text) from session.hangs
                warn(f"{text}; training goes on, and later epochs are tried all the same")
        return self._session

    def _close(self, *, strict: bool) -> None:
        session, self._session = self._session, None
        self._plans.clear()
        if session is not None:
            session.wait()
            session.incidents.tell(strict=strict, final=True)

    def _forget(self) -> None:
        """Lets go of the copies of weights and of the model that was trained."""
        for memory in (self._memories or {}).values():
            memory.before.clear()
        if not self._in_training:
            # Keras' own attribute, which outlives the training.
            self._model = None

    def _planned(self, model: keras.Model) -> Plan:
        """The plan for a model: made anew until every layer is built, announced if it is new."""
        before = plan = self._plans.get(id(model))
        if plan is None or not plan.holds():
            plan = self._plans[id(model)] = self._plan_anew(model)
            if before is None or before.volume != plan.volume:
                self._announce(plan)
        return plan

    def _planned_in_training(self, model: keras.Model) -> Plan:
        """As `_planned`; but a plan that cannot be renewed ends no training, and stays."""
        plan = self._plans.get(id(model))
        if plan is None:
            return self._planned(model)
        try:
            return self._planned(model)
        except Exception as error:
            plan.stays = True
            self._plans[id(model)] = plan
            warn(
                f"the model has changed, and what is drawn to {self._open().where} could not be "
                f"changed with it; it stays as it was ({reason_of(error)})"
            )
            return plan

    def _plan_anew(self, model: keras.Model) -> Plan:
        view = self._look_at(model)
        if not view.measures and self._style.normalize != "first":
            return Plan(view, Memory())
        if self._memories is None:
            self._memories = WeakKeyDictionary()
        return Plan(view, self._memories.setdefault(model, Memory()))

    def _announce(self, plan: Plan, before_training: bool = False) -> None:
        final = (self.params or {}).get("epochs")
        epochs = None
        if final is not None and self._first is not None:
            epochs = self._epochs.count(self._first, final) + before_training
        announce(self._open().where, plan.volume, epochs)

    def _log_before_training(self, plan: Plan | None) -> None:
        if plan is not None:
            self._hand_over(plan, 0)
            return
        self._reached.add(0)
        warn(
            f"epoch 0 cannot be drawn: model {self.model.name!r} is built only by its first "
            "batch; build it before fit, or give it an Input, to see it before training"
        )

    def _hand_over(self, plan: Plan, epoch: int) -> None:
        self._reached.add(epoch)
        self._open().hand_over(plan, epoch)
