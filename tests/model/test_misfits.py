"""Inputs that are slightly wrong: one sentence that says what would do, and doing it helps."""

import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from tb_kernels import (
    ActivationLogger,
    ArgumentError,
    GradientLogger,
    HeatmapLogger,
    compute_activations,
    compute_gradients,
    compute_heatmaps,
)

L = keras.layers


def sequential(shape=(8, 6, 1), name="m"):
    head = [L.Flatten(), L.Dense(2, "softmax")]
    return keras.Sequential([keras.Input(shape), L.Conv2D(3, 3, padding="same"), *head], name=name)


def nested(shape=(8, 6, 1)):
    inner = sequential(shape, "inner")
    inputs = keras.Input(shape)
    return keras.Model(inputs, inner(inputs), name="m")


def subclassed(shape=(8, 6, 1)):
    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="m")
            self.conv, self.flatten = L.Conv2D(3, 3, padding="same"), L.Flatten()
            self.dense = L.Dense(2, "softmax")

        def call(self, inputs):
            return self.dense(self.flatten(self.conv(inputs)))

    model = Own()
    model(np.ones((5, *shape), "float32"))
    return model


MODELS = {"sequential": sequential, "nested": nested, "subclassed": subclassed}


def refused(model, inputs, compute=compute_activations):
    """The sentence, of which no part is another library's."""
    with pytest.raises(ArgumentError) as caught:
        compute(model, inputs)
    text = str(caught.value)
    assert "\n" not in text
    for foreign in ("Exception encountered", "expected shape=", "incompatible", "KerasTensor", "{{", "Arguments received"):  # fmt: skip
        assert foreign not in text
    return text


# Given, the shape that the model takes, and what is told.
# fmt: off
WRONG = [
    ((8, 6, 1), (8, 6, 1), "got (8, 6, 1), which lacks the axis of the inputs; expected (1, 8, 6, 1): inputs[None]"),
    ((1, 2, 8, 6, 1), (8, 6, 1), "got (1, 2, 8, 6, 1), which has an axis too many; expected (2, 8, 6, 1): inputs[0]"),
    ((2, 1, 8, 6, 1), (8, 6, 1), "which has an axis too many; expected (2, 8, 6, 1): inputs[:, 0]"),
    ((2, 3, 8, 6, 1), (8, 6, 1), "which has an axis too many; expected (6, 8, 6, 1): inputs.reshape(-1, 8, 6, 1)"),
    ((2, 1, 8, 6), (8, 6, 1), "got (2, 1, 8, 6), which has its channels first; expected (2, 8, 6, 1): np.moveaxis(inputs, 1, -1)"),
    ((2, 3, 8, 6), (8, 6, 3), "which has its channels first; expected (2, 8, 6, 3): np.moveaxis(inputs, 1, -1)"),
    ((2, 8, 6), (8, 6, 3), "got (2, 8, 6), which lacks the axis of the channels; expected (2, 8, 6, 3): np.repeat(inputs[..., None], 3, axis=-1)"),
    ((2, 8, 6, 1), (8, 6, 3), "got (2, 8, 6, 1), with channels 1; expected (2, 8, 6, 3)"),
    ((2, 5, 6, 1), (8, 6, 1), "got (2, 5, 6, 1), with height 5; expected (2, 8, 6, 1)"),
    ((2, 5, 7, 4), (8, 6, 1), "with height 5, width 7 and channels 4; expected (2, 8, 6, 1)"),
    ((8, 6), (8, 6, 1), "got (8, 6), which lacks the axes of the inputs and of the channels; expected (1, 8, 6, 1): inputs[None, ..., None]"),
    ((8, 6), (8, 6, 3), "which lacks the axes of the inputs and of the channels; expected (1, 8, 6, 3): np.repeat(inputs[None, ..., None], 3, axis=-1)"),
    ((6, 5), (1, 6, 5), "which lacks the axes of the inputs and of the channels; expected (1, 1, 6, 5): inputs[None, None]"),
    ((2, 48), (8, 6, 1), "got (2, 48), which has 2 axes too few; expected (2, 8, 6, 1)"),
]
# fmt: on


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize(("given", "takes", "told"), WRONG)
def test_shapes(kind, given, takes, told):
    """What the model takes, what was given, in what it differs; and what would do does."""
    model = MODELS[kind](takes)
    inputs = np.random.default_rng(0).uniform(size=given).astype("float32")
    text = refused(model, inputs)
    assert text.startswith(f"inputs: model 'm' takes shape {(None, *takes)}; got {given}")
    assert text.endswith(told)
    shape, way = re.search(r"expected (\(.*?\))(?:: (.*))?$", text).groups()
    if way:
        repaired = eval(way, {"inputs": inputs, "np": np})  # noqa: S307 (our own text)
        assert str(repaired.shape) == shape
        compute_activations(model, repaired)
        assert set(repaired.ravel()) == set(inputs.ravel())


