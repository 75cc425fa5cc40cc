"""A logger at work: from a view's copies to pictures that are written."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from tb_kernels.errors import reason_of
from tb_kernels.loggers.incidents import Incidents
from tb_kernels.loggers.notice import say
from tb_kernels.loggers.plan import Plan
from tb_kernels.views.view import Captured
from tb_kernels.writing.writer import open_view

# A wait that takes longer is explained.
_SILENT_SECONDS = 2.0


class Session:
    """The folder a logger writes to, and what there is to tell about it.

    Args:
        log_dir: What `tensorboard --logdir` is given.
        view: The view's name.

    Raises:
        ArgumentError: If the log directory cannot be used.
    """

    def __init__(self, log_dir: Any, view: str) -> None:
        self.where = str(Path(log_dir) / view)
        self.incidents = Incidents(self.where)
        self._writer = open_view(log_dir, view)

    def begin(self) -> None:
        """A training begins: TensorBoard is to show it instead of what came before."""
        self._writer.begin()

    def hand_over(self, plan: Plan, epoch: int) -> None:
        """Copies what is drawn, and leaves the rest to the worker.

        Waits first while two epochs are waiting already, so that no copy is made
        that has no room. Whatever goes wrong is reported and raises nothing.
        """
        worker = self._writer.worker
        try:
            worker.wait_for_room(self, epoch)
            job = functools.partial(self._write, plan, _capture(plan), epoch)
            worker.submit(self, epoch, job)
        except Exception as error:
            self.incidents.lose(plan.volume.pictures, "picture", error)

    def wait(self) -> None:
        """Waits until all that was handed over is written; says so if that takes long."""
        if not self._writer.worker.wait(timeout=_SILENT_SECONDS):
            say(f"still writing the last pictures to {self.where}")
            self._writer.worker.wait()

    def _write(self, plan: Plan, captured: Captured, epoch: int) -> None:
        """The worker's job. Whatever goes wrong ends neither worker nor training."""
        try:
            for output in plan.draw(captured, epoch, self.incidents):
                self._writer.write(output, epoch, self.incidents.lose)
        except Exception as error:
            reason = RuntimeError(f"they could not be drawn, {reason_of(error)}")
            self.incidents.lose(plan.volume.pictures, "picture", reason)


def _capture(plan: Plan) -> Captured:
    try:
        return plan.view.capture()
    except Exception as error:
        raise RuntimeError(f"they could not be computed, {reason_of(error)}") from error
