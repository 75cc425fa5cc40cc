"""Kernels in order: by planted changes, by norm, by how seldom they fire."""

import itertools
import math
import zipfile

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tb_kernels import (
    ActivationLogger,
    ArgumentError,
    KernelLogger,
    LogWarning,
    PatternLogger,
    open_log,
)
from tb_kernels.reading.measures import measure_changes, measure_norms, ratio
from tb_kernels.reading.ranking import top_kernels
from tests.helpers.models import two_convolutions
from tests.helpers.planted import (
    BROKEN,
    DEAD,
    FIRST,
    LAST,
    MOVES,
    ZERO_BEFORE,
    inputs,
    log_planted,
)


def norms(values):
    """By kernel, as plain as can be."""
    return np.array([math.sqrt(math.fsum(float(one) ** 2 for one in kernel.flat)) for kernel in values])  # fmt: skip


def true_values(kernels, by, layer):
    """What a kernel should be ranked by, from the weights that the model had."""
    before, after = kernels[layer, FIRST], kernels[layer, LAST]
    change, start = norms(after - before), norms(before)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(start > 0, change / start, np.nan)
    return {"change": change, "relative_change": relative, "norm": norms(after)}[by]


def order(values, *, ascending=False):
    """The numbers by hand: defined ones by value, equals by number, then the rest."""
    numbers = range(1, len(values) + 1)
    sign = 1 if ascending else -1
    told = [one for one in numbers if not math.isnan(values[one - 1])]
    return sorted(told, key=lambda one: (sign * values[one - 1], one)) + [one for one in numbers if one not in told]  # fmt: skip


@pytest.fixture(scope="module")
def exact(tmp_path_factory):
    """The planted network with exact weights and activations, and its kernels."""
    log_dir = tmp_path_factory.mktemp("exact")
    kernels = log_planted(log_dir, weights=True, activations=True)
    return open_log(log_dir), kernels


@pytest.mark.parametrize("by", ["change", "relative_change", "norm"])
@pytest.mark.parametrize("layer", ["1", "2", "3"])
def test_exact_weights_rank_exactly(exact, by, layer):
    """In the order of the model's own weights; each value is the true one, its error 0."""
    log, kernels = exact
    expected = true_values(kernels, by, layer)
    found = log.rank(by, layers=layer)
    assert [one.kernel for one in found] == order(expected)
    assert {one.layer for one in found} == {layer}
    np.testing.assert_allclose([one.value for one in found], expected[[one.kernel - 1 for one in found]], rtol=1e-12)  # fmt: skip
    assert [one.error for one in found if not math.isnan(one.value)] == [0.0] * (len(found) - (layer == "3") - (layer != "3" and by == "relative_change"))  # fmt: skip


def test_planted_changes(exact):
    """Each kernel moved as far as planted; the six that moved most come first."""
    log, _ = exact
    found = log.select(layers="moved").rank("change")[:6]
    assert [(one.layer, one.name, one.kernel) for one in found] == [
        ("1", "moved", kernel) for kernel in (7, 5, 3, 6, 4, 1)
    ]
    for one in found:
        assert one.value == pytest.approx(MOVES[one.kernel - 1], rel=1e-5)


def test_what_is_not_defined_stands_last(exact):
    """A NaN weight has no norm; from nothing no change is relative: NaN, and never infinite."""
    log, _ = exact
    for by in ("change", "norm"):
        last = log.rank(by, layers=3)[-1]
        assert last.kernel == BROKEN
        assert math.isnan(last.value)
        assert math.isnan(last.error)
    last = log.rank("relative_change", layers=1)[-1]
    assert last.kernel == ZERO_BEFORE
    assert math.isnan(last.value)
    assert all(one.value <= 2 for one in log.rank("relative_change") if not math.isnan(one.value))


STYLES = [{}, {"normalize": "kernel"}, {"slices": True}, {"normalize": "symmetric", "colormap": "viridis"}]  # fmt: skip