def test_every_view_says_so_before_training(tmp_path):
    """Loggers before the first step, functions, gradients of their `x`."""
    model = sequential()
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = np.ones((4, 8, 6, 1), "float32")
    match = r"lacks the axis of the inputs; expected \(1, 8, 6, 1\)"
    for logger in (ActivationLogger(tmp_path, x[0]), HeatmapLogger(tmp_path, x[0], layer=1)):
        with pytest.raises(ArgumentError, match=match):
            model.fit(x, np.zeros(4), verbose=0, callbacks=[logger])
    assert refused(model, x[0], compute_heatmaps).endswith("inputs[None]")
    told = refused(model, x[0], lambda model, x: compute_gradients(model, x, np.zeros(8)))
    assert told == "x: model 'm' takes shape (None, 8, 6, 1); got (8, 6, 1), which lacks the axis of the inputs; expected (1, 8, 6, 1): x[None]"  # fmt: skip
    alone = r"; if x is one sample without its axis, x\[None\]$"
    with pytest.raises(ArgumentError, match=r"y: expected 8 samples as in x, got shapes \(1,\)" + alone):  # fmt: skip
        GradientLogger(tmp_path, x[0], np.zeros(1))
    with pytest.raises(ArgumentError, match=r"y: expected 4 samples as in x, got shapes \(2,\)$"):
        GradientLogger(tmp_path, x, np.zeros(2))
    alone = r"; if inputs is one input without its axis, inputs\[None\]$"
    with pytest.raises(ArgumentError, match=r"one for each of 8 inputs, got \[1\]" + alone):
        HeatmapLogger(tmp_path, x[0], [1])
    with pytest.raises(ArgumentError, match=r"one for each of 4 inputs, got \[1, 0\]$"):
        HeatmapLogger(tmp_path, x, [1, 0])
    told = refused(model, x, lambda model, x: compute_gradients(model, x, np.zeros((4, 7, 2))))
    assert told.startswith("y: the loss of model 'm' cannot take targets (4, 7, 2) for outputs (4, 2) (")  # fmt: skip
    assert told.endswith("; expected the outputs' shape, or for a sparse loss a class for each")


def test_what_the_model_raised_is_the_cause():
    """For those who want to know more."""
    with pytest.raises(ArgumentError) as caught:
        compute_activations(sequential(), np.ones((2, 5, 6, 1)))
    assert "(2, 90)" in str(caught.value.__cause__)


def test_channels_last_of_a_model_that_takes_them_first():
    """The other way round, with the axes named in its order."""
    inputs = keras.Input((3, 8, 6))
    model = keras.Model(inputs, L.Conv2D(2, 3, data_format="channels_first")(inputs), name="m")
    assert refused(model, np.ones((2, 8, 6, 3))).endswith("got (2, 8, 6, 3), which has its channels last; expected (2, 3, 8, 6): np.moveaxis(inputs, -1, 1)")  # fmt: skip
    assert refused(model, np.ones((2, 1, 8, 6))).endswith("got (2, 1, 8, 6), with channels 1; expected (2, 3, 8, 6)")  # fmt: skip
    assert refused(model, np.ones((2, 8, 6))).endswith("np.repeat(inputs[:, None], 3, axis=1)")


def test_lengths_that_do_not_matter_are_not_told():
    """A model that takes pictures of any size keeps that of those given."""
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, L.Conv2D(2, 3)(inputs), name="m")
    assert refused(model, np.ones((2, 9, 7, 4))).endswith("takes shape (None, None, None, 3); got (2, 9, 7, 4), with channels 4; expected (2, 9, 7, 3)")  # fmt: skip
    assert refused(model, np.ones((2, 3, 9, 7))).endswith("expected (2, 9, 7, 3): np.moveaxis(inputs, 1, -1)")  # fmt: skip


