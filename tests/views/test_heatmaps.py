"""Heatmaps: against closed forms and tf-keras-vis, laid over inputs, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from matplotlib import colormaps

from tb_kernels import ArgumentError, HeatmapLogger, compute_heatmaps, open_log
from tests.helpers.models import begin_training
from tests.helpers.oracle import read_index, read_pictures, read_png

L = keras.layers


@pytest.fixture
def pictures():
    return np.random.default_rng(0).uniform(size=(3, 10, 12, 3)).astype("float32")


def linear(tail, name="linear"):
    """Convolution, mean over space, dense: the score's gradient is a dense weight over the area."""
    keras.utils.set_random_seed(2)
    return keras.Sequential([keras.Input((10, 12, 3)), L.Conv2D(4, 3, name="conv"), L.GlobalAveragePooling2D(), *tail], name=name)  # fmt: skip


def closed_form(model, pictures, weights):
    """ReLU of the channels' sum, each by its dense weight over the area of its map."""
    maps = np.asarray(model.layers[0](pictures), np.float64)
    return np.maximum((maps * weights / (8 * 10)).sum(axis=-1), 0)


@pytest.mark.parametrize("class_", range(5))
@pytest.mark.parametrize("tail", [lambda: [L.Dense(5, activation="softmax")], lambda: [L.Dense(5), L.Softmax()], lambda: [L.Dense(5), L.Activation("softmax")], lambda: [L.Dense(5, activation="sigmoid")]])  # fmt: skip
def test_equal_to_the_closed_form(pictures, tail, class_):
    """Before softmax and sigmoid, however they are written."""
    model = linear(tail())
    expected = closed_form(model, pictures, np.array(model.layers[2].kernel)[:, class_])
    found = compute_heatmaps(model, pictures, classes=class_)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