@pytest.mark.parametrize("style", STYLES, ids=["layer", "kernel", "slices", "viridis"])
def test_pictures_rank_within_the_error(style, tmp_path):
    """No value is farther from the model's than its error, and the errors are no excuse."""
    kernels = log_planted(tmp_path, **style)
    log = open_log(tmp_path)
    for layer in "123":
        for by in ("change", "relative_change", "norm"):
            expected = true_values(kernels, by, layer)
            found = log.rank(by, layers=layer)
            told = [one for one in found if not math.isnan(one.value)]
            assert len(told) >= len(expected) - 2
            for one in told:
                assert abs(one.value - expected[one.kernel - 1]) <= one.error
                assert one.error < 0.3
            # Only of a zero kernel on a scale of its own a picture tells all.
            assert sum(one.error == 0 for one in told) <= (style == {"normalize": "kernel"})
            assert [one.value for one in told] == sorted((one.value for one in told), reverse=True)
    moved = log.rank("change", layers=1)
    # Those that lie farther apart than both errors stand in their true order.
    for first, second in itertools.pairwise(moved):
        if first.value - first.error > second.value + second.error:
            assert MOVES[first.kernel - 1] > MOVES[second.kernel - 1]
    assert [one.kernel for one in moved[:3]] == [7, 5, 3]


def test_the_error_is_the_documented_one(tmp_path):
    """The root of n times half a level, at both epochs: by hand, from the range of the layer."""
    kernels = log_planted(tmp_path)
    for one in open_log(tmp_path).rank("change", layers=1):
        half = [np.ptp(kernels["1", epoch]) / 510 for epoch in (FIRST, LAST)]
        assert one.error == pytest.approx(math.sqrt(27) * sum(half), rel=1e-4)


def test_a_scale_that_clips_has_no_bound(tmp_path):
    """Behind the end of a scale a weight may be anywhere: the error says so."""
    log_planted(tmp_path, normalize=(-0.1, 0.1))
    found = open_log(tmp_path).rank("norm", layers=2)
    assert {one.error for one in found if one.value > 0.01} == {math.inf}


@pytest.mark.parametrize("by", ["change", "norm"])
def test_sheets_do_as_well(by, tmp_path):
    """Kernels that were not drawn alone are read from the sheet of their layer."""
    kernels = log_planted(tmp_path, kernels=[1, 6], sheets=True)
    found = open_log(tmp_path).rank(by, layers=1)
    assert {one.kernel for one in found} == {1, 6}
    for one in found:
        assert abs(one.value - true_values(kernels, by, "1")[one.kernel - 1]) <= one.error


FLOATS = st.floats(-1e3, 1e3, width=32)


@given(
    st.data(),
    arrays(np.float64, (2, 3, 4), elements=FLOATS),
    arrays(np.float64, (2, 3, 4), elements=FLOATS),
    st.floats(0, 100),
    st.floats(0, 100),
)
def test_law_of_the_error(data, before, after, error_before, error_after):
    """Whatever the true weights are within their errors: norms, changes and ratios are within theirs."""

    def shifted(values, error):
        signs = data.draw(arrays(np.float64, values.shape, elements=st.floats(-1, 1)))
        return values + signs * error

    true_before, true_after = shifted(before, error_before), shifted(after, error_after)
    found = measure_changes(before, after, error_before, error_after)
    start = measure_norms(before, error_before)
    change = norms(true_after - true_before)
    assert (np.abs(found.values - change) <= found.errors + 1e-9).all()
    assert (np.abs(start.values - norms(true_before)) <= start.errors + 1e-9).all()
    values, errors = ratio(found, start)
    for place in range(2):
        if math.isnan(values[place]):
            assert start.values[place] <= start.errors[place]
        else:
            true = change[place] / norms(true_before)[place]
            assert abs(values[place] - true) <= errors[place] * (1 + 1e-6) + 1e-6 * true


def test_large_layers_are_measured_in_parts():
    """The parts of a layer that is larger than one are put together in their order."""
    values = np.random.default_rng(0).normal(size=(5, 700_000)).astype("float32")
    found = measure_norms(values, 0.5)
    np.testing.assert_allclose(found.values, np.linalg.norm(values.astype(np.float64), axis=1), rtol=1e-12)  # fmt: skip
    np.testing.assert_allclose(found.errors, 0.5 * math.sqrt(700_000))
    np.testing.assert_allclose(measure_changes(values, 2 * values, 0, 0).values, found.values, rtol=1e-12)  # fmt: skip


