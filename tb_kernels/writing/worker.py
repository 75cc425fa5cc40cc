"""One thread that works in the background, in order, within a bound.

Its promises:

* Jobs run one after another, in the order they were handed over.
* Jobs of at most two epochs wait, and at most one of each owner for an epoch; a
  hand-over that would exceed this waits until there is room. An owner that waits
  for room before it copies anything holds, in all its jobs, at most three epochs'
  copies: two that wait and one at work.
* Whatever was handed over is done, also when training crashes, is interrupted, or
  the interpreter ends: the thread is no daemon, and Python waits for it. It lives
  only while there is work, so nothing has to be closed.
"""

from __future__ import annotations

import threading
import traceback
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from tb_kernels.writing.forks import renew_in_child

_WAITING_EPOCHS = 2

Job = Callable[[], None]


class _Queued(NamedTuple):
    owner: object
    epoch: int
    job: Job


class Worker:
    """Runs jobs in the background. All methods may be called from any thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.renew()
        renew_in_child(self)

    def renew(self) -> None:
        """Empties the queue: a forked process has it and its lock, but not the thread."""
        self._changed = threading.Condition()
        self._waiting: deque[_Queued] = deque()
        self._alive = False
        # How many jobs were handed over, and how many of them are done.
        self._handed = self._done = 0

    def wait_for_room(self, owner: object, epoch: int, timeout: float | None = None) -> bool:
        """Waits until a job of this owner for this epoch can be handed over at once.

        Args:
            owner: Who would hand it over.
            epoch: The epoch whose copies it would hold.
            timeout: Seconds to wait at most; None for as long as it takes.

        Returns:
            Whether there is room.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self._has_room(owner, epoch), timeout)

    def submit(self, owner: object, epoch: int, job: Job) -> None:
        """Hands over a job, waiting first while there is no room for it.

        Args:
            owner: Who hands it over.
            epoch: The epoch whose copies the job holds.
            job: Called once, on the worker's thread. It must not raise: what went
                wrong is the owner's to remember.
        """
        if not threading.main_thread().is_alive():
            # Python has waited for its threads already, and waits for no other.
            job()
            return
        with self._changed:
            self._changed.wait_for(lambda: self._has_room(owner, epoch))
            if not self._alive:
                threading.Thread(target=self._run, name=self._name, daemon=False).start()
                self._alive = True
            self._waiting.append(_Queued(owner, epoch, job))
            self._handed += 1

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until every job handed over so far is done; what others hand over since may wait.

        Args:
            timeout: Seconds to wait at most; None for as long as it takes.

        Returns:
            Whether all is done.
        """
        with self._changed:
            handed = self._handed
            return self._changed.wait_for(lambda: self._done >= handed, timeout)

    def _has_room(self, owner: object, epoch: int) -> bool:
        epochs = {order.epoch for order in self._waiting} | {epoch}
        again = any(order.owner is owner and order.epoch == epoch for order in self._waiting)
        return len(epochs) <= _WAITING_EPOCHS and not again

    def _run(self) -> None:
        job = self._next(0)
        while job is not None:
            try:
                job()
            except BaseException:  # nobody waits for ever for a job that has died
                traceback.print_exc()
            # What it holds is let go before anybody hears that it is done.
            job = None
            job = self._next(1)

    def _next(self, done: int) -> Job | None:
        with self._changed:
            self._done += done
            order = self._waiting.popleft() if self._waiting else None
            self._alive = order is not None
            self._changed.notify_all()
            return order.job if order else None
