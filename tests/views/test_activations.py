"""Activations: the arrays, the file, the pictures, what is refused."""

import copy
import pickle
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from tb_kernels import ActivationLogger, ArgumentError, LogWarning, compute_activations
from tb_kernels.drawing.style import Style
from tb_kernels.views.activations import ActivationView
from tests.helpers.models import begin_training
from tests.helpers.oracle import (
    assert_shows,
    draw,
    read_index,
    read_pictures,
    read_png,
    weights_shown,
)

L = keras.layers


def standard(maps):
    """Each channel centred, divided by its deviation, times 64 plus 128, clipped."""
    maps = maps.astype(np.float64)
    return np.clip((maps - maps.mean()) / maps.std() * 64 + 128, 0, 255)


@pytest.mark.slow
def test_equal_to_keras_model_outputs_bit_for_bit(data):
    """Every layer of a functional model, also those inside a nested one."""
    base = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(32, 32, 3), alpha=0.35)  # fmt: skip
    inputs = keras.Input((32, 32, 3))
    model = keras.Model(inputs, L.Dense(3)(L.GlobalAveragePooling2D()(base(L.Rescaling(2.0)(inputs)))))  # fmt: skip
    x = np.random.default_rng(0).normal(size=(3, 32, 32, 3)).astype("float32")
    found = compute_activations(model, x)
    outer = keras.Model(inputs, [layer.output for layer in model.layers if layer is not base])
    inner = keras.Model(base.input, [layer.output for layer in base.layers])
    expected = dict(zip(["1", "2", "4", "5"], outer.predict(x, verbose=0), strict=True))
    for position, value in enumerate(inner.predict(2 * x, verbose=0), start=1):
        expected[f"3-{position}"] = value
    expected["3"] = expected[f"3-{len(base.layers)}"]
    assert set(found) == set(expected)
    for number, value in expected.items():
        np.testing.assert_array_equal(found[number], value)


def test_every_call_and_every_output_has_its_number():
    """A layer used twice, a layer of three outputs, a wrapper, and what runs inside loops."""
    a, b = keras.Input((4, 8, 8, 3)), keras.Input((6, 2))
    frames = L.TimeDistributed(L.Conv2D(2, 3))(a)
    shared = L.Dense(2, name="shared")
    sequence, state, _ = L.LSTM(3, return_sequences=True, return_state=True)(shared(b))
    model = keras.Model([a, b], [L.Flatten()(frames), shared(L.Dense(2)(sequence)), state])
    random = np.random.default_rng(0)
    given = [random.normal(size=(2, *shape)).astype("float32") for shape in ((4, 8, 8, 3), (6, 2))]
    found = compute_activations(model, given)
    number = {layer: str(place) for place, layer in enumerate(model.layers, start=1)}
    lstm = number[next(layer for layer in model.layers if isinstance(layer, L.LSTM))]
    twice = number[model.get_layer("shared")]
    assert {lstm, f"{lstm}#2", f"{lstm}#3", twice, f"{twice}@2"} <= set(found)
    assert len(found) == len(model.layers) + 3
    np.testing.assert_array_equal(found[twice], shared(given[1]))
    outputs = [value.numpy() for value in model(given)]
    np.testing.assert_allclose(found[f"{twice}@2"], outputs[1], atol=1e-6)
    np.testing.assert_allclose(found[f"{lstm}#2"], outputs[2], atol=1e-6)


def test_every_way_to_give_inputs_is_the_same(data):
    """Array, tensor, list, tuple, dict, dataset with and without targets."""
    x, y = data
    inputs = keras.Input((8, 8, 3), name="picture")
    model = keras.Model(inputs, L.Conv2D(2, 3)(inputs))
    expected = compute_activations(model, x[:4])["2"]
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
    ways = [tf.constant(x[:4]), [x[:4]], (x[:4],), {"picture": x[:4]}, x[:4].astype("float64"), dataset, dataset.map(lambda x, y: x)]  # fmt: skip
    for way in ways:
        with warnings.catch_warnings():
            # Keras' own, of a structure that it does not know.
            warnings.simplefilter("error", UserWarning)
            found = compute_activations(model, way)
        np.testing.assert_array_equal(found["2"], expected)


