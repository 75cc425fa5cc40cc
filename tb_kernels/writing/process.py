"""A hand at work: in a process of its own, or where none can be had, in this one."""

from __future__ import annotations

import contextlib
import errno
import marshal
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Any

from tb_kernels.writing.hand import FRAME, SCRIPT, Buffer, Hand, outcome, pack

# A hand that is asked to end does so at once, unless its disk hangs.
_END_SECONDS = 1.0

_PIECE = 1 << 20

# A system takes no more at a time, and some no more than 1,024.
_MOST_PIECES = 512


class DiskHangsError(OSError):
    """The disk has taken nothing for as long as one was willing to wait."""


class Task:
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


class Here:
    """A hand in this process."""

    unable = False
    beats = 0

    def __init__(self) -> None:
        self._hand = Hand()

    @property
    def ended(self) -> bool:
        """Whether it has let go of its folders."""
        return self._hand.ended

    def start(self, request: tuple[Any, ...], patience: float) -> Task:
        """Does something."""
        task = Task()
        task.answer = outcome(self._hand, *request)
        return task

    def finish(self, task: Task, patience: float) -> Any:
        """What it returned; raises OSError if it failed."""
        return task.result()

    def settle(self, patience: float) -> None:
        """Nothing is ever left to be done."""

    def end(self) -> None:
        """Lets go of its folders."""
        self._hand.end()

    forget = end


class Process:
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
        self._task: Task | None = None
        self._given_up = False
        # How often it has told that it moves on.
        self.beats = 0
        # Whether it has ever answered.
        self._proven = False
        self.ended = False

    def start(self, request: tuple[Any, ...], patience: float) -> Task:
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
        self._task = task = Task()
        return task

    def finish(self, task: Task, patience: float) -> Any:
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
            raise hangs(patience)
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


def start_hand() -> Process | Here:
    """A hand that begins to work: in a process, where there can be one."""
    # In a frozen program `sys.executable` is that program.
    if os.name != "posix" or not sys.executable or getattr(sys, "frozen", False):
        return Here()
    try:
        return Process()
    except OSError:
        # No more processes, or none at all.
        return Here()


def hangs(patience: float) -> DiskHangsError:
    """What is raised after so many seconds."""
    return DiskHangsError(errno.ETIMEDOUT, f"the disk has taken nothing for {patience:g} seconds")