@pytest.mark.parametrize(
    ("takes", "given", "told"),
    [
        ((4,), (2, 5), "with values 5; expected (2, 4)"),
        ((9, 2), (3, 8, 2), "with length 8; expected (3, 9, 2)"),
        ((4, 5, 6, 1), (2, 4, 5, 7, 1), "with width 7; expected (2, 4, 5, 6, 1)"),
        ((2, 4, 5, 6, 1), (3, 2, 4, 5, 7, 1), "with axis 4 7; expected (3, 2, 4, 5, 6, 1)"),
    ],
)
def test_other_shapes(takes, given, told):
    """Vectors, sequences, volumes: their axes have other names."""
    model = keras.Sequential([keras.Input(takes), L.Flatten(), L.Dense(2)], name="m")
    assert refused(model, np.ones(given)).endswith(told)


@pytest.fixture
def pair():
    """Pictures and vectors, given by the names of the inputs."""
    picture, vector = keras.Input((8, 6, 1), name="picture"), keras.Input((2,), name="vector")
    joined = L.Concatenate()([L.Flatten()(L.Conv2D(2, 3)(picture)), vector])
    return keras.Model([picture, vector], L.Dense(2)(joined), name="pair")


def test_several_inputs(pair):
    """Their number, their names, and which of them is wrong."""
    picture, vector = np.ones((4, 8, 6, 1)), np.ones((4, 2))
    takes = "inputs: model 'pair' takes 'picture' (None, 8, 6, 1) and 'vector' (None, 2); got "
    assert refused(pair, picture) == f"{takes}(4, 8, 6, 1); expected 2 arrays"
    assert refused(pair, [picture]) == f"{takes}(4, 8, 6, 1); expected 2 arrays"
    assert refused(pair, [picture, vector, vector]) == f"{takes}3 arrays, (4, 8, 6, 1), (4, 2) and (4, 2); expected 2 arrays"  # fmt: skip
    assert refused(pair, {"image": picture, "vector": vector}) == f"{takes}a dict of 'image' and 'vector'; expected 'picture' and 'vector'"  # fmt: skip
    wrong = np.ones((4, 5, 6, 1))
    assert refused(pair, {"picture": wrong, "vector": vector}) == f"{takes}(4, 5, 6, 1) in inputs['picture'], with height 5; expected (4, 8, 6, 1)"  # fmt: skip
    assert refused(pair, [vector, picture]) == f"{takes}(4, 2) in inputs[0], which has 2 axes too few; expected (4, 8, 6, 1)"  # fmt: skip
    one = np.ones((2, 1, 2))
    assert refused(pair, [picture[:2], one]) == f"{takes}(2, 1, 2) in inputs[1], which has an axis too many; expected (2, 2): inputs[1][:, 0]"  # fmt: skip
    compute_activations(pair, {"picture": picture, "vector": vector})


@pytest.mark.parametrize("names", [("picture", "vector"), ("a", "b")])
def test_structures_in_structures(names):
    """What Keras takes is taken; what is wrong is found where it stands, whatever inputs are called."""
    first, second = keras.Input((8, 6, 1), name=names[0]), keras.Input((2,), name=names[1])
    joined = L.Concatenate()([L.Flatten()(L.Conv2D(2, 3)(first)), second])
    try:
        model = keras.Model({"picture": [first], "vector": second}, L.Dense(2)(joined), name="deep")
    except ValueError:
        pytest.skip("this version of Keras has no lists in dicts of inputs")
    picture, vector = np.ones((4, 8, 6, 1), "float32"), np.ones((4, 2), "float32")
    found = compute_activations(model, {"picture": [picture], "vector": vector})
    expected = model({"picture": [picture], "vector": vector})
    np.testing.assert_allclose(found[str(len(model.layers))], expected, atol=1e-6)
    takes = "inputs: model 'deep' takes 'picture[0]' (None, 8, 6, 1) and 'vector' (None, 2); got "
    wrong = np.ones((4, 5, 6, 1), "float32")
    assert refused(model, {"picture": [wrong], "vector": vector}) == f"{takes}(4, 5, 6, 1) in inputs['picture'][0], with height 5; expected (4, 8, 6, 1)"  # fmt: skip
    assert refused(model, {"picture": [picture, picture], "vector": vector}) == f"{takes}2 arrays, (4, 8, 6, 1) and (4, 8, 6, 1) in inputs['picture']; expected 1 array"  # fmt: skip


