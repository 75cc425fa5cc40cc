"""Which layer a name or a number stands for, also where wrappers and models hold layers."""

import keras
import pytest

from tb_kernels.errors import ArgumentError
from tb_kernels.model.layers import find_kernels, walk
from tb_kernels.model.selection import select_layer, select_places, select_weights

L = keras.layers


@pytest.fixture
def wrapped():
    """A wrapper at 2, a wrapped model at 3 with a wrapper inside, at 3-2; all convolutions `c`."""
    inner = keras.Sequential([keras.Input((8, 8, 2)), L.ReLU(name="rectify"), L.SpectralNormalization(L.Conv2D(2, 3, name="c"), name="norm"), L.Conv2D(2, 3, name="last")], name="inner")  # fmt: skip
    return keras.Sequential([keras.Input((4, 8, 8, 2)), L.ReLU(name="relu"), L.TimeDistributed(L.Conv2D(2, 1, name="c"), name="steps"), L.TimeDistributed(inner)], name="outer")  # fmt: skip


class Pair(L.Wrapper):
    """A wrapper that holds a layer of its own beside the one that it wraps."""

    def __init__(self, layer):
        super().__init__(layer)
        self.second = L.Conv2D(2, 3, name="second")

    def build(self, shape):
        self.layer.build(shape)
        self.second.build((*shape[:-1], 2))
        self.built = True

    def call(self, x):
        return self.second(self.layer(x))


def test_a_number_is_one_layer(wrapped):
    """Of a wrapper and what it wraps, which share a number, it is the wrapper."""
    assert [number for number, _ in walk(wrapped)] == ["1", "2", "2", "3", "3", "3-1", "3-2", "3-2", "3-3"]  # fmt: skip
    assert isinstance(select_layer(wrapped, "layer", 2).layer, L.TimeDistributed)
    assert select_layer(wrapped, "layer", "3-2").layer.name == "norm"
    assert isinstance(select_layer(wrapped, "layer", 3).layer, L.TimeDistributed)
    assert [weight.number for weight in select_weights(wrapped, [3])] == ["3-2", "3-3"]


def test_kernels_never_share_a_number(wrapped):
    """A wrapper shares its number with one layer only; with two, they go on with a dash."""
    assert [weight.number for weight in find_kernels(wrapped)] == ["2", "3-2", "3-3"]
    pair = keras.Sequential([keras.Input((8, 8, 2)), Pair(L.Conv2D(2, 3, name="first"))])
    assert sorted((one.number, one.name) for one in find_kernels(pair)) == [("1-1", "first"), ("1-2", "second")]  # fmt: skip


def test_a_name_of_several_layers_asks_for_a_number(wrapped):
    """Where one layer is wanted; the error gives the numbers."""
    with pytest.raises(ArgumentError, match="layer: model 'outer' has 2 layers named 'c'; expected one of their numbers: '2', '3-2'"):  # fmt: skip
        select_layer(wrapped, "layer", "c")
    assert select_layer(wrapped, "layer", "steps").number == "2"


def test_places_stand_in_the_order_of_their_numbers_each_once(wrapped):
    """However they were asked for; a name before a number, as Keras lets a layer be called '1'."""
    found = select_places(wrapped, "layers", ["inner", 1, "relu", "3-1"])
    assert [(place.number, place.layer.name) for place in found] == [("1", "relu"), ("3", "inner"), ("3-1", "rectify")]  # fmt: skip
    layers = [L.ReLU(name="2"), L.ReLU(name="b")]
    model = keras.Sequential([keras.Input((8,)), *layers])
    assert select_layer(model, "layer", "2").layer is layers[0]
    assert select_layer(model, "layer", 2).layer is layers[1]


def test_what_is_not_in_the_model_is_told_with_what_is(wrapped):
    """Each name once, and whether the layer is there but has no kernels."""
    with pytest.raises(ArgumentError, match=r"layers: no layer '4' in model 'outer'; it has relu, steps, c, .*, inner, rectify, norm, last"):  # fmt: skip
        select_places(wrapped, "layers", ["4"])
    with pytest.raises(ArgumentError, match="layers: no layer 'd' in model 'outer'; it has c, last"):  # fmt: skip
        select_weights(wrapped, ["c", "d"])
    with pytest.raises(ArgumentError, match="layers: layer 'relu' of model 'outer' has no kernels; these have: c, last"):  # fmt: skip
        select_weights(wrapped, ["relu"])
    dense = keras.Sequential([keras.Input((4,)), L.Dense(2, name="d")], name="flat")
    with pytest.raises(ArgumentError, match=r"model: 'flat' has no convolution layers; .*\(its layers are d\)"):  # fmt: skip
        select_weights(dense, None)
