"""Pictures → PNG files and events, the same bytes in both places; and what stands beside them.

All loggers of one log directory share one worker, found here by the directory.
"""

from __future__ import annotations

import contextlib
import os
import threading
import zipfile
from collections.abc import Callable, Hashable, Iterator, Mapping, MutableMapping
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from weakref import WeakValueDictionary

import numpy as np

from tb_kernels.arguments import check_path
from tb_kernels.drawing import png
from tb_kernels.drawing.bounds import fits_record
from tb_kernels.errors import ArgumentError
from tb_kernels.schema.index import to_json
from tb_kernels.schema.naming import index_tag, parse_epoch
from tb_kernels.schema.outputs import ArrayFile, Lose, Output, PictureBatch, Scalars
from tb_kernels.schema.training import Training
from tb_kernels.writing.disk import PATIENCE, Disk, DiskHangsError
from tb_kernels.writing.events import EventFile, image_value, scalar_value, text_value
from tb_kernels.writing.worker import Worker

_Shared = TypeVar("_Shared")
_Key = TypeVar("_Key")


class Holding(NamedTuple):
    """What pictures a view's folder holds.

    Attributes:
        epochs: How many of each epoch.
        newest: When the last of them was written, in seconds since 1970.
    """

    epochs: Mapping[int, int]
    newest: float


class Begun(NamedTuple):
    """A training that has begun to write into a folder.

    Attributes:
        events: Its event file.
        new: Whether it is new here, and not another logger's of this folder.
    """

    events: EventFile
    new: bool


class ViewWriter:
    """Writes what a view draws into its folder.

    Args:
        folder: The view's folder in the log directory, an absolute path.
        view: Its name.
        disk: Where it lies.
        worker: That of the log directory.

    Attributes:
        held: What the folder held when a training began.
        newest: The identifier of the training that began last.
    """

    def __init__(self, folder: str, view: str, disk: Disk, worker: Worker) -> None:
        self.worker = worker
        self._folder = folder
        self._view = view
        self._disk = disk
        # By the identifier of the training, as long as a logger of it is at work.
        self._files: WeakValueDictionary[str, EventFile] = WeakValueDictionary()
        self._stored: set[tuple[str, str]] = set()
        self.held = Holding({}, 0.0)
        self.newest = ""

    def begin(self, training: Training, layers: str) -> Begun:
        """A training begins: what it writes goes into an event file of its own.

        Args:
            training: Which.
            layers: The text that tells of the model's layers; empty if nobody knows them yet.
        """
        self.newest = training.identifier
        events = self._files.get(training.identifier)
        new = events is None
        if events is None:
            events = EventFile(self._folder, self._disk, training, layers)
            self._files[training.identifier] = events
        elif layers and not events.path:
            events.layers = layers
        return Begun(events, new)

    def survey(self, patience: float) -> Holding:
        """Looks what pictures the folder holds; remembered as `held`.

        Raises:
            OSError: If it cannot be looked through.
        """
        epochs, newest = self._disk.call("survey", self._folder, patience=patience)
        epochs = {parse_epoch(epoch): number for epoch, number in epochs.items()}
        self.held = Holding(epochs, newest)
        return self.held

    def write(
        self,
        output: Output,
        events: EventFile,
        epoch: int,
        step: int,
        lose: Lose,
        patience: float,
    ) -> None:
        """Writes pictures to files and to the event file, arrays to a file, the rest to events.

        Args:
            output: What is to be written.
            events: Of its training.
            epoch: Its epoch.
            step: Where it stands in TensorBoard.
            lose: Is told what could not be written.
            patience: Seconds without any progress after which the disk is taken to hang.

        Raises:
            DiskHangsError: If the disk hangs; this output is told as lost.
        """
        try:
            match output:
                case PictureBatch():
                    self._write_pictures(output, events, epoch, step, lose, patience)
                case ArrayFile():
                    self._write_arrays(output, events.training.identifier, patience)
                case Scalars():
                    values = [scalar_value(tag, value) for tag, value in output.values.items()]
                    if values:
                        events.append(values, step, patience)
        except DiskHangsError as error:
            lose(len(output), output.noun, error)
            raise
        except Exception as error:
            lose(len(output), output.noun, error)

    def _write_pictures(
        self,
        batch: PictureBatch,
        events: EventFile,
        epoch: int,
        step: int,
        lose: Lose,
        patience: float,
    ) -> None:
        """Encodes each picture once, for both places; its index goes into the same record."""
        height, width = batch.pixels.shape[1:3]
        encoded = [png.encode(pixels) for pixels in batch.pixels]
        kept = [number for number, data in enumerate(encoded) if fits_record(len(data))]
        if len(kept) < len(encoded):
            # What is not finite has made a grey picture one of three colours.
            lose(len(encoded) - len(kept), batch.noun, ValueError("too large to be read back"))
        if not kept:
            return
        files = [(f"{batch.paths[number]}.png", encoded[number]) for number in kept]
        failures = self._disk.call("place", self._folder, files, patience=patience)
        values = [text_value(index_tag(epoch), to_json(self._view, epoch, [batch.entry]))]
        for number in kept:
            path, title, told = (
                of[number] for of in (batch.paths, batch.titles, batch.descriptions)
            )
            values.append(image_value(path, encoded[number], width, height, title, told))
        # If this fails, all of them lack their event, whether or not they have their file.
        events.append(values, step, patience)
        if failures:
            _, code, text = failures[-1]
            lose(len(failures), batch.noun, OSError(code, text))

    def _write_arrays(self, output: ArrayFile, training: str, patience: float) -> None:
        """The archive's comment is the identifier of its training, as that of the event file."""
        arrays = dict(output.arrays)
        name = f"{output.name}.npz"
        if (training, name) in self._stored:
            # Another logger of this view has stored its own of this epoch.
            path = os.path.join(self._folder, name)
            before = self._disk.call("read", path, patience=patience)
            if before is not None:
                with np.load(BytesIO(before)) as stored:
                    arrays = dict(stored) | arrays
        self._stored.add((training, name))
        data = BytesIO()
        np.savez(data, **arrays)  # type: ignore[arg-type]
        with zipfile.ZipFile(data, "a") as archive:
            archive.comment = training.encode()
        files = [(name, data.getvalue())]
        for _, number, text in self._disk.call("place", self._folder, files, patience=patience):
            raise OSError(number, text)


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
