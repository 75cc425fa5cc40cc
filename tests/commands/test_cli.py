"""The command line as a user meets it: what it prints, and what it says of wrong usage."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from tb_kernels import KernelLogger
from tb_kernels.cli import main
from tests.helpers.models import two_convolutions


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    """Kernels of two trainings, epochs 1 and 2 and 10."""
    log_dir = tmp_path_factory.mktemp("cli") / "logs"
    for run in ("a", "b"):
        with KernelLogger(log_dir / run) as logger:
            for epoch in (1, 2, 10):
                logger.log(two_convolutions(), epoch)
    return log_dir


def sizes(log_dir):
    """Width and height of the pictures of both layers."""
    for group in ("1-first", "3-second"):
        with Image.open(log_dir / "a/kernels" / group / f"{group[0]}_1_1.png") as picture:
            yield picture.size


def run(*arguments, prefix=(), **options):
    """The command in a process of its own, perhaps started by another."""
    program = [*prefix, sys.executable, "-m", "tb_kernels", *map(str, arguments)]
    return subprocess.run(program, capture_output=True, text=True, check=False, **options)


def test_list(log_dir):
    """A table for each training, a row for each layer."""
    done = run("list", log_dir)
    assert (done.returncode, done.stderr) == (0, "")
    table = [line.rstrip() for line in done.stdout.splitlines()]
    size = sum(path.stat().st_size for path in (log_dir / "a").rglob("*.png"))
    first, second = (f"{width} x {height}" for width, height in sizes(log_dir))
    assert table == [
        line
        for run in "ab"
        for line in (
            f"{run}: 30 pictures, {size / 1000:.1f} kB",
            "view     layer  name    kernels  epochs   pixels",
            f"kernels  1      first   1-4      1-2, 10  {first}",
            f"kernels  3      second  1-6      1-2, 10  {second}",
        )
    ]


def test_list_for_programs(log_dir):
    """JSON with every field; the same choice of pictures as export has."""
    done = run("list", log_dir, "--json", "--runs", "b", "--layers", "first", "--epochs", "2,last")
    (layer,) = json.loads(done.stdout)
    assert layer.pop("bytes") == sum(
        path.stat().st_size
        for epoch in (2, 10)
        for path in (log_dir / "b/kernels/1-first").glob(f"*_{epoch}.png")
    )
    assert layer == {
        "run": "b", "view": "kernels", "number": "1", "name": "first", "group": "1-first",
        "kernels": [1, 2, 3, 4], "epochs": [2, 10], "sheets": False,
        "size": list(next(sizes(log_dir))), "pictures": 8,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["list", "nowhere"], 2, "log_dir: 'nowhere' does not exist; expected the directory"),
        (["export", "nowhere", "out"], 2, "log_dir: 'nowhere' does not exist"),
        (["list", "{empty}"], 1, "no pictures of tb_kernels in '{empty}'; expected"),
        (["export", "{empty}", "out"], 1, "no pictures of tb_kernels in '{empty}'; expected"),
        (["list", "{log}/a/kernels/1-first/1_1_1.png"], 2, "is a file; expected the directory"),
        (["export", "{log}", "out", "--layers", "conv9"], 2, "no layer 'conv9' in '{log}', as far as runs and views were chosen; there are first (1), second (3)"),
        (["export", "{log}", "out", "--epochs", "3"], 2, "no picture of epoch 3 in '{log}', as far as others were chosen; there are 1-2, 10"),
        (["export", "{log}", "out", "--kernels", "7"], 2, "no picture of kernel 7"),
        (["export", "{log}", "out", "--views", "x"], 2, "no view 'x' in '{log}'; it has kernels"),
        (["export", "{log}", "out", "--runs", "c"], 2, "no run 'c' in '{log}'; it has a, b"),
        (["export", "{log}", "out", "--only", "images,x"], 2, "--only: no part 'x'; there are images, strips, grids, sheets, differences, contexts, animations, curves, page"),
        (["export", "{log}", "out", "--kernels", "1,,2"], 2, "expected a list such as 1-6,3_2, got '1,,2'"),
        (["export", "{log}", "out", "--epochs", "9-1"], 2, "expected a list such as 1,6,last, got '9-1'"),
        (["export", "{log}", "out", "--scale", "0"], 2, "0 is not in the range 1<=x<=512"),
        (["export", "{log}"], 2, "Missing argument 'OUT_DIR'"),
        (["export", "{log}", "{file}"], 2, "OUT_DIR: '{file}' is a file; expected a directory"),
        (["export", "{log}", "/proc/nowhere"], 1, "/proc/nowhere"),
        (["export", "{log}", "{file}/below"], 1, "Not a directory"),
        (["unknown"], 2, "No such command 'unknown'; there are list, rank, health, export, log (see tb-kernels --help)"),
        (["exprot", "{log}", "out"], 2, "there are list, rank, health, export, log; did you mean 'export'? (see"),
        (["list", "{log}", "--layer", "1"], 2, "No such option '--layer'. Did you mean '--layers'?"),
        (["export", "{log}", "out", "--only", "strip"], 2, "curves, page; did you mean 'strips'?"),
        (["export", "{log}", "out", "--views", "Kernel"], 2, "it has kernels; did you mean 'kernels'?"),
        (["list", "{log}", "--layers", "frist"], 2, "there are first (1), second (3); did you mean 'first'?"),
        (["list", "{log}", "--layers", "3-secnd"], 2, "there are first (1), second (3); did you mean '3-second'?"),
        (["list", "{log}", "--layers", "1-3"], 2, "second (3); a dash leads into a layer: 1-3 is layer 3 inside layer 1; for layers 1 to 3 say 1,3, in Python [1, 3]"),
        (["list", "{log}", "--layers", "4-5"], 2, "second (3); a dash leads into a layer: 4-5 is layer 5 inside layer 4"),
        (["list", "{log}", "--nothing"], 2, "--nothing"),
        (["log", "nowhere.keras"], 2, "nowhere.keras"),
        (["log"], 2, "Missing argument"),
    ],
)  # fmt: skip
def test_wrong_usage(
    log_dir, tmp_path, tmp_path_factory, monkeypatch, capsys, arguments, code, told
):
    """One line that says what is wrong and what there is; the exit code; nothing written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    file = tmp_path_factory.mktemp("file") / "a file"
    file.write_bytes(b"")
    names = {"log": log_dir, "empty": tmp_path / "empty", "file": file}
    assert main([argument.format(**names) for argument in arguments]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("tb-kernels: ")
    assert told.format(**names) in line
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]


