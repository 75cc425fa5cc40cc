"""A log directory → the writer of a view: one for all loggers of this process that write there.

All of one log directory share one worker and one disk, found here by the directory.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Hashable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from weakref import WeakValueDictionary

from tb_kernels.arguments import check_path
from tb_kernels.errors import ArgumentError
from tb_kernels.writing.disk import PATIENCE, Disk
from tb_kernels.writing.process import DiskHangsError
from tb_kernels.writing.worker import Worker
from tb_kernels.writing.writer import ViewWriter

_Shared = TypeVar("_Shared")
_Key = TypeVar("_Key")

_lock = threading.Lock()
# By the spelling of a log directory, by device and inode, and by the folder's real path.
_disks: WeakValueDictionary[str, Disk] = WeakValueDictionary()
_workers: WeakValueDictionary[Hashable, Worker] = WeakValueDictionary()
_writers: WeakValueDictionary[str, ViewWriter] = WeakValueDictionary()


class Opened(NamedTuple):
    """A writer, and what was found when its folder was opened.

    Attributes:
        writer: Of a view.
        folder: Its folder, without links.
        others: Whether another process writes there too.
        hangs: Why nothing could be found out; None as a rule.
    """

    writer: ViewWriter
    folder: str
    others: bool
    hangs: DiskHangsError | None


def open_view(
    log_dir: Path,
    view: str,
    *,
    patience: float = PATIENCE,
    tell: Callable[[], None] = lambda: None,
) -> Opened:
    """The writer of a view: one for all loggers of this process that write there.

    Args:
        log_dir: As `check_log_dir` gives it; made if missing.
        view: The view's name, which is that of its folder in the log directory.
        patience: Seconds without any progress after which the disk is taken to hang.
        tell: Is called if the disk makes one wait.

    Raises:
        ArgumentError: If the log directory is a file or cannot be written.
    """
    folder, disk = _place_of(log_dir, view)
    hangs, real, above, taken = None, folder, None, False
    try:
        with _refusals(log_dir, folder):
            real, above, taken = disk.call("prepare", folder, patience=patience, tell=tell)
    except DiskHangsError as error:
        # Which directory it really is, will not be known.
        hangs = error.with_traceback(None)
    with _lock:
        ours = real in _writers
        key = above or str(log_dir.absolute())
        worker = _shared(_workers, key, lambda: Worker(f"tb_kernels {log_dir}"))
        writer = _shared(_writers, real, lambda: ViewWriter(real, view, disk, worker))
    return Opened(writer, real, taken and not ours, hangs)


def try_view(
    log_dir: Path,
    view: str,
    *,
    patience: float = PATIENCE,
    tell: Callable[[], None] = lambda: None,
) -> None:
    """Makes sure that a view can be opened, and leaves nothing behind. The rest as `open_view`."""
    folder, disk = _place_of(log_dir, view)
    # A disk that hangs is told when it is opened.
    with contextlib.suppress(DiskHangsError), _refusals(log_dir, folder):
        disk.call("probe", folder, patience=patience, tell=tell)


def _place_of(log_dir: Path, view: str) -> tuple[str, Disk]:
    # Absolute, for a program that changes its working directory while it trains.
    with _lock:
        disk = _shared(_disks, str(log_dir.absolute()), Disk)
    return str((log_dir / view).absolute()), disk


@contextlib.contextmanager
def _refusals(log_dir: Path, folder: str) -> Iterator[None]:
    """Inside, what makes a log directory useless is an argument that is wrong."""
    try:
        yield
    except DiskHangsError:
        raise
    except (FileExistsError, NotADirectoryError):
        raise ArgumentError(
            f"log_dir: cannot use {str(log_dir)!r}, since {folder!r} is a file or lies "
            "below one; expected a directory, which is made if it is missing"
        ) from None
    except OSError as error:
        raise ArgumentError(
            f"log_dir: cannot write to {str(log_dir)!r} ({error.strerror}); expected a "
            "directory that this process may write to"
        ) from None


def check_log_dir(log_dir: Any) -> Path:
    """Returns a log directory as a path, without looking at the disk.

    Raises:
        ArgumentError: If it is no path, or one that only a remote file system knows.
    """
    return Path(check_path("log_dir", log_dir))


def _shared(
    known: MutableMapping[_Key, _Shared], key: _Key, make: Callable[[], _Shared]
) -> _Shared:
    """The one of a key, made if there is none."""
    found = known.get(key)
    if found is None:
        known[key] = found = make()
    return found
