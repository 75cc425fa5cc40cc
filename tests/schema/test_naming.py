"""Addresses and the names made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tb_kernels.arguments import LAST_EPOCH
from tb_kernels.schema.naming import (
    Address,
    belongs,
    group_of,
    index_tag,
    natural_order,
    number_of,
    order_of,
    parse_index_tag,
    parse_tag,
    picture_path,
    step_of,
)

numbers = st.integers(1, 10**6)
addresses = st.builds(
    Address,
    st.lists(numbers, min_size=1, max_size=4).map(lambda parts: "-".join(map(str, parts))),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)


@given(addresses)
def test_parse_is_the_inverse_of_str(address):
    """What is written is read back."""
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize("text", ["", "1_6", "1_6_10.png", "a_1_1", "1__1", "1_-1_1", "1-_1_1", " 1_1_1", "1_6_10\n"])  # fmt: skip
def test_parse_refuses_what_is_no_address(text):
    """Nothing but an address is taken for one."""
    with pytest.raises(ValueError, match="not an address"):
        Address.parse(text)


def test_names():
    """The contract's examples, letter by letter."""
    address = Address("1", 6, 10)
    assert str(address) == "1_6_10"
    assert str(Address("2-5", 12, 3)) == "2-5_12_3"
    assert group_of("1", "conv2d") == "1-conv2d"
    assert picture_path(address, "1-conv2d") == "1-conv2d/1_6_10"
    assert picture_path(address, None) == "1_6_10"
    assert index_tag(10) == "index/10"
    assert parse_index_tag("index/10") == 10
    assert parse_index_tag("index/x") is None
    assert (step_of(1), step_of(0)) == (0, -1)


def test_the_last_epoch_that_is_taken_is_the_last_that_is_read():
    """Arguments and names agree on the largest number."""
    for epoch, expected in ((LAST_EPOCH, LAST_EPOCH), (LAST_EPOCH + 1, None)):
        parsed = parse_tag(picture_path(Address("1", 1, epoch), None))
        assert (parsed and parsed[1].epoch, parse_index_tag(index_tag(epoch))) == (expected,) * 2


@given(st.text())
def test_groups_are_safe_in_files_and_tags(name):
    """Whatever Keras lets a layer be called, the group is one short plain folder name."""
    group = group_of("3", name)
    assert set(group) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    assert group.startswith("3-")
    assert not group.endswith(".")
    assert len(group.encode()) < 255
    assert len(group_of("3", name + 300 * "n")) == 202


layers = st.from_regex(r"[1-9][0-9]?(-[1-9][0-9]?){0,3}(@[2-9])?(#[2-9])?", fullmatch=True)


@given(layers, st.integers(0, 10**6), st.integers(0, 10**6), st.one_of(st.none(), st.text()))
def test_a_tag_gives_group_and_address_back(layer, kernel, epoch, name):
    """With or without a group, whatever the layer is called."""
    address = Address(layer, kernel, epoch)
    group = None if name is None else group_of(layer, name)
    assert parse_tag(picture_path(address, group)) == (group or "", address)


def test_dots_at_the_end_are_replaced():
    """Windows would drop them; others stay."""
    names = ["a.b", "a.", "a..", "a.b.", "..", "x" * 199 + ".y", ".a"]
    assert [group_of("1", name)[2:] for name in names] == [
        "a.b", "a_", "a__", "a.b_", "__", "x" * 199 + "_", ".a",
    ]  # fmt: skip
    assert parse_tag(f"{group_of('1', 'a.')}/1_6_10") == ("1-a_", Address("1", 6, 10))


@given(st.dictionaries(layers, st.text("aAbB.- _é1", max_size=4) | st.text(), min_size=2))
def test_files_of_a_model_stay_apart_where_case_is_not_told(names):
    """Whatever its layers are called: no two pictures share a path on any file system."""
    paths = {
        picture_path(Address(number, kernel, 1), group_of(number, name)).casefold()
        for number, name in names.items()
        for kernel in (1, 2)
    }
    assert len(paths) == 2 * len(names)


@pytest.mark.parametrize(
    "tag",
    ["", "loss", "epoch_loss", "1_6", "1_6_10_3", "01_6_10", "1_6_x", "/1_6_10", "../1_6_10", "2-a/1_6_10", "1-a/b/1_6_10", "1-a b/1_6_10", "1-a/../1_6_10", "1_6_99999999999", "1-a/1_6_10\n", "\u0661_6_10", "1" * 300 + "_1_1"],
)  # fmt: skip
def test_tags_of_others_are_none_of_ours(tag):
    """What is not of the form that the loggers write names no picture."""
    assert parse_tag(tag) is None


def test_numbers_sort_as_the_layers_stand():
    """Also of layers in layers, further calls and outputs; names with their numbers by value."""
    order = ["1", "2", "2-1", "2-5", "2-5-1", "2-10", "3", "3#2", "3@2", "3@2#2", "10"]
    backwards = order[::-1]
    assert sorted(backwards, key=order_of) == order
    assert sorted(["run10", "run9", "a", "run", "10", "9"], key=natural_order) == ["9", "10", "a", "run", "run9", "run10"]  # fmt: skip


def test_names_of_strangers_are_sorted_however_long():
    """Python refuses to make a number of thousands of digits."""
    names = ["run2", "run" + "1" * 5000, "run10"]
    assert sorted(names, key=natural_order) == ["run2", "run10", names[1]]


def test_what_belongs_to_a_layer():
    """Its parts, inner layers, calls and outputs; not the layer with a longer number."""
    of_two = [n for n in ("2", "2-5", "2@2", "2#3", "20", "12", "1-2", "22-1") if belongs(n, "2")]
    assert of_two == ["2", "2-5", "2@2", "2#3"]


@given(addresses, st.text(st.characters(categories=["L"]), min_size=1, max_size=8))
def test_the_number_of_a_group(address, name):
    """What the group was made of, also where the name ends with numbers."""
    for layer in (address.layer, f"{address.layer}@2", f"{address.layer}#3"):
        assert number_of(group_of(layer, f"{name}-3_1")) == layer


@pytest.mark.parametrize("text", ["", "3", "3-", "conv2d", "-3-a", "03-a", "a/3-b"])
def test_what_is_no_group_has_no_number(text):
    """A number, a dash and a name make a group."""
    assert number_of(text) is None
