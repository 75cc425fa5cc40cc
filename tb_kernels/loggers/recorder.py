"""One logger at its models and its folder: what is drawn of which, and under which training."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import keras

from tb_kernels.errors import ArgumentError, WriteError, reason_of, warn
from tb_kernels.loggers.epochs import Progress
from tb_kernels.loggers.notice import Volume, announce
from tb_kernels.loggers.plan import Memory, Plan
from tb_kernels.loggers.session import Session
from tb_kernels.loggers.training import Training, hold, let_go, own_directory
from tb_kernels.model.layers import architecture, is_built
from tb_kernels.schema.naming import FINAL, step_of
from tb_kernels.views.view import Captured, View
from tb_kernels.writing.opening import try_view

# Makes the view of a built model; raises ArgumentError if that cannot be done.
LookAt = Callable[[keras.Model], View]


class Recorder:
    """Keeps the plans of a logger's models, its session, and how far their trainings are.

    Args:
        log_dir: What `tensorboard --logdir` is given.
        view: The view's name.
        strict: Whether what is lost is raised.
        patience: Seconds without any progress after which the disk is taken to hang.

    Attributes:
        training: The one at hand; None before it begins and after it has ended.
    """

    def __init__(self, log_dir: Path, view: str, *, strict: bool, patience: float) -> None:
        self.log_dir = log_dir
        self._view = view
        self._strict = strict
        self._patience = patience
        self.training: Training | None = None
        self._session: Session | None = None
        self._plans: dict[int, Plan] = {}
        self._announced: Volume | None = None
        # By architecture, since checkpoints may be loaded into a model each.
        self._memories: dict[Any, Memory] = {}
        # Made with its first entry: an unused logger can be pickled, a weak dictionary not.
        self._progresses: WeakKeyDictionary[keras.Model, Progress] | None = None
        # Which model each epoch of the training at hand is of.
        self._shown: dict[int, weakref.ref[keras.Model]] = {}

    @property
    def log_dir(self) -> Path:
        """What `tensorboard --logdir` is given; another one counts from the next training on."""
        return self._log_dir

    @log_dir.setter
    def log_dir(self, log_dir: Path) -> None:
        self._log_dir = log_dir
        # As of now, for a program that changes its working directory later.
        self._place = log_dir.absolute()

    @property
    def session(self) -> Session:
        """The folder at work, opened when it is first needed."""
        if self._session is None:
            self._session = session = Session(
                self._place, self._view, self._patience, where=str(self.log_dir / self._view)
            )
            if session.hangs is not None:
                text = f"nothing can be written to {session.where} ({session.hangs.strerror})"
                if self._strict:
                    raise WriteError(text) from session.hangs
                warn(f"{text}; training goes on, and later epochs are tried all the same")
        return self._session

    def progress(self, model: keras.Model) -> Progress:
        """How far the training of a model is."""
        if self._progresses is None:
            self._progresses = WeakKeyDictionary()
        return self._progresses.setdefault(model, Progress())

    def prepare(self, model: keras.Model, look_at: LookAt) -> None:
        """A training will begin: what the model or the folder may refuse is refused now.

        No directory is made for that.

        Raises:
            ArgumentError: If it is.
        """
        if is_built(model):
            self.plan(model, look_at)
        try_view(self._place, self._view, patience=self._patience)

    def begin(self, training: Training, model: keras.Model, first: int) -> None:
        """The first epoch of a training: what is there of others is told and superseded.

        Raises:
            ArgumentError: If the folder holds pictures of another model that is in use.
        """
        self.training = training
        training.begun = training.by_fit
        facts = training.facts._replace(first=first)
        anew = training.by_fit and facts.keeps == 0
        if anew or is_built(model):
            # Of one that is not built yet nobody knows whether it is a copy.
            self.hold(model, anew=anew)
        logged = self.session.begin(facts, training.layers(model) if is_built(model) else [])
        self.progress(model).begin(first, logged)
        if anew:
            for memory in self._memories.values():
                memory.firsts.clear()

    def hold(self, model: keras.Model, *, anew: bool = False) -> None:
        """Takes the folder for the pictures of a model; see `training.hold`."""
        session = self.session
        take = partial(hold, session.folder, model, session.where, self.log_dir, self, anew=anew)
        with suppress(ArgumentError):
            return take()
        # Not within the exception, which holds the other.
        self._let_go_of_others(model)
        return take()

    def claim(self, model: keras.Model, epoch: int) -> None:
        """Makes sure that what the training at hand shows of an epoch is of no other model.

        Where a loop of the user's logs it and that model is gone, another training begins, as of
        the next fold of a cross-validation.

        Raises:
            ArgumentError: If it is of one that is still in use.
        """
        shown = self._shown.get(epoch)
        if shown is None or shown() is model:
            return
        self._let_go_of_others(model)
        other = shown()
        if other is not None:
            raise ArgumentError(
                f"log_dir: {self.session.where} holds epoch {epoch} of model {other.name!r}, which "
                f"is still in use; that of model {model.name!r} would replace it; expected a "
                f"directory of its own, such as '{own_directory(self.log_dir, model, other)}'"
            )
        self.end()

    def _let_go_of_others(self, model: keras.Model) -> None:
        """Lets models that nobody else uses be gone, but for the one that `fit` trains."""
        if self.training is None or not self.training.by_fit:
            self._plans = {key: plan for key, plan in self._plans.items() if key == id(model)}
            self.flush()
        # Models are circles, and may be gone without anybody having noticed.
        gc.collect()

    def planned(self, model: keras.Model) -> Plan | None:
        """The plan for a model; None if it was not built when training began."""
        return self._plans.get(id(model))

    def plan(self, model: keras.Model, look_at: LookAt) -> Plan:
        """The plan for a model: made anew until every layer is built.

        Args:
            model: A built model.
            look_at: Makes the view of it.

        Raises:
            ArgumentError: If there is nothing to draw of it.
        """
        plan = self._plans.get(id(model))
        if plan is None or not plan.holds():
            memory = self._memories.setdefault(architecture(model), Memory())
            plan = self._plans[id(model)] = Plan(look_at(model), memory)
            first = self.progress(model).first
            if self.training is not None and first is not None:
                # It was not built, or not all of it, when the training began.
                self.hold(model)
                facts = self.training.facts._replace(first=first)
                self.session.describe(facts, self.training.layers(model))
        return plan

    def plan_in_training(self, model: keras.Model, look_at: LookAt) -> Plan:
        """As `plan`; but a plan that cannot be renewed ends no training, and stays."""
        plan = self._plans.get(id(model))
        if plan is None:
            return self.plan(model, look_at)
        try:
            return self.plan(model, look_at)
        except Exception as error:
            plan.stays = True
            self._plans[id(model)] = plan
            warn(
                f"the model has changed, and what is drawn to {self.session.where} could not be "
                f"changed with it; it stays as it was ({reason_of(error)})"
            )
            return plan

    def announce(self, plan: Plan, epochs: int | None) -> None:
        """Says what will be written, if that is news.

        Args:
            plan: What is drawn.
            epochs: How many epochs will be logged; None if nobody knows.
        """
        if plan.volume != self._announced:
            self._announced = plan.volume
            announce(self.session.where, plan.volume, epochs)

    def hand_over(self, plan: Plan, epoch: int, capture: Callable[[], Captured]) -> None:
        """Lets an epoch be drawn.

        Args:
            plan: How.
            epoch: Which.
            capture: Makes the copies.
        """
        progress = self.progress(plan.view.model)
        progress.reached.add(epoch)
        self._shown[epoch] = weakref.ref(plan.view.model)
        step = step_of((progress.latest or 0) if epoch == FINAL else epoch)
        self.session.hand_over(plan, epoch, step, capture, plan.volume.pictures)

    def sample(self, plan: Plan, epoch: int, *, written: bool = True) -> None:
        """Lets what is measured at every epoch be measured.

        Args:
            plan: What that is.
            epoch: Which.
            written: Whether it is written, or only remembered for the next epoch.
        """
        if plan.view.measures:
            if written:
                self._shown[epoch] = weakref.ref(plan.view.model)
            step = step_of(epoch) if written else None
            self.session.hand_over(plan, epoch, step, plan.view.sample, 0)

    def tell(self) -> None:
        """Tells what has happened in the background."""
        self.session.incidents.tell(strict=self._strict)

    def flush(self) -> None:
        """Waits until all is written, and tells what has happened."""
        if self._session is not None:
            self._session.wait()
            self.tell()

    def end(self, *, strict: bool | None = None) -> None:
        """The training has ended: waits, tells all that was lost, lets go of folder and copies.

        Args:
            strict: Whether what was lost is raised; None for as the logger was told.
        """
        session, self._session = self._session, None
        self.training = None
        self._plans.clear()
        self._shown.clear()
        self._announced = None
        try:
            if session is not None:
                session.wait()
                strict = self._strict if strict is None else strict
                session.incidents.tell(strict=strict, final=True)
        finally:
            for memory in self._memories.values():
                memory.before.clear()

    def close(self, *, strict: bool | None = None) -> None:
        """As `end`; and any model may follow in the folder."""
        session = self._session
        try:
            self.end(strict=strict)
        finally:
            self._progresses = None
            for memory in self._memories.values():
                memory.firsts.clear()
            if session is not None:
                let_go(session.folder, self)