def test_what_models_inside_are_given(data):
    """An InputLayer gives what its model was called with, also that of a model inside."""
    inner = keras.Sequential([keras.Input((6, 6, 2)), L.Conv2D(2, 3)])
    parts = keras.Input((6, 6, 2))
    inside = keras.Model(parts, inner(parts))
    outer = keras.Input((8, 8, 3))
    first = L.Conv2D(2, 3)
    model = keras.Model(outer, inside(first(outer)))
    found = compute_activations(model, data[0][:2])
    np.testing.assert_array_equal(found["1"], data[0][:2])
    np.testing.assert_array_equal(found["3-1"], found["2"])


def test_logger_writes_arrays_and_pictures(model, data, tmp_path):
    """One file of all arrays; a picture per channel, inputs side by side; each on its own scale."""
    x, y = data
    callback = ActivationLogger(tmp_path, x[:3], epochs=[0, 2], layers="all")
    model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
    run = tmp_path / "activations"
    expected = compute_activations(model, x[:3])
    with np.load(run / "activations_2.npz") as stored:
        assert [key.partition("-")[0] for key in stored] == list("12345")
        for key, value in stored.items():
            np.testing.assert_array_equal(value, expected[key.partition("-")[0]])
    names = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    pictures = {f"{group}_{k}_{e}.png" for group, n in (("1-first/1", 4), ("2-pool/2", 4), ("3-second/3", 6)) for k in range(1, n + 1) for e in (0, 2)}  # fmt: skip
    assert {name for name in names if not name.startswith("events")} == pictures | {"activations_0.npz", "activations_2.npz"}  # fmt: skip
    assert {value.tag for _, value in read_pictures(run)} == {name[:-4] for name in pictures}
    for number, group in (("1", "1-first"), ("2", "2-pool"), ("3", "3-second")):
        for channel in range(expected[number].shape[-1]):
            maps = expected[number][..., channel]
            levels = list(standard(maps))
            assert_shows(read_png(run / f"{group}/{number}_{channel + 1}_2.png"), draw(levels))
    (entry,) = [one for one in read_index(run)[2]["layers"] if one["number"] == "3"]
    assert (entry["axes"], entry["shape"], entry["kind"]) == ("nhwc", [3, 1, 2, 6], "Conv2D")
    (value,) = [value for _, value in read_pictures(run) if value.tag == "1-first/1_2_2"]
    assert value.metadata.summary_description.startswith(
        "Layer 1 `first` (Conv2D), feature map 2 of 4, epoch 2. Activations: black "
    )


def test_index_gives_the_activations_back(model, data, tmp_path):
    """Within half a level, where nothing was clipped."""
    with ActivationLogger(tmp_path, data[0][:2], normalize="kernel") as logger:
        logger.log(model, 1)
    expected = compute_activations(model, data[0][:2])["1"]
    (entry, *_) = read_index(tmp_path / "activations")[1]["layers"]
    for channel in range(4):
        one = entry | {"low": entry["low"][channel], "high": entry["high"][channel]}
        shown = weights_shown(one, read_png(tmp_path / f"activations/1-first/1_{channel + 1}_1.png"))  # fmt: skip
        half = (one["high"] - one["low"]) / 255 / 2 * (1 + 1e-5)
        assert np.abs(shown - expected[..., channel]).max() <= half


def test_sheet_has_sixteen_in_a_row_and_inputs_below_each_other(tmp_path):
    """20 channels of 2 inputs: four rows of tiles, the last two with four tiles."""
    model = keras.Sequential([keras.Input((7, 7, 3)), L.Conv2D(20, 3)])
    x = np.random.default_rng(0).normal(size=(2, 7, 7, 3)).astype("float32")
    with ActivationLogger(tmp_path, x, sheets=True, scale=1) as logger:
        logger.log(model, 1)
    maps = compute_activations(model, x)["1"]
    sheet = read_png(next((tmp_path / "activations").rglob("1_0_1.png")))
    assert sheet.shape == (4 * 5 + 3, 16 * 5 + 15)
    expected = np.full(sheet.shape, 255.0)
    for channel in range(20):
        levels = standard(maps[..., channel])
        for one in range(2):
            row, column = channel // 16 * 2 + one, channel % 16
            expected[row * 6 : row * 6 + 5, column * 6 : column * 6 + 5] = levels[one]
    assert_shows(sheet, expected)
    (entry,) = read_index(tmp_path / "activations")[1]["layers"]
    assert (entry["sheet"]["stacked"], entry["sheet"]["columns"]) == (True, 16)


