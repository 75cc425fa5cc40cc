"""Captions: each against what the model itself gives, computed by NumPy from its weights."""

import itertools
import json
import re

import keras
import numpy as np
import pytest

from tb_kernels import (
    ActivationLogger,
    ArgumentError,
    ExampleLogger,
    ExpansionLogger,
    HeatmapLogger,
    KernelLogger,
    LogWarning,
    PatternLogger,
    open_log,
)
from tb_kernels.drawing import png
from tb_kernels.reading.captions import changes_of
from tb_kernels.reading.entries import parse_index
from tb_kernels.reading.notes import notes_in, notes_of
from tb_kernels.writing.disk import Disk
from tb_kernels.writing.events import EventFile, image_value, text_value
from tests.helpers.models import begin_training, two_convolutions
from tests.helpers.oracle import read_entries, read_pictures

L = keras.layers
NAMES = ["zero", "one", "a `two`"]
EPOCHS = [0, 1, 2, 3, 4, 5]


def network(bias="zeros"):
    keras.utils.set_random_seed(5)
    layers = [L.Conv2D(4, 3, activation="relu", bias_initializer=bias, name="conv")]
    layers += [L.GlobalAveragePooling2D(), L.Dense(3, activation="softmax")]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers], name="small")
    model.compile(keras.optimizers.SGD(3.0), "sparse_categorical_crossentropy")
    return model


def before_relu(x, kernel, bias):
    """The convolution, (inputs, 6, 6, filters)."""
    windows = np.lib.stride_tricks.sliding_window_view(np.float64(x), (3, 3), axis=(1, 2))
    return np.einsum("nyxcij,ijco->nyxo", windows, np.float64(kernel)) + bias


def logits(x, weights):
    """What goes into the softmax, (inputs, 3)."""
    kernel, bias, dense, last = map(np.float64, weights)
    return np.maximum(before_relu(x, kernel, bias), 0).mean(axis=(1, 2)) @ dense + last


def number_in(text, word):
    return float(re.search(rf"{word} (\S+)", text)[1].rstrip(","))


