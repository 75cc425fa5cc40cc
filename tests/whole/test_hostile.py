"""A log of a stranger: nothing outside the folder, one line for each problem, bounded memory."""

import json
import os
import re
import resource
import struct
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tb_kernels import KernelLogger, LogError, LogWarning, open_log
from tb_kernels.drawing import png
from tb_kernels.errors import ArgumentError
from tb_kernels.reading.decoding import decode
from tb_kernels.reading.entries import parse_index
from tb_kernels.reading.legends import legend_of
from tb_kernels.writing.disk import Disk
from tb_kernels.writing.events import EventFile, image_value, scalar_value, text_value
from tests.helpers.browser import NEEDS_CHROMIUM, page
from tests.helpers.models import two_convolutions
from tests.helpers.oracle import masked_crc

SCRIPT = "<script>document.title='taken over'</script>"
LONG = "x" * 10_000
GRAY = png.encode(np.arange(64, dtype=np.uint8).reshape(8, 8, 1))


def claiming(width, height):
    """A PNG that says it is of this size, its checksum right, its data a few bytes."""

    def chunk(name, data):
        checksum = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(100_000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


PICTURES = {
    "../../outside": GRAY,
    "/outside_tb_kernels": GRAY,
    "../1_1_1": GRAY,
    "1-..": GRAY,
    "1-../1_1_1": GRAY,
    "1-a/../../1_2_1": GRAY,
    "1-a\x00b/1_3_1": GRAY,
    "1-a\nb\x1b[31m/1_4_1": GRAY,
    f"1-{SCRIPT}/1_5_1": GRAY,
    f"{SCRIPT}": GRAY,
    f"1-{LONG}/1_6_1": GRAY,
    f"1-{'y' * 200}/1_7_1": GRAY,
    "1_8_99999999999999999999": GRAY,
    "-".join(["1"] * 3000) + "_1_1": GRAY,
    "2-huge/2_1_1": claiming(100_000, 100_000),
    "2-huge/2_2_1": claiming(4_000_000_000, 4_000_000_000),
    "2-huge/2_3_1": claiming(0, 5),
    "3-broken/3_1_1": GRAY[:40],
    "3-broken/3_2_1": GRAY[:-30],
    "3-broken/3_3_1": b"no picture",
    "3-broken/3_4_1": b"",
    "3-broken/3_5_1": GRAY[:33] + b"\xff" * 100,
    "4-fine/4_1_1": GRAY,
    "4-fine/4_1_2": GRAY,
}

FINE = {
    "number": "4", "name": SCRIPT, "group": "4-fine", "kind": "Conv2D", "shape": [8, 8, 1, 1],
    "axes": "hwio", "kernels": 1, "slices": 1, "tile": [8, 8], "pictures": "kernels",
    "drawn": None, "normalize": "layer", "low": -1.0, "high": 1.0, "scale": 1, "columns": 1,
    "gap": 1, "colormap": "gray", "sheet": None,
}  # fmt: skip

INDEXES = [
    "no json",
    "[" * 100_000,
    "null",
    json.dumps({"format": 1, "layers": [None, 7, [], {}, {"number": SCRIPT}]}),
    json.dumps({"format": 1, "layers": [FINE | {"scale": "x" * 100_000}]}),
    json.dumps(
        {"format": 1, "layers": [FINE | {"number": "2", "group": "2-huge", "kernels": 10**30}]}
    ),
    json.dumps({"format": 1, "layers": [FINE | {"low": -(10**400)}]}),
    json.dumps({"format": 1, "layers": [FINE]}),
]


@pytest.fixture
def log_dir(tmp_path):
    """A log with all of that, below a directory whose name is a trap too."""
    log_dir = tmp_path / "logs"
    for run in ("plain", f"{SCRIPT.replace('/', '')}\n\x1b[31m", "$x$ & `y`", "..a"):
        folder = log_dir / run / "kernels"
        folder.mkdir(parents=True)
        events = EventFile(folder, Disk())
        values = [image_value(tag, data, 8, 8, SCRIPT, SCRIPT) for tag, data in PICTURES.items()]
        events.append(values, 0)
        events.append([text_value(f"index/{epoch}", text) for epoch, text in enumerate(INDEXES)], 0)
        # As format 1 was written: each in a record of its own.
        for epoch in (1, 2):
            events.append([text_value(f"index/{epoch}", INDEXES[-1])], 0)
        train = log_dir / run / "train"
        train.mkdir()
        tags = [f"epoch_{SCRIPT}", "epoch_../../loss", f"epoch_{LONG}", "epoch_$\\bad{$", "epoch_"]
        curves = EventFile(train, Disk())
        for step, value in enumerate((1.0, float("nan"), float("inf"), -1e38)):
            curves.append([scalar_value(tag, value) for tag in tags], step)
        curves.append([scalar_value("epoch_far", 1.0)], 2**62)
    (log_dir / "noise").mkdir()
    (log_dir / "noise" / "events.tfevents.1").write_bytes(np.random.default_rng(0).bytes(100_000))
    (log_dir / "noise" / "events.tfevents.2").write_bytes(b"")
    return log_dir


def export(log_dir, out_dir, *options):
    """The command in a process that may take two gigabytes."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

    return subprocess.run(
        [sys.executable, "-m", "tb_kernels", "export", log_dir, out_dir, *options],
        capture_output=True, text=True, preexec_fn=limit, check=False,
    )  # fmt: skip


# The viewer's answers and its code, in every page.
OURS = ['<script type="application/json" id="answers">', "<script>"]


def tree(folder):
    return {path.relative_to(folder) for path in folder.rglob("*")}


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--scale", "3", "--together"], ["--format", "pdf"]])
def test_a_hostile_log_is_exported(log_dir, tmp_path, options):
    """What is whole comes out; the rest is told, a line each; nothing is written elsewhere."""
    before = tree(tmp_path)
    done = export(log_dir, tmp_path / "out" / "report", *options)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert all(line.startswith("tb-kernels: ") for line in lines), done.stderr
    assert not any(len(line) > 600 for line in lines)
    assert "\x1b" not in done.stderr
    new = tree(tmp_path) - before
    assert {path.parts[0] for path in new} == {"out"}
    images = tmp_path / "out/report/images"
    assert len(list(images.glob("*/kernels/4-fine/4_1_*.png"))) == 2 * 4
    if not options:
        assert (images / "plain/kernels/4-fine/4_1_1.png").read_bytes() == GRAY
        # A picture that only claims a size is its bytes, which nobody has to decode.
        assert (images / "plain/kernels/2-huge/2_1_1.png").read_bytes() == PICTURES["2-huge/2_1_1"]
    html = (tmp_path / "out/report/index.html").read_text()
    assert re.findall("<script[^>]*>", html) == OURS
    assert "&lt;script&gt;" in html
    assert "<script" not in (tmp_path / "out/report/report.md").read_text()


@pytest.mark.slow
@pytest.mark.browser
@NEEDS_CHROMIUM
def test_script_is_text_in_the_page(log_dir, tmp_path):
    """The page of that log shows the script, and does not run it."""
    export(log_dir, tmp_path / "out", "--only", "page")
    with page() as tab:
        tab.goto(f"file://{tmp_path}/out/index.html")
        assert "logs" in tab.title()
        assert SCRIPT in tab.inner_text("body")
        tab.locator("#viewer .layer-list").wait_for(state="attached")
        scripts = tab.locator("script").evaluate_all(
            "all => all.map(one => one.cloneNode().outerHTML)"
        )
        assert scripts == [f"{tag}</script>" for tag in OURS]


def test_list_and_json_of_a_hostile_log(log_dir):
    """The table has no control characters, and no name of a mile; JSON is JSON."""
    command = [sys.executable, "-m", "tb_kernels", "list", log_dir]
    wide = os.environ | {"COLUMNS": "200"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=wide)
    assert "\x1b" not in done.stdout
    assert SCRIPT[:39] in done.stdout
    assert "y" * 41 not in done.stdout
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    assert {one["name"] for one in json.loads(done.stdout)} >= {SCRIPT, "huge", "broken"}


def test_pictures_that_claim_too_much(log_dir):
    """They are errors of their own, in words."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        log = open_log(log_dir)
    assert {one.category for one in told} == {LogWarning}
    assert sum("images of other names or broken left out" in str(one.message) for one in told) == 4
    with pytest.raises(LogError, match=r"a picture of 100,000 x 100,000 pixels is not decoded"):
        log.picture("2_1_1", run="plain").pixels()
    with pytest.raises(LogError, match="cannot be decoded"):
        log.picture("3_5_1", run="plain").pixels()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([0, 1, 2, 3, 8, 255, 10**9, 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
SHEET = {
    "low": 0.0,
    "high": 1.0,
    "scale": 1,
    "columns": 1,
    "gap": 0,
    "stacked": False,
    "colormap": "gray",
}


@settings(max_examples=500, deadline=None)
@given(
    st.dictionaries(st.sampled_from([*FINE, "strength"]), anything, max_size=3),
    st.none() | st.dictionaries(st.sampled_from(list(SHEET)), anything, max_size=2),
    st.sampled_from([(8, 8), (8, 8, 3)]),
)
def test_an_index_of_any_content_is_used_or_refused(wrong, sheet, shape):
    """Whatever stands in it, reading a picture by it ends with weights or an error of ours."""
    entry = FINE | {"sheet": None if sheet is None else SHEET | sheet} | wrong
    told = []
    text = json.dumps({"format": 1, "layers": [entry]}).encode()
    for read in parse_index(text, told.append):
        for kernel in (0, 1):
            try:
                legend = legend_of(read, kernel)
                legend.weights(np.zeros(shape, np.uint8))
                legend.redraw(np.zeros(shape, np.uint8), 2, 2)
            except LogError as error:
                told.append(str(error))
    assert all("\n" not in line and len(line) < 500 for line in told)


def test_a_png_that_says_its_size_twice(log_dir):
    """The second size counts for some decoders; it is refused, whichever is the larger."""
    for second in ((100_000, 100_000), (13_000, 13_000), (4, 4)):
        twice = GRAY[:33] + claiming(*second)[8:33] + GRAY[33:]
        with pytest.raises(LogError, match=r"cannot be decoded"):
            decode(twice)
    assert decode(GRAY).shape == (8, 8)


def test_scalars_of_any_type(tmp_path):
    """What is no number is no point of a curve, and hides no other."""
    (tmp_path / "train").mkdir()
    events = EventFile(tmp_path / "train", Disk())
    for dtype in range(130):
        value = scalar_value("epoch_odd", 1.0)
        value.tensor.dtype = dtype
        events.append([value], dtype)
    events.append([scalar_value("epoch_loss", 2.0)], 0)
    assert open_log(tmp_path).scalars()["train"]["epoch_loss"].values.tolist() == [2.0]


def test_lengths_that_overlap_are_not_followed_for_ever(tmp_path):
    """Thousands of headers that each claim megabytes take a moment."""
    length = struct.pack("<Q", 1_000_000)
    header = length + masked_crc(length)
    (tmp_path / "events.tfevents.1").write_bytes(header * 170_000)
    command = [sys.executable, "-m", "tb_kernels", "list", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "left out, it has no whole record" in done.stderr


def test_pipes_and_links_upwards(tmp_path):
    """A pipe is not waited for, and a link to the root of the file system not followed."""
    os.mkfifo(tmp_path / "events.tfevents.1")
    (tmp_path / "up").symlink_to("/")
    command = [sys.executable, "-m", "tb_kernels", "list", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def large_log(tmp_path, epochs, side=8192, scale=1):
    """A log of one kernel whose pictures are large and take few bytes, with an index that fits."""
    pixels = png.encode(np.zeros((side, side, 1), np.uint8))
    (tmp_path / "kernels").mkdir()
    events = EventFile(tmp_path / "kernels", Disk())
    entry = FINE | {"shape": [side, side, 1, 1], "tile": [side, side], "scale": scale}
    index = json.dumps({"format": 1, "layers": [entry]})
    for epoch in range(1, epochs + 1):
        picture = image_value(f"4-fine/4_1_{epoch}", pixels, side, side, "", "")
        events.append([picture, text_value(f"index/{epoch}", index)], epoch)
    return tmp_path


@pytest.mark.parametrize(
    ("epochs", "scale", "options"),
    [
        pytest.param(40, 1, ["--only", "strips"], marks=pytest.mark.slow),
        pytest.param(
            1, 1, ["--only", "images,strips,sheets", "--scale", "8"], marks=pytest.mark.slow
        ),
        pytest.param(
            1, 1, ["--only", "images,strips,sheets", "--scale", "512"], marks=pytest.mark.slow
        ),
        (2, 2**16, ["--only", "sheets,page"]),
        pytest.param(2, 2**31 - 1, ["--only", "sheets,page"], marks=pytest.mark.slow),
    ],
)
def test_pictures_too_large_for_a_figure(tmp_path, epochs, scale, options):
    """They are told of before they are decoded; the rest of the export goes on."""
    (tmp_path / "logs").mkdir()
    log_dir = large_log(tmp_path / "logs", epochs, scale=scale)
    done = export(log_dir, tmp_path / "out", *options)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert any("8,192 x 8,192" in line or "is not drawn" in line for line in lines)
    assert all(line.startswith("tb-kernels: ") for line in lines), done.stderr
    assert not any("Unable to allocate" in line for line in lines)


def test_an_endless_index(tmp_path):
    """An index of megabytes is not read; the pictures are there without it."""
    text = "[" + "[]," * 10_000_000 + "[]]"
    pictures = [text_value("index/1", text), image_value("4-fine/4_1_1", GRAY, 8, 8, "", "")]
    EventFile(tmp_path / "kernels", Disk()).append(pictures, 0)
    command = [sys.executable, "-m", "tb_kernels", "list", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    assert "fine" in done.stdout
    picture = open_log(tmp_path).picture("4_1_1")
    assert picture.pixels().shape == (8, 8)
    with (
        pytest.warns(LogWarning, match="expected at most 8,000,000 bytes"),
        pytest.raises(LogError, match="does not tell of 4_1_1"),
    ):
        picture.weights()


def test_arrays_of_a_stranger(tmp_path):
    """Pickles are not loaded; a file that is no archive, or claims too much, is an error of ours."""
    with KernelLogger(tmp_path, epochs=[1]) as logger:
        logger.log(two_convolutions(), 1)
    run = tmp_path / "kernels"
    np.savez(run / "kernels_1.npz", a=np.array([print], dtype=object))
    with pytest.raises(LogError, match=r"cannot read .*kernels_1.npz \(ValueError: Object arrays"):
        open_log(tmp_path).arrays("kernels")["a"]
    (run / "kernels_1.npz").write_bytes(b"no archive")
    with pytest.raises(LogError, match=r"cannot read .*kernels_1.npz"):
        list(open_log(tmp_path).arrays("kernels"))
    with pytest.raises(ArgumentError):
        open_log(tmp_path).arrays("../kernels")


@pytest.mark.slow
def test_pictures_of_many_pixels_and_few_bytes(tmp_path):
    """Hundreds of them are told as too many; what there is room for is drawn, and all are copied."""
    log_dir = tmp_path / "logs"
    (log_dir / "kernels").mkdir(parents=True)
    side, epochs = 4000, 200
    entry = FINE | {"shape": [side, side, 1, 1], "tile": [side, side]}
    pixels = png.encode(np.zeros((side, side, 1), np.uint8))
    events = EventFile(log_dir / "kernels", Disk())
    for epoch in range(1, epochs + 1):
        picture = image_value(f"4-fine/4_1_{epoch}", pixels, side, side, "", "")
        index = json.dumps({"format": 1, "layers": [entry]})
        events.append([picture, text_value(f"index/{epoch}", index)], epoch)
    done = export(log_dir, tmp_path / "out", "--only", "images,sheets")
    assert done.returncode == 1
    assert "is not drawn, the report has too many of few bytes" in done.stderr
    assert len(list((tmp_path / "out/images").rglob("*.png"))) == epochs
    assert 100 < len(list((tmp_path / "out/sheets").rglob("*.png"))) < epochs
