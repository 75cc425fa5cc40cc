"""The records of an event file → the pictures, numbers and indexes in them."""

from __future__ import annotations

import functools
import math
import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.util import tensor_util

from tb_kernels.reading.wire import Parts, begin_event, is_lean
from tb_kernels.schema.naming import (
    FINAL,
    PLUGIN_NAME,
    SHEET,
    Address,
    parse_index_tag,
    parse_tag,
)
from tb_kernels.schema.places import find_part, parse_places
from tb_kernels.schema.records import Record
from tb_kernels.schema.training import (
    LAYERS_TAG,
    LONGEST_LAYERS,
    TRAINING_TAG,
    Training,
    training_in,
)

# Every PNG begins with this; then follow its width and its height.
_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
# A value of fewer bytes is no number, the least that is looked for.
_SHORTEST = 5
_HEADER = struct.Struct(">16sII")


class FoundPicture(NamedTuple):
    """A picture of this package.

    Attributes:
        group: What stands before the address in its tag; empty for nothing.
        address: Its address.
        offset: Where its PNG begins in the file.
        length: How many bytes this has.
        width: In pixels, as the PNG says.
        height: Likewise.
    """

    group: str
    address: Address
    offset: int
    length: int
    width: int
    height: int


class FoundPictures(NamedTuple):
    """All pictures behind an index that notes where they stand.

    Attributes:
        group: What stands before their addresses in the tags; empty for nothing.
        layer: The layer's number.
        epoch: The epoch.
        places: `PLACE`, of each the kernel's number, and where its PNG stands behind `offset`.
        offset: Where in the file that is.
        width: Of each in pixels.
        height: Likewise.
    """

    group: str
    layer: str
    epoch: int
    places: NDArray[np.void]
    offset: int
    width: int
    height: int


class FoundIndex(NamedTuple):
    """An index of pictures of an epoch: its text, and where this lies in the file."""

    epoch: int
    offset: int
    text: bytes


class FoundTraining(NamedTuple):
    """The training that wrote the file."""

    training: Training


class FoundLayers(NamedTuple):
    """Where in the file the text lies that tells of the model's layers."""

    offset: int
    length: int


class FoundPoint(NamedTuple):
    """A point of a curve."""

    tag: str
    step: int
    value: float


class Foreign(NamedTuple):
    """Something with the form of a picture that is none of this package's, or is broken."""

    tag: str


# Of this package's pictures; and whatever else.
FoundOurs = FoundPicture | FoundPictures | FoundIndex
Found = FoundOurs | FoundTraining | FoundLayers | FoundPoint | Foreign


def read_placed(record: Record) -> tuple[float, FoundIndex, FoundPictures] | None:
    """What the beginning of a record tells of all of it.

    Returns:
        When it was written, its index and its pictures; None if it does not begin with an index
        that notes where pictures stand, or it is not as it was when that was noted.
    """
    event = begin_event(record.data, record.length)
    if event is None or event.end != record.length or event.value[1] > len(record.data):
        return None
    start, end = event.value
    try:
        if not is_lean(record.data, start, end):
            return None
        value = Summary.Value.FromString(record.data[start:end])
    except (DecodeError, ValueError):
        return None
    plugin = value.metadata.plugin_data
    if plugin.plugin_name != PLUGIN_NAME:
        return None
    index = _found_in(value, record, start, 0)
    if not isinstance(index, FoundIndex):
        return None
    # The tag tells the epoch: read alone, it must be known to be as it was written.
    places = parse_places(value.tag.encode() + index.text, plugin.content)
    if places is None or places.behind != record.length - end:
        return None
    if record.whole and not places.are_in(record.data, end):
        return None
    named = _layer_of(places.layer)
    if named is None or int(places.pictures["kernel"].max()) >= FINAL:
        return None
    where = record.offset + end, places.width, places.height
    pictures = FoundPictures(*named, index.epoch, places.pictures, *where)
    return event.wall_time, index, pictures


def read_summaries(record: Record, parts: Parts) -> Iterator[Found]:
    """What is of interest in an event, in its order.

    Args:
        record: What was read.
        parts: What it is made of.

    Raises:
        ValueError: If something in it is no value.
    """
    data, parse = record.data, Summary.Value.FromString
    try:
        for start, end in parts.values:
            # What swells when it is parsed is nothing that is looked for.
            if end - start >= _SHORTEST and is_lean(data, start, end):
                found = _found_in(parse(data[start:end]), record, start, parts.step)
                if found is not None:
                    yield found
    except DecodeError:
        raise ValueError("not a value") from None


def _found_in(value: Summary.Value, record: Record, start: int, step: int) -> Found | None:
    """What a value says, if that is of interest.

    Args:
        value: Parsed.
        record: In which it stands.
        start: Where in the record it begins.
        step: Of its event.
    """
    plugin = value.metadata.plugin_data.plugin_name
    if plugin == image_metadata.PLUGIN_NAME:
        png = _string_of(value, 2)
        return _picture(value.tag, png, record.offset + find_part(record.data, png, start))
    if plugin == PLUGIN_NAME:
        epoch, text = parse_index_tag(value.tag), _string_of(value, 0)
        if epoch is not None and text:
            return FoundIndex(epoch, record.offset + find_part(record.data, text, start), text)
        if value.tag == TRAINING_TAG:
            return FoundTraining(training_in(text))
        if value.tag == LAYERS_TAG and 0 < len(text) <= LONGEST_LAYERS:
            return FoundLayers(record.offset + find_part(record.data, text, start), len(text))
        return None
    if plugin == scalar_metadata.PLUGIN_NAME or value.HasField("simple_value"):
        number = _number(value)
        return None if number is None else FoundPoint(value.tag, step, number)
    return None


@functools.lru_cache(maxsize=1024)
def _layer_of(told: str) -> tuple[str, str] | None:
    """Group and number of the layer whose pictures have tags that begin so; None if none have."""
    named = parse_tag(f"{told}_{SHEET}_0")
    return named and (named[0], named[1].layer)


def _picture(tag: str, png: bytes, offset: int) -> FoundPicture | Foreign:
    named = parse_tag(tag)
    if named is None or len(png) < _HEADER.size:
        return Foreign(tag)
    beginning, width, height = _HEADER.unpack_from(png)
    if beginning != _PNG or not (width and height):
        return Foreign(tag)
    return FoundPicture(*named, offset, len(png), width, height)


def _string_of(value: Summary.Value, position: int) -> bytes:
    strings = value.tensor.string_val
    return strings[position] if len(strings) > position else b""


def _number(value: Summary.Value) -> float | None:
    if value.HasField("simple_value"):
        return float(value.simple_value)
    tensor = value.tensor
    # Before it is unpacked: a shape may claim any size.
    if math.prod(dim.size for dim in tensor.tensor_shape.dim) != 1:
        return None
    try:
        return float(tensor_util.make_ndarray(tensor).item())
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
        return None
