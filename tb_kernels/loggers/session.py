"""A logger at work: from a plan's copies to pictures that are written."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import keras

from tb_kernels.errors import reason_of
from tb_kernels.loggers.incidents import Report
from tb_kernels.loggers.notice import Volume, say
from tb_kernels.schema.index import LayerEntry
from tb_kernels.schema.outputs import Output
from tb_kernels.writing.writer import open_run

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

    def is_current(self) -> bool:
        """Whether it still holds for the model, which may have been compiled anew."""

    def capture(self) -> Any:
        """Copies what the pictures of this moment need, in the thread that trains."""

    def draw(self, captured: Any, epoch: int, report: Report) -> Iterator[Output]:
        """Makes the pictures and what stands beside them, on the worker.

        Frees what was captured as it goes.

        A layer that cannot be drawn is reported, and the others are drawn.
        """

    def entries(self) -> Sequence[LayerEntry]:
        """How the pictures drawn last are to be read."""


class Session:
    """The run a logger writes to, and what there is to tell about it.

    Args:
        log_dir: What `tensorboard --logdir` is given.
        view: The run's name.

    Raises:
        ArgumentError: If the log directory cannot be used.
    """

    def __init__(self, log_dir: Any, view: str) -> None:
        self.where = str(Path(log_dir) / view)
        self.report = Report(self.where)
        self._run = open_run(log_dir, view)

    def begin(self) -> None:
        """A training begins: TensorBoard is to show it instead of what came before."""
        self._run.begin()

    def hand_over(self, plan: Plan, epoch: int) -> None:
        """Copies what the plan draws, and leaves the rest to the worker.

        Waits first while two epochs are waiting already, so that no copy is made
        that has no room. Whatever goes wrong is reported and raises nothing.
        """
        worker = self._run.worker
        try:
            worker.wait_for_room(self, epoch)
            job = functools.partial(self._write, plan, _capture(plan), epoch)
            worker.submit(self, epoch, job)
        except Exception as error:
            self.report.lose(plan.volume.pictures, "picture", error)

    def wait(self) -> None:
        """Waits until all that was handed over is written; says so if that takes long."""
        if not self._run.worker.wait(timeout=_SILENT_SECONDS):
            say(f"still writing the last pictures to {self.where}")
            self._run.worker.wait()

    def _write(self, plan: Plan, captured: Any, epoch: int) -> None:
        """The worker's job. Whatever goes wrong ends neither worker nor training."""
        try:
            for output in plan.draw(captured, epoch, self.report):
                self._write_output(output, epoch)
            self._run.write_index(plan.entries(), epoch)
        except Exception as error:
            self.report.lose(1, "index", error)

    def _write_output(self, output: Output, epoch: int) -> None:
        try:
            failures = self._run.write(output, epoch)
        except Exception as error:
            self.report.lose(len(output), output.noun, error)
        else:
            if failures.reason is not None:
                self.report.lose(failures.lost, output.noun, failures.reason)


def _capture(plan: Plan) -> Any:
    try:
        return plan.capture()
    except Exception as error:
        raise RuntimeError(f"they could not be computed, {reason_of(error)}") from error