def close(told, value):
    """A number of three digits is that of the model, which computes in float32."""
    return abs(told - value) <= 0.0051 * abs(value) + 1e-4


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Heatmaps of six inputs with and without names, and the logits by NumPy of every epoch."""
    folder = tmp_path_factory.mktemp("captions")
    model = network()
    random = np.random.default_rng(1)
    x = random.normal(size=(16, 8, 8, 3)).astype("float32")
    weights = [model.get_weights()]
    kept = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: weights.append(model.get_weights())
    )
    loggers = [
        HeatmapLogger(folder / "names", x[:6], epochs=EPOCHS, class_names=NAMES, sheets=True),
        HeatmapLogger(folder / "numbers", x[:6], epochs=EPOCHS, kernels=[2, 5]),
    ]
    y = np.arange(16) % 3
    model.fit(x, y, epochs=5, verbose=0, shuffle=False, callbacks=[kept, *loggers])
    return folder, np.stack([logits(x[:6], one) for one in weights])


def test_a_heatmap_says_its_class_by_name_and_its_score(trained):
    """Of every input and epoch; and never calls an input a kernel."""
    folder, expected = trained
    told = 0
    for picture in open_log(folder / "names").select(kernels=[range(1, 99)]):
        scores = expected[picture.address.epoch][picture.address.kernel - 1]
        assert np.ptp(np.sort(scores)[-2:]) > 1e-4
        start = f"input {picture.address.kernel}: {NAMES[scores.argmax()]}, score "
        assert picture.caption.startswith(start)
        assert close(number_in(picture.caption, "score"), scores.max())
        assert picture.explains == (scores.argmax(), NAMES[scores.argmax()])
        told += 1
    assert told == 6 * len(EPOCHS)


def test_without_names_it_says_the_number(trained):
    """Also of inputs that were chosen, each its own."""
    folder, expected = trained
    log = open_log(folder / "numbers")
    assert len(log) == 2 * len(EPOCHS)
    for picture in log:
        scores = expected[picture.address.epoch][picture.address.kernel - 1]
        start = f"input {picture.address.kernel}: class {scores.argmax()}, score "
        assert picture.caption.startswith(start)
        assert close(number_in(picture.caption, "score"), scores.max())


@pytest.mark.parametrize("names", [True, False])
def test_changes_say_what_the_class_was(trained, names):
    """Where the prediction differs from that of the epoch before, and nowhere else."""
    folder, expected = trained
    log = open_log(folder / ("names" if names else "numbers")).select(kernels=[range(1, 99)])
    changed = 0
    for strip in log.strips():
        classes = expected[:, strip[0].address.kernel - 1].argmax(axis=1)
        called = [NAMES[one] if names else f"class {one}" for one in classes]
        told = [
            "",
            *("" if one == two else f"was {one}" for one, two in itertools.pairwise(called)),
        ]
        assert changes_of(strip) == told
        changed += len(set(classes)) > 1
    assert changed
    assert changes_of([]) == []


def test_a_class_is_the_same_whatever_it_is_called(tmp_path):
    """Two classes of one name are two, and one class of two names is one."""
    x = np.ones((1, 8, 8, 3), "float32")
    for epoch, class_, names in ((1, 0, "aab"), (2, 1, "aab"), (3, 1, "xyz")):
        with HeatmapLogger(tmp_path, x, class_, class_names=list(names)) as logger:
            logger.log(network(), epoch)
    assert changes_of(list(open_log(tmp_path))) == ["", "was a", ""]


def test_tensorboard_names_the_class_too(trained):
    """In the description of a card, in which a name cannot end its own quotation."""
    folder, expected = trained
    told = {value.tag: value.metadata.summary_description for _, value in read_pictures(folder / "names/heatmaps")}  # fmt: skip
    seen = set()
    for one, scores in enumerate(expected[3], 1):
        name = NAMES[scores.argmax()].replace("`", "'")
        assert f"input {one} of 6, epoch 3." in told[f"1-conv/1_{one}_3"]
        assert f" Class {scores.argmax()} `{name}`, score " in told[f"1-conv/1_{one}_3"]
        seen.add(name)
    assert len(seen) > 1


def test_a_score_of_ones_own_has_no_class(tmp_path):
    """Its value alone, and no change."""
    model, x = network(), np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    with HeatmapLogger(tmp_path, x, score=lambda outputs: -3 * outputs[:, 1]) as logger:
        logger.log(model, 1)
        logger.log(model, 2)
    values = np.exp(logits(x, model.get_weights()))
    values = -3 * values[:, 1] / values.sum(axis=1)
    for strip, value in zip(open_log(tmp_path).strips(), values, strict=True):
        for picture in strip:
            assert close(number_in(picture.caption, ": score"), value)
            assert picture.explains is None
        assert changes_of(strip) == ["", ""]


def test_what_is_not_finite_is_said(tmp_path):
    """Of a score: the index has no word for it, and stays JSON."""
    model, x = network(), np.ones((2, 8, 8, 3), "float32")
    model.layers[2].bias.assign([np.nan] * 3)
    with HeatmapLogger(tmp_path, x, 1) as logger:
        logger.log(model, 1)
    captions = [one.caption for one in open_log(tmp_path)]
    assert captions == ["input 1: class 1, score not finite", "input 2: class 1, score not finite"]
    assert [entry["scores"] for _, entry in read_entries(tmp_path / "heatmaps")] == [[None, None]]


def test_a_pattern_says_what_it_reaches(tmp_path):
    """The mean of the feature map of the pattern as it is drawn; or that nothing excites it."""
    model = network(bias=keras.initializers.Constant([0.5, 0.5, 0.5, -1e6]))
    with PatternLogger(tmp_path, steps=3, sheets=True) as logger:
        logger.log(model, 1)
    kernel, bias = map(np.asarray, (model.layers[0].kernel, model.layers[0].bias))
    *patterns, last = open_log(tmp_path).select(kernels=[1, 2, 3, 4])
    assert last.caption == "kernel 4 of 4: nothing excites it"
    for picture in patterns:
        number = picture.address.kernel
        x = np.moveaxis(picture.weights(), 0, -1)[None]
        reached = np.maximum(before_relu(x, kernel, bias), 0).mean(axis=(1, 2))[0, number - 1]
        assert picture.caption.startswith(f"kernel {number} of 4: excitation ")
        # The drawn pattern is right to half a level.
        told = number_in(picture.caption, "excitation")
        slack = np.abs(kernel[..., number - 1]).sum() / 510 + 0.0051 * reached
        assert abs(told - reached) <= slack < 0.3 * reached
    assert open_log(tmp_path).picture("1_0_1", view="patterns").caption == "4 kernels"


def test_expanded_kernels_and_examples(tmp_path):
    """Linearity where it was measured; of examples the kernel's largest and smallest value."""
    model = network()
    x = np.random.default_rng(3).normal(size=(20, 8, 8, 3)).astype("float32")
    with ExpansionLogger(tmp_path / "a", x) as a, ExpansionLogger(tmp_path / "b") as b, ExampleLogger(tmp_path / "c", x, top=5) as c:  # fmt: skip
        for logger in (a, b, c):
            logger.log(model, 1)
    captions = {log: [one.caption for one in open_log(tmp_path / log)] for log in "ab"}
    # The first layer is linear before its activation.
    assert captions["a"] == [f"kernel {one} of 4: linearity 1" for one in (1, 2, 3, 4)]
    assert captions["b"] == [f"kernel {one} of 4" for one in (1, 2, 3, 4)]
    values = before_relu(x, model.layers[0].kernel, model.layers[0].bias).max(axis=(1, 2))
    best = np.sort(values, axis=0)[::-1]
    for picture, column in zip(open_log(tmp_path / "c"), best.T, strict=True):
        assert picture.caption.startswith(f"kernel {picture.address.kernel} of 4: examples from ")
        assert close(number_in(picture.caption, "from"), column[0])
        assert close(number_in(picture.caption, "to"), column[4])