def test_layers_kernels_and_half_precision(model, data, tmp_path):
    """With layers only these are stored and drawn; kernels choose channels."""
    with ActivationLogger(tmp_path, data[0][:2], layers="second", kernels=[2, 99], half_precision=True) as logger:  # fmt: skip
        logger.log(model, 1)
    run = tmp_path / "activations"
    assert [path.name for path in run.rglob("*.png")] == ["3_2_1.png"]
    with np.load(run / "activations_1.npz") as stored:
        assert list(stored) == ["3-second"]
        assert stored["3-second"].dtype == np.float16
        expected = compute_activations(model, data[0][:2])["3"]
        np.testing.assert_array_equal(stored["3-second"], expected.astype("float16"))


@pytest.mark.parametrize(
    ("layer", "shape", "letters"),
    [
        (lambda: L.Conv1D(3, 2), (9, 2), "nwc"),
        (lambda: L.Conv3D(3, 2), (5, 6, 7, 2), "ndhwc"),
        (lambda: L.Conv2DTranspose(3, 2), (5, 6, 2), "nhwc"),
    ],
)
def test_one_and_three_dimensions(tmp_path, layer, shape, letters):
    """A row for each input in one dimension; a row for each input, a column per depth, in three."""
    model = keras.Sequential([keras.Input(shape), layer()])
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    with ActivationLogger(tmp_path, x) as logger:
        logger.log(model, 1)
    maps = compute_activations(model, x)["1"][..., 1]
    levels = standard(maps)
    (entry,) = read_index(tmp_path / "activations")[1]["layers"]
    assert entry["axes"] == letters
    picture = read_png(next((tmp_path / "activations").rglob("1_2_1.png")))
    scale = entry["scale"]
    if letters == "nwc":
        expected = levels.repeat(scale, axis=0).repeat(scale, axis=1)
    else:
        tiles = list(levels.reshape(-1, *levels.shape[-2:]))
        expected = draw(tiles, columns=levels.shape[1] if levels.ndim == 4 else None, scale=scale)
    assert_shows(picture, expected)


def test_nothing_is_traced_again(model, data, tmp_path):
    """One trace for all epochs."""
    traces = []

    class Notes(L.Layer):
        def call(self, inputs):
            traces.append(1)
            return inputs

    model = keras.Sequential([keras.Input((8, 8, 3)), Notes(), L.Conv2D(2, 3)])
    with ActivationLogger(tmp_path, data[0][:2]) as logger:
        logger.log(model, 1)
        before = len(traces)
        for epoch in range(2, 6):
            logger.log(model, epoch)
    assert len(traces) == before


def test_outputs_in_a_mapping_of_ones_own_are_seen(data):
    """A layer may return any mapping: its values are the layer's outputs, by their keys in order."""

    class Outputs(dict):
        pass

    class Twice(L.Layer):
        def call(self, inputs):
            return Outputs(b=2 * inputs, a=inputs)

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.twice = Twice()

        def call(self, inputs):
            return self.twice(inputs)["b"]

    model = Model()
    model(data[0][:2])
    activations = compute_activations(model, data[0][:2])
    np.testing.assert_array_equal(activations["1"], data[0][:2])
    np.testing.assert_array_equal(activations["1#2"], 2 * data[0][:2])


def test_used_logger_that_remembers_nothing_can_be_pickled(model, data, tmp_path):
    """Once it is closed; only change and first limits are remembered, and not by this one."""
    with ActivationLogger(tmp_path, data[0][:2]) as logger:
        logger.log(model, 1)
    pickle.dumps(logger)


