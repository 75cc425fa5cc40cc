"""Summaries → an event file that TensorBoard reads.

The file is a sequence of records. Each write is one appended piece, and a piece
that cannot be written whole is cut off again, so a full disk or a killed process
never hides what comes before or after it.
"""

from __future__ import annotations

import math
import os
import re
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from io import BytesIO
from pickle import PickleBuffer
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import (
    DATA_CLASS_TENSOR,
    Summary,
    SummaryMetadata,
)
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_FLOAT, DT_STRING
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata

from tb_kernels.schema.naming import PLUGIN_NAME, step_of
from tb_kernels.schema.places import pack_places
from tb_kernels.schema.records import Damage, pack_record, read_records
from tb_kernels.schema.training import (
    HIGHEST,
    LAYERS_TAG,
    TRAINING_TAG,
    UNKNOWN,
    Training,
    training_in,
)
from tb_kernels.writing.disk import PATIENCE, Disk
from tb_kernels.writing.forks import renew_in_child

# Begins the summary in an event: its field number in event.proto, and that bytes follow.
_SUMMARY = bytes([5 << 3 | 2])

# In the name of an event file: when it was begun, in seconds since 1970.
_STAMP = re.compile(r"tfevents\.([0-9]{1,12})\.")


def image_value(
    tag: str, png: bytes, width: int, height: int, title: str, description: str
) -> Summary.Value:
    """The summary that `tf.summary.image` makes of one picture, with a title for its card."""
    return Summary.Value(
        tag=tag,
        metadata=image_metadata.create_summary_metadata(title, description),
        tensor=_strings(b"%d" % width, b"%d" % height, png),
    )


def scalar_value(tag: str, value: float) -> Summary.Value:
    """The summary that `tf.summary.scalar` makes of one number."""
    return Summary.Value(
        tag=tag,
        metadata=scalar_metadata.create_summary_metadata(display_name="", description=""),
        tensor=TensorProto(
            dtype=DT_FLOAT,
            tensor_shape=TensorShapeProto(),
            tensor_content=_float32(value).tobytes(),
        ),
    )


def text_value(tag: str, text: str, content: bytes = b"") -> Summary.Value:
    """A text as a tensor summary of this package's own plugin, with bytes for it beside."""
    return Summary.Value(
        tag=tag,
        metadata=SummaryMetadata(
            plugin_data=SummaryMetadata.PluginData(plugin_name=PLUGIN_NAME, content=content),
            data_class=DATA_CLASS_TENSOR,
        ),
        tensor=TensorProto(dtype=DT_STRING, string_val=[text.encode()]),
    )


