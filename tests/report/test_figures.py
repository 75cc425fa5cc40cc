"""The figures of a report: every picture in them found again, pixel by pixel."""

import os
import re
import shutil
import subprocess

import keras
import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from tb_kernels import KernelLogger, open_log
from tb_kernels.figures import building, fitting
from tb_kernels.figures.saving import pixels_of
from tests.benchmarks.ways import seeds_network
from tests.helpers.models import two_convolutions
from tests.helpers.oracle import read_png, read_scalars
from tests.helpers.reports import export, find


def test_the_seeds_figures(tmp_path):
    """One command: the epochs of a kernel side by side, those of a row of slices below each other."""
    model = seeds_network()
    with KernelLogger(tmp_path / "logs") as logger:
        for epoch in (1, 6, 10):
            logger.log(model, epoch)
            for layer in (model.layers[0], model.layers[2]):
                layer.kernel.assign(keras.random.normal(layer.kernel.shape, seed=epoch))
    chosen = [
        "--kernels",
        "1_6,3_2",
        "--epochs",
        "1,6,10",
        "--columns",
        "32",
        "--only",
        "strips",
        "--normalize",
        "epoch",
    ]
    files = export(tmp_path / "logs", tmp_path / "out", *chosen)
    names = [one for one in sorted(files) if one.endswith(("1_6.png", "3_2.png"))]
    assert len(files) == len(names) == 2  # Keras counts on in the layers' names
    log = open_log(tmp_path / "logs")
    for name, kernel, same in zip(names, ("1_6", "3_2"), (0, 1), strict=True):
        figure = read_png(tmp_path / "out" / name)
        places = []
        for epoch in (1, 6, 10):
            pixels = log.picture(f"{kernel}_{epoch}").redraw(columns=32)
            assert pixels.shape[1] > 3 * pixels.shape[0] * (1 if kernel == "1_6" else 10)
            (place,) = find(figure, pixels)
            places.append(place)
        assert len({place[same] for place in places}) == 1
        assert places == sorted(places)


@pytest.mark.parametrize(("direction", "same"), [("across", 0), ("down", 1)])
def test_directions(log_dir, tmp_path, direction, same):
    """Epochs in their order, from left to right or from top to bottom, pixels as they were logged."""
    export(log_dir, tmp_path, "--views", "kernels", "--kernels", "2_5", "--only", "strips", "--direction", direction, "--normalize", "epoch")  # fmt: skip
    figure = read_png(tmp_path / "strips/kernels/2-second/2_5.png")
    places = []
    for epoch in range(3):
        (place,) = find(figure, read_png(log_dir / f"kernels/2-second/2_5_{epoch}.png"))
        places.append(place)
    assert len({place[same] for place in places}) == 1
    assert places == sorted(places)


def test_a_long_strip_goes_on_below(log_dir, monkeypatch):
    """Two pictures fit beside each other, the third begins the next row."""
    chosen = open_log(log_dir).select(views="kernels", kernels="2_5")
    side = chosen.picture("2_5_0").width
    monkeypatch.setattr(fitting, "_PAGE", 2.9 * side / 150 * 25.4)
    figure = pixels_of(chosen.figure("strip", normalize="epoch", direction="across"))
    first, second, third = (find(figure, one.pixels())[0] for one in chosen)
    assert second[1] > first[1] == third[1]
    assert third[0] > second[0] == first[0]


def test_all_views_of_an_address_together(log_dir, tmp_path):
    """A row for each view, a column for each epoch."""
    files = export(
        log_dir,
        tmp_path,
        "--kernels",
        "2_2",
        "--only",
        "strips",
        "--together",
        "--normalize",
        "epoch",
    )
    assert files == {"strips/2-second/2_2.png"}
    figure = read_png(tmp_path / "strips/2-second/2_2.png")
    views = ["kernels", "activations", "gradients", "patterns", "heatmaps"]
    rows = []
    for view in views:
        found = [find(figure, read_png(log_dir / view / f"2-second/2_2_{epoch}.png")) for epoch in range(3)]  # fmt: skip
        places = [place for (place,) in found]
        assert len({row for row, _ in places}) == 1
        assert [column for _, column in places] == sorted(column for _, column in places)
        rows.append(places[0][0])
    assert rows == sorted(rows)


@pytest.mark.parametrize(
    "view",
    [
        "kernels",
        pytest.param("activations", marks=pytest.mark.slow),
        "gradients",
        "patterns",
        "heatmaps",
    ],
)
def test_sheets_hold_every_kernel_as_logged(log_dir, tmp_path, view):
    """Each picture of the layer, once, in order of its number from left to right, row by row."""
    export(
        log_dir,
        tmp_path,
        "--views",
        view,
        "--layers",
        2,
        "--epochs",
        2,
        "--only",
        "sheets",
        "--normalize",
        "epoch",
    )
    figure = read_png(tmp_path / f"sheets/{view}/2-second/2_0_2.png")
    places = []
    for kernel in open_log(log_dir).select(views=view, layers=2).layers[0].kernels:
        found = find(figure, read_png(log_dir / view / f"2-second/2_{kernel}_2.png"))
        assert len(found) == 1
        places += found
    assert places == sorted(places)