def test_unused_logger_can_be_copied_and_pickled(model, data, tmp_path):
    """KerasTuner copies callbacks for each trial."""
    logger = ActivationLogger(tmp_path, data[0][:2])
    for twin in (copy.deepcopy(logger), pickle.loads(pickle.dumps(logger))):  # noqa: S301
        with twin:
            twin.log(model, 1)
    assert list((tmp_path / "activations").rglob("*.png"))


def test_what_is_refused(model, data, tmp_path):
    """Each before the first step, by an error that says what would do."""
    x, _ = data

    def refused(model, x, match, **options):
        with pytest.raises(ArgumentError, match=match):
            begin_training(ActivationLogger(tmp_path, x, **options), model)

    refused(model, None, "inputs: expected an array, .* got None")
    refused(model, "cats", "inputs: expected an array")
    refused(model, [x[:2], x[:3]], r"inputs: .* same number of inputs.* got shapes \[\(2, 8, 8, 3\), \(3, 8, 8, 3\)\]")  # fmt: skip
    refused(model, x[:0], "inputs: .*at least one")
    refused(model, x[:2, :5], r"inputs: model 'two' takes shape \(None, 8, 8, 3\); got \(2, 5, 8, 3\), with height 5; expected \(2, 8, 8, 3\)")  # fmt: skip
    refused(model, tf.data.Dataset.from_tensor_slices(x[:0]).batch(2), "inputs: the dataset is empty")  # fmt: skip
    refused(model, x[:2], "layers: layer 'dense.*' of model 'two' has no spatial output; these have: first, pool, second", layers=model.layers[-1].name)  # fmt: skip
    dense = keras.Sequential([keras.Input((4,)), L.Dense(2)], name="dense_only")
    refused(dense, np.ones((2, 4)), "model: 'dense_only' has no layer with spatial output")


def test_convolutions_of_eight_inputs_are_drawn_by_default(tmp_path):
    """Wrapped, separable and nested ones; all layers and inputs are stored, `"all"` draws them."""
    inner = keras.Sequential([keras.Input((8, 8, 4)), L.ReLU(), L.SeparableConv2D(2, 3, name="deep")], name="inner")  # fmt: skip
    layers = [L.SpectralNormalization(L.Conv2D(4, 3), name="wrapped"), L.BatchNormalization(), L.ReLU(name="relu"), inner, L.Flatten(), L.Dense(2, name="dense")]  # fmt: skip
    model = keras.Sequential([keras.Input((10, 10, 3)), *layers])
    x = np.random.default_rng(0).normal(size=(11, 10, 10, 3)).astype("float32")
    with ActivationLogger(tmp_path / "a", x, scale=1) as usual, ActivationLogger(tmp_path / "b", x, layers="all", kernels=1) as every:  # fmt: skip
        usual.log(model, 1)
        every.log(model, 1)
    assert {path.parent.name for path in (tmp_path / "a").rglob("*.png")} == {"1-wrapped", "4-2-deep"}  # fmt: skip
    everything = {"1-wrapped", "2-batch_normalization", "3-relu", "4-inner", "4-1-re_lu", "4-2-deep"}  # fmt: skip
    assert {path.parent.name for path in (tmp_path / "b").rglob("*.png")} == everything
    expected = compute_activations(model, x)
    for log in "ab":
        with np.load(tmp_path / log / "activations/activations_1.npz") as stored:
            assert set(stored) == {*everything, "5-flatten", "6-dense"}
            np.testing.assert_array_equal(stored["4-2-deep"], expected["4-2"])
    levels = list(standard(expected["4-2"][:8, ..., 1]))
    assert_shows(read_png(tmp_path / "a/activations/4-2-deep/4-2_2_1.png"), draw(levels, scale=1))
    (entry, _) = read_index(tmp_path / "a/activations")[1]["layers"]
    assert entry["shape"] == [8, 8, 8, 4]


