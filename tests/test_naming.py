"""Addresses and the names made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tb_kernels.naming import Address, group_of, index_tag, picture_path, step_of

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
    assert (step_of(1), step_of(0)) == (0, -1)


@given(st.text())
def test_groups_are_safe_in_files_and_tags(name):
    """Whatever Keras lets a layer be called, the group is one short plain folder name."""
    group = group_of("3", name)
    assert set(group) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    assert group.startswith("3-")
    assert len(group.encode()) < 255