def test_single_sigmoid_speaks_for_and_against(pictures):
    """Its value for class 1, minus it for class 0; by default whichever is predicted."""
    model = linear([L.Dense(1, activation="sigmoid")])
    weights = np.array(model.layers[2].kernel)[:, 0]
    against, for_ = (compute_heatmaps(model, pictures, classes=class_) for class_ in (0, 1))
    np.testing.assert_allclose(for_, closed_form(model, pictures, weights), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(against, closed_form(model, pictures, -weights), rtol=1e-4, atol=1e-7)  # fmt: skip
    predicted = np.asarray(model(pictures))[:, 0] > 0.5
    expected = np.where(predicted[:, None, None], for_, against)
    np.testing.assert_array_equal(compute_heatmaps(model, pictures), expected)


@pytest.mark.parametrize(("class_", "sign"), [(0, -1), (1, 1)])
def test_single_sigmoid_has_a_score_for_and_against(pictures, tmp_path, class_, sign):
    """What is stored and told of class 0 is minus the value before the sigmoid."""
    model = linear([L.Dense(1, activation="sigmoid")])
    with HeatmapLogger(tmp_path, pictures, class_) as logger:
        logger.log(model, 1)
    probabilities = np.asarray(model(pictures), np.float64)[:, 0]
    expected = sign * np.log(probabilities / (1 - probabilities))
    with np.load(tmp_path / "heatmaps/heatmaps_1.npz") as stored:
        np.testing.assert_allclose(stored["scores"], expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(stored["classes"], [class_] * 3)


def test_default_class_is_the_predicted_one_and_classes_may_differ(pictures):
    """Also one class for each input."""
    model = linear([L.Dense(5, activation="softmax")])
    each = np.stack([compute_heatmaps(model, pictures, classes=class_) for class_ in range(5)])
    predicted = np.asarray(model(pictures)).argmax(axis=1)
    rows = np.arange(3)
    np.testing.assert_array_equal(compute_heatmaps(model, pictures), each[predicted, rows])
    np.testing.assert_array_equal(compute_heatmaps(model, pictures, [4, 0, 2]), each[[4, 0, 2], rows])  # fmt: skip


@pytest.mark.parametrize("compiled", [lambda loss: loss, lambda loss: [loss], lambda loss: {"logits": loss}])  # fmt: skip
def test_softmax_in_the_loss(pictures, compiled):
    """A model compiled with from_logits gives its logits as scores, also from a list or dict."""
    layers = linear([L.Dense(5, name="logits")])
    model = keras.Model(layers.inputs, layers.outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", compiled(loss))
    model.fit(pictures, np.array([0, 3, 1]), verbose=0)
    expected = closed_form(layers, pictures, np.array(layers.layers[2].kernel)[:, 3])
    np.testing.assert_allclose(compute_heatmaps(model, pictures, 3), expected, rtol=1e-4, atol=1e-7)


def test_score_of_ones_own(pictures):
    """For any other output: the gradient is that of the function's value."""
    model = linear([L.Dense(5)])
    found = compute_heatmaps(model, pictures, score=lambda outputs: 2 * outputs[:, 3] - outputs[:, 1])  # fmt: skip
    column = compute_heatmaps(model, pictures, score=lambda outputs: 2 * outputs[:, 3:4] - outputs[:, 1:2])  # fmt: skip
    np.testing.assert_array_equal(column, found)
    kernel = np.array(model.layers[2].kernel)
    expected = closed_form(model, pictures, 2 * kernel[:, 3] - kernel[:, 1])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


def test_outputs_in_a_mapping_of_ones_own(pictures):
    """A model may return any mapping; its only output is the one that is explained."""

    class Outputs(dict):
        pass

    class Wrapped(keras.Model):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def call(self, inputs):
            return Outputs(classes=self.inner(inputs))

    inner = linear([L.Dense(5, "softmax")])
    wrapped = Wrapped(inner)
    wrapped(pictures)
    maps = compute_heatmaps(wrapped, pictures, 1)
    np.testing.assert_array_equal(maps, compute_heatmaps(inner, pictures, 1))


def test_equal_to_tf_keras_vis():
    """On a functional model of two branches, its softmax replaced by a linear output for them."""
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

    keras.utils.set_random_seed(0)
    inputs = keras.Input((24, 24, 3))
    first = L.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    joined = L.Concatenate()([L.Conv2D(8, 3, padding="same")(first), first])
    hidden = L.MaxPooling2D()(L.ReLU()(L.BatchNormalization()(joined)))
    hidden = L.Conv2D(12, 3, activation="relu", name="seen")(hidden)
    hidden = L.Dense(20, activation="relu")(L.Flatten()(hidden))
    model = keras.Model(inputs, L.Dense(6, activation="softmax")(hidden))
    x = np.random.default_rng(0).normal(size=(4, 24, 24, 3)).astype("float32")
    classes = [3, 1, 5, 0]
    theirs = Gradcam(model, model_modifier=ReplaceToLinear(), clone=True)(
        CategoricalScore(classes),
        x,
        penultimate_layer="seen",
        expand_cam=False,
        normalize_cam=False,
    )
    theirs = np.asarray(theirs)
    ours = compute_heatmaps(model, x, classes, layer="seen")
    assert ours.shape == theirs.shape == (4, 10, 10)
    assert theirs.max() > 1e-3
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * theirs.max())


def test_one_dimension():
    """A convolution over time gives a map one high."""
    model = keras.Sequential([keras.Input((20, 3)), L.Conv1D(4, 3), L.GlobalAveragePooling1D(), L.Dense(2, activation="softmax")])  # fmt: skip
    x = np.random.default_rng(0).normal(size=(3, 20, 3)).astype("float32")
    maps = np.asarray(model.layers[0](x))
    expected = np.maximum((maps * np.array(model.layers[2].kernel)[:, 1] / 18).sum(-1), 0)
    np.testing.assert_allclose(compute_heatmaps(model, x, 1)[:, 0], expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("colormap", "strength"), [("viridis", 0.5), ("gray", 0.25), ("jet", 1)])
def test_overlay_pixels(pictures, tmp_path, colormap, strength):
    """The input under the map, which NumPy scales and matplotlib colours here."""
    model = linear([L.Dense(5, activation="softmax")])
    with HeatmapLogger(tmp_path, pictures, 2, colormap=colormap, strength=strength, scale=1) as logger:  # fmt: skip
        logger.log(model, 4)
    maps = compute_heatmaps(model, pictures, 2)
    # Where the middles of 8 rows and 10 columns fall in 10 and 12 pixels.
    rows, columns = [0, 1, 3, 4, 5, 6, 8, 9], [0, 1, 2, 4, 5, 6, 7, 9, 10, 11]
    low, high = pictures.min(), pictures.max()
    for one in range(3):
        across = np.stack([np.interp(np.arange(12), columns, row) for row in maps[one]])
        large = np.stack([np.interp(np.arange(10), rows, column) for column in across.T]).T
        colors = colormaps[colormap](large / maps[one].max())[..., :3] * 255
        under = 255 * (pictures[one] - low) / (high - low)
        expected = (1 - strength) * under + strength * colors
        found = read_png(tmp_path / f"heatmaps/1-conv/1_{one + 1}_4.png")
        # A level of the map more or less is up to four steps of a colour in jet.
        assert np.abs(found - expected).max() <= 5
        assert np.abs(found - expected).mean() <= 1


@pytest.mark.parametrize("side", [9, 16, 31, 48])
def test_the_brightest_place_has_the_end_of_the_colours(tmp_path, side):
    """However much a map is scaled: its largest value is told as the high end, and is drawn so."""
    keras.utils.set_random_seed(side)
    model = keras.Sequential([keras.Input((side, side, 1)), L.MaxPooling2D(2), L.Conv2D(4, 3, activation="relu", name="conv"), L.Flatten(), L.Dense(2, "softmax", kernel_initializer=keras.initializers.RandomUniform(0, 1))])  # fmt: skip
    x = np.random.default_rng(side).uniform(size=(4, side, side, 1)).astype("float32")
    with HeatmapLogger(tmp_path, x, 1, strength=1, colormap="gray", scale=1) as logger:
        logger.log(model, 1)
    maps = compute_heatmaps(model, x, 1)
    assert maps.shape[1] < side / 2
    for one, map_ in enumerate(maps, start=1):
        picture = read_png(tmp_path / f"heatmaps/2-conv/2_{one}_1.png")
        assert picture.shape == (side, side, 3)
        assert picture.max() == 255
        # Half a pixel off at most.
        places = np.argwhere(picture[..., 0] == 255) + 0.5
        middle = (np.array(np.unravel_index(map_.argmax(), map_.shape)) + 0.5) * side / len(map_)
        assert np.abs(places - middle).max(axis=1).min() <= 0.5 + 1e-9


def test_logger_writes_maps_and_says_class_and_score(pictures, tmp_path):
    """The raw maps, classes and scores in the file; class and score in the description; a sheet."""
    model = linear([L.Dense(5, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    logger = HeatmapLogger(tmp_path, pictures, epochs=[2], sheets=True)
    model.fit(pictures, np.array([0, 1, 2]), epochs=2, verbose=0, callbacks=[logger])
    run = tmp_path / "heatmaps"
    logits = np.asarray(model.layers[1](model.layers[0](pictures))) @ np.array(model.layers[2].kernel) + np.array(model.layers[2].bias)  # fmt: skip
    with np.load(run / "heatmaps_2.npz") as stored:
        assert sorted(stored) == ["1-conv", "classes", "scores"]
        np.testing.assert_allclose(stored["1-conv"], compute_heatmaps(model, pictures), rtol=1e-5)
        np.testing.assert_array_equal(stored["classes"], logits.argmax(axis=1))
        np.testing.assert_allclose(stored["scores"], logits.max(axis=1), rtol=1e-4)
    names = sorted(path.relative_to(run).as_posix() for path in run.rglob("*.png"))
    assert names == [f"1-conv/1_{number}_2.png" for number in range(4)]
    (value,) = [value for _, value in read_pictures(run) if value.tag == "1-conv/1_3_2"]
    assert value.metadata.display_name == "1_3_2"
    brightest = compute_heatmaps(model, pictures)[2].max()
    assert value.metadata.summary_description == (
        "Layer 1 `conv` (Conv2D), input 3 of 3, epoch 2. Heatmap values: low end of viridis 0, "
        f"high end {brightest:.4g}. Class {logits[2].argmax()}, score {logits[2].max():.4g} "
        "(before softmax or sigmoid)."
    )
    (entry,) = read_index(run)[2]["layers"]
    assert entry["classes"] == logits.argmax(axis=1).tolist()
    assert (entry["colormap"], entry["strength"], entry["low"]) == ("viridis", 0.5, [0, 0, 0])
    sheet = read_png(run / "1-conv/1_0_2.png")
    size = entry["sheet"]["scale"]
    first = read_png(run / "1-conv/1_1_2.png")[:: entry["scale"], :: entry["scale"]]
    np.testing.assert_array_equal(sheet[: 10 * size : size, : 12 * size : size], first)


def test_one_scale_for_all_and_an_empty_map(tmp_path):
    """With "layer" maps are compared; a map of nothing is the low end, not the middle."""
    model = linear([L.Dense(2, activation="softmax", kernel_initializer="ones")])
    conv = model.layers[0]
    conv.set_weights([np.full((3, 3, 3, 4), 1.0, "float32"), np.zeros(4, "float32")])
    x = np.stack([np.full((10, 12, 3), value, "float32") for value in (1.0, 0.5, -1.0)])
    options = {"strength": 1, "scale": 1, "colormap": "gray"}
    with HeatmapLogger(tmp_path / "a", x, 1, normalize="layer", **options) as one, HeatmapLogger(tmp_path / "b", x, 1, **options) as each:  # fmt: skip
        one.log(model, 1)
        each.log(model, 1)
    levels = {log: [read_png(tmp_path / f"{log}/heatmaps/1-conv/1_{k}_1.png")[0, 0, 0] for k in (1, 2, 3)] for log in "ab"}  # fmt: skip
    assert levels == {"a": [255, 128, 0], "b": [255, 255, 0]}


@pytest.mark.parametrize(("kernels", "drawn"), [(None, range(1, 9)), ([2, 10, 99], [2, 10])])
def test_eight_inputs_are_drawn_and_all_are_stored(tmp_path, kernels, drawn):
    """Others by their numbers, each over its own input with its own class; so is the sheet."""
    model = linear([L.Dense(5, activation="softmax")])
    x = np.random.default_rng(3).uniform(size=(10, 10, 12, 3)).astype("float32")
    classes = np.arange(10) % 5
    with HeatmapLogger(tmp_path, x, classes, kernels=kernels, strength=0, scale=1, sheets=True) as logger:  # fmt: skip
        logger.log(model, 1)
    run = tmp_path / "heatmaps"
    assert {path.stem for path in run.rglob("*.png")} == {f"1_{one}_1" for one in (0, *drawn)}
    with np.load(run / "heatmaps_1.npz") as stored:
        np.testing.assert_allclose(stored["1-conv"], compute_heatmaps(model, x, classes), rtol=1e-5)
        np.testing.assert_array_equal(stored["classes"], classes)
    low, high = x.min(), x.max()
    sheet = read_png(run / "1-conv/1_0_1.png")
    scale = next(entry["sheet"]["scale"] for entry in read_index(run)[1]["layers"])
    gap = max(1, scale // 4)
    columns = int(np.ceil(np.sqrt(len(drawn))))
    told = {value.tag: value.metadata.summary_description for _, value in read_pictures(run)}
    for place, one in enumerate(drawn):
        picture = read_png(run / f"1-conv/1_{one}_1.png")
        assert np.abs(picture - 255 * (x[one - 1] - low) / (high - low)).max() <= 1
        y, x_ = (index * (side * scale + gap) for index, side in zip(divmod(place, columns), (10, 12), strict=True))  # fmt: skip
        tile = sheet[y : y + 10 * scale : scale, x_ : x_ + 12 * scale : scale]
        np.testing.assert_array_equal(tile, picture)
        assert f"input {one} of 10, epoch 1." in told[f"1-conv/1_{one}_1"]
        assert f"Class {classes[one - 1]}, score" in told[f"1-conv/1_{one}_1"]
    assert f"{len(drawn)} inputs, epoch 1" in told["1-conv/1_0_1"]
    log = open_log(tmp_path)
    assert log.picture(f"1_{drawn[-1]}_1", view="heatmaps").pixels().shape == (10, 12, 3)


def test_several_layers(pictures, tmp_path):
    """Each layer asked for has its maps; a nested one too."""
    inner = keras.Sequential([keras.Input((10, 12, 3)), L.Conv2D(3, 3, name="deep"), L.ReLU(name="relu")], name="inner")  # fmt: skip
    model = keras.Sequential([keras.Input((10, 12, 3)), inner, L.Conv2D(4, 3, name="top"), L.GlobalMaxPooling2D(), L.Dense(2, activation="softmax")])  # fmt: skip
    with HeatmapLogger(tmp_path, pictures, layers=["deep", "1-2", 2]) as logger:
        logger.log(model, 1)
    groups = {path.parent.name for path in (tmp_path / "heatmaps").rglob("*.png")}
    assert groups == {"1-1-deep", "1-2-relu", "2-top"}
    assert compute_heatmaps(model, pictures).shape == (3, 6, 8)
    assert compute_heatmaps(model, pictures, layer="deep").shape == (3, 8, 10)


def test_what_is_refused(pictures, tmp_path):
    """Each before the first step, by an error that says what would do."""
    model = linear([L.Dense(5, activation="softmax")])

    def refused(match, model=model, **options):
        with pytest.raises(ArgumentError, match=match):
            begin_training(HeatmapLogger(tmp_path, **({"inputs": pictures} | options)), model)

    refused(r"classes: model 'linear' tells 5 classes, 0 to 4; got 5", classes=5)
    refused(r"classes: model 'linear' tells 5 classes, 0 to 4; got 99", classes=[0, 99, 1])
    refused(
        r"classes: expected a class from 0, or one for each of 3 inputs, got \[1\]", classes=[1]
    )
    refused(r"classes: expected .* got \[1, 1, 1, 1\]$", classes=[1] * 4)
    refused("classes: expected a class from 0.* got -1", classes=-1)
    refused("classes: expected .* got 'cat'", classes="cat")
    refused(r"classes: .* shape \(3,\): np.ravel\(classes\); got shape \(3, 1\)", classes=np.ones((3, 1), int))  # fmt: skip
    refused(r"classes: .* shape \(3,\): np.argmax\(classes, axis=1\), if these are one-hot; got shape \(3, 5\)", classes=np.eye(5)[:3])  # fmt: skip
    refused(r"classes: .* shape \(300,\): np.argmax.*; got shape \(300, 5\)", inputs=np.zeros((300, *pictures.shape[1:])), classes=np.eye(5)[[3] * 300])  # fmt: skip
    refused(r"classes: .* shape \(3,\); got shape \(2, 2\)", classes=[[1, 2], [3, 4]])
    refused(r"classes: .* got \[\[1\], \[2, 3\], \[4\]\]", classes=[[1], [2, 3], [4]])
    refused("classes: .* got both", classes=1, score=lambda outputs: outputs[:, 0])
    refused("score: expected a function", score=3)
    refused(r"score: expected a number for each of 3 inputs, shape \(3,\), got shape \(3, 5\)", score=lambda outputs: outputs)  # fmt: skip
    refused("score: failed on the model's outputs", score=lambda outputs: outputs.nothing)
    refused("layer: no layer 'c9' in model 'linear'; it has conv", layer="c9")
    refused(r"layer: layer 2 .* gives the shape \(3, 4\); expected a layer with spatial", layer=2)
    refused("layer: expected one layer, or several in layers; got both", layer=1, layers=[1])
    refused("strength: expected a number from 0 to 1, got 2", strength=2)
    refused("colormap: .* got 'rgb'", colormap="rgb")
    refused("input_range: low must be below high", input_range=(1, 1))
    refused(r"kernels: no layer .* numbers \[4\]; expected numbers from 1 to 3", kernels=[4])
    refused("inputs: model 'linear' takes shape .*, with channels 2; expected", inputs=pictures[..., :2])  # fmt: skip
    for tail in ([L.Dense(1)], [L.Dense(4), L.ReLU()]):
        refused("score: the output of model 'number', shape .* expected a function of the outputs", model=linear(tail, "number"))  # fmt: skip
    dense = keras.Sequential([keras.Input((4,)), L.Dense(2, activation="softmax")], name="flat")
    refused("model: 'flat' has no layer with spatial output", model=dense, inputs=np.ones((2, 4)))  # fmt: skip


def test_two_loggers_share_the_file_of_arrays(pictures, tmp_path):
    """Each adds its layer's maps; a later training replaces them."""
    model = keras.Sequential([keras.Input((10, 12, 3)), L.Conv2D(2, 3, name="a"), L.Conv2D(2, 3, name="b"), L.GlobalMaxPooling2D(), L.Dense(2, activation="softmax")])  # fmt: skip
    model.compile("sgd", "sparse_categorical_crossentropy")
    both = [HeatmapLogger(tmp_path, pictures, layer=name) for name in "ab"]
    model.fit(pictures, np.zeros(3), verbose=0, callbacks=both)
    with np.load(tmp_path / "heatmaps/heatmaps_1.npz") as stored:
        assert sorted(stored) == ["1-a", "2-b", "classes", "scores"]
    model.fit(pictures, np.zeros(3), verbose=0, callbacks=both[:1])
    with np.load(tmp_path / "heatmaps/heatmaps_1.npz") as stored:
        assert sorted(stored) == ["1-a", "classes", "scores"]


def test_channels_first(pictures, tmp_path):
    """The picture is as large as the input, wherever its channels are."""
    first = {"data_format": "channels_first"}
    model = keras.Sequential([keras.Input((3, 10, 12)), L.Conv2D(4, 3, name="conv", **first), L.GlobalAveragePooling2D(**first), L.Dense(2, activation="softmax")])  # fmt: skip
    moved = pictures.transpose(0, 3, 1, 2)
    with HeatmapLogger(tmp_path, moved, 1, scale=1, strength=0) as logger:
        logger.log(model, 1)
    maps = np.asarray(model.layers[0](moved)).transpose(0, 2, 3, 1)
    expected = np.maximum((maps * np.array(model.layers[2].kernel)[:, 1] / 80).sum(-1), 0)
    np.testing.assert_allclose(compute_heatmaps(model, moved, 1), expected, rtol=1e-4, atol=1e-7)
    low, high = pictures.min(), pictures.max()
    found = read_png(tmp_path / "heatmaps/1-conv/1_2_1.png")
    assert np.abs(found - 255 * (pictures[1] - low) / (high - low)).max() <= 1


def test_the_last_layer_is_the_last_called(pictures):
    """Not the one defined last, and not one that the score does not depend on."""

    class Backwards(keras.Model):
        def __init__(self):
            super().__init__()
            self.late = L.Conv2D(3, 3, name="late")
            self.early = L.Conv2D(3, 3, name="early")
            self.aside = L.Conv2D(3, 3, name="aside")
            self.pool, self.dense = L.GlobalMaxPooling2D(), L.Dense(2, activation="softmax")

        def call(self, inputs):
            hidden = self.late(self.early(inputs))
            self.aside(hidden)
            return self.dense(self.pool(hidden))

    model = Backwards()
    model(pictures)
    np.testing.assert_array_equal(compute_heatmaps(model, pictures), compute_heatmaps(model, pictures, layer="late"))  # fmt: skip
    with pytest.raises(ArgumentError, match="does not depend on every layer asked for: aside"):
        compute_heatmaps(model, pictures, layer="aside")


def test_the_last_call_of_a_shared_layer_counts(pictures):
    """A layer that was called first, and then again behind all others, is the last one."""
    keras.utils.set_random_seed(2)
    inputs = keras.Input((10, 12, 3))
    shared, between = (L.Conv2D(3, 3, padding="same", name=name) for name in ("shared", "between"))
    last = shared(between(shared(inputs)))
    model = keras.Model(inputs, L.Dense(2, activation="softmax")(L.GlobalAveragePooling2D()(last)))
    maps = np.asarray(shared(between(shared(pictures))), np.float64)
    expected = np.maximum((maps * np.array(model.layers[-1].kernel)[:, 1] / 120).sum(-1), 0)
    np.testing.assert_allclose(compute_heatmaps(model, pictures, 1), expected, rtol=1e-4, atol=1e-7)


def test_volumes_have_no_map():
    """A convolution over three axes of space, also where it is asked for."""
    model = keras.Sequential([keras.Input((4, 8, 8, 3)), L.Conv3D(2, 3, name="c"), L.GlobalAveragePooling3D(), L.Dense(2, activation="softmax")])  # fmt: skip
    x = np.ones((2, 4, 8, 8, 3))
    with pytest.raises(ArgumentError, match="no layer with spatial output of one or two axes"):
        compute_heatmaps(model, x)
    with pytest.raises(ArgumentError, match=r"layer 1 'c'.* expected a layer with spatial output"):
        compute_heatmaps(model, x, layer="c")


def test_the_range_of_the_inputs(pictures, tmp_path):
    """`input_range` says which values of the inputs are black and white."""
    model = linear([L.Dense(2, activation="softmax")])
    with HeatmapLogger(tmp_path, pictures, 1, input_range=(-1, 3), strength=0, scale=1) as logger:
        logger.log(model, 1)
    found = read_png(tmp_path / "heatmaps/1-conv/1_3_1.png")
    assert np.abs(found - 255 * (pictures[2] + 1) / 4).max() <= 1


def test_a_map_over_time_is_a_band(tmp_path):
    """A sequence is no picture to be laid over: one row for eight places."""
    model = keras.Sequential([keras.Input((34, 3)), L.Conv1D(4, 3, name="c"), L.GlobalAveragePooling1D(), L.Dense(2, activation="softmax")])  # fmt: skip
    x = np.random.default_rng(0).normal(size=(3, 34, 3)).astype("float32")
    with HeatmapLogger(tmp_path, x, 1, scale=2) as logger:
        logger.log(model, 1)
    assert read_png(tmp_path / "heatmaps/1-c/1_2_1.png").shape == (4 * 2, 32 * 2, 3)


def test_what_runs_once_for_each_step_has_no_map():
    """The last frame's map would pass for that of all."""
    model = keras.Sequential([keras.Input((4, 8, 8, 3)), L.TimeDistributed(L.Conv2D(2, 3)), L.GlobalAveragePooling3D(), L.Dense(2, activation="softmax")])  # fmt: skip
    with pytest.raises(ArgumentError, match="has no layer with spatial output"):
        compute_heatmaps(model, np.ones((2, 4, 8, 8, 3)))


def test_the_first_scale_waits_for_a_map(pictures, tmp_path):
    """A map of nothing at the first epoch sets no scale for the later ones."""
    model = linear([L.Dense(2, activation="softmax")])
    conv, dense = model.layers[0], model.layers[2]
    kernel = np.array(dense.kernel)
    dense.kernel.assign(np.zeros_like(kernel))
    with HeatmapLogger(tmp_path, pictures, 1, normalize="first", strength=1, colormap="gray") as logger:  # fmt: skip
        logger.log(model, 1)
        dense.kernel.assign(1e-4 * np.sign(np.asarray(conv(pictures)).mean(axis=(0, 1, 2)))[:, None] * [[1, 1]])  # fmt: skip
        logger.log(model, 2)
    brightest = max(read_png(tmp_path / f"heatmaps/1-conv/1_{one}_2.png").max() for one in (1, 2, 3))  # fmt: skip
    assert brightest == 255


def test_a_call_that_is_a_tf_function(pictures):
    """Its layers are seen all the same, and its own call is put back."""

    class Compiled(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv, self.pool = L.Conv2D(3, 3, name="conv"), L.GlobalMaxPooling2D()
            self.dense = L.Dense(2, activation="softmax")

        @tf.function
        def call(self, inputs):
            return self.dense(self.pool(self.conv(inputs)))

    model = Compiled()
    model(pictures)
    plain = keras.Sequential([keras.Input((10, 12, 3)), model.conv, model.pool, model.dense])
    np.testing.assert_allclose(compute_heatmaps(model, pictures, 1), compute_heatmaps(plain, pictures, 1), rtol=1e-5)  # fmt: skip
    assert "call" not in vars(model)


def test_no_model_is_refused_by_name(pictures):
    """Also where a layer is named."""
    with pytest.raises(ArgumentError, match=r"model: expected a keras\.Model, got NoneType"):
        compute_heatmaps(None, pictures, layer="conv")
