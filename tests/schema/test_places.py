"""Where pictures stand in a record: what was noted is read, and what is damaged is not believed."""

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tb_kernels.schema.places import pack_places, parse_places

parts = st.dictionaries(
    st.integers(0, 10**9 - 1), st.tuples(st.binary(max_size=200), st.binary(min_size=67, max_size=200)), min_size=1, max_size=6
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
PACKED = pack_places(INDEX, "1-a/1", b"a " + b"picture" * 10, {1: b"picture" * 10}, (3, 3))


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
        (150, 1, 3),
        (150, 0, 3, 3),
        (150, 1, 0, 3, 1, 70, 80, 5),
        (150, 1, 3, 0, 1, 70, 80, 5),
        (150, 1, 3, 3, 1, 70, 80),
        (150, 1, 3, 3, 1, 71, 80, 5),
        (150, 1, 3, 3, 1, 2**32 - 1, 80, 5),
        (150, 1, 3, 3, 1, 70, 66, 5),
        (150, 2, 3, 3, 1, 0, 75, 5, 2, 0, 76, 5),
    ],
)
def test_what_nobody_writes(numbers):
    """Its checksum is right: no size, no picture, half of one, one that ends in another record.

    Nor is there a picture of fewer bytes than one pixel takes, nor are there two in one place.
    """
    assert parse_places(b"", packed(*numbers)) is None
    for right in [(1, 70, 80, 5)], [(1, 0, 75, 5), (2, 75, 75, 5)], [(1, 83, 67, 5)]:
        found = parse_places(b"", packed(150, len(right), 3, 3, *sum(right, ())))
        assert found.pictures.tolist() == right


def test_the_layer_of_a_tag_is_no_book():
    """A group has a file's name at most."""
    layer = f"{'g' * 255}/1"
    png = bytes(range(256))
    for told, wanted in [(layer, layer), (layer * 5, None)]:
        found = parse_places(INDEX, pack_places(INDEX, told, png, {1: png}, (3, 3)))
        assert (found and found.layer) == wanted


def test_equal_pictures_have_places_of_their_own():
    """One behind the other."""
    png = bytes(range(100))
    packed = pack_places(INDEX, "1-a/1", png + b"--" + png, {1: png, 2: png}, (3, 3))
    assert parse_places(INDEX, packed).pictures["offset"].tolist() == [0, 102]
