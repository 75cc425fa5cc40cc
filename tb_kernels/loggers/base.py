"""What all loggers do: when to look, what to hand over, what to tell.

A logger decides in the thread that trains which epochs are logged and copies what
they need; everything else happens on the worker. A view adds only its plan.
"""

from __future__ import annotations

import functools
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import keras

from tb_kernels.errors import LogWarning
from tb_kernels.index import LayerEntry
from tb_kernels.layers import check_model, is_built
from tb_kernels.loggers.notice import Volume, announce, say
from tb_kernels.loggers.report import Report
from tb_kernels.pictures import PictureBatch
from tb_kernels.selection import Epochs, check_epoch
from tb_kernels.writing import RunWriter, check_log_dir, open_run

if TYPE_CHECKING:
    from typing_extensions import Self


# A wait that takes longer is explained.
_SILENT_SECONDS = 2.0


class Plan(Protocol):
    """What a view draws of one model."""

    @property
    def model(self) -> keras.Model:
        """The model it was made for."""

    @property
    def volume(self) -> Volume:
        """How much one epoch is."""

    def capture(self) -> Any:
        """Copies what the pictures of this moment need, in the thread that trains."""

    def draw(self, captured: Any, epoch: int, report: Report) -> Iterator[PictureBatch]:
        """Makes the pictures, on the worker; frees what was captured as it goes."""

    def entries(self) -> Sequence[LayerEntry]:
        """How the pictures drawn last are to be read."""


class _Session(NamedTuple):
    """What a logger has while it is in use."""

    run: RunWriter
    report: Report


class Logger(keras.callbacks.Callback):
    """Base of the loggers; see `KernelLogger` for the keywords."""

    view: ClassVar[str]

    def __init__(self, log_dir: Any, *, epochs: Any, strict: bool) -> None:
        super().__init__()
        self.log_dir = check_log_dir(log_dir)
        self._epochs = Epochs(epochs)
        self._strict = bool(strict)
        self._session: _Session | None = None
        self._plan: Plan | None = None
        self._fits = 0
        self._reached: set[int] = set()
        self._first: int | None = None
        self._latest: int | None = None

    @abstractmethod
    def _plan_for(self, model: keras.Model) -> Plan:
        """What this view draws of a built model; raises ArgumentError if it cannot."""
        raise NotImplementedError

    def log(self, model: keras.Model, epoch: int) -> bool:
        """Logs the model as it is now: for training loops of one's own.

        Args:
            model: A built model.
            epoch: The epoch as Keras counts, from 1; 0 is before training.

        Returns:
            Whether it was logged: not, if `epochs` was given and this is none of them.

        Raises:
            ArgumentError: If model, epoch or an argument of the logger will not do.
            WriteError: If `strict` and earlier pictures could not be written.
        """
        check_model(model)
        epoch = check_epoch(epoch)
        if self._epochs.chosen and epoch not in self._epochs:
            return False
        session = self._open()
        if self._plan is None or self._plan.model is not model:
            self._plan = self._plan_for(model)
            announce(self._where, self._plan.volume, None)
        self._hand_over(self._plan, epoch)
        session.report.tell(strict=self._strict)
        return True

    def flush(self) -> None:
        """Waits until all that was handed over is on disk and in the event file.

        Raises:
            WriteError: If `strict` and pictures could not be written.
        """
        if self._session is not None:
            self._wait(self._session)
            self._session.report.tell(strict=self._strict)

    def close(self) -> None:
        """Flushes, tells what was lost, and lets go of model and log directory.

        The logger can be used again. Closing twice does nothing more.

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
        super().set_model(model)

    def on_train_begin(self, logs: Any = None) -> None:
        self._fits += 1
        self._first = self._latest = self._plan = None
        self._open().run.begin()
        if is_built(self.model):
            self._plan = self._plan_for(self.model)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._first is not None:
            return
        # Here and not when training begins: only now BackupAndRestore has restored
        # the weights, and it is known whether training begins at its first epoch.
        self._first = epoch + 1
        if self._plan is not None:
            self._announce(self._plan)
        if self._first == 1 and self._fits == 1 and 0 in self._epochs:
            self._log_before_training()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        # A model that its first batch builds is looked at before the second.
        if self._plan is None and is_built(self._model):
            self._plan_late()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._latest = epoch + 1
        # On some backends the weights are up to date only once `model` is asked for.
        plan = self._plan if self._plan and self._plan.model is self.model else self._plan_late()
        if self._latest in self._epochs:
            self._hand_over(plan, self._latest)
        self._open().report.tell(strict=self._strict)

    def on_train_end(self, logs: Any = None) -> None:
        if self._latest is None:
            # No epoch was trained, and nothing else is to be said.
            return
        if self._epochs.last and self._plan and self._latest not in self._epochs:
            self._hand_over(self._plan, self._latest)
        missing = self._epochs.missing(self._reached)
        if missing:
            warnings.warn(
                f"epochs {', '.join(map(str, missing))} were asked for and not reached: "
                f"training ended after epoch {self._latest}",
                LogWarning,
                stacklevel=2,
            )
        self.close()

    @property
    def _where(self) -> str:
        return str(Path(self.log_dir) / self.view)

    def _open(self) -> _Session:
        if self._session is None:
            run = open_run(self.log_dir, self.view)
            self._session = _Session(run, Report(self._where))
        return self._session

    def _close(self, *, strict: bool) -> None:
        session, self._session, self._plan = self._session, None, None
        if session is not None:
            self._wait(session)
            session.report.tell(strict=strict, final=True)

    def _wait(self, session: _Session) -> None:
        if not session.run.worker.wait(timeout=_SILENT_SECONDS):
            say(f"still writing the last pictures to {self._where}")
            session.run.worker.wait()

    def _plan_late(self) -> Plan:
        self._plan = self._plan_for(self.model)
        self._announce(self._plan)
        return self._plan

    def _announce(self, plan: Plan) -> None:
        final = (self.params or {}).get("epochs")
        if final is None or self._first is None:
            announce(self._where, plan.volume, None)
            return
        count = len(self._epochs.expected(self._first, final))
        if self._first == 1 and self._fits == 1 and 0 in self._epochs:
            count += 1
        announce(self._where, plan.volume, count)

    def _log_before_training(self) -> None:
        if self._plan is not None:
            self._hand_over(self._plan, 0)
            return
        self._reached.add(0)
        warnings.warn(
            f"epoch 0 cannot be drawn: model {self.model.name!r} is built only by its first "
            "batch; build it before fit, or give it an Input, to see it before training",
            LogWarning,
            stacklevel=2,
        )

    def _hand_over(self, plan: Plan, epoch: int) -> None:
        self._reached.add(epoch)
        session = self._open()
        try:
            captured = plan.capture()
        except Exception as error:
            session.report.lose(plan.volume.pictures, error)
            return
        job = functools.partial(_write, session, plan, captured, epoch)
        session.run.worker.submit(self, epoch, job)


def _write(session: _Session, plan: Plan, captured: Any, epoch: int) -> None:
    """The worker's job. Whatever goes wrong is reported and ends neither worker nor training."""
    run, report = session
    left = plan.volume.pictures
    try:
        for batch in plan.draw(captured, epoch, report):
            losses = run.write(batch, epoch)
            left -= len(batch.paths)
            if losses.reason is not None:
                report.lose(losses.pictures, losses.reason)
        run.write_index(plan.entries(), epoch)
    except Exception as error:
        report.lose(left, error)
