"""When the logger looks, what its keywords draw, and what it tells."""

import copy
import pickle
import threading
import time
import warnings

import keras
import numpy as np
import pytest

from tb_kernels import ArgumentError, KernelLogger, LogWarning
from tests.helpers.disk import slow_down
from tests.helpers.oracle import (
    assert_shows,
    draw,
    level,
    picture_of,
    read_index,
    read_pictures,
    read_png,
    read_scalars,
    read_values,
)

L = keras.layers


def pictures(log_dir):
    """The addresses on disk."""
    return {path.stem for path in (log_dir / "kernels").rglob("*.png")}


def epochs_of(log_dir):
    return sorted({int(address.split("_")[2]) for address in pictures(log_dir)})


def fit(model, data, logger, epochs=3, **options):
    options = {"verbose": 0, **options}
    return model.fit(*data, epochs=epochs, callbacks=[logger], **options)


@pytest.mark.parametrize(
    ("asked", "drawn"),
    [
        (None, [1, 2, 3]),
        ([1, 3], [1, 3]),
        ([0, 2], [0, 2]),
        ("last", [3]),
        ([1, "last"], [1, 3]),
        ([3, "last"], [3]),
        (np.array([1, 3]), [1, 3]),
        (range(2, 4), [2, 3]),
        (np.array([2]), [2]),
        ((epoch for epoch in (1, 2)), [1, 2]),
    ],
)
def test_epochs(model, data, tmp_path, asked, drawn):
    """The epochs asked for are drawn, by the numbers that Keras prints."""
    fit(model, data, KernelLogger(tmp_path, epochs=asked))
    assert epochs_of(tmp_path) == drawn


def test_epoch_0_is_the_model_before_training(model, data, tmp_path):
    """Epoch 0 shows the weights as they were, and later epochs do not."""
    before = np.array(model.layers[0].kernel)
    model.optimizer.learning_rate = 0.1
    fit(model, data, KernelLogger(tmp_path, epochs=[0, 3]))
    after = np.array(model.layers[0].kernel)
    assert np.abs(before - after).max() > 0.01
    for epoch, weight in ((0, before), (3, after)):
        picture = read_png(tmp_path / f"kernels/1-first/1_2_{epoch}.png")
        assert_shows(picture, picture_of("Conv2D", weight, 2))


def test_epoch_0_is_taken_in_the_first_fit_only(model, data, tmp_path):
    """A second fit begins at 1 again and does not draw 0 anew."""
    logger = KernelLogger(tmp_path, epochs=[0, 1])
    before = np.array(model.layers[0].kernel)
    fit(model, data, logger, epochs=1)
    fit(model, data, logger, epochs=1)
    assert_shows(read_png(tmp_path / "kernels/1-first/1_1_0.png"), picture_of("Conv2D", before, 1))
    after = np.array(model.layers[0].kernel)
    assert_shows(read_png(tmp_path / "kernels/1-first/1_1_1.png"), picture_of("Conv2D", after, 1))


def test_epoch_0_is_not_taken_after_initial_epoch(model, data, tmp_path):
    """A training that goes on at epoch 3 has no epoch 0, and says so at its end."""
    with pytest.warns(LogWarning, match="epochs 0 were asked for and not reached"):
        fit(model, data, KernelLogger(tmp_path, epochs=[0, 3]), initial_epoch=2)
    assert epochs_of(tmp_path) == [3]


def test_epoch_0_is_taken_after_backup_and_restore(data, tmp_path):
    """A training restored by BackupAndRestore begins later, so its weights are no epoch 0."""
    from tests.helpers.models import two_convolutions

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise RuntimeError("interrupted")

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup")

    first = two_convolutions()
    with pytest.raises(RuntimeError, match="interrupted"):
        first.fit(*data, epochs=4, verbose=0, callbacks=[backup(), Stop()])
    second = two_convolutions()
    logger = KernelLogger(tmp_path / "logs", epochs=[0, 4])
    with pytest.warns(LogWarning, match="epochs 0 were asked for"):
        second.fit(*data, epochs=4, verbose=0, callbacks=[logger, backup()])
    assert epochs_of(tmp_path / "logs") == [4]