def outputs_of(model, place, x):
    """A layer's output by Keras itself."""
    return np.asarray(keras.Model(model.inputs[0], model.layers[place].output)(x))


MODELS = {
    "2-D": ((8, 8, 3), lambda: keras.layers.Conv2D(6, 3, activation="relu")),
    "1-D": ((9, 2), lambda: keras.layers.Conv1D(6, 3, activation="relu")),
    "3-D": ((5, 6, 7, 2), lambda: keras.layers.Conv3D(6, 2, activation="relu")),
    "depthwise": ((8, 8, 3), lambda: keras.layers.DepthwiseConv2D(3, depth_multiplier=2)),
}


def small(kind):
    """A model of one convolution, one channel of which is never active, and twelve inputs."""
    shape, layer = MODELS[kind]
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input(shape), layer()])
    weight, bias = model.layers[0].get_weights()
    bias[DEAD - 1] = -100
    model.layers[0].set_weights([weight, bias])
    return model, np.random.default_rng(0).normal(size=(12, *shape)).astype("float32")


@pytest.mark.parametrize("keywords", [{}, {"group": False}, {"half_precision": True}, {"sheets": True}, {"kernels": [2, 5]}], ids=["plain", "no group", "half", "sheets", "two"])  # fmt: skip
@pytest.mark.parametrize("kind", MODELS)
def test_activity_is_that_of_the_model(kind, keywords, tmp_path):
    """The share of places above zero, over all inputs; the dead channel first."""
    model, x = small(kind)
    for logger in (KernelLogger(tmp_path), ActivationLogger(tmp_path, x, **keywords)):
        with logger:
            logger.log(model, 1)
    output = outputs_of(model, 0, x)
    expected = (output > 0).mean(axis=tuple(range(output.ndim - 1)))
    found = open_log(tmp_path).rank("activity")
    assert [one.kernel for one in found] == order(expected, ascending=True)
    np.testing.assert_allclose([one.value for one in found], np.sort(expected), rtol=1e-12)
    assert found[0] == ("1", found[0].name, DEAD, 0.0, 0.0)
    assert {one.error for one in found} == {0.0}


@pytest.mark.parametrize(
    "style",
    [{}, {"normalize": "layer"}, {"normalize": "kernel", "colormap": "viridis"}, {"normalize": (0.1, 0.2)}],
    ids=["standard", "layer", "viridis", "clipped"],
)  # fmt: skip
@pytest.mark.parametrize("kind", MODELS)
def test_activity_from_pictures(kind, style, tmp_path):
    """Without the arrays: of the eight inputs drawn, within the error."""
    model, x = small(kind)
    for logger in (KernelLogger(tmp_path), ActivationLogger(tmp_path, x, **style)):
        with logger:
            logger.log(model, 1)
    (tmp_path / "activations/activations_1.npz").unlink()
    output = outputs_of(model, 0, x[:8])
    expected = (output > 0).mean(axis=tuple(range(output.ndim - 1)))
    found = open_log(tmp_path).rank("activity")
    assert len(found) == 6
    for one in found:
        assert one.value <= expected[one.kernel - 1] <= one.value + one.error + 1e-12
    if "normalize" not in style:
        assert found[0].kernel == DEAD
        assert max(one.error for one in found) < 0.6


def test_activity_that_is_not_a_number(exact, tmp_path):
    """A map with a NaN has no share: last, from arrays and from pictures."""
    log, _ = exact
    last = log.rank("activity", layers="broken")[-1]
    assert last.kernel == BROKEN
    assert math.isnan(last.value)
    log_planted(tmp_path, activations=True)
    for path in (tmp_path / "activations").glob("*.npz"):
        path.unlink()
    found = open_log(tmp_path).rank("activity", layers="broken")
    assert [one.kernel for one in found if math.isnan(one.value)] == [BROKEN]


