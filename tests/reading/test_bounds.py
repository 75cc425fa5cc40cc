"""Files that are made to swell: memory is four times what is read and 200 MB, time in proportion."""

import struct
import sys

import pytest

from tb_kernels.schema.records import LARGEST, pack_record
from tests.helpers.measured import reading

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux tells it"),
]

OPEN = "print(len(open_log(log_dir)))"


def varint(number):
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def field(number, data):
    """A field of bytes, texts or parts."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def event(*values):
    return field(5, b"".join(field(1, value) for value in values))


def write(folder, *events):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "events.out.tfevents.1"
    path.write_bytes(b"".join(map(pack_record, events)))
    return path


ROOM = LARGEST - 100

EVENTS = {
    "values that are empty": field(5, b"\n\0" * (ROOM // 2)),
    "values with a letter": field(5, field(1, field(1, b"a")) * (ROOM // 5)),
    "values in summaries of their own": field(5, b"\n\0") * (ROOM // 4),
    "steps": b"\x10\0" * (ROOM // 2),
    "texts that are empty": event(field(8, field(8, b"") * (ROOM // 2))),
    "sizes of a shape": event(field(8, field(2, field(2, b"") * (ROOM // 2)))),
    "tensors in a tensor": event(field(8, field(15, field(3, b"") * (ROOM // 2)))),
    "handles": event(field(8, field(14, b"") * (ROOM // 2))),
    "whole numbers": event(field(8, field(7, bytes(ROOM)))),
    "long whole numbers": event(field(8, field(10, bytes(ROOM)))),
    "numbers": event(field(8, field(5, bytes(ROOM // 4 * 4)))),
    "fields nobody knows": event(b"\xf8\x07\0" * (ROOM // 3)),
    "parts of the metadata": event(field(9, field(1, b"") * (ROOM // 2))),
    "a number without end": b"\x10" + b"\xff" * ROOM,
}


@pytest.mark.parametrize("data", EVENTS.values(), ids=EVENTS)
def test_an_event_of_very_many_parts(tmp_path, data):
    """One record of nearly the largest size; the next is read."""
    small = event(field(1, b"epoch_loss") + b"\x15" + struct.pack("<f", 2.5))
    write(tmp_path / "train", data, small)
    curve = "print(open_log(log_dir).scalars()['train']['epoch_loss'].values)"
    taken = reading(tmp_path, curve)
    assert taken.printed == "[2.5]"
    assert taken.seconds < 5


def test_many_records_just_below_the_limit(tmp_path):
    """What is bounded in one record costs no more than its share in many."""
    record = field(5, field(1, b"\x15" + bytes(4)) * 90_000)
    write(tmp_path / "train", *[record] * 20)
    assert reading(tmp_path, OPEN).seconds < 20
