"""Paths of users: loggers, the reader and the commands take the same, and refuse the same."""

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path, PureWindowsPath

import pytest

from tb_kernels import ArgumentError, KernelLogger, open_log
from tb_kernels.arguments import check_path
from tb_kernels.cli import main
from tb_kernels.report.folder import ReportFolder
from tests.helpers.models import two_convolutions

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home directory, and an empty working directory beside it."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


def log_to(log_dir):
    with KernelLogger(log_dir, layers=1, kernels=[1]) as logger:
        logger.log(two_convolutions(), 1)


@pytest.mark.parametrize("kind", [str, Path])
def test_home_is_the_same_everywhere(home, kind, capsys):
    """What a logger writes below ~ is read, listed and exported by the same name."""
    log_to(kind("~/logs"))
    assert (home / "logs/kernels/1-first/1_1_1.png").is_file()
    log = open_log(kind("~/logs"))
    assert (len(log), log.where) == (1, str(kind("~/logs")))
    assert main(["list", "~/logs"]) == 0
    assert main(["export", "~/logs", "~/out", "--only", "images"]) == 0
    assert (home / "out/images/kernels/1-first/1_1_1.png").is_file()
    assert not list(Path.cwd().iterdir())


REFUSED = [
    ("~no-such-user/logs", "no home directory is known for '~no-such-user/logs'"),
    ("lo\0gs", r"expected a path without NUL characters, got 'lo\x00gs'"),
    ("\ud800", r"cannot hold '\ud800'; expected other letters"),
    ("s3:/bucket/x", "'s3:/bucket/x' is an address that lacks a slash"),
    (Path("s3://bucket/x"), "'s3:/bucket/x' is an address that lacks a slash"),
    (Path("simplecache::s3://b/x"), "is an address that lacks a slash"),
    ("", "expected a path such as 'logs', got ''"),
    (None, "expected a path such as 'logs', got None"),
    (b"logs", "expected a path such as 'logs', got b'logs'"),
]
REMOTE = [("s3://bucket/x", "is a remote address"), ("simplecache::s3://b/x", "is a remote")]


@pytest.mark.parametrize(("path", "told"), REFUSED)
@pytest.mark.parametrize("take", [KernelLogger, open_log, ReportFolder])
def test_what_is_refused(home, take, path, told):
    """In words that name the argument and what was given; nothing is made."""
    with pytest.raises(ArgumentError, match=re.escape(told)) as error:
        take(path)
    assert str(error.value).startswith("OUT_DIR: " if take is ReportFolder else "log_dir: ")
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize(("path", "told"), REMOTE)
@pytest.mark.parametrize("take", [KernelLogger, ReportFolder])
def test_what_is_written_stays_on_this_machine(home, take, path, told):
    """An address is refused where something is to be written."""
    with pytest.raises(ArgumentError, match=told):
        take(path)
    assert not list(Path.cwd().iterdir())


def test_the_reader_says_how_an_address_is_given(home):
    """pathlib has dropped a slash, which nobody sees."""
    with pytest.raises(ArgumentError, match="expected it as text, such as 's3://bucket/logs'"):
        open_log(Path("s3://bucket/x"))


@pytest.mark.parametrize("out_dir", ["s3://bucket/x", "s3:/bucket/x", "~no-such-user/x"])
def test_export_refuses_as_wrong_usage(home, capsys, out_dir):
    """No folder `s3:` is made; one line and the exit code of wrong usage."""
    log_to(home / "logs")
    assert main(["export", "~/logs", out_dir]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line]
    assert line.startswith("tb-kernels: OUT_DIR: ")
    assert repr(out_dir) in line
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize(
    "path",
    ["C:/logs", "C:\\logs", "C://logs", str(PureWindowsPath("c:/logs")), "./~no-such-user", "a:b",
     "./s3:/x", "2026-11-24T10:00:00/logs", "lo\udcffgs"],
)  # fmt: skip
@pytest.mark.parametrize("remote", [False, True])
def test_what_is_a_path_like_any_other(path, remote):
    """Drives of Windows are no addresses, and names that the disk can hold are taken."""
    assert check_path("log_dir", path, remote=remote) == path


def test_a_folder_called_like_a_user(home):
    """Given with ./ in front it is what it is."""
    log_to("./~no-such-user")
    assert len(open_log("./~no-such-user")) == 1
    assert [path.name for path in Path.cwd().iterdir()] == ["~no-such-user"]


PROGRAM = """
from tb_kernels.arguments import check_path
from tb_kernels.errors import ArgumentError
try:
    check_path("log_dir", "B\\xe4ume")
except ArgumentError as error:
    print(ascii(str(error)))
print(check_path("log_dir", "B\\udcc3\\udca4ume").encode("utf-8", "surrogateescape").hex())
"""


@pytest.mark.skipif(os.name != "posix", reason="the locale decides on names on POSIX alone")
def test_names_that_the_locale_cannot_hold():
    """An error in words; names that Python has read from such a disk are taken."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=os.environ | ASCII, capture_output=True, text=True, check=True)  # fmt: skip
    told, taken = done.stdout.splitlines()
    assert "log_dir: file names of this system are ascii, which cannot hold" in told
    assert taken == "Bäume".encode().hex()


def test_a_log_stays_where_it_was(home, monkeypatch):
    """A relative path is that of the moment; the log still shows what was given."""
    log_to("logs")
    log, here = open_log("logs"), Path.cwd()
    expected = (here / "logs/kernels/1-first/1_1_1.png").read_bytes()
    monkeypatch.chdir(home)
    assert log.where == "logs"
    assert next(iter(log)).png == expected
    assert next(iter(pickle.loads(pickle.dumps(log)))).png == expected  # noqa: S301
    monkeypatch.chdir(here)
    assert "'logs'" in repr(log)


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a working directory")
def test_no_working_directory(tmp_path, monkeypatch):
    """A relative path below a directory that is gone leads nowhere."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(ArgumentError, match="log_dir: 'logs' does not exist"):
        open_log("logs")