class EventFile:
    """One event file of a view, open only while something is written to it.

    It comes into being with the first write, and begins by telling TensorBoard that
    a training starts at the step of its first epoch. TensorBoard's Python loader then drops
    what an earlier file of the folder has at this step or later; its default loader
    shows the newest of each tag by itself. Then it tells who wrote it: a `Training`,
    whose number is made higher than that of every file that was there before, and the
    layers of its model.

    Args:
        folder: The view's, an absolute path.
        disk: Where it lies.
        training: Who writes it.
        layers: The text that tells of the model's layers; empty if nobody knows them.

    Attributes:
        path: The file; empty before the first write.
        training: Who writes it.
        layers: The text that tells of the model's layers, which is written first of all.
        end: How long its whole part is.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        disk: Disk,
        training: Training = UNKNOWN,
        layers: str = "",
    ) -> None:
        self.renew()
        self.training = training
        self.layers = layers
        self._folder = os.fspath(folder)
        self._disk = disk
        self.end = 0
        # The hand that wrote its last record.
        self._generation = 0
        renew_in_child(self)

    def renew(self) -> None:
        """Begins a file: in a forked process one of its own, since the parent may go on in this."""
        self.path = ""

    def append(
        self, values: Sequence[Summary.Value], step: int, patience: float = PATIENCE
    ) -> None:
        """Adds summaries at a step; they are in the file when this returns.

        Raises:
            OSError: If they could not be written. The file is as it was before.
        """
        addition = self.addition(self.pack(values, step), step, patience)
        self.end = self._disk.call("append", *addition, patience=patience)

    def pack(self, values: Sequence[Summary.Value], step: int) -> bytes:
        """Summaries at a step → a record."""
        return _pack_values(b"", _values(values), step)

    def pack_pictures(
        self,
        tag: str,
        index: str,
        pictures: Sequence[Summary.Value],
        pngs: Mapping[int, bytes],
        size: tuple[int, int],
        step: int,
    ) -> bytes:
        """Pictures of a layer behind their index, which notes where each stands → a record.

        Args:
            tag: Of the index.
            index: Its text.
            pictures: Their summaries.
            pngs: The PNG in each, by the kernel's number.
            size: Width and height of each.
            step: Where they stand in TensorBoard.
        """
        values = _values(pictures)
        # A tag ends with the kernel and the epoch.
        layer = pictures[0].tag.rsplit("_", 2)[0]
        places = pack_places((tag + index).encode(), layer, values, pngs, size)
        return _pack_values(_values([text_value(tag, index, places)]), values, step)

    def addition(self, record: bytes, step: int, patience: float) -> tuple[Any, ...]:
        """What `Hand.append` is given to add a record, once what was added before has its `end`.

        Raises:
            OSError: If this is the first and the folder cannot be looked through.
        """
        if not self.path:
            self._begin(patience)
        # A hand that was killed may have left a part of a record, and nobody reads on behind it.
        killed = self._generation != self._disk.generation
        self._generation = self._disk.generation
        opening = self._opening(time.time(), step)
        return self.path, self.end if killed else None, opening, PickleBuffer(record)

    def _begin(self, patience: float) -> None:
        """Finds a name behind those of all files of the folder, and a number above theirs.

        TensorBoard reads files in the order of their names, and none that comes before
        the one that it is at; clocks may be set back.
        """
        stamp, number = int(time.time()), 1
        for name, head in self._disk.call("heads", self._folder, patience=patience):
            named = _STAMP.search(name)
            stamp = max(stamp, int(named[1]) + 1 if named else 0)
            # A stranger's may be as high as any can be; then clocks decide.
            number = max(number, min(_number_in(head) + 1, HIGHEST))
        self.training = self.training._replace(number=number)
        # Its own letters, for two processes may share clock, name and number.
        name = (
            f"events.out.tfevents.{stamp:010d}.{socket.gethostname()}.{os.getpid()}"
            f".{secrets.token_hex(8)}"
        )
        self.path = os.path.join(self._folder, name)
        self.end, self._generation = 0, self._disk.generation

    def _opening(self, wall_time: float, step: int) -> bytes:
        keeps = self.training.keeps
        # What is superseded begins at epoch 0, also where the first one drawn is another.
        step = step if math.isinf(keeps) else step_of(int(keeps))
        told = [text_value(TRAINING_TAG, self.training.to_json())]
        if self.layers:
            told.append(text_value(LAYERS_TAG, self.layers))
        events = [
            Event(wall_time=wall_time, file_version="brain.Event:2"),
            Event(wall_time=wall_time, step=step, session_log=SessionLog(status=SessionLog.START)),
            # A record each: of the beginning of a file only some bytes are looked at.
            *(Event(wall_time=wall_time, step=step, summary=Summary(value=[one])) for one in told),
        ]
        return b"".join(map(_record, events))


def _number_in(head: bytes) -> int:
    """The number of the training that an event file begins with; 0 without."""
    for record in read_records(BytesIO(head), len(head)):
        if isinstance(record, Damage):
            break
        try:
            event = Event.FromString(record.data)
        except DecodeError:
            break
        for value in event.summary.value:
            if value.tag == TRAINING_TAG and value.tensor.string_val:
                return training_in(value.tensor.string_val[0]).number
    return 0


def _float32(value: float) -> NDArray[np.float32]:
    # What float32 cannot hold is infinite in it.
    with np.errstate(over="ignore"):
        return np.array(value, "<f4")


def _record(event: Event) -> bytes:
    return pack_record(event.SerializeToString())


def _values(values: Sequence[Summary.Value]) -> bytes:
    summary = Summary()
    # Not handed to its constructor, which would copy them twice more.
    summary.value.extend(values)
    return summary.SerializeToString()  # type: ignore[no-any-return]


def _pack_values(first: bytes, values: bytes, step: int) -> bytes:
    """An event of the values of a summary, which are large and so not copied → a record."""
    event = Event(wall_time=time.time(), step=step).SerializeToString()
    return pack_record(event + _SUMMARY + _varint(len(first) + len(values)) + first, values)


def _varint(number: int) -> bytes:
    """A number as protobuf writes it: seven bits in a byte, whose highest says that more follow."""
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])


def _strings(*strings: bytes) -> TensorProto:
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=len(strings))])
    return TensorProto(dtype=DT_STRING, tensor_shape=shape, string_val=strings)
