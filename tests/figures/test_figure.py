"""What `Log.figure` shows of a selection, and what it refuses."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure

from tb_kernels import ArgumentError, HeatmapLogger, KernelLogger, LogError, open_log
from tests.figures.test_pixels import ends_of
from tests.helpers.figures import place_of, rendered, texts_of, tiles_of

L = keras.layers


def labels_of(figure):
    """The texts of a figure."""
    return [text for text, _ in texts_of(figure)]


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """Two trainings of one layer, in which kernel k moves by a known amount, exact weights kept."""
    folder = tmp_path_factory.mktemp("moved")
    weights = {}
    for run, seed in (("one", 0), ("two", 1)):
        random = np.random.default_rng(seed)
        model = keras.Sequential([keras.Input((8, 8, 1)), L.Conv2D(8, 3, name="only")])
        start = random.normal(size=(3, 3, 1, 8)).astype("float32")
        # Kernel 5 moves most, then 2, then 7; the others little.
        by = np.array([0.005, 0.4, 0.02, 0.03, 0.5, 0.015, 0.3, 0.004], "float32")
        by = by * random.uniform(0.8, 1.2, size=(3, 3, 1, 1)).astype("float32")
        with KernelLogger(folder / run, weights=True) as logger:
            for epoch, times in ((1, 0), (2, 1)):
                weight = start + times * by
                model.layers[0].kernel.assign(weight)
                logger.log(model, epoch)
                weights[run, epoch] = weight
    return open_log(folder), weights


def test_the_kernels_that_changed_most(moved, tmp_path):
    """So many, the one that moved most first."""
    log, weights = moved
    figure = log.select(runs="one").figure("grid", order="change", top=3, width="85mm")
    low, high = ends_of(figure)
    pixels = rendered(figure, "png", tmp_path)
    places = [place_of(pixels, tiles_of(weights["one", 1], kernel), low, high)[0] for kernel in (5, 2, 7)]  # fmt: skip
    assert [x for _, x in places] == sorted(x for _, x in places)
    assert labels_of(figure)[:3] == ["5", "2", "7"]
    with pytest.raises(AssertionError, match="the kernel is not in the figure"):
        place_of(pixels, tiles_of(weights["one", 1], 1), low, high)
    by_number = log.select(runs="one", epochs=2).figure("sheet", top=3)
    assert [text for text in labels_of(by_number) if text in list("12345678")] == ["1", "2", "3"]


def test_as_many_as_there_are_stand_by_number(moved):
    """Nothing is left out, so nothing is chosen; of one fewer those that changed most."""
    log, _ = moved
    for top, expected in ((8, list("12345678")), (9, list("12345678")), (7, list("5274361"))):
        grid = labels_of(log.select(runs="one").figure("grid", top=top))
        assert [text for text in grid if text in list("12345678")] == expected


def test_the_title_of_a_sheet_tells_when(tmp_path):
    """Before training, after an epoch, or as training left the model."""
    model = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(2, 3, name="only")])
    with KernelLogger(tmp_path) as logger:
        for epoch in (0, 3, "final"):
            logger.log(model, epoch)
    log = open_log(tmp_path)
    for epoch, told in ((0, "before training"), (3, "after epoch 3"), ("final", "as training left it")):  # fmt: skip
        words = " ".join(labels_of(log.select(epochs=epoch).figure("sheet")))
        assert f"Kernels of layer 1, only, {told}" in words.replace("\n", " ")


def test_runs_beside_each_other(moved, tmp_path):
    """The same kernels on one scale of both trainings, a row for each."""
    log, weights = moved
    figure = log.select(kernels=[2, 5]).figure(width="85mm", dpi=300)
    low, high = ends_of(figure)
    assert low == pytest.approx(min(weight.min() for weight in weights.values()))
    pixels = rendered(figure, "png", tmp_path)
    rows = []
    for kernel in (2, 5):
        for run in ("one", "two"):
            found = [place_of(pixels, tiles_of(weights[run, epoch], kernel), low, high)[0] for epoch in (1, 2)]  # fmt: skip
            assert found[0][0] == found[1][0]
            assert found[0][1] < found[1][1]
            rows.append(found[0][0])
    assert rows == sorted(rows)
    assert {"2, one", "2, two", "5, one", "5, two", "epoch 1", "epoch 2"} <= set(labels_of(figure))


def test_a_difference_of_exact_weights(moved, tmp_path):
    """A change far below what a picture can show is drawn as it is."""
    log, weights = moved
    chosen = log.select(runs="one", kernels=[1, 8])
    figure = chosen.figure("difference", width="170mm")
    low, high = ends_of(figure, 1)
    change = weights["one", 2] - weights["one", 1]
    assert high == -low == pytest.approx(np.abs(change[..., [0, 7]]).max(), rel=1e-4)
    assert high < np.ptp(weights["one", 1]) / 255
    pixels = rendered(figure, "png", tmp_path)
    for kernel in (1, 8):
        place_of(pixels, tiles_of(change, kernel), low, high, "RdBu_r")


def test_a_difference_of_single_slices(tmp_path):
    """Each a picture of its own, on the scale of its kernel: right to within a level of both."""
    model = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(2, 3)])
    before, after = np.random.default_rng(0).normal(size=(2, 3, 3, 3, 2)).astype("float32")
    with KernelLogger(tmp_path, slices=True, normalize="kernel", weights=True) as logger:
        for epoch, weight in ((1, before), (2, after)):
            model.layers[0].kernel.assign(weight)
            logger.log(model, epoch)
    for number in range(1, 7):
        figure = open_log(tmp_path).select(kernels=number).figure("difference")
        kernel = np.abs(after - before)[..., (number - 1) % 2]
        reach, level = kernel[:, :, (number - 1) // 2].max(), 8 / 255
        assert ends_of(figure, 1)[1] == pytest.approx(reach, abs=level)


def test_a_difference_of_those_that_changed_most(moved):
    """In their order, and no others."""
    log, _ = moved
    figure = log.select(runs="one").figure("difference", order="change", top=3)
    numbers = [text for text in labels_of(figure) if text in list("12345678")]
    assert numbers == ["5", "2", "7"] * 2 or numbers == ["5", "2", "7"] * 3


def test_a_difference_of_two_trainings(moved, tmp_path):
    """Each at its last epoch, named by its run."""
    log, weights = moved
    figure = log.select(kernels=[3]).figure("difference")
    low, high = ends_of(figure, 1)
    change = weights["two", 2] - weights["one", 2]
    assert high == -low == pytest.approx(np.abs(change[..., 2]).max(), rel=1e-4)
    place_of(rendered(figure, "png", tmp_path), tiles_of(change, 3), low, high, "RdBu_r")
    told = " ".join(labels_of(figure)).replace("\n", " ")
    assert "one" in told
    assert "two \N{MINUS SIGN} one" in told
    for run in ("one", "two", "three"):
        shutil.copytree(Path(log.where, run.replace("three", "one")), tmp_path / "logs" / run)
    with pytest.raises(ArgumentError, match=r"of two epochs or of two runs; .* of 3 runs"):
        open_log(tmp_path / "logs").select(kernels=[3]).figure("difference")


def test_what_fits_a_selection(trained):
    """A kernel is a strip, an epoch a sheet, a layer a grid; the curves by their name."""
    log, _ = trained
    assert labels_of(log.select(kernels="1_2").figure())[:3] == ["1_2_1", "1_2_2", "1_2_5"]
    sheet = labels_of(log.select(layers=1, epochs=2).figure())
    assert [text for text in sheet if text.isdigit() and text != "0"] == list("123456")
    grid = labels_of(log.select(layers=1).figure())
    assert {"epoch 1", "epoch 2", "epoch 5"} <= set(grid)
    curves = log.figure("curves", name="kernels kernel_norm")
    assert isinstance(curves, Figure)


@pytest.mark.parametrize(
    ("chosen", "kind", "options", "told"),
    [
        ({}, "stripe", {}, "kind: unknown 'stripe'; expected one of 'auto', 'strip', .*; did you mean 'strip'"),
        ({}, "strip", {}, "a strip is of one kernel in one view, and 15 kernels are selected"),
        ({}, "grid", {}, r"a grid is of one layer in one view, and there are kernels of 1, kernels of 2"),
        ({"layers": 1}, "sheet", {}, "a sheet is of one epoch, and 1-2, 5 are selected"),
        ({"epochs": 1}, "difference", {}, "a difference is of two epochs or of two runs; epochs 1 of 1 run are selected"),
        ({"layers": 1}, "context", {}, "a context is of one kernel, and 6 are selected"),
        ({"layers": 1}, "views", {}, "views are of one kernel, and 18 are selected|views are of one kernel, and 6 are selected"),
        ({"layers": 1}, "grid", {"width": "85"}, "width: expected a width such as '85mm', '8.5cm' or '3.3in', got '85'"),
        ({"layers": 1}, "grid", {"width": "1mm"}, "from 20 mm to 2000 mm, got '1mm'"),
        ({"layers": 1}, "grid", {"width": True}, "or a number of inches, got True"),
        ({"layers": 1}, "grid", {"dpi": 0}, "dpi: expected a whole number from 1"),
        ({"layers": 1}, "grid", {"dpi": 10**6}, "dpi: expected at most 2,400"),
        ({"layers": 1}, "grid", {"background": "black"}, "background: expected 'white' or 'transparent', got 'black'"),
        ({"layers": 1}, "grid", {"normalize": "epochs"}, "normalize: unknown 'epochs'; expected one of .*'epoch'"),
        ({"layers": 1}, "grid", {"colormap": "none"}, "colormap: unknown 'none'"),
        ({"layers": 1}, "grid", {"direction": "up"}, "direction: expected one of auto, across, down, got 'up'"),
        ({"layers": 1}, "grid", {"width": "85mm", "scale": 3}, "scale: the size of a weight follows from the width"),
        ({"layers": 1}, "grid", {"order": "size"}, "by: expected one of 'change'"),
        ({"layers": 1}, "grid", {"top": 0}, "top: expected a whole number from 1"),
        ({"layers": 1}, "grid", {"wide": 3}, "figure: unknown 'wide'; expected some of order, top, name, width"),
    ],
)  # fmt: skip
def test_what_is_refused(trained, chosen, kind, options, told):
    """In words that name the argument, what was given, and what would do."""
    log, _ = trained
    with pytest.raises(ArgumentError, match=told):
        log.select(**chosen).figure(kind, **options)


@pytest.mark.parametrize("width", ["85mm", "8.5cm", " 8.5 cm ", f"{8.5 / 2.54}in", 8.5 / 2.54])
def test_a_width_in_every_unit(trained, width):
    """The same paper in millimetres, centimetres and inches."""
    figure = trained[0].select(layers=1).figure("grid", width=width)
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(85, abs=0.1)


def test_too_narrow(trained):
    """A row that does not fit is told with what would do; nothing is drawn that cannot be read."""
    log, _ = trained
    with pytest.raises(LogError, match=r"a row of 3 pictures takes \d+ mm at 150 pixels to the inch"):  # fmt: skip
        log.select(layers=2).figure("grid", width="20mm", direction="across", columns=6)


def test_captions_of_heatmaps(tmp_path):
    """The class by its name and the score; and that it was another before."""
    keras.utils.set_random_seed(3)
    x = np.random.default_rng(3).normal(size=(2, 8, 8, 1)).astype("float32")
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            L.Conv2D(4, 3, name="maps"),
            L.GlobalAveragePooling2D(),
            L.Dense(3, activation="softmax", name="classes"),
        ]
    )
    names = ["cat", "dog", "owl"]
    with HeatmapLogger(tmp_path, x, class_names=names) as logger:
        for epoch, best in ((1, 0), (2, 2)):
            kernel, bias = model.get_layer("classes").get_weights()
            bias = np.where(np.arange(3) == best, 50, 0).astype("float32")
            model.get_layer("classes").set_weights([kernel, bias])
            logger.log(model, epoch)
    log = open_log(tmp_path)
    first, second = (text for text in labels_of(log.select(kernels="1_2").figure("strip")) if text.startswith("1_2"))  # fmt: skip
    assert first.splitlines()[:2] == ["1_2_1", "cat"]
    assert second.splitlines()[:2] == ["1_2_2", "owl"]
    assert second.splitlines()[-1] == "was cat"
    assert "score" in first
    assert "was" not in first
    sheet = labels_of(log.select(epochs=2).figure("sheet"))
    assert {text.splitlines()[0] for text in sheet if "owl" in text} == {"input 1", "input 2"}
    assert not any("kernel" in text for text in sheet)


def test_only_three_slices_are_red_green_and_blue(tmp_path):
    """Kernels of another number of slices stay grey."""
    for channels, grey in ((1, True), (3, False)):
        model = keras.Sequential([keras.Input((8, 8, channels)), keras.layers.Conv2D(2, 5)])
        with KernelLogger(tmp_path / str(channels), strict=True) as logger:
            logger.log(model, 1)
        figure = open_log(tmp_path / str(channels)).figure("grid", colormap="rgb")
        pixels = rendered(figure, "png", tmp_path).astype(int)
        assert (np.ptp(pixels[..., :3], axis=-1).max() <= 1) == grey
