"""Pictures → PNG files and events, the same bytes in both places; and what stands beside them.

All loggers of one log directory share one worker, found here by the directory.
"""

from __future__ import annotations

import tempfile
import threading
import weakref
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tb_kernels.arguments import check_path
from tb_kernels.drawing import png
from tb_kernels.errors import ArgumentError
from tb_kernels.schema.index import LayerEntry, entry_key, to_json
from tb_kernels.schema.naming import index_tag, step_of
from tb_kernels.schema.outputs import ArrayFile, Output, PictureBatch
from tb_kernels.writing.events import EventFile, image_value, scalar_value, text_value
from tb_kernels.writing.files import WholeFiles
from tb_kernels.writing.worker import Worker


class WriteFailures(NamedTuple):
    """What could not be written, how many lack their file, event or both, and why."""

    lost: int
    reason: OSError | None


class RunWriter:
    """Writes the pictures of one view. Its methods but `begin` belong on the worker."""

    def __init__(self, run_dir: Path, view: str, worker: Worker) -> None:
        self.directory = run_dir
        self.worker = worker
        self._view = view
        self._events = EventFile(run_dir)
        self._indexed: tuple[int, dict[Hashable, LayerEntry]] = (-1, {})
        self._stored: set[str] = set()
        self._files = WholeFiles(run_dir)

    def begin(self) -> None:
        """A training begins: what follows goes into a new event file.

        What was handed over before is written first, to the file it belongs to.
        """
        self.worker.wait()
        self._events = EventFile(self.directory)
        self._indexed = (-1, {})
        self._stored = set()

    def write(self, output: Output, epoch: int) -> WriteFailures:
        """Writes pictures to files and to the event file, numbers to this, arrays to a file."""
        try:
            if isinstance(output, PictureBatch):
                return self._write_pictures(output, epoch)
            if isinstance(output, ArrayFile):
                self._write_arrays(output)
            elif output.values:
                values = [scalar_value(tag, value) for tag, value in output.values.items()]
                self._events.append(values, step_of(epoch))
        except OSError as error:
            return WriteFailures(len(output), error)
        return WriteFailures(0, None)

    def _write_pictures(self, batch: PictureBatch, epoch: int) -> WriteFailures:
        """Encodes each picture once, for both places."""
        height, width = batch.pixels.shape[1:3]
        values = []
        lost, reason = 0, None
        for pixels, path, title, description in zip(
            batch.pixels, batch.paths, batch.titles, batch.descriptions, strict=True
        ):
            data = png.encode(pixels)
            values.append(image_value(path, data, width, height, title, description))
            try:
                self._files.write(f"{path}.png", data)
            except OSError as error:
                lost, reason = lost + 1, error
        try:
            self._events.append(values, step_of(epoch))
        except OSError as error:
            lost, reason = len(values), error
        return WriteFailures(lost, reason)

    def write_index(self, entries: Iterable[LayerEntry], epoch: int) -> None:
        """Writes the epoch's index; loggers that share the run share it too.

        Raises:
            OSError: If it could not be written.
        """
        known = dict(self._indexed[1]) if self._indexed[0] == epoch else {}
        for entry in entries:
            # The newest last: where two draw the same picture, it is the one that is seen.
            known.pop(entry_key(entry), None)
            known[entry_key(entry)] = entry
        self._indexed = (epoch, known)
        text = to_json(self._view, epoch, known.values())
        self._events.append([text_value(index_tag(epoch), text)], step_of(epoch))

    def _write_arrays(self, output: ArrayFile) -> None:
        arrays = dict(output.arrays)
        name = f"{output.name}.npz"
        target = self.directory / name
        if output.name in self._stored and target.exists():
            # Another logger of this view has stored its own of this epoch.
            with np.load(target) as before:
                arrays = dict(before) | arrays
        self._stored.add(output.name)
        self._files.fill(name, lambda stream: np.savez(stream, **arrays))  # type: ignore[arg-type]


_lock = threading.Lock()
_workers: weakref.WeakValueDictionary[Path, Worker] = weakref.WeakValueDictionary()
_runs: weakref.WeakValueDictionary[Path, RunWriter] = weakref.WeakValueDictionary()


def open_run(log_dir: Any, view: str) -> RunWriter:
    """The writer of a view's run: one for all loggers of this process that write there.

    Args:
        log_dir: What `tensorboard --logdir` is given; made if missing.
        view: The run's name, which is its folder in the log directory.

    Raises:
        ArgumentError: If the log directory is no local directory or cannot be written.
    """
    directory = check_log_dir(log_dir)
    # Absolute, for a program that changes its working directory while it trains.
    run_dir = (directory / view).absolute()
    _make_writable(run_dir, directory)
    with _lock:
        worker = _workers.setdefault(directory.resolve(), Worker(f"tb_kernels {directory}"))
        return _runs.setdefault(run_dir.resolve(), RunWriter(run_dir, view, worker))


def check_log_dir(log_dir: Any) -> Path:
    """Returns a log directory as a path, without looking at the disk.

    Raises:
        ArgumentError: If it is no path, or one that only a remote file system knows.
    """
    path = check_path("log_dir", log_dir)
    if "://" in path:
        raise ArgumentError(
            f"log_dir: {path!r} is a remote address; expected a directory of this "
            "machine, to be copied when training is done"
        )
    return Path(path)


def _make_writable(run_dir: Path, log_dir: Path) -> None:
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=run_dir):
            pass
    except (FileExistsError, NotADirectoryError):
        raise ArgumentError(
            f"log_dir: cannot use {str(log_dir)!r}, since {str(run_dir)!r} is a file or lies "
            "below one; expected a directory, which is made if it is missing"
        ) from None
    except OSError as error:
        raise ArgumentError(
            f"log_dir: cannot write to {str(log_dir)!r} ({error.strerror}); expected a "
            "directory that this process may write to"
        ) from None
