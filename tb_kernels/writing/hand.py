"""What is done on the disk, and the small process that does it.

A write to a disk that hangs cannot be interrupted: neither can its thread be left, nor can its
process end. So the disk is touched by a process of its own, which trains nothing. It gets one
request at a time over a socket, tells when it has moved on, and ends with the socket. It starts
in milliseconds, since it imports nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import pickle
import re
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import BufferedReader, FileIO
from itertools import accumulate
from typing import Any

# What goes over the socket: the length of a message, and the message. Of no length: it moves on.
FRAME = struct.Struct("<Q")

SCRIPT = __file__

# How much is written at a time; and how often it is told, in seconds, that something was.
_PIECE = 1 << 18
_BEAT = 0.2

# Of an event file, so much is looked at to see who wrote it.
_HEAD = 2048

# A process that has just let go of a folder may take so long to end.
_LOCK_SECONDS = 0.5

_PARTIAL = ".partial-"

# The file of a picture, and its epoch.
_PICTURE = re.compile(r"_([0-9]{1,9}|final)\.png\Z")

Buffer = bytes | memoryview | pickle.PickleBuffer

# What a file that could not be written is told by: its place in the request, and the error.
Failure = tuple[int, int | None, str]


class Hand:
    """Does what it is asked to on a disk. Paths are absolute.

    Args:
        moved: Is called whenever something was done.
    """

    def __init__(self, moved: Callable[[], None] = lambda: None) -> None:
        self._moved = moved
        self._partial = name_partial()
        self._locks: dict[str, int] = {}
        # Folders that another process had taken.
        self._shared: set[str] = set()
        self.ended = False

    def end(self) -> None:
        """Lets go of its folders."""
        self.ended = True
        while self._locks:
            os.close(self._locks.popitem()[1])

    def prepare(self, folder: str) -> tuple[str, tuple[int, int], bool]:
        """Makes a folder that can be written to, and takes it for this process.

        Returns:
            Its path without links; device and inode of the folder that it lies in; and
            whether another process has taken it.

        Raises:
            OSError: If it cannot be made, or not be written to.
        """
        os.makedirs(folder, exist_ok=True)
        real = os.path.realpath(folder)
        self._check_writable(real)
        above = os.stat(os.path.dirname(real))
        return real, (above.st_dev, above.st_ino), not self._take(real)

    def probe(self, folder: str) -> None:
        """Makes sure that a folder can be made and be written to, and leaves all as it was.

        Raises:
            OSError: If it cannot.
        """
        missing = []
        above = folder
        while not os.path.isdir(above) and above != os.path.dirname(above):
            missing.append(above)
            above = os.path.dirname(above)
        try:
            os.makedirs(folder, exist_ok=True)
            self._check_writable(folder)
        finally:
            for made in missing:
                with contextlib.suppress(OSError):
                    os.rmdir(made)

    def survey(self, folder: str) -> tuple[dict[str, int], float]:
        """How many pictures of each epoch a folder holds, and when it was last written to."""
        found: dict[str, int] = {}
        newest = 0.0
        below = [entry.path for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
        for one in (folder, *below):
            epochs = [match[1] for name in os.listdir(one) if (match := _PICTURE.search(name))]
            for epoch in epochs:
                found[epoch] = found.get(epoch, 0) + 1
            if epochs:
                newest = max(newest, os.stat(one).st_mtime)
            self._moved()
        return found, newest

    def heads(self, folder: str) -> list[tuple[str, bytes]]:
        """The names of the event files in a folder, and how each begins."""
        found = []
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            if "tfevents" in name:
                with contextlib.suppress(OSError), FileIO(os.path.join(folder, name)) as file:
                    found.append((name, file.read(_HEAD)))
                self._moved()
        return found

    def place(self, folder: str, files: Sequence[tuple[str, Buffer]]) -> list[Failure]:
        """Writes files into a folder and those below it; each is there whole or as it was.

        Args:
            folder: Made when it is needed.
            files: The path of each below the folder, and all of its bytes.

        Returns:
            What could not be written.
        """
        failures = []
        if folder in self._shared:
            # The other may have ended: a third process is to hear of this one.
            self._take(folder, patience=0)
        for number, (path, data) in enumerate(files):
            try:
                place_whole(folder, self._partial, path, partial(self._write, data=data))
            except OSError as error:
                failures.append((number, error.errno, error.strerror or str(error)))
            self._moved()
        return failures

    def append(self, path: str, end: int | None, opening: Buffer, data: Buffer) -> int:
        """Adds to a file; if that fails, it is as it was.

        Args:
            path: The file; made, with its folder, if it is not there.
            end: Where its whole part ends, if there may be something behind it.
            opening: How it begins.
            data: What is added.

        Returns:
            How long it is now.

        Raises:
            OSError: If it cannot be written.
        """
        try:
            return self._append(path, end, opening, data)
        except FileNotFoundError:
            # Its first bytes, or somebody has cleared the directory.
            os.makedirs(os.path.dirname(path), exist_ok=True)
            return self._append(path, end, opening, data)

    def record(
        self,
        folder: str,
        files: Sequence[tuple[str, Buffer]],
        path: str,
        end: int | None,
        opening: Buffer,
        data: Buffer,
    ) -> tuple[list[Failure], int | None, tuple[int | None, str]]:
        """As `place`, and then, whatever became of that, as `append`.

        Returns:
            What could not be written; how long the file is now, None if it cannot be written;
            and why not.
        """
        failures = self.place(folder, files)
        try:
            return failures, self.append(path, end, opening, data), (None, "")
        except OSError as error:
            return failures, None, (error.errno, error.strerror or str(error))

    def read(self, path: str) -> bytes | None:
        """The bytes of a file; None if there is none."""
        try:
            with FileIO(path) as file:
                return file.readall()
        except FileNotFoundError:
            return None

    def _check_writable(self, folder: str) -> None:
        probe = os.path.join(folder, self._partial)
        try:
            FileIO(probe, "w").close()
        finally:
            _remove(probe)

    def _append(self, path: str, end: int | None, opening: Buffer, data: Buffer) -> int:
        with FileIO(path, "a") as file:
            size = file.seek(0, os.SEEK_END)
            if end is not None and size > end:
                size = file.truncate(end)
            try:
                for piece in (data,) if size else (opening, data):
                    self._write(file, piece)
            except OSError:
                file.truncate(size)
                raise
            return file.seek(0, os.SEEK_END)

    def _write(self, file: FileIO, data: Buffer) -> None:
        left = memoryview(data)
        while left:
            # One call to the system may take less.
            left = left[file.write(left[:_PIECE]) :]
            self._moved()

    def _take(self, folder: str, patience: float = _LOCK_SECONDS) -> bool:
        """Locks a folder for as long as this process lives; False if another has."""
        if folder in self._locks:
            return True
        try:
            import fcntl

            lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        except (ImportError, OSError):
            return True
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < until:
                    time.sleep(_LOCK_SECONDS / 10)
                    continue
                os.close(lock)
                self._shared.add(folder)
                return False
            except OSError:
                # A file system without locks of this kind; nobody knows.
                os.close(lock)
                return True
            self._locks[folder] = lock
            self._shared.discard(folder)
            break
        for name in os.listdir(folder):
            # What a process that was killed has left.
            if name.startswith(_PARTIAL) and name != self._partial:
                _remove(os.path.join(folder, name))
        return True


def place_whole(folder: str, partial: str, path: str, write: Callable[[FileIO], object]) -> None:
    """Writes a file; what was there before stays until the new one is whole.

    Args:
        folder: Made when it is needed.
        partial: The file's name below the folder until it is whole.
        path: Its own.
        write: Writes all of it.

    Raises:
        OSError: If it cannot be written.
    """
    target, unfinished = os.path.join(folder, path), os.path.join(folder, partial)

    def place() -> None:
        with FileIO(unfinished, "w") as file:
            write(file)
        os.replace(unfinished, target)

    try:
        try:
            place()
        except FileNotFoundError:
            # The folder's first file, or somebody has cleared the directory.
            os.makedirs(os.path.dirname(target), exist_ok=True)
            place()
    except BaseException:
        # Also where somebody interrupts; and a disk that is full is not made fuller.
        _remove(unfinished)
        raise


def name_partial() -> str:
    """A name for files that are not whole yet, unlike that of any other process."""
    return f"{_PARTIAL}{os.urandom(8).hex()}"


def pack(request: Any) -> list[Buffer]:
    """A request → what goes over the socket: buffers in it as they are, and never copied."""
    buffers: list[pickle.PickleBuffer] = []
    message = pickle.dumps(request, protocol=5, buffer_callback=buffers.append)
    raw = [buffer.raw() for buffer in buffers]
    lengths = marshal.dumps([len(message), *map(len, raw)])
    return [FRAME.pack(len(lengths)), lengths, message, *raw]


def _unpacked(stream: BufferedReader) -> Iterator[Any]:
    """Requests from a socket. The buffers in one are gone when the next is asked for."""
    memory = memoryview(bytearray())
    while len(frame := stream.read(FRAME.size)) == FRAME.size:
        lengths = marshal.loads(stream.read(FRAME.unpack(frame)[0]))
        if len(memory) < (whole := sum(lengths)):
            # Kept, since fresh memory takes longer than what is written to it.
            memory = memoryview(bytearray(whole))
        if stream.readinto(memory[:whole]) < whole:
            return
        message, *buffers = (
            memory[end - length : end]
            for end, length in zip(accumulate(lengths), lengths, strict=True)
        )
        yield pickle.loads(message, buffers=buffers)  # noqa: S301 (our own parent wrote it)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _serve(connection: socket.socket) -> None:
    """Answers requests, until there is nobody who asks."""
    told = time.monotonic()

    def moved() -> None:
        nonlocal told
        if time.monotonic() > told + _BEAT:
            connection.sendall(FRAME.pack(0))
            told = time.monotonic()

    hand = Hand(moved)
    for request in _unpacked(connection.makefile("rb")):
        message = marshal.dumps(outcome(hand, *request))
        connection.sendall(FRAME.pack(len(message)) + message)


def outcome(hand: Hand, operation: str, *arguments: Any) -> tuple[Any, ...]:
    """True and what a method of a hand returns; or False and the arguments of an `OSError`."""
    try:
        return True, getattr(hand, operation)(*arguments)
    except BrokenPipeError:
        raise
    except OSError as error:
        return False, error.errno, error.strerror or str(error), error.filename
    except Exception as error:
        return False, None, f"{type(error).__name__}: {error}", None


if __name__ == "__main__":
    with contextlib.suppress(OSError):
        _serve(socket.socket(fileno=sys.stdin.fileno()))
    # Without tidying up, which takes longer.
    os._exit(0)