def test_lists_in_lists_are_as_good_as_flat():
    """To Keras' own models, as long as there are as many arrays."""
    inputs = [keras.Input((2,), name=name) for name in "abc"]
    model = keras.Model(inputs, L.Dense(2)(L.Concatenate()(inputs)), name="three")
    x = [np.full((4, 2), value, "float32") for value in (1, 2, 3)]
    expected = np.array(model(x))
    number = str(len(model.layers))
    for given in (x, [[x[0], x[1]], x[2]], [x[0], (x[1], x[2])]):
        np.testing.assert_allclose(compute_activations(model, given)[number], expected, rtol=1e-6)
    for given, arrays in (([x[0], x[1]], "2 arrays"), ([*x, x[0]], "4 arrays"), ([[x[0]], [x[1]]], "2 arrays")):  # fmt: skip
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            told = refused(model, given)
        assert f"got {arrays}, " in told
        assert told.endswith("; expected 3 arrays")
        # Keras was not asked.
        assert not caught


def test_subclassed_models_of_several_inputs():
    """Whether they take a dict or a list is known from their first call."""

    class Own(keras.Model):
        def __init__(self, picture, vector):
            super().__init__(name="own")
            self.keys, self.flatten, self.dense = (picture, vector), L.Flatten(), L.Dense(2)

        def call(self, inputs):
            picture, vector = (inputs[key] for key in self.keys)
            return self.dense(keras.ops.concatenate([self.flatten(picture), vector], axis=1))

    picture, vector = np.ones((4, 8, 6, 1), "float32"), np.ones((4, 2), "float32")
    keyed, listed = Own("picture", "vector"), Own(0, 1)
    named, several = {"picture": picture, "vector": vector}, [picture, vector]
    keyed(named)
    listed(several)
    takes = "inputs: model 'own' takes 'picture' (None, 8, 6, 1) and 'vector' (None, 2); got "
    assert (
        refused(keyed, several)
        == f"{takes}2 arrays, (4, 8, 6, 1) and (4, 2); expected a dict of 'picture' and 'vector'"
    )
    assert refused(keyed, picture) == f"{takes}(4, 8, 6, 1); expected a dict of 'picture' and 'vector'"  # fmt: skip
    broken = {"picture": picture, "vector": np.full((4, 2), "a")}
    assert refused(keyed, broken) == f"{takes}(4, 2) in inputs['vector'], which is text; expected numbers"  # fmt: skip
    takes = "inputs: model 'own' takes (None, 8, 6, 1) and (None, 2); got "
    assert refused(listed, named) == f"{takes}a dict of 'picture' and 'vector'; expected 2 arrays"
    assert refused(listed, picture) == f"{takes}(4, 8, 6, 1); expected 2 arrays"
    assert refused(listed, [picture, vector[:, None]]) == f"{takes}(4, 1, 2) in inputs[1], which has an axis too many; expected (4, 2): inputs[1][:, 0]"  # fmt: skip


def test_inputs_one_by_one():
    """A list of pictures is one array, stacked; a dict has the name of the input."""
    inputs = [np.full((8, 6, 1), value, "float32") for value in (1, 2, 3)]
    told = "got 3 arrays, (8, 6, 1), (8, 6, 1) and (8, 6, 1), one for each input; expected (3, 8, 6, 1): np.stack(inputs)"  # fmt: skip
    assert refused(sequential(), inputs).endswith(told)
    symbol = keras.Input((8, 6, 1), name="picture")
    model = keras.Model(symbol, L.Conv2D(3, 3)(symbol), name="m")
    assert refused(model, symbol).endswith(
        "dict, list or tuple of arrays, got a symbolic tensor in it"
    )
    compute_activations(model, {"picture": np.ones((2, 8, 6, 1))})
    told = "got (2, 5, 6, 1), with height 5; expected (2, 8, 6, 1)"
    assert refused(model, {"picture": np.ones((2, 5, 6, 1))}).endswith(told)
    for one in (model, sequential()):
        told = "inputs: model 'm' takes shape (None, 8, 6, 1); got a dict of 'other'; expected an array"  # fmt: skip
        assert refused(one, {"other": np.ones((2, 8, 6, 1))}) == told
    two = {"a": inputs[0], "b": inputs[0]}
    assert refused(subclassed(), two).endswith("got a dict of 'a' and 'b'; expected an array")


