"""Where pictures stand in a record: what was noted is read, and what is damaged is not believed."""

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tb_kernels.schema.places import pack_places, parse_places

parts = st.dictionaries(
    st.integers(0, 10**9 - 1), st.tuples(st.binary(max_size=200), st.binary(min_size=1, max_size=200)), min_size=1, max_size=6
)  # fmt: skip


@given(st.binary(max_size=200), parts, st.binary(), st.text())
def test_what_was_noted_is_read(end, parts, index, layer):
    """The pictures are found by it, byte for byte, whatever stands between them."""
    values = b"".join(before + png for before, png in parts.values()) + end
    pngs = {kernel: png for kernel, (_, png) in parts.items()}
    found = parse_places(index, pack_places(index, layer, values, pngs, (7, 9)))
    assert (found.layer, found.behind, found.width, found.height) == (layer, len(values), 7, 9)
    assert found.pictures["kernel"].tolist() == list(pngs)
    for png, (_, start, length, checksum) in zip(pngs.values(), found.pictures.tolist(), strict=True):  # fmt: skip
        assert values[start : start + length] == png
        assert checksum == google_crc32c.value(png)


def test_pictures_that_begin_alike():
    """As many bytes as are looked for first are the same in both."""
    one, two = b"#" * 100 + b"1", b"#" * 100 + b"2"
    found = parse_places(b"", pack_places(b"", "1", b"." + one + b".." + two, {2: two}, (1, 1)))
    assert found.pictures["offset"].tolist() == [1 + len(one) + 2]


INDEX = b'{"layers": []}'
PACKED = pack_places(INDEX, "1-a/1", b"a picture", {1: b"picture"}, (3, 3))


@given(st.data())
def test_one_wrong_byte(draw):
    """In the places or in the index: it is nothing of the kind."""
    both = bytearray(INDEX + PACKED)
    both[draw.draw(st.integers(0, len(both) - 1))] ^= draw.draw(st.integers(1, 255))
    assert parse_places(bytes(both[: len(INDEX)]), bytes(both[len(INDEX) :])) is None
    assert parse_places(INDEX, PACKED) is not None


def packed(*numbers):
    told = b"".join(number.to_bytes(4, "little") for number in numbers)
    return google_crc32c.value(told).to_bytes(4, "little") + told


@pytest.mark.parametrize(
    "numbers",
    [
        (),
        (20, 1, 3),
        (20, 0, 3, 3),
        (20, 1, 0, 3, 1, 10, 10, 5),
        (20, 1, 3, 0, 1, 10, 10, 5),
        (20, 1, 3, 3, 1, 10, 10),
        (20, 1, 3, 3, 1, 11, 10, 5),
        (20, 1, 3, 3, 1, 2**32 - 1, 10, 5),
    ],
)
def test_what_nobody_writes(numbers):
    """No size, no picture, half a picture, one that ends in another record: its checksum is right."""
    assert parse_places(b"", packed(*numbers)) is None
    assert parse_places(b"", packed(20, 1, 3, 3, 1, 10, 10, 5)).pictures.tolist() == [
        (1, 10, 10, 5)
    ]