def test_kernels_of_several_layers(exact):
    """Layer after layer in the order of the network; `top` of each."""
    log, _ = exact
    found = log.rank("change", top=2)
    assert [(one.layer, one.kernel) for one in found] == [("1", 7), ("1", 5), ("2", 1), ("2", 2), ("3", 1), ("3", 2)]  # fmt: skip
    assert [(one.layer, one.kernel, one.value) for one in log.rank("number", layers=[3])] == [("3", n, float(n)) for n in range(1, 6)]  # fmt: skip
    assert log.rank("norm", top=1, layers=["moved"]) == log.select(layers=1).rank("norm")[:1]


def test_only_what_is_selected(exact):
    """Kernels that are not selected take no place; epochs are those selected, or asked for."""
    log, kernels = exact
    chosen = log.select(kernels=[1, 2, 3])
    assert [one.kernel for one in chosen.rank("change", layers=1)] == [3, 1, 2]
    for one in log.rank("norm", epochs=FIRST, layers=1):
        assert one.value == pytest.approx(norms(kernels["1", FIRST])[one.kernel - 1], rel=1e-12)
    assert log.select(epochs=FIRST).rank("norm") == log.rank("norm", epochs=[FIRST])
    backwards = log.rank("relative_change", epochs=(LAST, FIRST), layers=1)
    # What is zero at the last epoch has no change relative to that.
    assert math.isnan(backwards[-1].value)
    assert backwards[-1].kernel == 7


def test_epochs_in_between(tmp_path):
    """First and last by default, `final` behind all others; two others on request."""
    model = two_convolutions()
    weight, bias = model.layers[0].get_weights()
    with KernelLogger(tmp_path, weights=True, statistics=False) as logger:
        for epoch, place in ((1, 0), (2, 1), (5, 2)):
            weight[..., place] += 3 - place
            model.layers[0].set_weights([weight, bias])
            logger.log(model, epoch)
    log = open_log(tmp_path).select(layers=1)
    assert [one.kernel for one in log.rank()] == [2, 3, 1, 4]
    assert [one.value > 1 for one in log.rank()] == [True, True, False, False]
    assert [one.value > 1 for one in log.rank(epochs=(1, 2))] == [True, False, False, False]
    assert log.rank(epochs=(1, 2))[0].kernel == 2
    assert [one.value > 1 for one in log.rank(epochs=(2, 5))] == [True, False, False, False]
    assert log.rank(epochs=(2, 5))[0].kernel == 3


def test_final(tmp_path, data):
    """The model as training leaves it is an epoch to compare with."""
    model = two_convolutions()
    model.fit(*data, epochs=2, verbose=0, callbacks=[KernelLogger(tmp_path, epochs=[1, "final"], weights=True)])  # fmt: skip
    log = open_log(tmp_path)
    assert log.rank(epochs=(1, "final")) == log.rank()
    final = {one.kernel: one.value for one in log.rank("norm", epochs="final", layers=1)}
    np.testing.assert_allclose([final[n] for n in range(1, 5)], norms(np.moveaxis(model.layers[0].get_weights()[0].astype(float), -1, 0)), rtol=1e-12)  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"by": "size"}, "by: expected one of 'change', 'relative_change', 'norm', 'activity', 'number', got 'size'"),
        ({"by": ["change"]}, r"by: expected one of .*, got \['change'\]"),
        ({"layers": "conv9"}, "layers: no layer 'conv9' in"),
        ({"view": "gradients"}, "views: no view 'gradients' in .*; it has activations, kernels"),
        ({"epochs": (0, 3)}, r"epochs: no kernels of layer 1 \(moved\) in .* at epoch 3; there are 0, 10"),
        ({"epochs": 10}, r"epochs: 'change' compares two epochs such as \(1, 10\), got 10; of kernels of layer 1 \(moved\) in .* there are 0, 10"),
        ({"epochs": (0, 10, 0)}, "epochs: 'change' compares two epochs"),
        ({"epochs": (0, -1)}, r"epochs: expected whole numbers from 0 or 'final', such as \(1, 10\), got -1"),
        ({"run": "b"}, "runs: no run 'b' in"),
        ({"top": 0}, "top: expected a whole number from 1, got 0"),
    ],
)  # fmt: skip
def test_wrong_arguments(exact, arguments, told):
    """Each names the argument, what was given and what would do."""
    with pytest.raises(ArgumentError, match=told):
        exact[0].rank(**arguments)