def test_the_other_views_count(tmp_path):
    """Kernels, slices, sheets and feature maps: which of how many."""
    model, x = two_convolutions(), np.ones((2, 8, 8, 3), "float32")
    with KernelLogger(tmp_path, sheets=True) as kernels, KernelLogger(tmp_path / "slices", slices=True) as slices, ActivationLogger(tmp_path, x) as maps:  # fmt: skip
        for logger in (kernels, slices, maps):
            logger.log(model, 1)
    log = open_log(tmp_path)
    assert log.picture("3_5_1", run=".").caption == "kernel 5 of 6"
    assert log.picture("3_0_1", run=".").caption == "6 kernels"
    # Slice 2 of filter 3: 1 · 4 + 3.
    captions = [log.picture(f"1_{number}_1", run="slices").caption for number in range(1, 13)]
    assert captions == [f"kernel {kernel} of 4, slice {slice_} of 3" for slice_ in (1, 2, 3) for kernel in (1, 2, 3, 4)]  # fmt: skip
    assert log.picture("3_5_1", view="activations").caption == "feature map 5 of 6"
    assert {one.explains for one in log} == {None}


PICTURE = png.encode(np.zeros((8, 8, 1), np.uint8))
ENTRY = {
    "number": "1", "name": "conv", "group": "1-conv", "kind": "Conv2D", "shape": [2, 8, 8],
    "axes": "nhw", "kernels": 3, "slices": 1, "tile": [8, 8], "pictures": "kernels",
    "drawn": [2, 3], "normalize": "kernel", "low": [0, 0], "high": [1, 1], "scale": 1,
    "columns": 1, "gap": 1, "colormap": "gray", "strength": 1.0,
    "classes": [4, 7], "class_names": ["four", "seven"], "scores": [0.5, 2],
}  # fmt: skip


def write(log_dir, entry):
    """Input 3 at epoch 1, with an entry of the index or without any."""
    events = EventFile(log_dir / "heatmaps", Disk())
    index = json.dumps({"format": 2, "layers": [entry]})
    told = [text_value("index/1", index)] if entry else []
    events.append([*told, image_value("1-conv/1_3_1", PICTURE, 8, 8, "", "")], 1)
    return open_log(log_dir).picture("1_3_1", view="heatmaps")


@pytest.mark.parametrize(
    ("change", "caption"),
    [
        ({}, "input 3: seven, score 2"),
        ({"class_names": None}, "input 3: class 7, score 2"),
        ({"class_names": ["four"]}, "input 3: class 7, score 2"),
        ({"class_names": "fs"}, "input 3: class 7, score 2"),
        ({"class_names": ["four", 7]}, "input 3: class 7, score 2"),
        ({"class_names": ["four", ""]}, "input 3: class 7, score 2"),
        ({"class_names": ["", "s" * 99]}, f"input 3: {'s' * 39}…, score 2"),
        ({"class_names": ["", "\x1b[31m\n"]}, "input 3: \\x1b[31m\\n, score 2"),
        ({"classes": [4, -1]}, "input 3: score 2"),
        ({"classes": [4, 1e400]}, "input 3: score 2"),
        ({"classes": [4, 2**31 - 1]}, "input 3: seven, score 2"),
        ({"classes": [4, 2**31]}, "input 3: score 2"),
        ({"classes": {}}, "input 3: score 2"),
        ({"scores": [0.5, "x"]}, "input 3: seven"),
        ({"scores": [0.5, 10**400]}, "input 3: seven"),
        ({"scores": [0.5, float("nan")]}, "input 3: seven, score not finite"),
        ({"scores": [0.5, None]}, "input 3: seven, score not finite"),
        ({"classes": None, "scores": None}, "input 3"),
        # As versions before wrote them: of all inputs, whichever were drawn.
        ({"classes": [1, 4, 7], "scores": [0, 0.5, 2], "class_names": 0}, "input 3: class 7, score 2"),
        ({"drawn": [3, 2]}, "input 3: four, score 0.5"),
    ],
)  # fmt: skip
def test_a_wrong_note_costs_itself(tmp_path, change, caption):
    """Weights are read all the same, and nothing is told, for nothing is lost but words."""
    picture = write(tmp_path, ENTRY | {"stacked": False} | change)
    assert picture.caption == caption
    assert np.array_equal(picture.weights(), np.zeros((1, 8, 8)))


