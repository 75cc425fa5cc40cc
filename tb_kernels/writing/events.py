"""Summaries → an event file that TensorBoard reads.

The file is a sequence of records. Each write is one appended piece, and a piece
that cannot be written whole is cut off again, so a full disk or a killed process
never hides what comes before or after it.
"""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Sequence
from io import FileIO
from pathlib import Path

import numpy as np
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

from tb_kernels.schema.naming import PLUGIN_NAME
from tb_kernels.schema.records import pack_record
from tb_kernels.writing.files import write_all

_serial = itertools.count()


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
            tensor_content=np.float32(value).astype("<f4").tobytes(),
        ),
    )


def text_value(tag: str, text: str) -> Summary.Value:
    """A text, as a tensor summary of this package's own plugin."""
    return Summary.Value(
        tag=tag,
        metadata=SummaryMetadata(
            plugin_data=SummaryMetadata.PluginData(plugin_name=PLUGIN_NAME),
            data_class=DATA_CLASS_TENSOR,
        ),
        tensor=TensorProto(dtype=DT_STRING, string_val=[text.encode()]),
    )


class EventFile:
    """One event file of a view, open only while something is written to it.

    It comes into being with the first write, and begins by telling TensorBoard that
    a training starts at that write's step. TensorBoard's Python loader then drops
    what an earlier file of the folder has at this step or later; its default loader
    shows the newest of each tag by itself.

    Attributes:
        path: The file, whether it exists yet or not.
    """

    def __init__(self, folder: Path) -> None:
        name = (
            f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}"
            f".{os.getpid()}.{next(_serial):06d}"
        )
        self.path = folder / name

    def append(self, values: Sequence[Summary.Value], step: int) -> None:
        """Adds summaries at a step; they are in the file when this returns.

        Raises:
            OSError: If they could not be written. The file is as it was before.
        """
        now = time.time()
        records = _record(Event(wall_time=now, step=step, summary=Summary(value=values)))
        with self._open() as stream:
            end = stream.seek(0, os.SEEK_END)
            if end == 0:
                records = _opening(now, step) + records
            try:
                write_all(stream, records)
            except OSError:
                stream.truncate(end)
                raise

    def _open(self) -> FileIO:
        try:
            return FileIO(self.path, "a")
        except FileNotFoundError:
            # Somebody has cleared the log directory.
            os.makedirs(self.path.parent, exist_ok=True)
            return FileIO(self.path, "a")


def _opening(wall_time: float, step: int) -> bytes:
    start = SessionLog(status=SessionLog.START)
    return _record(Event(wall_time=wall_time, file_version="brain.Event:2")) + _record(
        Event(wall_time=wall_time, step=step, session_log=start)
    )


def _record(event: Event) -> bytes:
    return pack_record(event.SerializeToString())


def _strings(*strings: bytes) -> TensorProto:
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=len(strings))])
    return TensorProto(dtype=DT_STRING, tensor_shape=shape, string_val=strings)
