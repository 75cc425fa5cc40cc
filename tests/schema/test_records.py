"""Records survive: what is whole is read, whatever happened around it."""

import struct

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tb_kernels.schema import records
from tb_kernels.schema.records import Damage, Record, pack_record, read_records, read_rest
from tests.helpers.oracle import masked_crc


def read(path):
    with path.open("rb") as file:
        return list(read_records(file, path.stat().st_size))


def whole(path):
    return [record.data for record in read(path) if isinstance(record, Record)]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("records") / "file"


data = st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=8)


@given(data)
def test_what_was_packed_is_read(path, texts):
    """Every record comes back, at the place it says; TensorFlow reads the same."""
    path.write_bytes(b"".join(map(pack_record, texts)))
    found = read(path)
    assert [record.data for record in found] == texts
    content = path.read_bytes()
    assert all(content[one.offset : one.offset + len(one.data)] == one.data for one in found)
    assert [one.numpy() for one in tf.data.TFRecordDataset(str(path))] == texts


@pytest.mark.slow
@settings(max_examples=300)
@given(data, st.data())
def test_one_wrong_byte_costs_one_record(path, texts, draw):
    """All records but the one with the wrong byte are read, and the damage is told."""
    packed = [pack_record(text) for text in texts]
    content = bytearray(b"".join(packed))
    place = draw.draw(st.integers(0, len(content) - 1))
    content[place] ^= draw.draw(st.integers(1, 255))
    path.write_bytes(bytes(content))
    ends = np.cumsum([len(one) for one in packed])
    hit = int(np.searchsorted(ends, place, side="right"))
    assert whole(path) == texts[:hit] + texts[hit + 1 :]
    damage = [one for one in read(path) if isinstance(one, Damage)]
    assert [one.offset for one in damage] == [ends[hit] - len(packed[hit])]
    assert damage[0].at_end == (hit == len(texts) - 1)


@given(data, st.data())
def test_a_file_cut_off_gives_its_whole_records(path, texts, draw):
    """Wherever it ends, what is whole before that is read."""
    content = b"".join(map(pack_record, texts))
    end = draw.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:end])
    ends = np.cumsum([len(pack_record(text)) for text in texts])
    assert whole(path) == texts[: int((ends <= end).sum())]
    assert any(isinstance(one, Damage) for one in read(path)) == (end not in (0, *ends))


@given(st.binary(max_size=40), data)
def test_what_lies_before_a_record_does_not_hide_it(path, garbage, texts):
    """Bytes that belong to nothing are stepped over, also if they are longer than a block."""
    path.write_bytes(garbage + b"\x07" * (records._BLOCK - 17) + b"".join(map(pack_record, texts)))
    assert whole(path) == texts


def test_random_bytes_are_damage(tmp_path):
    """A megabyte of noise, and one of zeros: no record, one damage, at the end."""
    for content in (np.random.default_rng(0).bytes(1 << 20), bytes(1 << 20)):
        (tmp_path / "noise").write_bytes(content)
        assert read(tmp_path / "noise") == [Damage(0, at_end=True)]


def test_a_length_that_nobody_writes_is_not_believed(tmp_path):
    """A record that claims a terabyte, its checksum right, takes no memory and hides nothing."""
    length = struct.pack("<Q", 1 << 40)
    (tmp_path / "file").write_bytes(length + masked_crc(length) + pack_record(b"after"))
    assert whole(tmp_path / "file") == [b"after"]


def test_what_is_added_meanwhile_waits(tmp_path):
    """Reading ends where the file ended when it began."""
    (tmp_path / "file").write_bytes(pack_record(b"one"))
    with (tmp_path / "file").open("rb") as file:
        found = read_records(file, (tmp_path / "file").stat().st_size)
        first = next(found)
        with (tmp_path / "file").open("ab") as more:
            more.write(pack_record(b"two"))
        assert (first.data, list(found)) == (b"one", [])


@pytest.mark.parametrize("length", [1, 255, 256, 257, 512, 65_536, 65_537, 1 << 20])
def test_a_record_of_any_length_is_found_behind_damage(path, length):
    """Whichever bytes of its length are zero."""
    path.write_bytes(b"?" * 37 + pack_record(b"x" * length))
    assert [type(one) for one in read(path)] == [Damage, Record]
    assert whole(path) == [b"x" * length]


def partly(path, checked):
    with path.open("rb") as file:
        for one in read_records(file, path.stat().st_size, checked=checked):
            yield one, (read_rest(file, one) if isinstance(one, Record) else None)


def long_ones(path):
    """Three records of 50,000 bytes, the first of which is read whole where 1,000 are checked."""
    texts = [bytes([number]) * 50_000 for number in (1, 2, 3)]
    packed = [pack_record(text) for text in texts]
    path.write_bytes(b"".join(packed))
    return texts, packed


def test_of_what_is_not_checked_the_beginning(path):
    """It begins as the record does, and tells its length; the rest is had for the asking."""
    texts, packed = long_ones(path)
    found = list(partly(path, 1000))
    assert [one.whole for one, _ in found] == [True, False, False]
    assert all(1000 < len(one.data) < 50_000 for one, _ in found[1:])
    assert all(text.startswith(one.data) for text, (one, _) in zip(texts, found, strict=True))
    assert [one.end for one, _ in found] == np.cumsum([len(one) for one in packed]).tolist()
    assert [rest.data for _, rest in found] == texts
    path.write_bytes(b"".join(pack_record(b"short") for _ in range(3)))
    assert all(one.whole for one, _ in partly(path, 0))


def test_damage_in_what_is_not_checked(path):
    """A wrong byte is seen when the rest is asked for; a record that is cut off hides no other."""
    texts, packed = long_ones(path)
    wrong = packed[1][:-100] + b"!" + packed[1][-99:]
    path.write_bytes(packed[0] + wrong + packed[2])
    assert [rest and rest.data for _, rest in partly(path, 0)] == [texts[0], None, texts[2]]
    path.write_bytes(packed[0] + packed[1][:30_000] + packed[2] + packed[0])
    found = list(partly(path, 0))
    assert [one.offset for one, rest in found if rest] == [12, 80_028, 130_044]
    damage = [one for one, _ in found if isinstance(one, Damage)]
    assert damage == [Damage(len(packed[0]), at_end=False)]


class Counted:
    """A stream that counts what is read of it."""

    def __init__(self, file):
        self.file, self.seek, self.so_far = file, file.seek, 0

    def read(self, size):
        data = self.file.read(size)
        self.so_far += len(data)
        return data


@pytest.mark.parametrize(("checked", "claimed"), [(0, 90_000), (0, 17_000), (10**9, 20)])
def test_headers_without_records(path, checked, claimed):
    """Some times the file is read, not once for each; behind them all is found."""
    length = struct.pack("<Q", claimed)
    last = pack_record(b"last")
    path.write_bytes((length + masked_crc(length)) * 8000 + b"." * 60_000 + last)
    with path.open("rb") as file:
        counted = Counted(file)
        found = list(read_records(counted, path.stat().st_size, checked=checked))
    assert counted.so_far < 12 * path.stat().st_size
    if claimed == 20:
        assert found[-1].data == b"last"
