"""A kernel beside what makes its input channels: the right slices, filters and signs."""

import keras
import numpy as np
import pytest

from tb_kernels import (
    ArgumentError,
    ExampleLogger,
    ExpansionLogger,
    KernelLogger,
    LogError,
    open_log,
)
from tb_kernels.figures import fitting
from tb_kernels.figures.saving import pixels_of
from tests.helpers.figures import texts_of
from tests.helpers.oracle import read_png
from tests.helpers.reports import export, find

L = keras.layers


@pytest.fixture(autouse=True)
def wide_page(monkeypatch):
    """Pictures are drawn as large as they were logged, so that they can be found."""
    monkeypatch.setattr(fitting, "_PAGE", 1000)


def network():
    """Two branches joined, normalized and pooled; then convolutions of every kind."""
    inputs = keras.Input((16, 16, 1))
    left = L.Conv2D(3, 3, padding="same", name="left")(inputs)
    right = L.Conv2D(5, 3, padding="same", name="right")(inputs)
    x = L.MaxPooling2D()(L.ReLU()(L.BatchNormalization()(L.Concatenate()([left, right]))))
    plain = L.Conv2D(6, 3, padding="same", name="plain")(x)
    grouped = L.Conv2D(4, 3, padding="same", groups=2, name="grouped")(x)
    separable = L.SeparableConv2D(6, 3, padding="same", depth_multiplier=2, name="separable")(x)
    depthwise = L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name="depthwise")(x)
    added = L.Conv2D(2, 3, name="added")(L.Add()([plain, separable]))
    # Each in the order of the data, whichever is deeper.
    outputs = [L.GlobalAveragePooling2D()(one) for one in (grouped, depthwise, added)]
    return keras.Model(inputs, L.Dense(1)(L.Concatenate()(outputs)))


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    return network()


@pytest.fixture(scope="module")
def log_dir(model, tmp_path_factory):
    """Kernels, and some of them expanded."""
    log_dir = tmp_path_factory.mktemp("context") / "logs"
    with KernelLogger(log_dir) as kernels, ExpansionLogger(log_dir, layers=["plain", "right"]) as expanded:  # fmt: skip
        for epoch in (1, 2):
            kernels.log(model, epoch)
            expanded.log(model, epoch)
    return log_dir


def context(log, address, **options):
    """The figure of a kernel in the view of kernels."""
    layer, kernel, epoch = address.split("_")
    chosen = log.select(views="kernels", layers=layer, kernels=int(kernel), epochs=int(epoch))
    return pixels_of(chosen.figure("context", **options))


def number_of(model, name):
    return str([layer.name for layer in model.layers].index(name) + 1)


def inputs_of(log_dir, model, name, kernel, part=""):
    return open_log(log_dir).picture(f"{number_of(model, name)}{part}_{kernel}_1").inputs()


