"""Every weight in a figure: a square of uniform pixels in the colour that the printed scale gives it."""

import os
import shutil

import keras
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from tb_kernels import KernelLogger, LogWarning, open_log
from tests.helpers.browser import NEEDS_CHROMIUM
from tests.helpers.figures import place_of, rendered, tiles_of
from tests.helpers.rewritten import rewrite

needs_poppler = pytest.mark.skipif(
    shutil.which("pdftoppm") is None and "CI" not in os.environ, reason="poppler is not installed"
)
FORMATS = [
    "png",
    pytest.param("pdf", marks=needs_poppler),
    pytest.param("svg", marks=[NEEDS_CHROMIUM, pytest.mark.browser]),
]
# Chromium has so many pixels to the inch.
PRINT = {"png": 300, "pdf": 300, "svg": 96}


def ends_of(figure, number=0):
    """What a bar says that its ends are, as numbers and as texts."""
    bars = [axes for axes in figure.axes if axes.get_xticks().size and axes.get_ylim() == (0, 1)]
    low, high = bars[number].get_xlim()
    texts = [text.get_text().replace("\N{MINUS SIGN}", "-") for text in bars[number].get_xticklabels()]  # fmt: skip
    assert [float(texts[0]), float(texts[-1])] == [float(f"{low:.4g}"), float(f"{high:.4g}")]
    return low, high


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("width", ["85mm", "170mm"])
def test_a_strip(trained, tmp_path, format, width):
    """All epochs on one scale, in their order from left to right."""
    log, weights = trained
    figure = log.select(kernels="2_4").figure(width=width, dpi=PRINT[format])
    low, high = ends_of(figure)
    assert low == pytest.approx(min(one[1].min() for one in weights.values()))
    assert high == pytest.approx(max(one[1].max() for one in weights.values()))
    pixels = rendered(figure, format, tmp_path)
    assert abs(pixels.shape[1] - float(width[:-2]) / 25.4 * PRINT[format]) <= 1.5
    places = [place_of(pixels, tiles_of(weights[epoch][1], 4), low, high) for epoch in (1, 2, 5)]
    assert len({side for _, side in places}) == 1
    assert len({y for (y, _), _ in places}) == 1
    assert [x for (_, x), _ in places] == sorted(x for (_, x), _ in places)


@pytest.mark.parametrize("format", FORMATS)
def test_a_grid(trained, tmp_path, format):
    """Kernels across, epochs down, around zero in two colours."""
    log, weights = trained
    figure = log.select(layers="first").figure("grid", width="120mm", dpi=PRINT[format], normalize="symmetric", colormap="RdBu_r")  # fmt: skip
    low, high = ends_of(figure)
    assert high == -low == pytest.approx(max(np.abs(one[0]).max() for one in weights.values()))
    pixels = rendered(figure, format, tmp_path)
    at = {}
    for epoch in (1, 2, 5):
        for kernel in range(1, 7):
            tiles = tiles_of(weights[epoch][0], kernel)
            at[epoch, kernel], _ = place_of(pixels, tiles, low, high, "RdBu_r")
    for (epoch, kernel), (y, x) in at.items():
        assert y == at[epoch, 1][0]
        assert x == at[1, kernel][1]
    assert at[1, 1][0] < at[2, 1][0] < at[5, 1][0]
    columns = [at[1, kernel][1] for kernel in range(1, 7)]
    assert columns == sorted(columns)


@pytest.mark.parametrize("format", FORMATS)
def test_a_sheet(trained, tmp_path, format):
    """Every kernel once, in order, row by row."""
    log, weights = trained
    figure = log.select(layers="second", epochs=5).figure(width="85mm", dpi=PRINT[format])
    low, high = ends_of(figure)
    pixels = rendered(figure, format, tmp_path)
    found = [place_of(pixels, tiles_of(weights[5][1], kernel), low, high) for kernel in range(1, 10)]  # fmt: skip
    assert len({side for _, side in found}) == 1
    places = [place for place, _ in found]
    assert places == sorted(places)


@pytest.mark.parametrize("format", FORMATS)
def test_a_difference(trained, tmp_path, format):
    """Both epochs on one scale, and what was added to each weight on another around zero."""
    log, weights = trained
    figure = log.select(layers="first", epochs=[1, 5]).figure("difference", width="170mm", dpi=PRINT[format])  # fmt: skip
    pixels = rendered(figure, format, tmp_path)
    low, high = ends_of(figure)
    change = weights[5][0] - weights[1][0]
    least, most = ends_of(figure, 1)
    assert most == -least == pytest.approx(np.abs(change).max(), rel=0.01)
    # Both pictures are read to within half a level.
    error = (np.ptp(weights[1][0]) + np.ptp(weights[5][0])) / 510
    assert error < (most - least) / 255 * 1.5
    for kernel in range(1, 7):
        (_, first), _ = place_of(pixels, tiles_of(weights[1][0], kernel), low, high)
        (_, second), _ = place_of(pixels, tiles_of(weights[5][0], kernel), low, high)
        (_, third), _ = place_of(pixels, tiles_of(change, kernel), least, most, "RdBu_r")
        assert first < second < third