def test_one_training_at_a_time(tmp_path):
    """Of several trainings one must be named, by run= or by selecting it."""
    for run in ("a", "b"):
        with KernelLogger(tmp_path / run) as logger:
            logger.log(two_convolutions(), 1)
    log = open_log(tmp_path)
    with pytest.raises(ArgumentError, match=r"run: kernels of one training are ranked, .* has those of a, b; say which with run="):  # fmt: skip
        log.rank("norm")
    assert len(log.rank("norm", run="a")) == len(log.select(runs="b").rank("norm")) == 10


def test_nothing_to_rank_by(tmp_path):
    """Said, with the logger that would have logged it; one epoch has no change."""
    with KernelLogger(tmp_path) as logger:
        logger.log(two_convolutions(), 1)
    log = open_log(tmp_path)
    with pytest.raises(ArgumentError, match=r"by: 'activity' needs the activations of a layer .* has none of 1, 3; expected what an ActivationLogger"):  # fmt: skip
        log.rank("activity")
    with pytest.raises(ArgumentError, match="'change' compares two epochs"):
        log.rank()


@pytest.mark.parametrize(
    "array",
    [np.full((12, 6, 6, 6), "a"), np.zeros((12, 6, 6, 5)), np.zeros((0, 6, 6, 6)), np.zeros(6)],
    ids=["texts", "channels", "no input", "one axis"],
)
def test_arrays_that_do_not_fit_the_pictures(array, tmp_path):
    """Anybody may have written them: the pictures count."""
    model, x = small("2-D")
    with ActivationLogger(tmp_path, x) as logger:
        logger.log(model, 1)
    path = tmp_path / "activations/activations_1.npz"
    with zipfile.ZipFile(path) as stored:
        comment, (name,) = stored.comment, stored.namelist()
    np.savez(path, **{name.removesuffix(".npy"): array})
    with zipfile.ZipFile(path, "a") as stored:
        stored.comment = comment
    found = open_log(tmp_path).rank("activity", view="activations")
    assert found[0].kernel == DEAD
    assert all(one.error > 0 for one in found[1:])


def test_activations_of_another_network_are_not_taken(tmp_path):
    """Two views of a directory may show two networks under the same numbers."""
    model, x = small("2-D")
    with KernelLogger(tmp_path) as logger:
        logger.log(two_convolutions(), 1)
    with ActivationLogger(tmp_path, x) as logger:
        logger.log(model, 1)
    log = open_log(tmp_path)
    with pytest.raises(ArgumentError, match="by: 'activity' needs the activations"):
        log.rank("activity")
    assert len(log.rank("activity", view="activations")) == 6


def test_of_models_that_are_alike_each_has_its_own_kernels(tmp_path):
    """One whose layer has been renamed goes on in the same directory where the other ended."""
    norms_of = {"before": [1, 2, 3, 4], "behind": [4, 1, 3, 2]}
    for epoch, (name, sizes) in enumerate(norms_of.items(), start=1):
        model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name=name)])
        model.layers[0].kernel.assign(np.ones((3, 3, 3, 4)) * sizes)
        for logger in (KernelLogger(tmp_path), ActivationLogger(tmp_path, inputs())):
            with logger:
                logger.log(model, epoch)
    log = open_log(tmp_path)
    assert [(one.view, one.name) for one in log.layers] == [(view, name) for view in ("kernels", "activations") for name in norms_of]  # fmt: skip
    for layer in log.layers:
        assert top_kernels(log, layer, "norm") == order(norms_of[layer.name])