def test_which_filter_makes_a_channel(log_dir, model):
    """By the rules of each kind of convolution: the joined map has three channels, then five."""
    left, right = number_of(model, "left"), number_of(model, "right")
    joined = [(left, 1), (left, 2), (left, 3)] + [(right, one) for one in range(1, 6)]
    assert inputs_of(log_dir, model, "left", 1) == [(1, ())]
    assert inputs_of(log_dir, model, "plain", 6) == [(n + 1, (joined[n],)) for n in range(8)]
    for kernel, first in ((1, 0), (2, 0), (3, 4), (4, 4)):
        expected = [(n + 1, (joined[n],)) for n in range(first, first + 4)]
        assert inputs_of(log_dir, model, "grouped", kernel) == expected
    for kernel in range(1, 17):
        channel = (kernel - 1) // 2
        expected = [(channel + 1, (joined[channel],))]
        assert inputs_of(log_dir, model, "depthwise", kernel) == expected
        assert inputs_of(log_dir, model, "separable", kernel, "-1") == expected
    expected = [(n // 2 + 1, (joined[n // 2],)) for n in range(16)]
    assert inputs_of(log_dir, model, "separable", 3, "-2") == expected
    both = (number_of(model, "plain"), number_of(model, "separable"))
    expected = [(n + 1, {(both[0], n + 1), (both[1], n + 1)}) for n in range(6)]
    found = inputs_of(log_dir, model, "added", 2)
    assert [(channel, set(filters)) for channel, filters in found] == expected


def test_the_figure(log_dir, model, tmp_path):
    """The strongest slices in their order, levels to the unit, each above its channel's maker."""
    export(log_dir, tmp_path, "--only", "contexts", "--layers", "plain", "--kernels", "3")
    plain = number_of(model, "plain")
    (path,) = (tmp_path / "contexts").rglob("*.png")
    assert path.name == f"{plain}_3_2.png"
    # Without colours, as its kernels are.
    figure = read_png(path)[..., None].repeat(3, axis=-1)
    np.testing.assert_array_equal(figure, context(open_log(log_dir), f"{plain}_3_2"))
    chosen = open_log(log_dir).select(views="kernels", layers="plain", kernels=3, epochs=2)
    told = " ".join(text for text, _ in texts_of(chosen.figure("context"))).replace("\n", " ")
    assert f"Kernel 3 of layer {plain}" in told
    kernel = np.array(model.get_layer("plain").kernel)[..., 2]
    most = np.abs(kernel).max()
    norms, sums = np.sqrt((kernel**2).sum((0, 1))), kernel.sum((0, 1))
    order = [c for c in np.argsort(-norms) if sums[c] >= 0] + [c for c in np.argsort(-norms) if sums[c] < 0]  # fmt: skip
    lefts = []
    for channel in order:
        side, maker = ("left", channel + 1) if channel < 3 else ("right", channel - 2)
        view = "kernels" if side == "left" else "expanded"
        number = number_of(model, side)
        folder = log_dir / view / f"{number}-{side}"
        picture = read_png(folder / f"{number}_{maker}_2.png")
        ((top, left),) = find(figure, picture)
        lefts.append(left)
        middle = left + picture.shape[1] // 2
        # The slice stands above: 3 x 3 squares of 32 pixels, their middle in that of the column.
        levels = (kernel[:, :, channel] / most + 1) / 2 * 255
        squares = levels.repeat(32, axis=0).repeat(32, axis=1)
        above = figure[:top, middle - 48 : middle + 48].astype(int)
        heights = [y for y in range(top - 96) if np.abs(above[y : y + 96] - squares[..., None]).max() <= 2]  # fmt: skip
        assert len(heights) == 1
    assert lefts == sorted(lefts)
    own = read_png(log_dir / "expanded" / f"{plain}-plain" / f"{plain}_3_2.png")
    ((_, left),) = find(figure, own)
    assert left > max(lefts)


def test_an_addition_has_both_below_each_other(log_dir, model):
    """And of kernels with many slices, and no picture that tells more, the address alone."""
    added, plain = number_of(model, "added"), number_of(model, "plain")
    figure = context(open_log(log_dir), f"{added}_1_1", top=2)
    kernel = np.array(model.get_layer("added").kernel)[..., 0]
    strongest = np.argsort(-np.sqrt((kernel**2).sum((0, 1))))
    for place, channel in enumerate(strongest):
        picture = read_png(log_dir / f"expanded/{plain}-plain/{plain}_{channel + 1}_1.png")
        assert len(find(figure, picture)) == (place < 2)


def test_what_has_no_context(log_dir, model, tmp_path):
    """Is refused in words; a selection knows the rest of its log."""
    log = open_log(log_dir)
    with pytest.raises(ArgumentError, match="a context is of one kernel, and 6 are selected"):
        log.select(views="kernels", layers="plain", epochs=1).figure("context")
    with pytest.raises(ArgumentError, match="top: expected"):
        context(log, f"{number_of(model, 'plain')}_1_1", top=0)
    with pytest.raises(LogError, match="expected the picture of a whole kernel"):
        log.select(views="expanded").picture(f"{number_of(model, 'plain')}_1_1", view="expanded").inputs()  # fmt: skip
    sliced = tmp_path / "sliced"
    with KernelLogger(sliced, slices=True) as logger:
        logger.log(model, 1)
    with pytest.raises(LogError, match="expected the picture of a whole kernel"):
        context(open_log(sliced), f"{number_of(model, 'plain')}_1_1")
    address = f"{number_of(model, 'plain')}_1_1"
    np.testing.assert_array_equal(
        context(log.select(layers="plain"), address), context(log, address)
    )
    flat = keras.Sequential([keras.Input((9, 1)), L.Conv1D(2, 3), L.Conv1D(2, 3)])
    with KernelLogger(tmp_path / "flat") as logger:
        logger.log(flat, 1)
    assert context(open_log(tmp_path / "flat"), "2_1_1").shape[2] == 3


def test_views_of_two_models_are_not_joined(model, tmp_path):
    """Their layers have the same numbers; but a copy's stand for those of the model itself."""
    plain = number_of(model, "plain")
    other = keras.Sequential([keras.Input((16, 16, 1)), *(L.Conv2D(8, 3, padding="same") for _ in range(10))])  # fmt: skip
    for name, one in (("mixed", other), ("copied", keras.models.clone_model(model))):
        with KernelLogger(tmp_path / name) as kernels, ExpansionLogger(tmp_path / name, layers=int(plain)) as expanded:  # fmt: skip
            kernels.log(model, 1)
            expanded.log(one, 1)
        log = open_log(tmp_path / name)
        views = log.in_all_views(log.picture(f"{plain}_2_1"))
        figure = context(log, f"{plain}_2_1")
        own = read_png(next((tmp_path / name / "expanded").rglob(f"{plain}_2_1.png")))
        assert len(views) == 1 + (name == "copied")
        assert len(find(figure, own)) == (name == "copied")


def test_examples_are_drawn_as_they_were_logged(model, tmp_path):
    """Four in a row beside a kernel; on no other scale, which that of their mean would not be."""
    plain, random = number_of(model, "plain"), np.random.default_rng(0)
    x = random.normal(size=(12, 16, 16, 1)).astype("float32")
    with KernelLogger(tmp_path) as kernels, ExampleLogger(tmp_path, x, layers="plain", kernels=2, normalize="kernel", scale=2) as examples:  # fmt: skip
        for epoch in (1, 2):
            kernels.log(model, epoch)
            examples.log(model, epoch)
            x[:] = random.normal(scale=2, size=x.shape)
    log = open_log(tmp_path)
    strip = list(log.select(views="examples"))
    assert len({picture.legend.limits.high.item() for picture in strip}) == 2
    figure = pixels_of(log.select(views="examples").figure("strip"))
    for picture in strip:
        assert len(find(figure, picture.pixels())) == 1
    own = strip[0].redraw(columns=4)
    assert own.shape != strip[0].pixels().shape
    assert len(find(context(log, f"{plain}_2_1"), own)) == 1
