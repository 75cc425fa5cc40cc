"""The runs that can be chosen: those of a log, and trainings that newer ones have superseded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from tb_kernels.reading.log import Log
from tb_kernels.reading.trainings import LoggedTraining

# Of a run so many trainings, the newest: each takes a look at the whole log.
_MOST_TRAININGS = 10


class ChosenRun(NamedTuple):
    """A run that can be chosen.

    Attributes:
        name: In addresses; no other has it.
        label: For people.
        log: In which it is.
        run: What it is called there.
    """

    name: str
    label: str
    log: Log
    run: str


def runs_of(log: Log, *, earlier: bool) -> list[ChosenRun]:
    """The runs of a log, in its order.

    Args:
        log: All.
        earlier: Whether each is followed by its trainings of which the log shows no longer all,
            the newest first.
    """
    found = []
    trainings = log.trainings if earlier else []
    for run in log.runs:
        label = log.title if run == "." else run
        found.append(ChosenRun(run, label, log, run))
        own = [one for one in trainings if one.run == run and one.identifier]
        found += _superseded(found[-1], own[-2 : -2 - _MOST_TRAININGS : -1])
    return found


def _superseded(shown: ChosenRun, older: list[LoggedTraining]) -> Iterator[ChosenRun]:
    """Those of a run's older trainings, the newest first, that are no part of what is listed."""
    listed = [shown.log]
    for training in older:
        log = training.log.select(runs=shown.run)
        if not any(one.holds(log) for one in listed):
            listed.append(log)
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(training.started))
            name = f"{shown.name}@{training.identifier}"
            yield ChosenRun(name, f"{shown.label}, training of {when}", log, shown.run)
