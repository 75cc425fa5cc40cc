"""What can be seen inside a model, which axes it has, and that the model is left as it was."""

import keras
import numpy as np
import pytest

from tb_kernels.errors import ArgumentError
from tb_kernels.model.interior import cut_off, opened, outputs_of_layers, standing_in, visible
from tb_kernels.model.layers import walk
from tb_kernels.model.maps import MapAxes

L = keras.layers


def test_only_what_runs_once_for_each_step_is_hidden():
    """Inside layer 1, and not layers 10 and 11."""
    loop = L.TimeDistributed(keras.Sequential([keras.Input((4, 4, 1)), L.Conv2D(1, 2), L.ReLU()]))
    model = keras.Sequential([keras.Input((2, 4, 4, 1)), loop, *(L.ReLU() for _ in range(10))])
    assert [place.number for place in visible(model)] == [str(number) for number in range(1, 12)]
    cells = keras.Sequential([keras.Input((3, 2)), L.RNN([L.LSTMCell(2), L.GRUCell(2)])])
    assert [place.number for place in visible(cells)] == ["1"]


@pytest.mark.parametrize("first", [False, True], ids=["channels last", "channels first"])
def test_one_place_has_no_second_row_nor_column(first):
    """Whatever the number of channels; an axis of inputs alone has no channels."""
    where = "channels_first" if first else "channels_last"
    layer = L.Conv2D(1, 1, data_format=where)
    axes = MapAxes(keras.Sequential([keras.Input((3, 3, 3)), layer]))
    for space, one in (
        ((), True),
        ((1,), True),
        ((2,), False),
        ((1, 1), True),
        ((2, 1), False),
        ((1, 2), False),
        ((None, 1), False),
        ((1, 1, 1), True),
        ((1, 1, 2), False),
        ((2, 1, 1), False),
    ):
        for channels in (1, 5):
            shape = (None, channels, *space) if first else (None, *space, channels)
            assert axes.is_one_place(shape) == one, shape
    assert not axes.is_one_place((None,))
    assert not axes.is_one_place(())


def test_a_call_of_ones_own_is_put_back(data):
    """What somebody has put in the place of a layer's `call` is there again, also after an error."""
    model = keras.Sequential([keras.Input((8, 8, 3)), L.ReLU(name="own"), L.ReLU(name="plain")])
    own, plain = model.layers
    object.__setattr__(own, "call", lambda x: -x)
    before = own.call
    found = outputs_of_layers(model, data[0])
    np.testing.assert_array_equal(found[0].values, -data[0])
    assert own.call is before
    with pytest.raises(ZeroDivisionError), standing_in(list(walk(model)), lambda *_: 1 / 0):
        own(data[0])
    assert own.call is before
    with opened(model):
        pass
    assert own.call is before
    assert "call" not in vars(plain)


def test_a_model_is_left_at_the_layer(data):
    """Its first call counts, with the arguments that it was called with; nothing behind it runs."""
    shared, after = L.ReLU(name="shared"), L.Lambda(lambda x: x / [], name="never")

    class Twice(keras.Model):
        def __init__(self):
            super().__init__()
            self.shared, self.after, self.unused = shared, after, L.ReLU(name="unused")

        def call(self, inputs):
            return self.after(shared(shared(inputs) + 1))

    model = Twice()
    _, place, _, unused = [None, *walk(model)]
    given = cut_off(model, data[0], place, lambda own, args, kwargs: (own, args, kwargs))
    np.testing.assert_array_equal(given[1][0], data[0])
    assert "call" not in vars(shared)
    with pytest.raises(ArgumentError, match="model 'twice' does not call layer 3 'unused'"):
        cut_off(keras.Sequential([keras.Input((2,)), L.ReLU()], name="twice"), data[0][:, 0, 0, :2], unused, print)  # fmt: skip


def test_which_axes_are_space():
    """More than one place, by where the layer or most of the model has its channels."""
    first, last = (L.Conv2D(2, 3, data_format=f"channels_{where}") for where in ("first", "last"))
    norm = L.BatchNormalization()
    axes = MapAxes(keras.Sequential([first, norm]))
    assert axes.usually_first
    assert axes.letters(norm, (2, 3, 4, 5)) == "nchw"
    assert axes.letters(norm, (2, 3, 4, 5, 6)) == "ncdhw"
    assert axes.letters(norm, (2, 5, 1, 1)) is None
    assert axes.letters(norm, (2, 1, 1, 5)) == "nchw"
    assert axes.letters(last, (2, 1, 1, 5)) is None
    assert axes.letters(last, (2, 1, 4, 5)) == "nhwc"
    assert axes.letters(last, (2, 0, 4, 5)) is None
    # Words have the axes of maps over time; they are maps where a convolution goes over time.
    assert axes.letters(norm, (2, 3, 4)) is None
    assert MapAxes(keras.Sequential([keras.Input((4, 3)), L.Conv1D(2, 3)])).letters(last, (2, 3, 4)) == "nwc"  # fmt: skip


@pytest.mark.parametrize("usual", ["channels_first", "channels_last"])
def test_where_layers_differ_it_is_as_keras_has_it(usual):
    """Channels of what does not say it, in a model of both kinds."""
    both = [L.Conv2D(2, 3, data_format=f"channels_{where}") for where in ("first", "last")]
    before = keras.config.image_data_format()
    keras.config.set_image_data_format(usual)
    try:
        assert MapAxes(keras.Sequential(both)).usually_first is (usual == "channels_first")
    finally:
        keras.config.set_image_data_format(before)


def test_what_flattens_says_nothing_of_channels():
    """Its format is that of the whole machine, whatever the model's is."""
    first = L.Conv2D(2, 3, data_format="channels_first")
    assert MapAxes(keras.Sequential([keras.Input((1, 9, 9)), first, L.Flatten()])).usually_first