@pytest.mark.parametrize(
    ("log", "out", "how"),
    [
        ("logs", "logs", "is"),
        ("logs", "logs/report", "is inside"),
        ("logs", "logs/a/kernels/new/deep", "is inside"),
        ("logs", "other/../logs/report", "is inside"),
        ("logs", ".", "holds"),
        ("logs", "..", "holds"),
        ("logs/a", "logs", "holds"),
        (".", "report", "is inside"),
        ("link", "logs/report", "is inside"),
        ("logs", "link", "is"),
        ("logs", "link/report", "is inside"),
        ("below/link", "logs/report", "is inside"),
        ("below/link", ".", "holds"),
    ],
)
def test_a_report_stays_out_of_the_log(log_dir, tmp_path, monkeypatch, capsys, log, out, how):
    """One sentence, the code of wrong usage, and nothing is written; by whatever name or link."""
    shutil.copytree(log_dir, tmp_path / "logs")
    (tmp_path / "other").mkdir()
    (tmp_path / "below").mkdir()
    for link in ("link", "below/link"):
        (tmp_path / link).symlink_to(tmp_path / "logs", target_is_directory=True)
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    assert main(["export", log, out]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"tb-kernels: OUT_DIR: {out!r} {how} the log directory {log!r}; expected a directory that "
        "is neither inside nor above it"
    ]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("out", ["logs-report", "report", "loop", "to-log/../report"])
