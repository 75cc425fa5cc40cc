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
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from tb_kernels.writing import hand
from tb_kernels.writing.forks import renew_in_child
from tb_kernels.writing.hand import FRAME, Buffer, Hand, pack

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
        if isinstance(self._hand, _Process):
            self._hand.forget()
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._hand: _Process | Hand | None = None

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
            moves = None
            while not self._lock.acquire(timeout=patience):
                # Another thread's call may take long on a slow disk.
                if moves == (moves := self._moves()):
                    raise _hangs(patience)
            try:
                return self._call(operation, arguments, patience)
            finally:
                self._lock.release()
        finally:
            if tell is not None:
                timer.cancel()

    def _moves(self) -> tuple[int, int]:
        """Something that is another when the disk has moved on."""
        beats = self._hand.beats if isinstance(self._hand, _Process) else 0
        return self.generation, beats

    def _call(self, operation: str, arguments: tuple[Any, ...], patience: float) -> Any:
        if self._hand is None or self._hand.ended:
            self._hand = _start_hand()
            self._hands += 1
            weakref.finalize(self, self._hand.end)
        if isinstance(self._hand, _Process):
            try:
                return self._hand.ask((operation, *arguments), patience)
            except OSError:
                if not self._hand.unable:
                    raise
            # Python cannot be started anew here, as in a zip file.
            self._hand = Hand()
        return getattr(self._hand, operation)(*arguments)


class _Process:
    """A hand in a process of its own."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            # In a session of its own, so that Ctrl-C does not reach it; and none of our files
            # and folders, which it would keep open for as long as a disk hangs.
            utf8 = f"utf8={int(sys.getfilesystemencoding() == 'utf-8')}"
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-X", utf8, hand.__file__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        self._socket = ours
        self._received = bytearray()
        # Whether an answer has still to come, and how often it was said that it will.
        self._owes = False
        self.beats = 0
        # Whether it has ever answered.
        self._proven = False
        self.ended = False

    def ask(self, request: tuple[Any, ...], patience: float) -> Any:
        """Asks for something, and waits for the answer.

        Raises:
            OSError: If it fails, or there is no answer in time.
        """
        try:
            if self._owes and not self._has_come_back(patience):
                raise _hangs(patience)
            self._owes = False
            self._send(pack(request), patience)
            self._owes = True
            answer = self._answer(patience)
        except DiskHangsError:
            raise
        except BaseException:
            # Killed, or left in the midst of a message.
            self.end()
            raise
        if answer is None:
            raise _hangs(patience)
        self._owes, self._proven = False, True
        done, *result = answer
        if not done:
            raise OSError(*result)
        return result[0]

    @property
    def unable(self) -> bool:
        """Whether it ended by itself before it ever answered."""
        return self.ended and not self._proven and (self._process.poll() or 0) >= 0

    def end(self) -> None:
        """Lets it end, which it does when it has done what it is at."""
        self.ended = True
        self._socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0 if self._owes else _END_SECONDS)
        # Kept while they run, as Python would complain of one that nobody waits for.
        _orphans[:] = [one for one in (*_orphans, self._process) if one.poll() is None]

    def forget(self) -> None:
        """In a forked process: it is the parent's."""
        self.ended = True
        self._socket.close()
        self._process.returncode = 0

    def _has_come_back(self, patience: float) -> bool:
        """Whether the answer that is owed is there by now, or comes since the disk moves again."""
        beats = self.beats
        if self._answer(0) is not None:
            return True
        return self.beats > beats and self._answer(patience) is not None

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
        """The next answer; None if for so many seconds nothing comes at all."""
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
                raise OSError(errno.EPIPE, "the process that writes has ended")
            self._received += data


# Hands that still were at work when they were let go.
_orphans: list[subprocess.Popen[bytes]] = []


def _start_hand() -> _Process | Hand:
    # In a frozen program `sys.executable` is that program.
    if os.name != "posix" or not sys.executable or getattr(sys, "frozen", False):
        return Hand()
    try:
        return _Process()
    except OSError:
        # No more processes, or none at all.
        return Hand()


def _hangs(patience: float) -> DiskHangsError:
    return DiskHangsError(errno.ETIMEDOUT, f"the disk has taken nothing for {patience:g} seconds")
