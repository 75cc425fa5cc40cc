"""Pictures → PNG files and events, the same bytes in both places; and what stands beside them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from io import BytesIO
from pickle import PickleBuffer
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np

from tb_kernels.drawing import png
from tb_kernels.drawing.bounds import fits_record
from tb_kernels.schema.index import to_json
from tb_kernels.schema.naming import index_tag, parse_epoch
from tb_kernels.schema.outputs import ArrayFile, Lose, Output, PictureBatch, Scalars
from tb_kernels.schema.training import Training
from tb_kernels.writing.disk import Disk
from tb_kernels.writing.events import EventFile, image_value, scalar_value
from tb_kernels.writing.process import DiskHangsError
from tb_kernels.writing.worker import Worker


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
        # Waits for the pictures that are being written.
        self._finish: Callable[[], None] | None = None
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

        Pictures are still being written when this returns, so that the next are encoded
        meanwhile; `finish` waits for them.

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
                    self.finish()
                    self._write_arrays(output, events.training.identifier, patience)
                case Scalars():
                    values = [scalar_value(tag, value) for tag, value in output.values.items()]
                    if values:
                        self.finish()
                        events.append(values, step, patience)
        except DiskHangsError as error:
            lose(len(output), output.noun, error)
            raise
        except Exception as error:
            lose(len(output), output.noun, error)

    def finish(self) -> None:
        """Waits until the pictures handed over last are written, and tells what was lost of them.

        Raises:
            DiskHangsError: If the disk hangs; they are told as lost.
        """
        finish, self._finish = self._finish, None
        if finish is not None:
            finish()

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
        files = [(f"{batch.paths[number]}.png", PickleBuffer(encoded[number])) for number in kept]
        pictures = []
        for number in kept:
            path, title, told = (
                of[number] for of in (batch.paths, batch.titles, batch.descriptions)
            )
            pictures.append(image_value(path, encoded[number], width, height, title, told))
        tag, index = index_tag(epoch), to_json(self._view, epoch, [batch.entry])
        pngs = {batch.entry["drawn"][number]: encoded[number] for number in kept}
        record = events.pack_pictures(tag, index, pictures, pngs, (width, height), step)
        self.finish()
        addition = events.addition(record, step, patience)
        wait = self._disk.start("record", self._folder, files, *addition, patience=patience)
        self._finish = partial(_finish_pictures, wait, events, len(kept), batch.noun, lose)

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
        files = [(name, PickleBuffer(data.getbuffer()))]
        for _, number, text in self._disk.call("place", self._folder, files, patience=patience):
            raise OSError(number, text)


def _finish_pictures(
    wait: Callable[[], Any], events: EventFile, number: int, noun: str, lose: Lose
) -> None:
    """Waits until pictures are written, and tells what was lost of them."""
    try:
        failures, end, reason = wait()
    except OSError as error:
        lose(number, noun, error)
        if isinstance(error, DiskHangsError):
            raise
        return
    if end is None:
        # All of them lack their event, whether or not they have their file.
        lose(number, noun, OSError(*reason))
        return
    events.end = end
    if failures:
        _, *reason = failures[-1]
        lose(len(failures), noun, OSError(*reason))