def test_channels_of_layers_without_kernels(tmp_path):
    """A ReLU that is a layer of its own is ranked in its own view."""
    layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(), keras.layers.ReLU(name="relu")]  # fmt: skip
    model = keras.Sequential(layers)
    with ActivationLogger(tmp_path, inputs(), layers="relu") as logger:
        logger.log(model, 1)
    expected = (outputs_of(model, 2, inputs()) > 0).mean(axis=(0, 1, 2))
    log = open_log(tmp_path)
    found = log.rank("activity", view="activations")
    assert [(one.name, one.kernel) for one in found] == [("relu", n) for n in order(expected, ascending=True)]  # fmt: skip
    assert top_kernels(log, log.layers[0], "activity") == [one.kernel for one in found] != [1, 2, 3, 4]  # fmt: skip


@pytest.mark.filterwarnings("ignore::tb_kernels.errors.LogWarning")
def test_the_first_kernels_of_other_views(tmp_path):
    """Patterns and feature maps come in the order of their kernels' weights, whatever is selected."""
    kernels = log_planted(tmp_path, weights=True, activations=True)
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(8, 3, activation="relu", name="moved"), keras.layers.Conv2D(6, (3, 2), activation="relu", name="frozen"), keras.layers.Conv2D(5, 1, name="broken")], name="planted")  # fmt: skip
    with PatternLogger(tmp_path, layers="moved", kernels=[1, 2, 3, 5], steps=1) as logger:
        logger.log(model, LAST)
    log = open_log(tmp_path)
    patterns = log.select(views="patterns")
    assert top_kernels(patterns, patterns.layers[0]) == [5, 3, 1, 2]
    assert (
        top_kernels(patterns, patterns.layers[0], "norm", top=2)
        == [kernel for kernel in order(norms(kernels["1", LAST])) if kernel in (1, 2, 3, 5)][:2]
    )
    assert top_kernels(patterns, patterns.layers[0], "activity", top=1) == [DEAD]
    assert top_kernels(patterns, patterns.layers[0], "number", top=3) == [1, 2, 3]
    for layer in log.select(views=["kernels", "activations"], layers=1).layers:
        assert top_kernels(log, layer, top=6) == [7, 5, 3, 6, 4, 1]
        assert top_kernels(log, layer, "change", epochs=(FIRST, LAST), top=1) == [7]
    assert [one.kernel for one in log.rank("change", view="patterns")] == [5, 3, 1, 2]


def test_inputs_of_heatmaps_are_no_kernels(tmp_path):
    """Their numbers are those of inputs, so that nothing but these orders them."""
    from tests.helpers.models import train

    train(tmp_path, 1)
    log = open_log(tmp_path)
    (heatmaps,) = log.select(views="heatmaps").layers
    assert top_kernels(log, heatmaps, "change") == [1, 2, 3]
    with pytest.raises(ArgumentError, match="by: 'change' needs the kernels of a layer"):
        log.rank("change", view="heatmaps")
    (gradients, _) = log.select(views="gradients").layers
    expected = [one.kernel for one in log.rank("change", layers=gradients.number)]
    assert top_kernels(log, gradients, "change") == expected


def test_a_damaged_file_of_weights_is_told(tmp_path):
    """The pictures take its place, and their errors tell it."""
    log_planted(tmp_path, weights=True)
    path = tmp_path / f"kernels/kernels_{LAST}.npz"
    data = bytearray(path.read_bytes())
    data[300:400] = bytes(100)
    path.write_bytes(data)
    with pytest.warns(LogWarning, match="taken from its pictures"):
        found = open_log(tmp_path).rank("norm", layers=1)
    assert all(one.error > 0 for one in found)


def test_a_damaged_file_of_activations_is_told(tmp_path):
    """Likewise: the dead channel is found all the same."""
    model, x = small("2-D")
    with ActivationLogger(tmp_path, x) as logger:
        logger.log(model, 1)
    path = tmp_path / "activations/activations_1.npz"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.warns(LogWarning, match="the activity of layer 1 at epoch 1 is taken from its pictures"):  # fmt: skip
        first, *others = open_log(tmp_path).rank("activity", view="activations")
    assert (first.kernel, first.value, first.error) == (DEAD, 0, 0)
    assert all(one.error > 0 for one in others)