@pytest.mark.parametrize("name", ["al", "All", "conv"])
def test_one_name_is_of_that_layer_alone(data, tmp_path, name):
    """`"all"` is no bound, before which or behind which names lie."""
    model = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(2, 3, name=name), L.Conv2D(2, 3)])
    with ActivationLogger(tmp_path, data[0][:2], layers=name) as logger:
        logger.log(model, 1)
    assert {path.parent.name for path in tmp_path.rglob("*.png")} == {f"1-{name}"}


def test_without_convolutions_every_layer_with_space_is_drawn(tmp_path):
    """Those of a mixer, say; what only a loop sees of a convolution is the loop's."""
    model = keras.Sequential([keras.Input((6, 6, 3)), L.Dense(4, name="mix"), L.ReLU(name="relu")])
    with ActivationLogger(tmp_path, np.ones((2, 6, 6, 3), "float32"), kernels=1) as logger:
        logger.log(model, 1)
    assert {path.parent.name for path in tmp_path.rglob("*.png")} == {"1-mix", "2-relu"}


def test_what_a_model_is_given_is_not_drawn(data, tmp_path):
    """A functional model's input layer is stored with the others, and has no pictures."""
    inputs = keras.Input((8, 8, 3), name="given")
    model = keras.Model(inputs, L.Conv2D(2, 3, name="conv")(inputs))
    with ActivationLogger(tmp_path, data[0][:2]) as logger:
        logger.log(model, 1)
    assert {path.parent.name for path in tmp_path.rglob("*.png")} == {"2-conv"}
    with np.load(tmp_path / "activations/activations_1.npz") as stored:
        assert sorted(stored) == ["1-given", "2-conv"]


def test_the_size_told_is_that_of_the_layers_chosen(model, data):
    """Two bytes for each number of half precision."""
    style = Style.checked(["second"], None, "layer", "gray", None, None, True, False)
    view = ActivationView(model, data[0], style, half_precision=True)
    assert view.size_beside == 2 * sum(array.size for array in view.capture().beside.values()) > 0


def test_wrong_inputs_stop_fit_before_the_first_step(model, data, tmp_path):
    """No weight has moved."""
    before = [np.array(weight) for weight in model.weights]
    with pytest.raises(ArgumentError, match="inputs"):
        model.fit(*data, verbose=0, callbacks=[ActivationLogger(tmp_path, data[0][:, :4])])
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_a_model_that_calls_no_layer_is_refused(data):
    """A subclassed model that computes by itself has nothing to be seen."""

    class Alone(keras.Model):
        def build(self, shape):
            self.weight = self.add_weight(shape=(3, 1), name="w")

        def call(self, inputs):
            return inputs @ self.weight

    model = Alone(name="alone")
    model(data[0])
    with pytest.raises(ArgumentError, match="model: 'alone' called none of its layers"):
        compute_activations(model, data[0])


def test_whole_numbers_keep_their_value(tmp_path):
    """Half precision is for fractions: the number of a word has to stay."""
    inputs = [keras.Input((8, 8, 3)), keras.Input((2,), dtype="int32")]
    outputs = [L.Conv2D(2, 3)(inputs[0]), L.Embedding(80000, 2)(inputs[1])]
    model = keras.Model(inputs, outputs)
    words = np.array([[70001, 3]], "int32")
    with ActivationLogger(tmp_path, [np.ones((1, 8, 8, 3)), words], half_precision=True) as logger:
        logger.log(model, 1)
    with np.load(tmp_path / "activations/activations_1.npz") as stored:
        assert any(np.array_equal(value, words) for value in stored.values())


def test_a_pass_that_fails_is_told_as_that(model, data, tmp_path, monkeypatch):
    """Training goes on; nothing says that the disk failed."""
    model.compile("sgd", "mse", run_eagerly=True)
    logger = ActivationLogger(tmp_path, data[0][:2])
    logger.log(model, 1)
    monkeypatch.setattr(model.layers[1], "call", lambda inputs: 1 // 0)
    with pytest.warns(LogWarning, match="10 pictures could not be computed .*ZeroDivisionError"):
        logger.log(model, 2)
    with pytest.warns(LogWarning, match="in all, 10 pictures"):
        logger.close()