def test_dictionaries_of_one():
    """The array alone will do for Keras' own models; one of one's own gets its dictionary."""
    inputs = keras.Input((8, 6, 1), name="picture")
    model = keras.Model({"picture": inputs}, L.Conv2D(3, 3, padding="same")(inputs), name="m")
    picture = np.ones((2, 8, 6, 1), "float32")
    for given in (picture, [picture], {"picture": picture}):
        assert compute_activations(model, given)["2"].shape == (2, 8, 6, 3)
    assert refused(model, {"image": picture}).endswith("got a dict of 'image'; expected 'picture'")

    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.conv = L.Conv2D(3, 3)

        def call(self, inputs):
            return self.conv(inputs["picture"])

    own = Own()
    own({"picture": picture})
    takes = "inputs: model 'own' takes shape (None, 8, 6, 1); got"
    for given in (picture, [picture]):
        assert refused(own, given) == f"{takes} (2, 8, 6, 1); expected a dict of 'picture'"
    told = f"{takes} a dict of 'image'; expected 'picture'"
    assert refused(own, {"image": picture}) == told


@pytest.mark.filterwarnings("error")
def test_keras_does_not_warn_before(pair):
    """Of what is refused or taken there is one word, and none of Keras."""
    picture = np.ones((4, 8, 6, 1), "float32")
    for given in (picture, [picture], {"image": picture, "vector": picture}):
        refused(pair, given)
    inputs = keras.Input((8, 6, 1), name="picture")
    model = keras.Model({"picture": inputs}, L.Conv2D(3, 3)(inputs))
    compute_activations(model, picture)
    refused(model, {"picture": [picture, picture]})
    refused(model, {"image": picture})


def test_several_inputs_of_one_each(pair):
    """All of them lack the axis of the inputs, and get it in the same way."""
    first, second = keras.Input((8, 6, 1), name="a"), keras.Input((8, 6, 2), name="b")
    both = keras.Model([first, second], L.Conv2D(2, 3)(L.Concatenate()([first, second])), name="m")
    a, b = np.ones((8, 6, 1), "float32"), np.ones((8, 6, 2), "float32")
    way = "keras.tree.map_structure(lambda one: one[None], inputs)"
    told = f"got 2 arrays, (8, 6, 1) and (8, 6, 2), which lack the axis of the inputs; expected (1, 8, 6, 1) and (1, 8, 6, 2): {way}"  # fmt: skip
    for given in ([a, b], {"a": a, "b": b}):
        assert refused(both, given).endswith(told)
        repaired = eval(way, {"keras": keras, "inputs": given})  # noqa: S307 (our own text)
        compute_activations(both, repaired)
    assert refused(pair, [a, np.ones(2)]) == f"inputs: expected arrays of the same number of inputs, at least one, got shapes [(8, 6, 1), (2,)]; if each is of one input, {way}"  # fmt: skip
    assert refused(pair, [np.ones((0, 8, 6, 1)), np.ones((0, 2))]).endswith("(0, 2)]")


def test_datasets_that_are_not_batched(pair, tmp_path):
    """A dataset is batched, not indexed; with targets and weights, and several inputs."""
    model = sequential()
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = np.ones((4, 8, 6, 1), "float32"), np.zeros(4)
    slices = tf.data.Dataset.from_tensor_slices
    told = "got (8, 6, 1), which lacks the axis of the inputs; expected (n, 8, 6, 1): inputs.batch(n)"  # fmt: skip
    assert refused(model, slices(x)).endswith(told)
    compute_activations(model, slices(x).batch(3))
    with pytest.raises(ArgumentError, match=r"which lacks the axis .*: inputs\.batch\(n\)$"):
        model.fit(x, y, verbose=0, callbacks=[ActivationLogger(tmp_path, slices(x))])
    told = "expected a dataset of batches, arrays of the same number of inputs; its first element has shapes (8, 6, 1) and {}; if it is one input, {}.batch(n)"  # fmt: skip
    assert refused(model, slices((x, y))) == f"inputs: {told.format('()', 'inputs')}"
    assert refused(model, slices((x, y)), compute_heatmaps) == f"inputs: {told.format('()', 'inputs')}"  # fmt: skip
    assert refused(model, slices((x, y)), compute_gradients) == f"x: {told.format('()', 'x')}"
    columns = slices((x, y[:, None]))
    assert refused(model, columns, compute_gradients) == f"x: {told.format('(1,)', 'x')}"
    # As many values as a picture is high.
    hot = slices((x, np.ones((4, 8))))
    assert refused(model, hot, compute_gradients).endswith("expected (n, 8, 6, 1): x.batch(n)")
    with pytest.raises(ArgumentError, match=r"^x: expected a dataset of batches"):
        GradientLogger(tmp_path, slices((x, y)))
    named = slices({"picture": x, "vector": np.ones((4, 2))})
    assert refused(pair, named).endswith("shapes (8, 6, 1) and (2,); if it is one input, inputs.batch(n)")  # fmt: skip
    compute_activations(pair, named.batch(2))
    compute_gradients(model, slices((x, y)).batch(2))