def test_wide_pictures_stand_below_each_other_on_a_sheet(log_dir, tmp_path):
    """As many in a row as make the sheet about as high as it is wide."""
    export(log_dir, tmp_path, "--views", "kernels", "--layers", 2, "--epochs", 1, "--only", "sheets", "--columns", 32)  # fmt: skip
    height, width = read_png(tmp_path / "sheets/kernels/2-second/2_0_1.png").shape[:2]
    assert 1 / 2 < height / width < 2


def test_animations_show_each_epoch(log_dir, tmp_path):
    """A frame for each, in their order, for ever; every kernel in it as logged."""
    export(log_dir, tmp_path, "--views", "kernels", "--only", "animations", "--normalize", "epoch")
    with Image.open(tmp_path / "animations/kernels/1-first.gif") as gif:
        assert (gif.n_frames, gif.info["loop"]) == (3, 0)
        for epoch in range(3):
            gif.seek(epoch)
            frame = np.asarray(gif.convert("RGB"))
            for kernel in range(1, 5):
                assert find(frame, read_png(log_dir / f"kernels/1-first/1_{kernel}_{epoch}.png"))


def test_the_last_frame_is_seen_longest(log_dir, tmp_path):
    """So that the end can be told from the beginning."""
    export(log_dir, tmp_path, "--views", "kernels", "--layers", 1, "--only", "animations")
    with Image.open(tmp_path / "animations/kernels/1-first.gif") as gif:
        lasts = []
        for frame in range(gif.n_frames):
            gif.seek(frame)
            lasts.append(gif.info["duration"])
    assert lasts[0] == lasts[1] < lasts[2]


def test_frames_are_as_large_as_the_first(tmp_path):
    """Where a layer was logged at another scale later on, the rest of its frame is white."""
    for epoch, scale in ((1, 50), (2, 40)):
        with KernelLogger(tmp_path / "logs", layers=1, scale=scale, sheets=False) as logger:
            logger.log(two_convolutions(), epoch)
    export(tmp_path / "logs", tmp_path / "out", "--only", "animations", "--normalize", "epoch")
    with Image.open(tmp_path / "out/animations/kernels/1-first.gif") as gif:
        size = gif.size
        gif.seek(1)
        frame = np.asarray(gif.convert("RGB"))
    assert (frame.shape[1], frame.shape[0]) == size
    for kernel in range(1, 5):
        assert find(frame, read_png(tmp_path / f"logs/kernels/1-first/1_{kernel}_2.png"))
    assert (frame[:, -20:] == 255).all()


def test_colours_of_an_animation_are_close(log_dir, tmp_path):
    """A GIF has 256 colours: heatmaps are near to what was logged."""
    export(log_dir, tmp_path, "--views", "heatmaps", "--only", "animations,sheets", "--epochs", "1-2")  # fmt: skip
    sheet = read_png(tmp_path / "sheets/heatmaps/2-second/2_0_1.png")[..., :3].astype(int)
    with Image.open(tmp_path / "animations/heatmaps/2-second.gif") as gif:
        frame = np.asarray(gif.convert("RGB")).astype(int)
    assert frame.shape == sheet.shape
    assert np.abs(frame - sheet).mean() < 3


needs_poppler = pytest.mark.skipif(
    shutil.which("pdfimages") is None and "CI" not in os.environ, reason="poppler is not installed"
)