@pytest.mark.parametrize(
    ("normalize", "ends"),
    [
        ("layer", lambda one: (min(w.min() for w in one), max(w.max() for w in one))),
        ("symmetric", lambda one: (-max(np.abs(w).max() for w in one), max(np.abs(w).max() for w in one))),
        ("first", lambda one: (one[0].min(), one[0].max())),
        ((-2, 3), lambda one: (-2, 3)),
    ],
    ids=["layer", "symmetric", "first", "pair"],
)  # fmt: skip
def test_scales(trained, tmp_path, normalize, ends):
    """The ends of the scale by every word; what lies beyond them has the colour of the end."""
    log, weights = trained
    figure = log.select(layers="first", kernels=3).figure(normalize=normalize)
    low, high = ends_of(figure)
    assert (low, high) == pytest.approx(ends([one[0] for one in weights.values()]))
    pixels = rendered(figure, "png", tmp_path)
    for epoch in (1, 2, 5):
        # Read from the log to within half a level of its scale, which may be wider than this.
        error = np.ptp(weights[epoch][0]) / 510 / (high - low) * 255
        tolerance = int(np.ceil(error + 0.5))
        place_of(pixels, tiles_of(weights[epoch][0], 3), low, high, tolerance=tolerance)


def test_each_epoch_as_it_was_logged(trained, tmp_path):
    """Byte for byte the squares of the log, and no numbers at the bar, since they differ."""
    log, weights = trained
    chosen = log.select(layers="first", kernels=3)
    figure = chosen.figure(normalize="epoch")
    pixels = rendered(figure, "png", tmp_path)
    for epoch in (1, 2, 5):
        weight = weights[epoch][0]
        place_of(pixels, tiles_of(weight, 3), weight.min(), weight.max())
    told = " ".join(text.get_text() for axes in figure.axes for text in (*axes.get_xticklabels(), axes.xaxis.label))  # fmt: skip
    assert "each picture on a scale of its own" in told
    assert not any(letter.isdigit() for letter in told)


def test_the_bar_stands_for_its_colours(trained):
    """Its ends and zero stand where they belong, and the colours between rise from low to high."""
    log, _ = trained
    figure = log.select(layers="first", kernels=1).figure(width="120mm", dpi=300)
    FigureCanvasAgg(figure).draw()
    (bar,) = [axes for axes in figure.axes if axes.get_ylim() == (0, 1)]
    low, high = bar.get_xlim()
    assert list(bar.get_xticks()) == [low, 0, high]
    assert [text.get_text() for text in bar.get_xticklabels()][1] == "0"
    box = bar.get_window_extent()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., 0].astype(int)
    row = pixels.shape[0] - round((box.y0 + box.y1) / 2)
    seen = pixels[row, round(box.x0) + 2 : round(box.x1) - 2]
    at = (np.arange(len(seen)) + 2.5) / box.width
    assert np.abs(seen - 255 * at).max() <= 2
    ticks = [bar.transData.transform((tick, 0))[0] for tick in bar.get_xticks()]
    assert ticks == pytest.approx([box.x0, box.x0 - low / (high - low) * box.width, box.x1])


def test_it_can_be_changed_and_saved_at_another_resolution(trained, tmp_path):
    """Twice as many pixels, each weight still a square of whole ones; a title of one's own."""
    log, weights = trained
    figure = log.select(layers="first", kernels=3).figure(width="85mm", dpi=150)
    figure.axes[0].set_xlabel("mine")
    assert isinstance(figure, mpl.figure.Figure)
    low, high = ends_of(figure)
    from PIL import Image

    sides = []
    for dpi in (150, 300):
        figure.savefig(tmp_path / f"{dpi}.png", dpi=dpi)
        with Image.open(tmp_path / f"{dpi}.png") as image:
            assert image.info["dpi"] == pytest.approx((dpi, dpi), abs=0.1)
            _, side = place_of(np.asarray(image.convert("RGB")), tiles_of(weights[5][0], 3), low, high)  # fmt: skip
        sides.append(side)
    assert sides[1] == 2 * sides[0]


def test_a_picture_without_an_index(tmp_path):
    """It is drawn as it was logged, each of its pixels a square, and no scale is told."""
    model = keras.Sequential([keras.Input((6, 6, 2)), keras.layers.Conv2D(1, 3)])
    with KernelLogger(tmp_path / "log", scale=1, strict=True) as logger:
        logger.log(model, 1)
    (path,) = (tmp_path / "log/kernels").glob("*tfevents*")
    rewrite(path, lambda summary: summary.value.pop(0))
    with pytest.warns(LogWarning, match="1 picture without the index"):
        log = open_log(tmp_path / "log")
    (picture,) = log
    figure = log.figure("strip", scale=4)
    assert any("no index" in text.get_text() for text in figure.findobj(Text))
    logged = np.kron(picture.pixels(), np.ones((4, 4), np.uint8))
    drawn = rendered(figure, "png", tmp_path)[..., 0]
    windows = np.lib.stride_tricks.sliding_window_view(drawn, logged.shape)
    assert (windows == logged).all(axis=(2, 3)).sum() == 1
