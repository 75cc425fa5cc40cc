"""The hand: where it cannot be had, what it inherits, and that nothing of it stays."""

import errno
import gc
import itertools
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from tb_kernels.writing import process
from tb_kernels.writing.disk import Disk
from tb_kernels.writing.process import DiskHangsError, Here


def place(disk, folder, name="a/b"):
    assert disk.call("place", str(folder), [(name, b"bytes")], patience=20) == []
    assert (folder / name).read_bytes() == b"bytes"


def process_of(disk):
    return disk._hand._process


def test_it_is_one_process_and_ends_with_its_disk(tmp_path):
    """As soon as nobody asks any more."""
    disk = Disk()
    place(disk, tmp_path)
    process = process_of(disk)
    place(disk, tmp_path, "c")
    assert process_of(disk) is process
    assert process.poll() is None
    del disk
    gc.collect()
    assert process.poll() == 0


def test_what_cannot_be_written_is_told_in_the_systems_words(tmp_path):
    """By its place among the files; the others are there, and so is the record behind them."""
    disk, why = Disk(), (errno.EISDIR, os.strerror(errno.EISDIR))
    (tmp_path / "a/folder").mkdir(parents=True)
    files = [("one", b"1"), ("a/folder", b"2"), ("a/three", b"3")]
    assert disk.call("place", str(tmp_path), files, patience=20) == [(1, *why)]
    assert [(tmp_path / name).read_bytes() for name in ("one", "a/three")] == [b"1", b"3"]

    def record(path):
        return disk.call("record", str(tmp_path), files, str(path), None, b"begun", b"!", patience=20)  # fmt: skip

    assert record(tmp_path / "events") == ([(1, *why)], 6, (None, ""))
    assert (tmp_path / "events").read_bytes() == b"begun!"
    assert record(tmp_path / "a/folder") == ([(1, *why)], None, why)


def test_it_ends_with_the_process_that_asks():
    """Also where that is killed."""
    program = """
    import os, signal, tempfile
    from tb_kernels.writing.disk import Disk
    disk = Disk()
    disk.call("heads", tempfile.gettempdir(), patience=20)
    print(disk._hand._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False)  # fmt: skip
    hand = int(done.stdout)
    deadline = time.monotonic() + 30
    while Path(f"/proc/{hand}").exists() and "Z" not in Path(f"/proc/{hand}/stat").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("why", ["no such program", "one that does not answer", "frozen"])
def test_where_no_process_can_be_had(tmp_path, monkeypatch, why):
    """The hand works in this process, as on Windows."""
    if why == "frozen":
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    else:
        program = "/bin/true" if why == "one that does not answer" else str(tmp_path / "none")
        monkeypatch.setattr(sys, "executable", program)
    disk = Disk()
    place(disk, tmp_path)
    assert isinstance(disk._hand, Here)
    real, _, taken = disk.call("prepare", str(tmp_path / "kernels"), patience=20)
    assert (real, taken) == (str(tmp_path / "kernels"), False)


def test_names_of_any_bytes(tmp_path):
    """Letters, and bytes that are none, reach the disk as they are."""
    disk = Disk()
    for name in ("ä中", os.fsdecode(b"\xff\xfe")):
        place(disk, tmp_path, name)
        assert (tmp_path / name).exists()


@pytest.mark.parametrize("encoding", ["utf8=0", "utf8=1"])
def test_names_in_another_locale(tmp_path, encoding):
    """The hand takes a name for the bytes that this process takes it for."""
    program = """
    import os, sys
    from tb_kernels.writing.disk import Disk
    name = os.fsdecode(b"\\xc3\\xa4")
    assert Disk().call("place", sys.argv[1], [(name, b"")], patience=20) == []
    assert os.listdir(os.fsencode(sys.argv[1])) == [b"\\xc3\\xa4"]
    """
    environment = os.environ | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-X", encoding, "-c", textwrap.dedent(program), tmp_path]
    subprocess.run(command, check=True, env=environment)


def test_an_error_is_the_one_of_the_disk(tmp_path):
    """Number and words come over the socket."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="Not a directory"):
        Disk().call("append", str(tmp_path / "file/x"), None, b"", b"", patience=20)
    with pytest.raises(OSError, match="AttributeError"):
        Disk().call("nothing of this name", patience=20)


def test_no_hand_is_left_over_by_many_trainings(tmp_path):
    """Nor an open socket."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(20):
        disk = Disk()
        place(disk, tmp_path, str(number))
        del disk
        gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
    assert not process._orphans


@pytest.mark.parametrize("moving", [True, False])
def test_who_waits_for_another_threads_call(tmp_path, monkeypatch, moving):
    """As long as the disk moves on; once it has stood still from one look to the next it hangs."""
    disk, looks = Disk(), itertools.count()
    place(disk, tmp_path)
    monkeypatch.setattr(disk, "_moves", lambda: (next(looks) if moving else 0, 0))
    with disk._lock:
        release = threading.Timer(1.5, disk._lock.release)
        began = time.monotonic()
        if moving:
            release.start()
            assert disk.call("place", str(tmp_path), [("b", b"late")], patience=0.2) == []
            assert time.monotonic() - began > 1.4
            disk._lock.acquire()
        else:
            with pytest.raises(DiskHangsError):
                disk.call("place", str(tmp_path), [("b", b"late")], patience=0.2)
            assert time.monotonic() - began > 0.35