@needs_poppler
def test_pdf(log_dir, tmp_path):
    """Labelled figures as PDF: captions are text, and the picture has its logged pixels."""
    files = export(log_dir, tmp_path, "--format", "pdf", "--views", "kernels", "--only", "strips,sheets,curves", "--layers", 1, "--normalize", "epoch")  # fmt: skip
    assert {name.rpartition(".")[2] for name in files} == {"pdf"}
    content = (tmp_path / "strips/kernels/1-first/1_2.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    folder = tmp_path / "strips/kernels/1-first"
    command = ["pdfimages", "-png", "1_2.pdf", str(tmp_path / "in_pdf")]
    subprocess.run(command, cwd=folder, check=True)
    images = [np.asarray(Image.open(path).convert("RGB")) for path in tmp_path.glob("in_pdf*.png")]
    for epoch in range(3):
        logged = read_png(log_dir / f"kernels/1-first/1_2_{epoch}.png")
        assert sum(len(find(image, logged)) for image in images) == 1
    text = subprocess.run(["pdftotext", "1_2.pdf", "-"], cwd=folder, check=True, capture_output=True, text=True)  # fmt: skip
    assert re.findall(r"1_2_\d", text.stdout) == ["1_2_0", "1_2_1", "1_2_2"]


def text_of(path):
    """What a person can read in a PDF file."""
    command = ["pdftotext", "-layout", str(path), "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@needs_poppler
def test_titles_and_scales(log_dir, tmp_path):
    """A sheet says which layer and epoch it is of, and the one scale of all epochs."""
    export(log_dir, tmp_path, "--only", "sheets", "--format", "pdf")
    log = open_log(log_dir)
    ends = [log.picture(f"1_1_{epoch}").legend.limits.at(0) for epoch in range(3)]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    for epoch, when in ((0, "before training"), (1, "after epoch 1"), (2, "after epoch 2")):
        told = text_of(tmp_path / f"sheets/kernels/1-first/1_0_{epoch}.pdf")
        told = told.replace("\N{MINUS SIGN}", "-")
        assert f"Kernels of layer 1, first, {when}" in told
        assert re.findall(r"-?\d\.\d+", told) == [f"{low:.4g}", f"{high:.4g}"]
    each = text_of(tmp_path / "sheets/heatmaps/2-second/2_0_1.pdf")
    assert re.search(r"low +high\s+each on a scale of its own", each)
    colours = text_of(tmp_path / "sheets/patterns/2-second/2_0_1.pdf")
    assert re.search(r"0 +1\s+in red, green and blue", colours)


def test_curves_stand_at_the_epochs(log_dir):
    """Epoch 1 of Keras is 1 on the axis; the logged epochs are marked."""
    from tb_kernels.figures.curves import build_curves, curve_figures

    loss = next(iter(curve_figures(open_log(log_dir), ".")))
    assert (loss.name, list(loss.lines)) == ("loss", ["train", "validation"])
    (axes,) = build_curves(*loss).axes
    marks, lines = axes.lines[:3], axes.lines[3:]
    assert [line.get_xdata()[0] for line in marks] == [0, 1, 2]
    for line, writer in zip(lines, ("train", "validation"), strict=True):
        points = read_scalars(log_dir / writer)["epoch_loss"]
        assert dict(zip(line.get_xdata() - 1, line.get_ydata(), strict=True)) == points
        assert line.get_label() == writer


def test_the_users_own_style_changes_nothing(log_dir, tmp_path):
    """A matplotlibrc with another resolution and other margins gives the same figures."""
    options = ["--only", "strips,curves", "--views", "kernels", "--kernels", "1_1"]
    files = export(log_dir, tmp_path / "plain", *options)
    style = {"savefig.dpi": 300, "savefig.bbox": "tight", "font.size": 20, "lines.linewidth": 9, "figure.facecolor": "red"}  # fmt: skip
    with mpl.rc_context(style):
        assert export(log_dir, tmp_path / "styled", *options) == files
    for name in files:
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "styled" / name).read_bytes()


def test_an_animation_of_many_epochs_is_thinned_out(log_dir, tmp_path, monkeypatch):
    """Frames that do not fit into memory are left out, never the first and the last."""
    from tb_kernels.report import animations

    monkeypatch.setattr(animations, "_MOST_PIXELS", 1)
    export(
        log_dir,
        tmp_path,
        "--views",
        "kernels",
        "--layers",
        1,
        "--only",
        "animations",
        "--normalize",
        "epoch",
    )
    with Image.open(tmp_path / "animations/kernels/1-first.gif") as gif:
        assert gif.n_frames == 2
        gif.seek(1)
        frame = np.asarray(gif.convert("RGB"))
        assert find(frame, read_png(log_dir / "kernels/1-first/1_1_2.png"))


def test_a_sheet_of_many_kernels_is_smaller_or_several(log_dir, tmp_path, monkeypatch):
    """First the squares get smaller, then there are more sheets; no kernel is lost."""
    log = open_log(log_dir)
    options = ["--views", "kernels", "--layers", 2, "--epochs", 1, "--only", "sheets"]
    monkeypatch.setattr(fitting, "_POSTER", 30)
    assert export(log_dir, tmp_path / "small", *options) == {"sheets/kernels/2-second/2_0_1.png"}
    figure = read_png(tmp_path / "small/sheets/kernels/2-second/2_0_1.png")
    scales = [
        scale
        for scale in range(1, log.picture("2_1_1").legend.layout.scale)
        if all(find(figure, log.picture(f"2_{kernel}_1").redraw(scale)) for kernel in range(1, 7))
    ]
    assert len(scales) == 1
    monkeypatch.setattr(building, "_MOST_PIXELS", 60_000)
    several = export(log_dir, tmp_path / "several", *options, "--scale", 10)
    assert len(several) > 1
    figures = [read_png(tmp_path / "several" / name) for name in sorted(several)]
    for kernel in range(1, 7):
        pixels = log.picture(f"2_{kernel}_1").redraw(10)
        assert sum(len(find(figure, pixels)) for figure in figures) == 1
