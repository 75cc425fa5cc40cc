"""The disk as the writers see it: asked by calls that return in time, whatever it does."""

from __future__ import annotations

import contextlib
import errno
import marshal
import os
import socket
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from tb_kernels.writing.forks import renew_in_child
from tb_kernels.writing.hand import FRAME, SCRIPT, Buffer, Hand, outcome, pack

# Seconds without any progress after which a disk is taken to hang, if nobody says otherwise.
PATIENCE = 60.0

# A wait that takes longer is told.
SILENT_SECONDS = 2.0

# A hand that is asked to end does so at once, unless its disk hangs.
_END_SECONDS = 1.0

_PIECE = 1 << 20

# A system takes no more at a time, and some no more than 1,024.
_MOST_PIECES = 512


class DiskHangsError(OSError):
    """The disk has taken nothing for as long as one was willing to wait."""


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
        self._hand: _Process | _Here | None = None

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
                raise _hangs(patience)
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
        self._hand = _Here()
        return self._call(operation, arguments, patience)

    def _ready(self, patience: float) -> _Process | _Here:
        """A hand that has done what it was asked to before."""
        if self._hand is not None:
            self._hand.settle(patience)
        if self._hand is None or self._hand.ended:
            self._hand = _start_hand()
            self._hands += 1
            weakref.finalize(self, self._hand.end)
        return self._hand


class _Task:
    """Something that a hand was asked to do; and what it answered, by then.

    Attributes:
        answer: Whether it was done; and what it returned, or the arguments of its `OSError`.
            Empty until it has come.
    """

    answer: tuple[Any, ...] = ()

    def result(self) -> Any:
        """What was returned; raises OSError if it failed."""
        done, *result = self.answer
        if not done:
            raise OSError(*result)
        return result[0]


class _Here:
    """A hand in this process."""

    unable = False
    beats = 0

    def __init__(self) -> None:
        self._hand = Hand()

    @property
    def ended(self) -> bool:
        return self._hand.ended

    def start(self, request: tuple[Any, ...], patience: float) -> _Task:
        """Does something."""
        task = _Task()
        task.answer = outcome(self._hand, *request)
        return task

    def finish(self, task: _Task, patience: float) -> Any:
        """What it returned; raises OSError if it failed."""
        return task.result()

    def settle(self, patience: float) -> None:
        """Nothing is ever left to be done."""

    def end(self) -> None:
        """Lets go of its folders."""
        self._hand.end()

    forget = end


class _Process:
    """A hand in a process of its own."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            # In a session of its own, so that Ctrl-C does not reach it; and none of our files
            # and folders, which it would keep open for as long as a disk hangs.
            utf8 = f"utf8={int(sys.getfilesystemencoding() == 'utf-8')}"
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-X", utf8, SCRIPT],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        self._socket = ours
        self._received = bytearray()
        # What it is at; and whether that was given up.
        self._task: _Task | None = None
        self._given_up = False
        # How often it has told that it moves on.
        self.beats = 0
        # Whether it has ever answered.
        self._proven = False
        self.ended = False

    def start(self, request: tuple[Any, ...], patience: float) -> _Task:
        """Asks for something, when it has done what it was asked to before.

        Raises:
            OSError: If it cannot be asked.
        """
        self.settle(patience)
        try:
            self._send(pack(request), patience)
        except BaseException:
            self.end()
            raise
        self._task = task = _Task()
        return task

    def finish(self, task: _Task, patience: float) -> Any:
        """Waits for the answer.

        Raises:
            OSError: If it failed, or there is no answer in time.
        """
        if not task.answer:
            self.settle(patience)
        return task.result()

    def settle(self, patience: float) -> None:
        """Waits until it has done what it is at, well or not.

        Raises:
            DiskHangsError: If there is no answer in time.
        """
        task = self._task
        if task is None:
            return
        try:
            answer = self._answer(patience)
        except BaseException as error:
            # Killed, or left in the midst of a message.
            self._task = None
            self.end()
            task.answer = False, errno.EPIPE, "the process that writes has ended"
            if not isinstance(error, (OSError, EOFError)):
                raise
            return
        if answer is None:
            self._given_up = True
            raise _hangs(patience)
        task.answer = answer
        self._task, self._given_up, self._proven = None, False, True

    @property
    def unable(self) -> bool:
        """Whether it ended by itself before it ever answered."""
        return self.ended and not self._proven and (self._process.poll() or 0) >= 0

    def end(self) -> None:
        """Lets it end, which it does when it has done what it is at."""
        self.ended = True
        self._socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS if self._task is None else 0)
        # Kept while they run, as Python would complain of one that nobody waits for.
        _orphans[:] = [one for one in (*_orphans, self._process) if one.poll() is None]

    def forget(self) -> None:
        """In a forked process: it is the parent's."""
        self.ended = True
        self._socket.close()
        self._process.returncode = 0

    def _send(self, pieces: Sequence[Buffer], patience: float) -> None:
        left = deque(memoryview(piece) for piece in pieces)
        while left:
            self._socket.settimeout(patience)
            sent = self._socket.sendmsg(islice(left, _MOST_PIECES))
            while left and sent >= len(left[0]):
                sent -= len(left.popleft())
            if sent:
                left[0] = left[0][sent:]

    def _answer(self, patience: float) -> Any:
        """The next answer; None if for so many seconds nothing comes at all.

        Of what was given up, nothing is waited for until the disk is seen to move again.
        """
        if self._given_up:
            beats = self.beats
            answer = self._received_answer(0)
            if answer is not None or self.beats == beats:
                return answer
        return self._received_answer(patience)

    def _received_answer(self, patience: float) -> Any:
        while True:
            while len(self._received) >= FRAME.size:
                length = FRAME.unpack_from(self._received)[0]
                end = FRAME.size + length
                if len(self._received) < end:
                    break
                message = bytes(self._received[FRAME.size : end])
                del self._received[:end]
                if message:
                    return marshal.loads(message)
                self.beats += 1
            self._socket.settimeout(patience)
            try:
                data = self._socket.recv(_PIECE)
            except (TimeoutError, BlockingIOError):
                return None
            if not data:
                raise EOFError
            self._received += data


# Hands that still were at work when they were let go.
_orphans: list[subprocess.Popen[bytes]] = []


def _start_hand() -> _Process | _Here:
    # In a frozen program `sys.executable` is that program.
    if os.name != "posix" or not sys.executable or getattr(sys, "frozen", False):
        return _Here()
    try:
        return _Process()
    except OSError:
        # No more processes, or none at all.
        return _Here()


def _hangs(patience: float) -> DiskHangsError:
    return DiskHangsError(errno.ETIMEDOUT, f"the disk has taken nothing for {patience:g} seconds")