def test_a_report_beside_the_log(log_dir, tmp_path, monkeypatch, capsys, out):
    """A name that only begins as the log's does, or a link that leads elsewhere, will do."""
    shutil.copytree(log_dir, tmp_path / "work/logs")
    monkeypatch.chdir(tmp_path / "work")
    (tmp_path / "work/loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "far").mkdir()
    (tmp_path / "work/to-log").symlink_to(tmp_path / "far", target_is_directory=True)
    code = main(["export", "logs", out, "--only", "images", "--layers", "1", "--kernels", "1"])
    # Above the log by its link.
    assert code == (2 if out == "loop" else 0)


@pytest.mark.parametrize(
    ("only", "named"),
    [
        ("images,page", "out/index.html"),
        ("images", "out/images"),
        ("strips", "out/strips"),
        ("images,sheets", "out"),
        ("animations", None),
    ],
)
def test_export_ends_by_naming_what_to_open(log_dir, tmp_path, monkeypatch, capsys, only, named):
    """The page where it was made, otherwise the folder of the figures; it is there."""
    monkeypatch.chdir(tmp_path)
    choice = ["--runs", "a", "--layers", "1", "--epochs", "1", "--kernels", "1-2"]
    assert main(["export", str(log_dir), "out", "--only", only, *choice]) == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert last == ("0 files in out" if named is None else f"open {named}")
    assert named is None or (tmp_path / named).exists()


@pytest.fixture
def full_disk(tmp_path):
    """A file system of 64 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(log_dir, full_disk):
    """One line, exit code 1; every file that is there is whole, and no half one is left."""
    done = run("export", log_dir, full_disk / "out")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"tb-kernels: No space left on device{_where(done.stderr)}"]
    files = [path for path in (full_disk / "out").rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert path.suffix == ".png"
        assert path.read_bytes().endswith(b"IEND\xaeB`\x82")


def _where(line):
    return line.rstrip("\n").partition("No space left on device")[2]


def test_an_out_dir_that_may_not_be_written(log_dir, tmp_path):
    """One line, exit code 1."""
    tmp_path.chmod(0o500)
    # Root may write everywhere, unless that right is taken away.
    unprivileged = ["setpriv", "--bounding-set", "-dac_override"] if os.geteuid() == 0 else []
    done = run("export", log_dir, tmp_path, prefix=unprivileged)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert "Permission denied" in line


def test_a_read_only_out_dir(log_dir, full_disk):
    """Also for root, where the file system cannot be written."""
    (full_disk / "out").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(full_disk)], check=True)
    done = run("export", log_dir, full_disk / "out")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "Read-only file system" in line


def test_interrupting(log_dir, tmp_path):
    """Ctrl-C ends it with one line and the code that shells use."""
    import signal
    import time

    # A shell starts what runs in its background with Ctrl-C ignored, and so all that this starts.
    heard = "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    module = "runpy.run_module('tb_kernels', run_name='__main__', alter_sys=True)"
    program = [sys.executable, "-c", heard + module, "export", log_dir, tmp_path / "out"]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "out" / "strips").is_dir():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=120)
    assert (process.returncode, told) == (130, "tb-kernels: interrupted\n")
    assert not list((tmp_path / "out").rglob(".partial*"))


def test_choosing(log_dir, tmp_path):
    """A range takes what there is; runs may be numbers; what is nowhere together is refused."""
    done = run("list", log_dir, "--json", "--epochs", "0-9", "--kernels", "4-100", "--runs", "a")
    assert [(one["kernels"], one["epochs"]) for one in json.loads(done.stdout)] == [
        ([4], [1, 2]),
        ([4, 5, 6], [1, 2]),
    ]
    shutil.copytree(log_dir / "a", tmp_path / "2024")
    done = run("list", tmp_path, "--json", "--runs", "2024")
    assert {one["run"] for one in json.loads(done.stdout)} == {"2024"}
    with KernelLogger(tmp_path / "other") as logger:
        logger.log(two_convolutions(), 7)
    done = run("list", tmp_path, "--runs", "other", "--epochs", "1")
    assert done.returncode == 2
    assert "there are 7" in done.stderr


def test_names_that_the_terminal_does_not_know(tmp_path):
    """A layer may be called anything; where it cannot be printed it is spelled out."""
    import keras

    layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, name="层🎉")]
    with KernelLogger(tmp_path / "logs") as logger:
        logger.log(keras.Sequential(layers), 1)
    done = run("list", tmp_path / "logs", env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u5c42" in done.stdout
    done = run("export", tmp_path / "logs", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")


def test_help_tells_every_option(capsys):
    """Each command's help, without a traceback; subcommands are listed with what they do."""
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    for name in ("list", "rank", "health", "export", "log"):
        assert f"\n  {name} " in told
        assert main([name, "--help"]) == 0
        assert "Usage: tb-kernels" in capsys.readouterr().out


def test_many_lines_are_counted(log_dir, tmp_path):
    """A log with hundreds of damaged files says so in a screenful."""
    shutil.copytree(log_dir, tmp_path / "logs")
    for number in range(50):
        (tmp_path / "logs" / f"events.tfevents.{number}").write_bytes(b"x" * 100)
    done = run("list", tmp_path / "logs")
    lines = done.stderr.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "tb-kernels: … and 30 more lines"
    assert done.returncode == 0
