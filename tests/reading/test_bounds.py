"""Files that are made to swell: memory is four times what is read and 200 MB, time in proportion."""

import json
import os
import struct
import sys
import zipfile

import google_crc32c
import numpy as np
import pytest

from tb_kernels.drawing import png
from tb_kernels.reading.catalog import CHECKED
from tb_kernels.reading.entries import LONGEST
from tb_kernels.schema.places import PLACE
from tb_kernels.schema.records import LARGEST, pack_record
from tests.helpers.measured import reading

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux tells it"),
]

PNG = png.encode(np.arange(64, dtype=np.uint8).reshape(8, 8, 1))

ENTRY = {
    "number": "4", "name": "fine", "group": "4-fine", "kind": "Conv2D", "shape": [8, 8, 1, 1],
    "axes": "hwio", "kernels": 1, "slices": 1, "tile": [8, 8], "pictures": "kernels",
    "drawn": [1], "normalize": "layer", "low": -1.0, "high": 1.0, "scale": 1, "columns": 1,
    "gap": 1, "stacked": False, "colormap": "gray",
}  # fmt: skip

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


def npz(path, **arrays):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)


def unpacked(path, compression, size):
    """An archive with an array of zeros that are compressed, and what its directory says of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", compression) as archive, archive.open("a.npy", "w") as member:
        head = {"descr": "|u1", "fortran_order": False, "shape": (size,)}
        np.lib.format.write_array_header_1_0(member, head)
        for _ in range(size >> 20):
            member.write(bytes(1 << 20))


ARRAYS = "print(open_log(log_dir).arrays('heatmaps')['a'].nbytes)"


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_arrays_that_swell(tmp_path, compression):
    """Half a gigabyte of zeros is half a megabyte or less."""
    unpacked(tmp_path / "heatmaps/heatmaps_1.npz", compression, 1 << 29)
    taken = reading(tmp_path, ARRAYS)
    assert "'a' takes too much when it is unpacked" in taken.printed


def test_a_directory_that_lies(tmp_path):
    """It says that half a gigabyte is a kilobyte: no more is unpacked."""
    path = tmp_path / "heatmaps/heatmaps_1.npz"
    unpacked(path, zipfile.ZIP_DEFLATED, 1 << 29)
    data = path.read_bytes()
    place = data.rindex(b"PK\x01\x02") + 24
    path.write_bytes(data[:place] + struct.pack("<I", 1000) + data[place + 4 :])
    assert "cannot read" in reading(tmp_path, ARRAYS).printed


def test_a_header_that_lies(tmp_path):
    """An array of a few bytes that claims a terabyte, or one item of it."""
    path = tmp_path / "heatmaps/heatmaps_1.npz"
    path.parent.mkdir()
    for kind, shape in (("|u1", (1 << 40,)), (f"|V{1 << 30}", (1,)), (f"|V{1 << 30}", (1 << 10,))):
        with zipfile.ZipFile(path, "w") as archive, archive.open("a.npy", "w") as member:
            head = {"descr": kind, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(member, head)
            member.write(bytes(10_000_000))
        assert "cannot read" in reading(tmp_path, ARRAYS).printed


def test_arrays_of_many_epochs(tmp_path):
    """Each is small enough, all together are not; zeros that a user compressed are read."""
    for epoch in range(1, 31):
        npz(tmp_path / f"heatmaps/heatmaps_{epoch}.npz", a=np.zeros(10_000_000, np.uint8))
    assert "takes too much" in reading(tmp_path, ARRAYS).printed
    for epoch in range(11, 31):
        (tmp_path / f"heatmaps/heatmaps_{epoch}.npz").unlink()
    assert reading(tmp_path, ARRAYS).printed == "100000000"


def test_arrays_as_they_are_logged_take_themselves(tmp_path):
    """However large they are."""
    (tmp_path / "heatmaps").mkdir()
    for epoch in (1, 2):
        np.savez(tmp_path / f"heatmaps/heatmaps_{epoch}.npz", a=np.ones(100_000_000, np.uint8))
    assert reading(tmp_path, ARRAYS).printed == "200000000"


def test_an_archive_of_very_many_names(tmp_path):
    """Its directory alone would be a gigabyte of objects."""
    path = tmp_path / "heatmaps/heatmaps_1.npz"
    npz(path, a=np.zeros(3))
    data, count = path.read_bytes(), 1_000_000
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entries = data[start:end] * count
    sizes = struct.pack("<HHII", 65535, 65535, len(entries), start)
    path.write_bytes(data[:start] + entries + data[end : end + 8] + sizes + b"\0\0")
    assert "cannot read" in reading(tmp_path, ARRAYS).printed


def image(tag):
    metadata = field(9, field(1, field(1, b"images")))
    tensor = b"".join(field(8, text) for text in (b"8", b"8", PNG))
    return field(1, tag.encode()) + metadata + field(8, b"\x08\x07" + tensor)


def index(epoch, text):
    metadata = field(9, field(1, field(1, b"tb_kernels")))
    return field(1, b"index/%d" % epoch) + metadata + field(8, b"\x08\x07" + field(8, text))


def filled(text, size, place="beside"):
    """An index of one entry, and in it so much of a text: beside, in the entry, or as its low."""
    more = b"[%s]" % (text * (size // len(text)) + text.rstrip(b","))
    marked = ENTRY | {"entry": {"more": "#"}, "low": {"low": "#"}}.get(place, {})
    whole = {"format": 2, "layers": [marked], "more": "#" if place == "beside" else 0}
    return json.dumps(whole).encode().replace(b'"#"', more)


SWELLING = [
    b"[],", b"[[]],", b"{},", b'{"a":0},', b"0,", b"300,", b"1.5,", b'"ab",', b'"\xc3\xa9a",', b"1e9,",
]  # fmt: skip


@pytest.mark.parametrize("text", SWELLING)
@pytest.mark.parametrize("place", ["beside", "entry", "low"])
def test_indexes_that_swell(tmp_path, text, place):
    """Four of the largest size; whatever stands in them, and wherever."""
    whole = filled(text, LONGEST - 2000, place)
    records = [event(index(epoch, whole), image(f"4-fine/4_1_{epoch}")) for epoch in range(1, 5)]
    write(tmp_path / "kernels", *records)
    weights = "[attempt(one.weights) for one in open_log(log_dir)]"
    assert reading(tmp_path, weights).seconds < 30


@pytest.mark.parametrize(("field_", "text"), [("class_names", '"ab"'), ("scores", "1.5"), ("values", "[1]")])  # fmt: skip
def test_notes_that_swell(tmp_path, field_, text):
    """As many pictures in an entry as there is room for, and a note of each."""
    # An index has at most half a million lists.
    many = min(490_000 if text == "[1]" else 10**9, (LONGEST - 2000) // (len(text) + 5))
    notes = {"drawn": "1", "classes": "0", field_: text}
    whole = json.dumps({"format": 2, "layers": [ENTRY | {name: f"#{name}" for name in notes}]})
    for name, one in notes.items():
        whole = whole.replace(f'"#{name}"', f"[{','.join([one] * many)}]")
    records = [event(index(epoch, whole.encode()), image(f"4-fine/4_1_{epoch}")) for epoch in range(1, 5)]  # fmt: skip
    write(tmp_path / "heatmaps", *records)
    taken = reading(tmp_path, "print([one.caption for one in open_log(log_dir)][-1])")
    assert taken.seconds < 30
    assert taken.printed == {"class_names": "input 1: ab", "scores": "input 1: class 0, score 1.5", "values": "input 1: class 0, examples from 1 to 1"}[field_]  # fmt: skip


def test_distinct_names_of_fields(tmp_path):
    """Each takes a place in a table."""
    text = b"{%s}" % b",".join(b'"%x":0' % number for number in range(700_000))
    record = event(index(1, filled(text, 10)), image("4-fine/4_1_1"))
    write(tmp_path / "kernels", record)
    reading(tmp_path, "[one.pixels() for one in open_log(log_dir)]")


def test_an_index_of_many_layers_is_read_once(tmp_path):
    """Not once more for each layer of its record, of which there are thousands here."""
    text = filled(b"1.5,", LONGEST - 2000)
    layers = [image(f"{number}_1_1") for number in range(1, 4097)]
    write(tmp_path / "kernels", event(index(1, text), *layers))
    assert reading(tmp_path, OPEN).seconds < 5


def batches(values):
    """Records of some thousands of values each."""
    return [event(*values[start : start + 5000]) for start in range(0, len(values), 5000)]


def point(tag):
    return field(1, tag) + b"\x15" + bytes(4)


MANY = {
    "layers": ("kernels", [image(f"{number}_1_1") for number in range(1, 100_001)]),
    "groups": ("kernels", [image(f"{number}-c/{number}_1_1") for number in range(1, 50_001)]),
    "epochs": ("kernels", [image(f"1_1_{epoch}") for epoch in range(1, 200_001)]),
    "curves": ("train", [point(b"%d" % number) for number in range(1_000_000)]),
    "points": ("train", [point(b"a")] * 2_000_000),
}


@pytest.mark.parametrize("kind", MANY)
def test_very_many_of_a_kind(tmp_path, kind):
    """Whichever it is; nothing is looked through once more for each."""
    folder, values = MANY[kind]
    write(tmp_path / folder, *batches(values))
    taken = reading(tmp_path, "log = open_log(log_dir); repr(log), log.layers, log.scalars()")
    assert taken.seconds < 30


def test_places_of_pictures_that_are_not_there(tmp_path):
    """Records of a megabyte of nothing behind an index that notes 900 pictures in each."""
    behind, many = 1 << 20, 900
    places = np.zeros(many, PLACE)
    places["kernel"] = np.arange(1, many + 1)
    places["offset"], places["length"] = np.arange(many) * 1000, 67
    told = struct.pack("<IIII", behind, many, 8, 8) + places.tobytes() + b"4-fine/4"

    def beginning(epoch):
        tag, text = f"index/{epoch}".encode(), b"{}"
        checksum = struct.pack("<I", google_crc32c.value(tag + text + told))
        plugin = field(1, field(1, b"tb_kernels") + field(2, checksum + told))
        value = field(1, field(1, tag) + field(9, plugin) + field(8, field(8, text)))
        return varint(5 << 3 | 2) + varint(len(value) + behind) + value

    length = len(beginning(1000)) + behind
    header = pack_record(bytes(length))[:12]
    # So much is verified.
    path = write(tmp_path / "kernels")
    with path.with_suffix(".0").open("wb") as stream:
        stream.truncate(CHECKED)
    with path.open("wb") as stream:
        for epoch in range(1000, 9000):
            stream.write(header + beginning(epoch))
            stream.seek(behind + 4, os.SEEK_CUR)
        stream.truncate()
    assert path.stat().st_size > 8 * 10**9
    assert 0 < int(reading(tmp_path, OPEN).printed) < 8000 * many


def test_many_files_and_runs(tmp_path):
    """Of one record each."""
    for number in range(1, 2001):
        write(tmp_path / f"run{number}" / "kernels", event(image("1_1_1")))
        write(tmp_path / f"run{number}" / "train", event(point(b"epoch_loss")))
    taken = reading(tmp_path, "log = open_log(log_dir); print(len(log.runs), repr(log) > '')")
    assert taken.printed == "2000 True"
    assert taken.seconds < 20