def test_last_is_what_training_leaves(model, data, tmp_path):
    """With EarlyStopping before it in the list, "last" shows the weights it restored."""
    stopping = keras.callbacks.EarlyStopping(monitor="loss", patience=1, restore_best_weights=True)
    model.optimizer.learning_rate = 100.0  # every epoch is worse than the first
    logger = KernelLogger(tmp_path, epochs=["last"])
    model.fit(*data, epochs=9, verbose=0, callbacks=[stopping, logger])
    (epoch,) = epochs_of(tmp_path)
    assert 1 < epoch < 9
    picture = read_png(tmp_path / f"kernels/3-second/3_5_{epoch}.png")
    assert_shows(picture, picture_of("Conv2D", np.array(model.layers[2].kernel), 5))


def test_last_wins_over_its_own_number(model, data, tmp_path):
    """An epoch that is asked for by number and is the last is drawn as training leaves the model."""

    class Swap(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            self.model.layers[0].kernel.assign(swapped)

    swapped = np.random.default_rng(0).normal(size=(3, 3, 3, 4)).astype("float32")
    callbacks = [Swap(), KernelLogger(tmp_path, epochs=[1, 3, "last"])]
    model.fit(*data, epochs=3, verbose=0, callbacks=callbacks)
    assert epochs_of(tmp_path) == [1, 3]
    picture = read_png(tmp_path / "kernels/1-first/1_2_3.png")
    assert_shows(picture, picture_of("Conv2D", swapped, 2))
    tags = [value.tag for _, value in read_pictures(tmp_path / "kernels")]
    assert len(tags) == len(set(tags)) == 20


def test_a_refused_fit_is_not_the_first(model, data, tmp_path):
    """Epoch 0 is drawn by the first fit that begins to train."""
    (tmp_path / "kernels").write_text("in the way")
    logger = KernelLogger(tmp_path, epochs=[0, 1])
    with pytest.raises(ArgumentError, match="log_dir"):
        fit(model, data, logger, epochs=1)
    (tmp_path / "kernels").unlink()
    fit(model, data, logger, epochs=1)
    assert epochs_of(tmp_path) == [0, 1]


def test_a_fit_of_no_epoch_says_what_is_missing(model, data, tmp_path):
    """Nothing was trained; what was asked for is told all the same."""
    with pytest.warns(LogWarning, match="epochs 1 were asked for and not reached: no epoch"):
        fit(model, data, KernelLogger(tmp_path, epochs=[1]), epochs=2, initial_epoch=2)


def test_epochs_never_reached_are_told_at_the_end(model, data, tmp_path):
    """An epoch after the training's end is named, once."""
    with pytest.warns(LogWarning, match="epochs 7, 9 were asked for .* ended after epoch 3") as told:  # fmt: skip
        fit(model, data, KernelLogger(tmp_path, epochs=[1, 9, 7]))
    assert len([w for w in told if w.category is LogWarning]) == 1


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


WEIGHTS = np.random.default_rng(3).normal(0.1, 0.2, (3, 2, 4, 5)).astype("float32")


def drawn_with(log_dir, weights=WEIGHTS, epochs=(1,), **keywords):
    """Logs one convolution of the given weights; the pictures by kernel and the entry."""
    layer = L.Conv2D(weights.shape[3], weights.shape[:2], name="c")
    model = keras.Sequential([keras.Input((9, 9, weights.shape[2])), layer])
    layer.kernel.assign(weights)
    with KernelLogger(log_dir, **keywords) as logger:
        for epoch in epochs:
            logger.log(model, epoch)
    (entry,) = read_index(log_dir / "kernels")[epochs[-1]]["layers"]
    found = {
        int(path.stem.split("_")[1]): read_png(path)
        for path in (log_dir / "kernels/1-c").glob(f"*_{epochs[-1]}.png")
    }
    return found, entry


def tiles(weights, kernel, low, high):
    return [level(weights[:, :, i, kernel - 1], low, high) for i in range(weights.shape[2])]


@pytest.mark.parametrize(
    ("normalize", "limits"),
    [
        ("layer", lambda w, k: (w.min(), w.max())),
        ("kernel", lambda w, k: (w[..., k - 1].min(), w[..., k - 1].max())),
        ("symmetric", lambda w, k: (-np.abs(w).max(), np.abs(w).max())),
        ((-0.1, 0.3), lambda w, k: (-0.1, 0.3)),
    ],
)
def test_normalize(tmp_path, normalize, limits):
    """Black and white are the weights that the mode says, and the index knows them."""
    found, entry = drawn_with(tmp_path, normalize=normalize)
    for kernel in range(1, 6):
        low, high = map(float, limits(WEIGHTS, kernel))
        assert_shows(found[kernel], draw(tiles(WEIGHTS, kernel, low, high)))
        pick = (
            (lambda ends, k=kernel: ends[k - 1]) if normalize == "kernel" else (lambda ends: ends)
        )
        np.testing.assert_allclose(
            [pick(entry["low"]), pick(entry["high"])], [low, high], rtol=1e-6
        )


def test_normalize_standard(tmp_path):
    """Centred, divided by the deviation, times 64 plus 128, clipped."""
    found, _ = drawn_with(tmp_path, normalize="standard")
    mean, deviation = WEIGHTS.astype(float).mean(), WEIGHTS.astype(float).std()
    for kernel in range(1, 6):
        expected = [
            np.clip((WEIGHTS[:, :, i, kernel - 1] - mean) / deviation * 64 + 128, 0, 255)
            for i in range(4)
        ]
        assert_shows(found[kernel], draw(expected))


def test_normalize_first_keeps_the_first_epochs_limits(data, model, tmp_path):
    """Later epochs are drawn against the first, clipped; also after a second fit."""
    logger = KernelLogger(tmp_path, normalize="first")
    model.optimizer.learning_rate = 0.0
    first = np.array(model.layers[0].kernel)
    fit(model, data, logger, epochs=1)
    later = first * 3 + 0.1
    model.layers[0].kernel.assign(later)
    fit(model, data, logger, epochs=2, initial_epoch=1)
    for kernel in range(1, 5):
        low, high = float(first.min()), float(first.max())
        picture = read_png(tmp_path / f"kernels/1-first/1_{kernel}_2.png")
        assert_shows(picture, draw(tiles(later, kernel, low, high)))


def test_all_weights_equal_are_mid_grey(tmp_path):
    """No division by zero: 128 everywhere, whatever the mode that looks at the weights."""
    for normalize in ("layer", "kernel", "first", "standard"):
        found, _ = drawn_with(tmp_path / normalize, np.full((3, 3, 2, 2), 0.3, "float32"), normalize=normalize)  # fmt: skip
        squares = found[1][found[1] != 255]
        assert squares.size
        assert (squares == 128).all()
    found, _ = drawn_with(tmp_path / "s", np.zeros((3, 3, 1, 2), "float32"), normalize="symmetric")
    assert (found[1] == 128).all()


def test_weights_that_are_not_finite_are_red(tmp_path):
    """They take no part in low and high, are drawn red, and are told once per layer."""
    weights = WEIGHTS.copy()
    weights[0, 1, 2, 3] = np.nan
    weights[1, 0, 0, 0] = np.inf
    weights[2, 1, 3, 4] = -np.inf
    finite = weights[np.isfinite(weights)]
    for normalize in ("layer", "kernel", "first", "symmetric", "standard", (-1, 1)):
        with pytest.warns(LogWarning, match=r"layer 1 'c', 3 of 120 weights at epoch 1") as told:
            found, entry = drawn_with(tmp_path / str(normalize), weights, (1, 2), normalize=normalize)  # fmt: skip
        assert len([w for w in told if w.category is LogWarning]) == 1
        if normalize == "layer":
            assert (entry["low"], entry["high"]) == (finite.min(), finite.max())
            for kernel in range(1, 6):
                bad = [~np.isfinite(weights[:, :, i, kernel - 1]) for i in range(4)]
                red = draw([255.0 * b for b in bad]) == 255
                red &= draw([np.where(b, 1.0, 2.0) for b in bad]) == 1
                expected = draw(tiles(np.nan_to_num(weights, posinf=0, neginf=0), kernel, finite.min(), finite.max()))  # fmt: skip
                assert (found[kernel][red] == (255, 0, 0)).all()
                assert np.abs(found[kernel][~red] - expected[~red][:, None]).max() <= 1
        assert (found[4] == (255, 0, 0)).all(axis=-1).any()


def test_a_layer_without_finite_weights_is_all_red(tmp_path):
    """Nothing divides by nothing."""
    with pytest.warns(LogWarning, match="not finite"):
        found, entry = drawn_with(tmp_path, np.full((2, 2, 1, 1), np.nan, "float32"))
    assert (found[1] == (255, 0, 0)).all()
    assert (entry["low"], entry["high"]) == (0, 0)


def test_extreme_weights(tmp_path):
    """The largest and the smallest numbers of float32 overflow nowhere."""
    weights = np.array([-3.4e38, 3.4e38, 0, 1e-45], "float32").reshape(2, 2, 1, 1)
    found, _ = drawn_with(tmp_path, weights)
    assert sorted(np.unique(found[1])) == [0, 128, 255]
    tiny = np.array([0, 1e-45, 3e-45, 4e-45], "float32").reshape(2, 2, 1, 1)
    found, _ = drawn_with(tmp_path / "tiny", tiny)
    assert_shows(found[1], draw([level(tiny[:, :, 0, 0], 0, float(tiny.max()))]))


@pytest.mark.parametrize(("columns", "scale"), [(1, 5), (3, 1), (9, 2), (2, None), (None, 7)])
def test_columns_and_scale(tmp_path, columns, scale):
    """Slices in a row and pixels per weight are as asked for, and the index says so."""
    found, entry = drawn_with(tmp_path, columns=columns, scale=scale)
    expected = tiles(WEIGHTS, 2, float(WEIGHTS.min()), float(WEIGHTS.max()))
    assert_shows(found[2], draw(expected, columns and min(columns, 4), scale))
    assert entry["columns"] == min(columns or 4, 4)
    if scale:
        assert (entry["scale"], entry["gap"]) == (scale, max(1, scale // 4))


def test_2048_input_channels(tmp_path):
    """A kernel of very many slices fills rows of ceil(sqrt(n))."""
    weights = np.random.default_rng(0).normal(size=(3, 3, 2048, 2)).astype("float32")
    found, entry = drawn_with(tmp_path, weights)
    assert entry["columns"] == 46
    assert_shows(found[2], draw(tiles(weights, 2, float(weights.min()), float(weights.max()))))


def test_colormap(tmp_path):
    """A matplotlib map gives each level its colour; gaps and empty cells stay white."""
    import matplotlib

    weights = np.random.default_rng(0).normal(size=(2, 2, 5, 1)).astype("float32")
    found, entry = drawn_with(tmp_path, weights, colormap="viridis")
    levels = tiles(weights, 1, float(weights.min()), float(weights.max()))
    grey = draw([np.rint(tile) for tile in levels])
    cells = draw([np.zeros_like(tile) for tile in levels]) == 0
    expected = matplotlib.colormaps["viridis"](grey.astype(int), bytes=True)[..., :3]
    # A level may round the other way, one step along the map.
    assert np.abs(found[1][cells].astype(int) - expected[cells]).max() <= 4
    assert (found[1][~cells] == 255).all()
    assert entry["colormap"] == "viridis"


def test_colormap_rgb(tmp_path):
    """Kernels of three input channels are one colour picture, others stay grey."""
    weights = WEIGHTS[:, :, :3]
    found, entry = drawn_with(tmp_path, weights, colormap="rgb")
    low, high = float(weights.min()), float(weights.max())
    for kernel in range(1, 6):
        for channel in range(3):
            plane = draw([level(weights[:, :, channel, kernel - 1], low, high)])
            assert_shows(found[kernel][..., channel], plane)
    assert entry["colormap"] == "rgb"
    found, entry = drawn_with(tmp_path / "four", WEIGHTS, colormap="rgb")
    assert found[1].ndim == 2
    assert entry["colormap"] == "gray"


def test_slices(tmp_path):
    """Each slice is a picture numbered slice * filters + filter + 1."""
    found, entry = drawn_with(tmp_path, slices=True)
    low, high = float(WEIGHTS.min()), float(WEIGHTS.max())
    assert set(found) == set(range(1, 21))
    for slice_ in range(4):
        for filter_ in range(5):
            expected = draw([level(WEIGHTS[:, :, slice_, filter_], low, high)])
            assert_shows(found[slice_ * 5 + filter_ + 1], expected)
    assert entry["pictures"] == "slices"


def test_slices_by_kernel_limits(tmp_path):
    """normalize="kernel" scales a slice with all slices of its kernel."""
    found, _ = drawn_with(tmp_path, slices=True, normalize="kernel", kernels=[2 * 5 + 3 + 1])
    kernel = WEIGHTS[..., 3]
    expected = draw([level(kernel[:, :, 2], float(kernel.min()), float(kernel.max()))])
    assert set(found) == {14}
    assert_shows(found[14], expected)


def test_slices_of_a_3d_kernel_count_depth_within_channels(tmp_path):
    """Slices count input channels, and within them depth."""
    layer = L.Conv3D(3, (2, 3, 3), name="c")
    model = keras.Sequential([keras.Input((5, 5, 5, 4)), layer])
    with KernelLogger(tmp_path, slices=True) as logger:
        logger.log(model, 1)
    weight = np.array(layer.kernel)
    low, high = float(weight.min()), float(weight.max())
    for channel in range(4):
        for depth in range(2):
            number = (channel * 2 + depth) * 3 + 1 + 1
            picture = read_png(tmp_path / f"kernels/1-c/1_{number}_1.png")
            assert_shows(picture, draw([level(weight[depth, :, :, channel, 1], low, high)]))


def test_sheets(tmp_path):
    """The sheet has a row per kernel and a column per input channel, on the layer's scale."""
    for normalize in ("layer", "kernel"):
        found, entry = drawn_with(tmp_path / normalize, sheets=True, normalize=normalize)
        low, high = float(WEIGHTS.min()), float(WEIGHTS.max())
        cells = [tile for kernel in range(1, 6) for tile in tiles(WEIGHTS, kernel, low, high)]
        assert_shows(found[0], draw(cells, columns=4))
        sheet = entry["sheet"]
        assert sheet["columns"] == 4
        np.testing.assert_allclose([sheet["low"], sheet["high"]], [low, high])


def test_sheets_of_single_slices_stand_in_a_square(tmp_path):
    """A depthwise layer's sheet is no endless column."""
    layer = L.DepthwiseConv2D(3, name="c")
    model = keras.Sequential([keras.Input((9, 9, 30)), layer])
    with KernelLogger(tmp_path, sheets=True) as logger:
        logger.log(model, 1)
    weight = np.array(layer.kernel)
    cells = [level(weight[:, :, i, 0], float(weight.min()), float(weight.max())) for i in range(30)]
    assert_shows(read_png(tmp_path / "kernels/1-c/1_0_1.png"), draw(cells))


def test_sheets_stay_of_a_size_that_can_be_opened(tmp_path):
    """A scale asked for is lowered on a sheet that would be longer than 8,192 pixels."""
    weights = np.zeros((1, 1, 2, 3000), "float32")
    found, entry = drawn_with(tmp_path, weights, sheets=True, scale=4, kernels=[1])
    assert found[1].shape == (4, 9)
    assert max(found[0].shape) <= 8192
    assert entry["sheet"]["scale"] == 1


def test_subclassed_model_is_looked_at_when_it_is_built(data, tmp_path):
    """A model built by its first batch: epoch 0 cannot be drawn, told once; all else is."""

    class Late(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = L.Conv2D(2, 3, name="c")
            self.dense = L.Dense(1)

        def call(self, x):
            return self.dense(keras.ops.mean(self.conv(x), axis=(1, 2)))

    for number, model in enumerate((Late(), keras.Sequential([L.Conv2D(2, 3, name="c"), L.GlobalMaxPool2D(), L.Dense(1)]))):  # fmt: skip
        model.compile("sgd", "mse")
        log_dir = tmp_path / str(number)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            fit(model, data, KernelLogger(log_dir, epochs=[0, 1, 2]), epochs=2)
        about_zero = [w for w in told if "epoch 0 cannot be drawn" in str(w.message)]
        assert len(about_zero) == (0 if 0 in epochs_of(log_dir) else 1)
        assert {1, 2} <= set(epochs_of(log_dir))
        weight = np.array(model.layers[0].kernel)
        assert_shows(read_png(log_dir / "kernels/1-c/1_2_2.png"), picture_of("Conv2D", weight, 2))


def test_log_outside_fit(model, tmp_path):
    """A loop of one's own logs the epochs it names; the rest is as in fit."""
    with KernelLogger(tmp_path) as logger:
        assert logger.log(model, epoch=0)
        assert logger.log(model, epoch=3)
    assert epochs_of(tmp_path) == [0, 3]
    assert {step for step, _ in read_values(tmp_path / "kernels")} == {-1, 2}


def test_log_keeps_to_the_epochs_chosen(model, tmp_path):
    """Where epochs were named, the others are passed over."""
    with KernelLogger(tmp_path, epochs=[2, 4]) as logger:
        assert [logger.log(model, epoch) for epoch in range(1, 5)] == [False, True, False, True]
    assert epochs_of(tmp_path) == [2, 4]


def test_flush_leaves_everything_readable(model, tmp_path):
    """After flush all files and events are there, while the logger stays in use."""
    logger = KernelLogger(tmp_path)
    logger.log(model, 1)
    logger.flush()
    assert len(pictures(tmp_path)) == 10
    assert len(read_values(tmp_path / "kernels")) == 10 + 1 + 2  # pictures, index, norms
    logger.close()
    logger.close()
    logger.log(model, 2)
    logger.close()
    assert len(pictures(tmp_path)) == 20


def test_unused_logger_can_be_copied_and_pickled(model, data, tmp_path):
    """KerasTuner copies callbacks for each trial."""
    logger = KernelLogger(tmp_path / "a", epochs=[1], normalize="symmetric")
    for number, twin in enumerate((copy.deepcopy(logger), pickle.loads(pickle.dumps(logger)))):  # noqa: S301
        twin.log_dir = tmp_path / str(number)
        fit(model, data, twin, epochs=1)
        assert epochs_of(tmp_path / str(number)) == [1]


def test_two_loggers_share_a_run(model, data, tmp_path):
    """Two loggers on one directory write one event file and one index of both."""
    loggers = [KernelLogger(tmp_path, layers="first"), KernelLogger(tmp_path, layers="second")]
    model.fit(*data, epochs=2, verbose=0, callbacks=loggers)
    assert len(list((tmp_path / "kernels").glob("events*"))) == 1
    for index in read_index(tmp_path / "kernels").values():
        assert [entry["name"] for entry in index["layers"]] == ["first", "second"]
    assert len(pictures(tmp_path)) == 20


def test_two_loggers_of_one_layer_are_both_in_the_index(model, tmp_path):
    """Each picture can be read back by the entry that drew it."""
    one = KernelLogger(tmp_path, layers=1, kernels=[1], normalize=(-1, 1))
    two = KernelLogger(tmp_path, layers=1, kernels=[2], normalize="kernel")
    one.log(model, 1)
    two.log(model, 1)
    one.close()
    two.close()
    entries = read_index(tmp_path / "kernels")[1]["layers"]
    assert [(entry["drawn"], entry["normalize"]) for entry in entries] == [
        ([1], [-1, 1]), ([2], "kernel"),
    ]  # fmt: skip


def test_two_models_by_one_logger(tmp_path, capsys):
    """A loop over generator and discriminator announces each once, and the index has both."""
    models = [
        keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(2, 3, name=name)])
        for name in ("generator", "discriminator")
    ]
    with KernelLogger(tmp_path) as logger:
        for epoch in (1, 2):
            for model in models:
                logger.log(model, epoch)
    assert capsys.readouterr().out.count("tb_kernels:") == 2
    entries = read_index(tmp_path / "kernels")[2]["layers"]
    assert [entry["group"] for entry in entries] == ["1-generator", "1-discriminator"]
    assert len(list((tmp_path / "kernels").rglob("1_*_2.png"))) == 4


def test_layers_built_later_are_drawn_later(tmp_path):
    """A convolution that is not called at first joins once it has weights."""

    class Both(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = L.Conv2D(2, 3, name="a"), L.Conv2D(3, 3, name="b")
            self.first.build((None, 8, 8, 3))
            self.built = True

        def call(self, x):
            return self.second(self.first(x))

    both = Both()
    with KernelLogger(tmp_path) as logger:
        logger.log(both, 1)
        both.second.build((None, 8, 8, 2))
        logger.log(both, 2)
    assert pictures(tmp_path) == {"1_1_1", "1_2_1", "1_1_2", "1_2_2", "2_1_2", "2_2_2", "2_3_2"}


def test_log_of_a_model_that_is_not_built(tmp_path):
    """The error says that it is not built, not that it has no convolutions."""
    model = keras.Sequential([L.Conv2D(2, 3)], name="late")
    with pytest.raises(ArgumentError, match="model: 'late' is not built"):
        KernelLogger(tmp_path).log(model, 1)


def test_a_number_is_never_a_name(tmp_path):
    """A whole number selects by place, also where a layer's name is that number."""
    layers = [L.Conv2D(1, 1, name="2"), L.Conv2D(1, 1, name="1")]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    for wanted, place in ((2, "2"), (np.int64(2), "2"), ("2", "1")):
        log_dir = tmp_path / f"{type(wanted).__name__}"
        with KernelLogger(log_dir, layers=wanted) as logger:
            logger.log(model, 1)
        assert pictures(log_dir) == {f"{place}_1_1"}


def test_notice_of_endless_trainings_takes_no_time(tmp_path, model):
    """epochs=10**9 with EarlyStopping is a habit; the notice counts without a list."""
    logger = KernelLogger(tmp_path)
    logger.set_model(model)
    logger.set_params({"epochs": 10**9})
    logger.on_train_begin()
    begin = time.monotonic()
    with pytest.warns(LogWarning, match="10,000,000,000 pictures"):
        logger.on_epoch_begin(0)
    assert time.monotonic() - begin < 1


def test_notice_says_what_will_come(model, data, tmp_path, capsys):
    """One line at the start: layers, kernels, epochs, pictures, size, place."""
    with pytest.warns(LogWarning, match="epochs 8"):
        fit(model, data, KernelLogger(tmp_path, epochs=[0, 1, 3, 8]), epochs=4)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "tb_kernels" in line]
    assert line.startswith("tb_kernels: 2 layers, 10 kernels, 3 epochs: 30 pictures, about ")
    assert line.endswith(f"in {tmp_path / 'kernels'}")


def test_notice_size_is_roughly_right(tmp_path, capsys):
    """The size told is within a factor of two of what lies on disk."""
    model = keras.Sequential([keras.Input((9, 9, 64)), L.Conv2D(64, 3), L.Conv2D(32, 3)])
    with KernelLogger(tmp_path) as logger:
        logger.log(model, 1)
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    told = capsys.readouterr().out.split("about ")[1].split(" per")[0]
    number, unit = told.split()
    assert 0.5 < float(number) * {"kB": 1e3, "MB": 1e6}[unit] / size < 2


def test_notice_of_very_many_pictures_is_a_warning(model, data, tmp_path):
    """Above 50,000 pictures the keywords that make it fewer are named."""

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            raise KeyboardInterrupt

    with (
        pytest.warns(LogWarning, match=r"60,000 pictures.* Fewer with epochs=\[...\], layers="),
        pytest.raises(KeyboardInterrupt),
    ):
        model.fit(*data, epochs=6000, verbose=0, callbacks=[KernelLogger(tmp_path), Stop()])


def test_shared_model_trains_the_same_with_a_logger(data, tmp_path):
    """The logger reads and changes nothing: history and weights are bit-identical."""
    from tests.helpers.models import two_convolutions

    results = []
    for callbacks in ([], [KernelLogger(tmp_path, sheets=True)]):
        model = two_convolutions()
        history = model.fit(*data, epochs=3, verbose=0, callbacks=callbacks)
        results.append((history.history, model.get_weights()))
    assert results[0][0] == results[1][0]
    for plain, logged in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_array_equal(plain, logged)


def test_relative_log_dir_stays_where_it_was(model, data, tmp_path, monkeypatch):
    """A program that changes its directory while it trains finds all pictures in one place."""

    class Move(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            monkeypatch.chdir(tmp_path / str(epoch))

    for epoch in range(2):
        (tmp_path / str(epoch)).mkdir()
    monkeypatch.chdir(tmp_path)
    model.fit(*data, epochs=2, verbose=0, callbacks=[KernelLogger("logs"), Move()])
    assert len(pictures(tmp_path / "logs")) == 20


@pytest.mark.slow
def test_a_long_wait_is_explained(model, tmp_path, capsys, monkeypatch):
    """Where flush takes longer than two seconds, a line says why."""
    gate = threading.Event()
    slow_down(monkeypatch, lambda path: gate.wait(20))
    logger = KernelLogger(tmp_path)
    logger.log(model, 1)
    threading.Timer(3, gate.set).start()
    logger.close()
    assert f"still writing the last pictures to {tmp_path / 'kernels'}" in capsys.readouterr().out


def test_change_goes_on_in_a_later_training(model, data, tmp_path):
    """The epoch drawn before may be of an earlier fit."""
    logger = KernelLogger(tmp_path)
    fit(model, data, logger, epochs=2)
    model.fit(*data, initial_epoch=2, epochs=3, verbose=0, callbacks=[logger])
    assert sorted(read_scalars(tmp_path / "kernels")["1-first/relative_change"]) == [1, 2]


@pytest.mark.filterwarnings("ignore:what is not finite")
def test_change_of_weights_that_are_not_finite(model, tmp_path):
    """Infinite minus infinite costs no picture, under any filter of warnings."""
    model.layers[0].kernel.assign(np.full(model.layers[0].kernel.shape, np.inf))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        logger = KernelLogger(tmp_path)
        logger.log(model, 1)
        logger.log(model, 2)
        logger.close()
    assert len(pictures(tmp_path)) == 20


def test_a_convolution_that_is_never_called_costs_no_new_plans(data, tmp_path):
    """The plan is made once the rest is built, and norm and change are there."""
    reads = []

    class Read(L.Conv2D):
        @property
        def kernel(self):
            reads.append(1)
            return super().kernel

    class Count(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            reads.clear()

        def on_epoch_end(self, epoch, logs=None):
            if len(reads) > 1:  # one is the copy; a new plan reads the shape too
                made.append(epoch)

    class Half(keras.Model):
        def __init__(self):
            super().__init__()
            self.used, self.unused = Read(2, 3, name="used"), L.Conv2D(2, 3, name="unused")
            self.flat, self.dense = L.Flatten(), L.Dense(1)

        def call(self, inputs):
            return self.dense(self.flat(self.used(inputs)))

    made = []
    model = Half()
    model.compile("sgd", "mse")
    model.fit(*data, epochs=4, verbose=0, callbacks=[KernelLogger(tmp_path), Count()])
    assert len(made) == 1
    curves = read_scalars(tmp_path / "kernels")
    assert {tag: sorted(steps) for tag, steps in curves.items()} == {"1-used/kernel_norm": [0, 1, 2, 3], "1-used/relative_change": [1, 2, 3]}  # fmt: skip


def test_statistics_can_be_switched_off(model, tmp_path):
    """No curve, nothing kept."""
    with KernelLogger(tmp_path, statistics=False) as logger:
        logger.log(model, 1)
        logger.log(model, 2)
    assert read_scalars(tmp_path / "kernels") == {}
