"""A logger at work: from a view's copies to pictures that are written."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tb_kernels.errors import described, warn
from tb_kernels.loggers.incidents import COMPUTED, DRAWN, Incidents
from tb_kernels.loggers.notice import announce_rerun, say
from tb_kernels.loggers.plan import Plan
from tb_kernels.schema.outputs import Output, PictureBatch, Scalars
from tb_kernels.schema.training import UNKNOWN, LayerFacts, Training, layers_to_json
from tb_kernels.views.view import Captured
from tb_kernels.writing.disk import SILENT_SECONDS
from tb_kernels.writing.events import EventFile
from tb_kernels.writing.opening import open_view
from tb_kernels.writing.process import DiskHangsError
from tb_kernels.writing.writer import Begun


class Session:
    """The folder a logger writes to, and what there is to tell about it.

    What was lost and not told when nobody uses it any more, after its last job, or when
    the interpreter ends, is told then.

    Args:
        log_dir: What `tensorboard --logdir` is given, an absolute path.
        view: The view's name.
        patience: Seconds without any progress after which the disk is taken to hang.
        where: The folder, for people.

    Raises:
        ArgumentError: If the log directory cannot be used.

    Attributes:
        where: The folder, for people.
        folder: Its path without links.
        incidents: Of the training at hand.
    """

    def __init__(self, log_dir: Path, view: str, patience: float, *, where: str) -> None:
        self.where = where
        self._patience = patience
        self._told_of_wait = self._told_of_other = False
        self._writer, self.folder, others, self.hangs = open_view(
            log_dir, view, patience=patience, tell=self._tell_of_wait
        )
        if others:
            warn(
                f"another process writes to {self.where}; both can be read, and what is shown is "
                "the training that began to write later. Give each a directory of its own"
            )
        self._events: EventFile | None = None
        self.incidents = Incidents(self.where)
        # The last job, too, holds this session.
        weakref.finalize(self, self.incidents.tell, strict=False, final=True)

    def begin(self, training: Training, layers: Sequence[LayerFacts]) -> Mapping[int, int]:
        """A training begins: TensorBoard is to show it instead of what came before.

        What was handed over before is written first, and what was lost of it told; and so is
        what becomes of the pictures that are there.

        Args:
            training: With its first epoch.
            layers: Of the model; empty if it is not known yet.

        Returns:
            How many pictures of each epoch the folder holds.
        """
        self.wait()
        self.incidents.tell(strict=False, final=True)
        begun = self.describe(training, layers)
        try:
            held = self._writer.survey(self._patience) if begun.new else self._writer.held
        except OSError:
            # Whatever the disk has, it will be told when something is written.
            return {}
        if begun.new:
            announce_rerun(self.where, training, held.epochs, held.newest)
        return held.epochs

    def describe(self, training: Training, layers: Sequence[LayerFacts]) -> Begun:
        """Says whose pictures are to come."""
        begun = self._writer.begin(training, layers_to_json(layers) if layers else "")
        self._events = begun.events
        return begun

    def hand_over(
        self,
        plan: Plan,
        epoch: int,
        step: int | None,
        capture: Callable[[], Captured],
        pictures: int,
    ) -> None:
        """Copies what is drawn, and leaves the rest to the worker.

        Waits first while two epochs are waiting already, so that no copy is made
        that has no room. Whatever goes wrong is reported and raises nothing.

        Args:
            plan: What is made of the copies.
            epoch: Their epoch.
            step: Where it stands in TensorBoard; None for what is only remembered, for change
                to be measured by.
            capture: Makes the copies.
            pictures: How many pictures will be drawn of them.
        """
        worker = self._writer.worker
        lost = (pictures, "picture") if pictures else (1, Scalars.noun)
        try:
            if not worker.wait_for_room(self, epoch, timeout=SILENT_SECONDS):
                self._tell_of_wait()
                worker.wait_for_room(self, epoch)
        except BaseException as error:
            # Somebody has interrupted.
            self.incidents.lose(*lost, described(error))
            raise
        try:
            captured = capture()
        except Exception as error:
            self.incidents.lose(*lost, described(error), COMPUTED)
            return
        events = self._events or self.describe(UNKNOWN, []).events
        job = functools.partial(self._write, plan, [captured], events, epoch, step, pictures)
        del captured
        try:
            worker.submit(self, epoch, job)
        except Exception as error:
            self.incidents.lose(*lost, described(error))
        if self._writer.newest != events.training.identifier and not self._told_of_other:
            self._told_of_other = True
            warn(
                f"another training of this process has begun to write to {self.where} since; what "
                "is shown is the one that began to write later. Give each a directory of its own"
            )

    def wait(self) -> None:
        """Waits until all that was handed over is written; says so if that takes long."""
        worker = self._writer.worker
        if not worker.wait(timeout=SILENT_SECONDS):
            say(f"still writing the last pictures to {self.where}")
            worker.wait()

    def _write(
        self,
        plan: Plan,
        captured: list[Captured],
        events: EventFile,
        epoch: int,
        step: int | None,
        left: int,
    ) -> None:
        """The worker's job. Whatever goes wrong ends neither worker nor training."""
        incidents = self.incidents
        # Written behind the pictures, which are worth more where a disk has little room.
        behind: list[Scalars] = []
        try:
            try:
                for output in plan.draw(captured.pop(), epoch, incidents):
                    if isinstance(output, Scalars):
                        behind.append(output)
                        continue
                    left -= len(output) if isinstance(output, PictureBatch) else 0
                    self._write_one(output, events, epoch, step)
                    # Not held while the next is drawn.
                    del output
            finally:
                self._writer.finish()
            while behind:
                self._write_one(behind.pop(0), events, epoch, step)
        except DiskHangsError as error:
            incidents.lose(left, "picture", error)
            incidents.lose(sum(map(len, behind)), Scalars.noun, error)
        except BaseException as error:  # also of SystemExit the worker does not die
            incidents.lose(left, "picture", described(error), DRAWN)

    def _write_one(self, output: Output, events: EventFile, epoch: int, step: int | None) -> None:
        if step is not None:
            self._writer.write(output, events, epoch, step, self.incidents.lose, self._patience)

    def _tell_of_wait(self) -> None:
        """Once: a training whose epochs are shorter than their pictures take waits at each."""
        if not self._told_of_wait:
            self._told_of_wait = True
            say(f"training waits for pictures to be written to {self.where}")
