"""The report: which files, that images are the logged ones, and that it can be repeated."""

import unicodedata
from pathlib import PureWindowsPath

import numpy as np
import pytest

from tb_kernels import open_log
from tb_kernels.report.export import PARTS
from tb_kernels.report.folder import ReportFolder
from tb_kernels.report.job import PART_NAMES
from tests.helpers.oracle import read_png
from tests.helpers.reports import export


@pytest.mark.slow
def test_all_parts(log_dir, tmp_path, capsys):
    """Exactly these files; the same again when it is repeated, byte for byte."""
    files = export(log_dir, tmp_path)
    log = open_log(log_dir)
    kernels = [one for one in log.layers if one.kernels]
    expected = {"index.html", "report.md"}
    expected |= {f"images/{path.relative_to(log_dir)}" for path in log_dir.rglob("*.png")}
    for layer in kernels:
        start = f"{layer.view}/{layer.group}"
        numbers = [*layer.kernels, 0]
        expected |= {f"strips/{start}/{layer.number}_{number}.png" for number in numbers}
        expected |= {f"sheets/{start}/{layer.number}_0_{epoch}.png" for epoch in range(3)}
        expected.add(f"animations/{start}.gif")
        if layer.view == "patterns":
            numbers = [f"{layer.number}_{kernel}_2" for kernel in layer.kernels]
            expected |= {f"contexts/{layer.group}/{number}.png" for number in numbers}
    expected |= {f"curves/{name}.png" for name in ("loss", "learning_rate", "kernels-kernel_norm", "kernels-relative_change", "gradients-gradient_norm")}  # fmt: skip
    assert files == expected
    told = f"{len(files):,} files in {tmp_path}\nopen {tmp_path}/index.html\n"
    assert capsys.readouterr().out == told
    before = {name: (tmp_path / name).read_bytes() for name in files}
    (tmp_path / "mine.txt").write_text("stays")
    assert export(log_dir, tmp_path) == {*files, "mine.txt"}
    assert {name: (tmp_path / name).read_bytes() for name in files} == before


def test_every_part_can_be_asked_for():
    """What the command line offers is what can be made, in that order."""
    assert tuple(PARTS) == PART_NAMES


def test_scale_of_images(log_dir, tmp_path):
    """Every picture with an index, its squares as large as asked for."""
    files = export(log_dir, tmp_path, "--views", "kernels", "--only", "images", "--scale", "3")
    assert len(files) == 36
    for picture in open_log(log_dir).select(views="kernels"):
        exported = read_png(tmp_path / "images/kernels" / f"{picture.tag}.png")
        assert np.array_equal(exported, picture.redraw(scale=3))
        assert picture.legend.layout.scale != 3


def test_columns_of_images(log_dir, tmp_path):
    """Rows of another length alone are drawn anew too."""
    export(log_dir, tmp_path, "--views", "kernels", "--epochs", 1, "--only", "images", "--columns", 1)  # fmt: skip
    for picture in open_log(log_dir).select(views="kernels", epochs=1):
        exported = read_png(tmp_path / "images/kernels" / f"{picture.tag}.png")
        assert np.array_equal(exported, picture.redraw(columns=1))


def test_the_page_is_made_last(log_dir, tmp_path):
    """It shows the figures that are made with it, in whatever order the parts are asked for."""
    export(log_dir, tmp_path, "--views", "kernels", "--kernels", "1_1", "--only", "page,strips")
    assert "](strips/kernels/1-first/1_1.png)" in (tmp_path / "report.md").read_text()


def test_names_that_would_meet_stay_apart(tmp_path):
    """Two names that are made safe to the same one, or differ in case alone, get different files."""
    folder = ReportFolder(tmp_path)
    names = [
        "a b",
        "a_b",
        "A_B",
        "a/b",
        "a?b",
        "A?B",
        "..",
        ".",
        "",
        "x" * 400,
        "x" * 401,
        "ä" * 300,
    ]
    given = [folder._name("x/", name) for name in names]
    assert [folder._name("x/", name) for name in names] == given
    # Of names made safe the file does not depend on which others are exported.
    assert [ReportFolder(tmp_path)._name("x/", name) for name in names[3:5]] == given[3:5]
    assert len({name.lower() for name in given}) == len(names)
    # No folder of a layer is taken for a picture.
    assert not folder._name("x/", "a.png").endswith(".png")
    for name in given:
        assert "/" not in name
        assert not name.startswith(".")
        (tmp_path / name).touch()


@pytest.mark.parametrize(
    "names",
    [
        ("run", "run.", "run..", "run ", "run. ."),
        ("aux.txt", "AUX", "aux", "aux .png", "con", "COM1", "lpt9.x.y", "nul", "com¹"),
        ("é", "e\u0301", "É", "E\u0301"),
        ("straße", "STRASSE", "strasse"),
        ("\uac01", "\u1100\u1161\u11a8"),
    ],
)
def test_names_are_fit_for_every_disk(tmp_path, names):
    """No two that one system takes for the same, no device of Windows, no end that it drops."""
    folder = ReportFolder(tmp_path)
    given = [folder._name("x", name) for name in names]
    as_compared = {unicodedata.normalize("NFD", name).casefold() for name in given}
    assert len(as_compared) == len(names)
    for name in given:
        assert PureWindowsPath(name).is_reserved() is False
        assert PureWindowsPath(f"{name}.png").is_reserved() is False
        assert not name.endswith((".", " "))
    assert [folder._name("y", name) for name in ("auxiliary", "v1.2", "a b")] == [
        "auxiliary",
        "v1.2",
        "a b",
    ]