def test_without_an_index_it_still_says_what_it_is_of(tmp_path):
    """An input, never a kernel."""
    with pytest.warns(LogWarning, match="without the index"):
        picture = write(tmp_path, None)
    assert (picture.caption, picture.explains) == ("input 3", None)


def test_notes_of_format_1(tmp_path):
    """It noted all inputs, and told of pictures and sheet in one entry."""
    sheet = {"low": 0, "high": 1, "scale": 1, "columns": 2, "gap": 1, "stacked": False, "colormap": "gray"}  # fmt: skip
    entry = ENTRY | {"classes": [1, 4, 7], "scores": [0, 0.5, 2], "low": 0, "high": 1, "sheet": sheet}  # fmt: skip
    text = json.dumps({"format": 1, "layers": [entry]}).encode()
    pictures, whole = parse_index(text, pytest.fail)
    assert notes_in(pictures).classes.tolist() == [4, 7]
    assert notes_in(pictures).values.tolist() == [0.5, 2]
    assert notes_in(whole).classes is None


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("cat", r"class_names: expected a list such as \['cat', 'dog'\], one text for each class, got 'cat'"),
        (3, r"class_names: expected a list such as .*, got 3"),
        ([], r"class_names: an empty list selects nothing"),
        (["a", 2, "c"], r"class_names: expected a list such as .*, got 2 in it"),
        (["a", " ", "c"], r"class_names: expected a list such as .*, got ' ' in it"),
        ({"a": 1}, r"class_names: expected a list such as .*, got a dict"),
        ({"a", "b", "c"}, r"class_names: expected a list such as .*, got a set"),
        (["a", "b"], r"class_names: model 'small' tells 3 classes, 0 to 2; expected 3 names, got 2"),
        (list("abcd"), r"class_names: model 'small' tells 3 classes, 0 to 2; expected 3 names, got 4"),
    ],
)  # fmt: skip
def test_wrong_names_are_told_before_training(tmp_path, names, told):
    """Each in a sentence that says what would do."""
    with pytest.raises(ArgumentError, match=told):
        begin_training(HeatmapLogger(tmp_path, np.ones((1, 8, 8, 3)), class_names=names), network())


def test_names_and_a_score_of_ones_own(tmp_path):
    """It tells of no class that could be named."""
    with pytest.raises(ArgumentError, match="class_names: a score of your own tells of no class"):
        HeatmapLogger(tmp_path, np.ones((1, 8, 8, 3)), score=lambda outputs: outputs[:, 0], class_names=NAMES)  # fmt: skip


def test_a_single_sigmoid_has_two_names(tmp_path):
    """Of an array of names, too; the class is that on the output's side of a half."""
    model = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(2, 3), L.GlobalAveragePooling2D(), L.Dense(1, "sigmoid")])  # fmt: skip
    x = np.random.default_rng(8).normal(size=(6, 8, 8, 3)).astype("float32")
    with HeatmapLogger(tmp_path, x, class_names=np.array(["no", "yes"])) as logger:
        logger.log(model, 1)
    found = [one.caption.partition(": ")[2].partition(",")[0] for one in open_log(tmp_path)]
    expected = np.where(np.asarray(model(x))[:, 0] > 0.5, "yes", "no").tolist()
    assert found == expected
    assert len(set(found)) == 2


def test_what_names_take():
    """Four bytes for each letter at most, whichever it is."""
    name = "\N{GRINNING FACE}" * 1000
    assert 8000 < notes_of(ENTRY | {"class_names": [name] * 2}).nbytes < 9000
