"""Figures saved, as anything and anywhere."""

import io
import os
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from tb_kernels.figures.saving import encode

needs_poppler = pytest.mark.skipif(
    shutil.which("pdffonts") is None and "CI" not in os.environ, reason="poppler is not installed"
)
FORMATS = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}


@pytest.fixture(scope="module")
def figure(trained):
    log, _ = trained
    return log.select(kernels="2_4").figure(width="85mm", dpi=100)


@pytest.mark.parametrize("format", FORMATS)
def test_by_path_name_and_file_object(figure, tmp_path, monkeypatch, format):
    """All the same; a file object without a name is a PNG, unless a format is given."""
    monkeypatch.chdir(tmp_path)
    figure.savefig(tmp_path / f"path.{format}")
    figure.savefig(f"name.{format}")
    stream = io.BytesIO()
    figure.savefig(stream, format=format)
    with open(f"file.{format}", "wb") as file:  # noqa: PTH123
        figure.savefig(file, format=format)
        # It stays open, as with every figure.
        assert not file.closed
    with open(f"own.{format}", "wb") as file:  # noqa: PTH123
        figure.savefig(file, format=format.upper())
    figure.savefig(tmp_path / "other.name", format=format)
    saved = [stream.getvalue(), *(path.read_bytes() for path in tmp_path.iterdir())]
    assert len(saved) == 6
    assert all(one.startswith(FORMATS[format]) for one in saved)
    if format == "svg":
        assert all(one.count(b"image-rendering: pixelated") == one.count(b"<image ") > 1 for one in saved)  # fmt: skip
    if format == "png":
        assert len(set(saved)) == 1


def test_without_a_format_it_is_a_png(figure, tmp_path, monkeypatch):
    """By a name that has no suffix, to which one is added, and by a file object."""
    monkeypatch.chdir(tmp_path)
    figure.savefig("plain")
    figure.savefig(tmp_path / "path")
    stream = io.BytesIO()
    figure.savefig(stream)
    assert {path.name for path in tmp_path.iterdir()} == {"plain.png", "path.png"}
    for saved in (stream.getvalue(), *(path.read_bytes() for path in tmp_path.iterdir())):
        assert saved.startswith(FORMATS["png"])


def test_where_svg_is_the_default(figure, tmp_path):
    """As somebody's matplotlibrc may say: its squares are as sharp."""
    import matplotlib as mpl

    with mpl.rc_context({"savefig.format": "svg"}):
        figure.savefig(tmp_path / "plain")
        stream = io.StringIO()
        figure.savefig(stream)
    (path,) = tmp_path.iterdir()
    assert path.name == "plain.svg"
    assert stream.getvalue().count("image-rendering: pixelated") > 1
    assert "image-rendering: pixelated" in path.read_text()


@pytest.mark.parametrize("background", ["white", "transparent"])
def test_in_a_notebook(trained, background):
    """What it shows of itself is the figure, at its own resolution."""
    log, _ = trained
    figure = log.select(kernels="2_4").figure(width="85mm", dpi=100, background=background)
    with Image.open(io.BytesIO(figure._repr_png_())) as image:
        assert image.size == tuple(figure.bbox.size.astype(int))
        shown = np.asarray(image.convert("RGBA"))
    stream = io.BytesIO()
    figure.savefig(stream, dpi=100, facecolor=figure.get_facecolor())
    saved = np.asarray(Image.open(stream).convert("RGBA"))
    assert np.array_equal(shown, saved)


@needs_poppler
@pytest.mark.parametrize("how", ["savefig", "encode"])
def test_fonts_are_truetype(figure, tmp_path, how):
    """None is Type 3, which publishers do not take, and all are embedded; letters can be copied."""
    path = tmp_path / "figure.pdf"
    if how == "savefig":
        figure.savefig(path)
    else:
        path.write_bytes(encode(figure, "pdf"))
    told = subprocess.run(["pdffonts", path], capture_output=True, text=True, check=True).stdout
    fonts = told.splitlines()[2:]
    assert fonts
    assert all("TrueType" in font and "Type 3" not in font for font in fonts)
    assert all(re.search("Identity-H +yes +yes +yes", font) for font in fonts)
    text = subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout  # fmt: skip
    assert {"2_4_1", "2_4_2", "2_4_5"} <= set(text.split())


@pytest.mark.parametrize("format", FORMATS)
def test_equal_figures_are_equal_files(trained, format):
    """Encoded twice, and drawn twice."""
    log, _ = trained
    chosen = log.select(kernels="2_4")
    first, second = (encode(chosen.figure(width="85mm"), format) for _ in range(2))
    assert first == second
