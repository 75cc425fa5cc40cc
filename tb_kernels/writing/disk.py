"""The disk as the writers see it: asked by calls that return in time, whatever it does."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from tb_kernels.writing.forks import renew_in_child
from tb_kernels.writing.process import Here, Process, hangs, start_hand

# Seconds without any progress after which a disk is taken to hang, if nobody says otherwise.
PATIENCE = 60.0

# A wait that takes longer is told.
SILENT_SECONDS = 2.0


class Disk:
    """Asks a `Hand`: in a process of its own, which a disk that hangs cannot make us wait for.

    Where no such process can be had, as on Windows, the hand works in this one, and a disk that
    hangs is waited for. All methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._hands = 0
        self._begin()
        renew_in_child(self)

    def renew(self) -> None:
        """In a forked process: the hand is the parent's."""
        if self._hand is not None:
            self._hand.forget()
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._hand: Process | Here | None = None

    @property
    def generation(self) -> int:
        """The number of the hand that does the next call: one that was killed does no more.

        What it was at may be half written.
        """
        return self._hands + (self._hand is None or self._hand.ended)

    def call(
        self,
        operation: str,
        *arguments: Any,
        patience: float,
        tell: Callable[[], None] | None = None,
    ) -> Any:
        """Does something on the disk.

        Args:
            operation: The name of a method of `Hand`.
            *arguments: Its arguments.
            patience: Seconds without any progress after which it is given up.
            tell: Is called if it takes longer than two seconds.

        Returns:
            What the method returns.

        Raises:
            DiskHangsError: If it was given up; as long as it is not done, this and every
                later call are refused at once.
            OSError: If it failed.
        """
        if tell is not None:
            timer = threading.Timer(SILENT_SECONDS, tell)
            timer.daemon = True
            timer.start()
        try:
            with self._locked(patience):
                return self._call(operation, arguments, patience)
        finally:
            if tell is not None:
                timer.cancel()

    def start(self, operation: str, *arguments: Any, patience: float) -> Callable[[], Any]:
        """Begins what `call` does, which goes on while the caller does something else.

        What is begun first is done first, and what comes after it waits.

        Returns:
            Waits until it is done; returns and raises what `call` does.

        Raises:
            DiskHangsError: If what was begun before was given up.
            OSError: If it could not be begun.
        """
        with self._locked(patience):
            hand = self._ready(patience)
            task = hand.start((operation, *arguments), patience)

        def finish() -> Any:
            with self._locked(patience):
                return hand.finish(task, patience)

        return finish

    @contextlib.contextmanager
    def _locked(self, patience: float) -> Iterator[None]:
        moves = None
        while not self._lock.acquire(timeout=patience):
            # Another thread's call may take long on a slow disk.
            if moves == (moves := self._moves()):
                raise hangs(patience)
        try:
            yield
        finally:
            self._lock.release()

    def _moves(self) -> tuple[int, int]:
        """Something that is another when the disk has moved on."""
        return self.generation, 0 if self._hand is None else self._hand.beats

    def _call(self, operation: str, arguments: tuple[Any, ...], patience: float) -> Any:
        hand = self._ready(patience)
        try:
            return hand.finish(hand.start((operation, *arguments), patience), patience)
        except OSError:
            if not hand.unable:
                raise
        # Python cannot be started anew here, as in a zip file.
        self._hand = Here()
        return self._call(operation, arguments, patience)

    def _ready(self, patience: float) -> Process | Here:
        """A hand that has done what it was asked to before."""
        if self._hand is not None:
            self._hand.settle(patience)
        if self._hand is None or self._hand.ended:
            self._hand = start_hand()
            self._hands += 1
            weakref.finalize(self, self._hand.end)
        return self._hand
