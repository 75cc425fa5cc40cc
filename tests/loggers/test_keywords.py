"""What the keywords of a logger draw, pixel for pixel."""

import inspect

import keras
import numpy as np
import pytest

from tb_kernels import (
    ActivationLogger,
    ExampleLogger,
    ExpansionLogger,
    GradientLogger,
    HeatmapLogger,
    KernelLogger,
    LogWarning,
    PatternLogger,
    open_log,
)
from tests.helpers.models import fit
from tests.helpers.oracle import (
    assert_shows,
    draw,
    level,
    read_index,
    read_png,
)

L = keras.layers


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


@pytest.mark.parametrize(
    ("logger", "own"),
    [
        (KernelLogger, {}),
        (ActivationLogger, {"normalize": "standard"}),
        (GradientLogger, {"normalize": "symmetric"}),
        (PatternLogger, {"normalize": (0, 1), "colormap": "rgb"}),
        (HeatmapLogger, {"normalize": "kernel", "colormap": "viridis"}),
        (ExpansionLogger, {"normalize": "symmetric", "colormap": "rgb"}),
        (ExampleLogger, {"colormap": "rgb"}),
    ],
)
def test_all_loggers_take_the_same_keywords(logger, own):
    """Directory and data by place or name, all else by name, with the same defaults."""
    usual = {
        "epochs": None, "layers": None, "kernels": None, "normalize": "layer", "colormap": "gray",
        "columns": None, "scale": None, "group": True, "sheets": False, "strict": False,
        "patience": 60.0,
    }  # fmt: skip
    parameters = inspect.signature(logger).parameters
    assert next(iter(parameters)) == "log_dir"
    assert parameters["log_dir"].default == "logs"
    data = [name for name, one in parameters.items() if one.kind is one.POSITIONAL_OR_KEYWORD]
    assert data[1:3] in ([], ["inputs"], ["x", "y"], ["inputs", "classes"])
    assert not any(one.kind is one.POSITIONAL_ONLY for one in parameters.values())
    assert {name: parameters[name].default for name in usual} == usual | own


@pytest.mark.parametrize(
    ("logger", "keywords", "usual"),
    [
        (ExpansionLogger, {}, 16),
        (ExampleLogger, {"inputs": np.zeros((1, 5, 5, 1), "float32")}, 16),
        (PatternLogger, {"steps": 1}, 16),
        (HeatmapLogger, {"inputs": np.ones((18, 5, 5, 1), "float32"), "score": lambda outputs: outputs[:, 0, 0, 0]}, 8),
    ],
)  # fmt: skip
def test_of_what_takes_long_sixteen_kernels_are_drawn(tmp_path, logger, keywords, usual):
    """Or eight inputs, unless others were asked for."""
    model = keras.Sequential([keras.Input((5, 5, 1)), L.Conv2D(18, 3)])
    for folder, asked in (("usual", {}), ("more", {"kernels": [2, 18]})):
        with logger(tmp_path / folder, **keywords, **asked) as one:
            one.log(model, 1)
    drawn = [picture.address.kernel for picture in open_log(tmp_path / "usual")]
    assert drawn == [*range(1, usual + 1)]
    assert [picture.address.kernel for picture in open_log(tmp_path / "more")] == [2, 18]