def test_a_picture_alone_is_not_taken_for_rows():
    """Where the head takes any size, Keras would make eight pictures of six by one of it."""
    head = [L.GlobalAveragePooling2D(), L.Dense(2, "softmax")]
    for shape in ((8, 6, 1), (None, None, 1)):
        conv = L.Conv2D(3, 3, padding="same")
        model = keras.Sequential([keras.Input(shape), conv, *head], name="m")
        assert model(np.ones((8, 6, 1))).shape == (8, 2)
        assert refused(model, np.ones((8, 6, 1))).endswith("which lacks the axis of the inputs; expected (1, 8, 6, 1): inputs[None]")  # fmt: skip
        # Pictures without an axis for their one channel, as Keras takes them.
        assert compute_activations(model, np.ones((8, 6, 5)))["1"].shape == (8, 6, 5, 3)


def test_text_and_what_is_no_number():
    """Strings, objects, dates; what TensorFlow has no type for is refused before."""
    model = sequential()
    text = np.full((2, 8, 6, 1), "1.5")
    assert refused(model, text).endswith("got (2, 8, 6, 1), which is text; expected numbers")
    assert refused(subclassed(), text).endswith("which is text; expected numbers")
    for tensor in (tf.constant(text), text.astype(object), tf.data.Dataset.from_tensors(text)):
        assert refused(model, tensor).endswith("which is text; expected numbers")
    ragged = np.empty(2, object)
    ragged[:] = [np.ones((8, 6, 1)), np.ones((7, 6, 1))]
    assert refused(model, ragged) == "inputs: expected an array, or a dict, list or tuple of arrays, got ndarray of Python objects in it, such as pictures of several sizes"  # fmt: skip
    dates = np.zeros((2, 8, 6, 1), "datetime64[s]")
    assert refused(model, dates) == "inputs: expected an array of numbers, got one of datetime64[s]"
    assert refused(model, np.float32(3)).endswith("got a single value in it")
    assert refused(model, [[1.0, 2.0]]).endswith("got float in it")
    for kind in ("uint8", "int64", "float16", "float64", "longdouble", "bool"):
        compute_activations(model, np.ones((2, 8, 6, 1), kind))


def test_values_that_do_not_fit_are_told_as_that():
    """The shape is right: what else is wrong only the cause knows."""
    layers = [L.Embedding(10, 2), L.Flatten(), L.Dense(1)]
    model = keras.Sequential([keras.Input((3,), dtype="int32"), *layers], name="words")
    told = refused(model, np.array([[1, 2, 99]], "int32"))
    assert told == "inputs: model 'words' takes shape (None, 3); got (1, 3), but calling it failed (InvalidArgumentError); expected values that it can work with"  # fmt: skip


def test_a_model_that_does_not_say_what_it_takes():
    """Built by hand, so that nobody has seen a shape."""

    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = L.Dense(2)
            self.dense.build((None, 3))
            self.built = True

        def call(self, inputs):
            return self.dense(inputs)

    told = refused(Own(), np.ones((2, 4)))
    assert told == "inputs: model 'own' does not say what it takes; got (2, 4), and calling it failed (ValueError); expected inputs as it is trained on"  # fmt: skip
    compute_activations(Own(), np.ones((2, 3)))


def test_words_are_taken_by_models_of_text():
    """As arrays of any kind, and as tensors, to the last byte."""

    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = L.Dense(2)

        def call(self, inputs):
            return self.dense(keras.ops.cast(tf.strings.length(inputs), "float32"))

    model, words = Own(), [["a", "bcd"], ["", "ef"]]
    expected = np.array(model(tf.constant(words)))
    for given in (np.array(words), np.array(words, object), tf.constant(words)):
        np.testing.assert_allclose(compute_activations(model, given)["1"], expected, rtol=1e-6)
    ends_with_0 = tf.constant([["a\0", "bcd"], ["", "ef\0"]])
    np.testing.assert_allclose(
        compute_activations(model, ends_with_0)["1"], np.array(model(ends_with_0)), rtol=1e-6
    )
