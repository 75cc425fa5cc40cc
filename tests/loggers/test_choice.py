"""Which layers and kernels are drawn, and under which names."""

import keras
import numpy as np
import pytest

from tb_kernels import KernelLogger
from tests.helpers.models import fit
from tests.helpers.oracle import (
    assert_shows,
    picture_of,
    pictures,
    read_index,
    read_pictures,
    read_png,
)

L = keras.layers


def test_layers_by_name_and_number(model, data, tmp_path):
    """A name, a number and a number as text select a layer."""
    for wanted in ("second", 3, "3", ["second"], [3]):
        log_dir = tmp_path / repr(wanted)
        fit(model, data, KernelLogger(log_dir, layers=wanted), epochs=1)
        assert pictures(log_dir) == {f"3_{kernel}_1" for kernel in range(1, 7)}


def test_layers_that_hold_layers_stand_for_all_in_them(tmp_path):
    """The name or number of a nested model selects its convolutions, a part's number the part."""
    inner = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(2, 3), L.Conv2D(1, 3)], name="in")
    model = keras.Sequential([keras.Input((8, 8, 3)), inner, L.SeparableConv2D(2, 1, name="sep")])
    for wanted, numbers in (
        ("in", {"1-1", "1-2"}),
        (1, {"1-1", "1-2"}),
        ("1-2", {"1-2"}),
        ("sep", {"2-1", "2-2"}),
        ("2-2", {"2-2"}),
        (["2-1", "in"], {"1-1", "1-2", "2-1"}),
    ):
        log_dir = tmp_path / str(wanted)
        with KernelLogger(log_dir, layers=wanted) as logger:
            logger.log(model, 1)
        assert {address.split("_")[0] for address in pictures(log_dir)} == numbers


def test_a_name_selects_every_layer_of_that_name(tmp_path):
    """Two nested models may hold layers of one name; both are drawn."""

    def inner(name):
        return keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(3, 1, name="same")], name=name)

    model = keras.Sequential([keras.Input((8, 8, 3)), inner("a"), inner("b")])
    with KernelLogger(tmp_path, layers=["same"]) as logger:
        logger.log(model, 1)
    assert {address.split("_")[0] for address in pictures(tmp_path)} == {"1-1", "2-1"}


def test_kernels_pass_over_layers_without_that_number(model, data, tmp_path):
    """Kernel 6 exists in the second layer only; kernel 2 in both."""
    fit(model, data, KernelLogger(tmp_path, kernels=[2, 6]), epochs=1)
    assert pictures(tmp_path) == {"1_2_1", "3_2_1", "3_6_1"}
    entries = read_index(tmp_path / "kernels")[1]["layers"]
    assert [entry["drawn"] for entry in entries] == [[2], [2, 6]]
    picture = read_png(tmp_path / "kernels/3-second/3_6_1.png")
    assert_shows(picture, picture_of("Conv2D", np.array(model.layers[2].kernel), 6))


def test_group_false_gives_bare_names(model, data, tmp_path):
    """Without the group file and tag are the address alone."""
    fit(model, data, KernelLogger(tmp_path, group=False, epochs=[1]), epochs=1)
    assert (tmp_path / "kernels/1_4_1.png").is_file()
    tags = {value.tag for _, value in read_pictures(tmp_path / "kernels")}
    assert tags == {f"1_{k}_1" for k in range(1, 5)} | {f"3_{k}_1" for k in range(1, 7)}


def test_names_are_made_safe(tmp_path):
    """Characters that files and tags do not like become `_`, those of the index stay."""
    model = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(1, 3, name="größe <1> & x.y-z_0")])
    with KernelLogger(tmp_path) as logger:
        logger.log(model, 1)
    assert (tmp_path / "kernels/1-gr__e__1____x.y-z_0/1_1_1.png").is_file()
    (entry,) = read_index(tmp_path / "kernels")[1]["layers"]
    assert entry["name"] == "größe <1> & x.y-z_0"
    assert entry["group"] == "1-gr__e__1____x.y-z_0"


def test_a_name_longer_than_file_systems_take(tmp_path):
    """The layer's number keeps the shortened group unique."""
    model = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(1, 3, name="n" * 400)])
    with KernelLogger(tmp_path, strict=True) as logger:
        logger.log(model, 1)
    assert pictures(tmp_path) == {"1_1_1"}


def test_a_number_is_never_a_name(tmp_path):
    """A whole number selects by place, also where a layer's name is that number."""
    layers = [L.Conv2D(1, 1, name="2"), L.Conv2D(1, 1, name="1")]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    for wanted, place in ((2, "2"), (np.int64(2), "2"), ("2", "1")):
        log_dir = tmp_path / f"{type(wanted).__name__}"
        with KernelLogger(log_dir, layers=wanted) as logger:
            logger.log(model, 1)
        assert pictures(log_dir) == {f"{place}_1_1"}


@pytest.mark.parametrize("asked", [range(1, 7, 3), range(4, 0, -3)])
def test_a_range_of_kernels_keeps_its_step(model, tmp_path, asked):
    """In either direction."""
    with KernelLogger(tmp_path, kernels=asked, layers="second") as logger:
        logger.log(model, 1)
    assert pictures(tmp_path) == {"3_1_1", "3_4_1"}
