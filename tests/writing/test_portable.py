"""What other systems do: a file that is held open cannot be replaced, names are a few bytes."""

import os
from io import FileIO
from pathlib import Path

import numpy as np
import pytest

from tb_kernels import KernelLogger, LogWarning, WriteError, open_log
from tb_kernels.writing import disk
from tb_kernels.writing.files import WholeFiles
from tests.helpers.models import fit
from tests.helpers.oracle import read_png


@pytest.fixture
def held(monkeypatch):
    """Paths that a program holds open: as on Windows, they cannot be replaced."""
    replace, paths = os.replace, set()

    def refusing(source, target):
        if Path(target).name in paths:
            raise PermissionError(13, "Permission denied", str(source), None, str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", refusing)
    # As there, in this process.
    monkeypatch.setattr(disk, "start_hand", disk.Here)
    return paths


def partial_files(folder):
    return [path for path in folder.rglob("*") if "partial" in path.name]


def test_a_file_that_is_held_open_stays(tmp_path, held):
    """The old one is whole, of the new one nothing is left, and what comes later is written."""
    files = WholeFiles(tmp_path)
    files.write("a/one.png", b"old")
    held.add("one.png")
    with pytest.raises(PermissionError):
        files.write("a/one.png", b"new")
    with pytest.raises(PermissionError):
        files.fill("a/one.png", lambda stream: stream.write(b"new"))
    assert (tmp_path / "a/one.png").read_bytes() == b"old"
    assert not partial_files(tmp_path)
    files.write("a/two.png", b"two")
    held.clear()
    files.write("a/one.png", b"new")
    assert (tmp_path / "a/one.png").read_bytes() == b"new"
    assert files.count == 3


def test_it_is_a_loss_and_no_end_of_training(model, data, tmp_path, held):
    """Told once and in the sum; the picture is in the event file all the same."""
    fit(model, data, KernelLogger(tmp_path), epochs=1)
    path = tmp_path / "kernels/1-first/1_2_1.png"
    before = path.read_bytes()
    held.add(path.name)
    model.optimizer.learning_rate = 1.0
    with pytest.warns(LogWarning) as told:
        history = fit(model, data, KernelLogger(tmp_path), epochs=3)
    lines = [str(one.message) for one in told if one.category is LogWarning]
    assert len(history.history["loss"]) == 3
    assert "1 picture could not be written to" in lines[0]
    assert "Permission denied" in lines[0]
    assert lines[-1].startswith("in all, 1 picture could not be written")
    assert path.read_bytes() == before
    assert not partial_files(tmp_path)
    assert not np.array_equal(open_log(tmp_path).picture("1_2_1").pixels(), read_png(path))
    assert (tmp_path / "kernels/1-first/1_2_3.png").is_file()


def test_strict_raises_it(model, tmp_path, held):
    """At the next call, as every loss."""
    held.add("1_2_1.png")
    logger = KernelLogger(tmp_path, strict=True)
    logger.log(model, 1)
    with pytest.raises(WriteError, match="1 picture could not be written"):
        logger.close()


def test_arrays_that_are_held_open(model, data, tmp_path, held):
    """The same for the file of arrays: the old one stays, pictures are written."""
    from tb_kernels import GradientLogger

    held.add("gradients_1.npz")
    with pytest.warns(LogWarning, match="1 array file could not be written"):
        fit(model, data, GradientLogger(tmp_path, *data), epochs=1)
    assert not partial_files(tmp_path)
    assert not list(tmp_path.rglob("*.npz"))
    assert len(open_log(tmp_path).select(views="gradients")) == 10


def test_bytes_are_written_as_they_are(tmp_path):
    """FileIO, by which all files are written, is binary on every system."""
    data = bytes(range(256)) + b"\r\n\x1a\n"
    WholeFiles(tmp_path).write("one", data)
    assert (tmp_path / "one").stat().st_size == len(data)
    with FileIO(tmp_path / "one") as stream:
        assert stream.mode == "rb"
        assert stream.read() == data


def test_every_name_will_do_on_windows(model, data, tmp_path):
    """Of all files and folders of a log: no letter that is refused there, no end that is dropped."""
    fit(model, data, KernelLogger(tmp_path, sheets=True), epochs=1)
    for path in tmp_path.rglob("*"):
        assert not set(path.name) & set('<>:"/\\|?*')
        assert not path.name.endswith((".", " "))
        assert path.name.isascii()
