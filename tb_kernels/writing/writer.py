"""Pictures → PNG files and events, the same bytes in both places; and what stands beside them.

All loggers of one log directory share one worker, found here by the directory.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Hashable, MutableMapping
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import numpy as np

from tb_kernels.arguments import check_path
from tb_kernels.drawing import png
from tb_kernels.errors import ArgumentError
from tb_kernels.schema.index import LayerEntry, entry_key, to_json
from tb_kernels.schema.naming import index_tag, step_of
from tb_kernels.schema.outputs import ArrayFile, IndexEntries, Lose, Output, PictureBatch, Scalars
from tb_kernels.writing.events import EventFile, image_value, scalar_value, text_value
from tb_kernels.writing.files import WholeFiles
from tb_kernels.writing.worker import Worker

_Shared = TypeVar("_Shared")


class ViewWriter:
    """Writes what a view draws into its folder. Only `begin` belongs not on the worker.

    Args:
        directory: The view's folder in the log directory.
        view: Its name.
        worker: That of the log directory.
    """

    def __init__(self, directory: Path, view: str, worker: Worker) -> None:
        self.directory = directory
        self.worker = worker
        self._view = view
        self._files = WholeFiles(directory)
        self._start_anew()

    def begin(self) -> None:
        """A training begins: what follows goes into a new event file.

        What was handed over before is written first, to the file it belongs to.
        """
        self.worker.wait()
        self._start_anew()

    def write(self, output: Output, epoch: int, lose: Lose) -> None:
        """Writes pictures to files and to the event file, arrays to a file, the rest to events.

        Args:
            output: What is to be written.
            epoch: Its epoch.
            lose: Is told what could not be written; nothing is raised.
        """
        try:
            match output:
                case PictureBatch():
                    self._write_pictures(output, epoch, lose)
                case ArrayFile():
                    self._write_arrays(output)
                case Scalars():
                    self._write_scalars(output, epoch)
                case IndexEntries():
                    self._write_index(output, epoch)
        except Exception as error:
            lose(len(output), output.noun, error)

    def _start_anew(self) -> None:
        self._events = EventFile(self.directory)
        self._indexed: tuple[int, dict[Hashable, LayerEntry]] = (-1, {})
        self._stored: set[str] = set()

    def _write_pictures(self, batch: PictureBatch, epoch: int, lose: Lose) -> None:
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
        # If this fails, all of them lack their event, whether or not they have their file.
        self._events.append(values, step_of(epoch))
        if reason is not None:
            lose(lost, batch.noun, reason)

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

    def _write_scalars(self, output: Scalars, epoch: int) -> None:
        values = [scalar_value(tag, value) for tag, value in output.values.items()]
        if values:
            self._events.append(values, step_of(epoch))

    def _write_index(self, output: IndexEntries, epoch: int) -> None:
        """Writes the index of the epoch; loggers that share the view share it too."""
        known = dict(self._indexed[1]) if self._indexed[0] == epoch else {}
        for entry in output.entries:
            # The newest last: where two draw the same picture, it is the one that is seen.
            known.pop(entry_key(entry), None)
            known[entry_key(entry)] = entry
        self._indexed = (epoch, known)
        text = to_json(self._view, epoch, known.values())
        self._events.append([text_value(index_tag(epoch), text)], step_of(epoch))


_lock = threading.Lock()
_workers: WeakValueDictionary[Path, Worker] = WeakValueDictionary()
_writers: WeakValueDictionary[Path, ViewWriter] = WeakValueDictionary()


def open_view(log_dir: Any, view: str) -> ViewWriter:
    """The writer of a view: one for all loggers of this process that write there.

    Args:
        log_dir: What `tensorboard --logdir` is given; made if missing.
        view: The view's name, which is that of its folder in the log directory.

    Raises:
        ArgumentError: If the log directory is no local directory or cannot be written.
    """
    directory = check_log_dir(log_dir)
    # Absolute, for a program that changes its working directory while it trains.
    folder = (directory / view).absolute()
    _make_writable(folder, directory)
    with _lock:
        worker = _shared(_workers, directory.resolve(), lambda: Worker(f"tb_kernels {directory}"))
        return _shared(_writers, folder.resolve(), lambda: ViewWriter(folder, view, worker))


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


def _shared(
    known: MutableMapping[Path, _Shared], path: Path, make: Callable[[], _Shared]
) -> _Shared:
    """The one of a path, made if there is none."""
    found = known.get(path)
    if found is None:
        known[path] = found = make()
    return found


def _make_writable(folder: Path, log_dir: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (FileExistsError, NotADirectoryError):
        raise ArgumentError(
            f"log_dir: cannot use {str(log_dir)!r}, since {str(folder)!r} is a file or lies "
            "below one; expected a directory, which is made if it is missing"
        ) from None
    except OSError as error:
        raise ArgumentError(
            f"log_dir: cannot write to {str(log_dir)!r} ({error.strerror}); expected a "
            "directory that this process may write to"
        ) from None
