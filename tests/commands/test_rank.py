"""`tb-kernels rank` and `tb-kernels health`: what they print, and what they do not import."""

import json
import subprocess
import sys

import pytest

from tb_kernels import KernelLogger, open_log
from tb_kernels.cli import main
from tests.helpers.models import two_convolutions
from tests.helpers.planted import BROKEN, FIRST, MOVES, log_planted
from tests.helpers.project import HEAVY


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    """The planted network twice: with exact weights and activations, and as pictures alone."""
    log_dir = tmp_path_factory.mktemp("rank") / "logs"
    log_planted(log_dir / "exact", weights=True, activations=True)
    log_planted(log_dir / "pictures")
    return log_dir


def lines_of(capsys, *arguments, code=0):
    capsys.readouterr()
    assert main(list(map(str, arguments))) == code
    told = capsys.readouterr()
    assert told.err == ""
    return [line.rstrip() for line in told.out.splitlines()]


def test_rank(log_dir, capsys):
    """A table for each training: the epochs compared above, ± where values are not exact."""
    found = lines_of(capsys, "rank", log_dir, "--layers", "1", "--top", "3")
    assert found[:5] == [
        "exact: norm of the change from epoch 0 to 10, largest first; of each layer the first 3",
        "layer  name   kernel  change",
        f"1      moved  7       {MOVES[6]:.2f}",
        f"1      moved  5       {MOVES[4]:.2f}",
        f"1      moved  3       {MOVES[2]:.2f}",
    ]
    assert found[5].startswith("pictures: norm of the change from epoch 0 to 10, largest")
    for line, one in zip(found[7:], open_log(log_dir).rank(run="pictures"), strict=False):
        assert line.split() == ["1", "moved", str(one.kernel), f"{one.value:.4g}", "±", f"{one.error:.2g}"]  # fmt: skip
    assert len(found) == 10


@pytest.mark.parametrize(
    ("arguments", "heading", "column"),
    [
        (["--by", "relative_change"], "change from epoch 0 to 10 as a fraction of the norm before, largest first", "relative change"),
        (["--by", "norm"], "norm at epoch 10, largest first", "norm"),
        (["--by", "norm", "--epochs", "0"], "norm at epoch 0, largest first", "norm"),
        (["--by", "activity"], "share of places above zero at epoch 10, smallest first", "activity"),
        (["--by", "activity", "--views", "activations"], "share of places above zero at epoch 10, smallest first", "activity"),
        (["--by", "number"], "by number", None),
    ],
)  # fmt: skip
def test_by(log_dir, capsys, arguments, heading, column):
    """Each criterion says what its numbers are, and orders as `Log.rank` does."""
    first, names, *rows = lines_of(capsys, "rank", log_dir, "--runs", "exact", *arguments)
    assert first == f"exact: {heading}"
    assert names.split(None, 3) == ["layer", "name", "kernel", *([column] if column else [])]
    epochs = FIRST if "--epochs" in arguments else None
    expected = open_log(log_dir).rank(arguments[1], run="exact", epochs=epochs)
    told = [[one.layer, one.name, str(one.kernel), f"{one.value:.4g}"] for one in expected]
    assert [row.split() for row in rows] == [row[: 3 + bool(column)] for row in told]


def test_rank_for_programs(log_dir, capsys):
    """Objects, all of them; null for what is not defined."""
    arguments = ["--json", "--top", "all", "--layers", "broken", "--runs", "exact"]
    found = json.loads("\n".join(lines_of(capsys, "rank", log_dir, *arguments)))
    assert len(found) == 5
    common = {"run": "exact", "view": "kernels", "layer": "3", "name": "broken", "by": "change", "epochs": [0, 10]}  # fmt: skip
    assert found[0] == {**common, "kernel": 1, "value": 0.0, "error": 0.0}
    assert found[-1] == {**common, "kernel": BROKEN, "value": None, "error": None}


def test_json_of_final(tmp_path, capsys):
    """The epoch of the model as training leaves it has its name."""
    with KernelLogger(tmp_path, statistics=False) as logger:
        for epoch in (1, "final"):
            logger.log(two_convolutions(), epoch)
    found = json.loads("\n".join(lines_of(capsys, "rank", tmp_path, "--json")))
    assert found[0]["epochs"] == [1, "final"]
    assert "from epoch 1 to final" in lines_of(capsys, "rank", tmp_path)[0]
    health = json.loads("\n".join(lines_of(capsys, "health", tmp_path, "--json")))
    assert (health[0]["epoch"], health[0]["since"]) == ("final", 1)


def test_health(log_dir, capsys):
    """A row for each layer, thresholds above; a dash for what was not logged."""
    first, _, *rows = lines_of(capsys, "health", log_dir, "--runs", "exact")
    assert first == "exact: near zero: a norm of at most 0.01 of the layer's median; still: a change below 0.001"  # fmt: skip
    change = open_log(log_dir).health(run="exact")[0].relative_change
    assert rows == [
        f"1      moved   0, 10   1 of 8     0          {change:.3g}     2 of 8",
        "2      frozen  0, 10   1 of 6     0          0, still  1 of 6",
        "3      broken  0, 10   0 of 5     1          nan       0 of 5",
    ]
    _, _, moved, frozen, _ = lines_of(capsys, "health", log_dir, "--runs", "pictures", "--still-below", "0.5", "--zero-below", "0.5")  # fmt: skip
    assert moved.endswith("-")
    assert "±" in frozen


def test_health_for_programs(log_dir, capsys):
    """All fields; null for what was not logged and for what is no number."""
    found = json.loads("\n".join(lines_of(capsys, "health", log_dir, "--json", "--layers", "3")))
    assert [one.pop("run") for one in found] == ["exact", "pictures"]
    rows = [open_log(log_dir).health(run=run, layers=3)[0]._asdict() for run in ("exact", "pictures")]  # fmt: skip
    for row, told in zip(rows, found, strict=True):
        assert told.pop("relative_change") is None
        assert told.pop("relative_change_error") is None or told is found[0]
        del row["relative_change"], row["relative_change_error"]
        assert told == row
    assert found[1]["channels"] is None


def test_what_has_no_bound(tmp_path, capsys):
    """Behind the end of a scale that clips a weight may be anywhere: ± inf, null for programs."""
    log_planted(tmp_path, normalize=(-0.1, 0.1))
    arguments = ["rank", tmp_path, "--by", "norm", "--layers", "2", "--top", "1"]
    assert lines_of(capsys, *arguments)[-1].endswith("± inf")
    (one,) = json.loads("\n".join(lines_of(capsys, *arguments, "--json")))
    assert one["value"] > 0
    assert one["error"] is None
    *_, frozen, _ = lines_of(capsys, "health", tmp_path)
    assert frozen.split() == ["2", "frozen", "0,", "10", "1", "±", "5", "of", "6", "0", "nan", "-"]


def test_what_cannot_be_put_together(tmp_path, capsys):
    """Of a kernel that was not logged whole there is no norm: one line, exit code 1."""
    log_planted(tmp_path, slices=True, kernels=[1])
    for command in ("rank", "health"):
        capsys.readouterr()
        assert main([command, str(tmp_path)]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "no kernel of layer 1" in line


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["rank", "nowhere"], 2, "log_dir: 'nowhere' does not exist; expected the directory"),
        (["rank", "{log}", "--by", "size"], 2, "'size' is not one of"),
        (["rank", "{log}", "--top", "0"], 2, "'--top': expected a whole number from 1 or 'all', got '0'"),
        (["rank", "{log}", "--top", "²"], 2, "'--top': expected a whole number from 1 or 'all', got '²'"),
        (["rank", "{log}", "--epochs", "0"], 2, "epochs: 'change' compares two epochs such as (1, 10), got 0; of kernels of layer 1 (moved) in '{log}' there are 0"),
        (["rank", "{log}", "--layers", "conv9"], 2, "layers: no layer 'conv9'"),
        (["rank", "{log}", "--views", "kernels,activations"], 2, "--views: kernels of one view are ranked, expected one name"),
        (["rank", "{log}/pictures", "--by", "activity"], 2, "by: 'activity' needs the activations of a layer"),
        (["health", "nowhere"], 2, "log_dir: 'nowhere' does not exist; expected the directory"),
        (["health", "{log}", "--zero-below", "2"], 2, "2.0 is not in the range 0<=x<=1"),
        (["health", "{log}", "--views", "patterns"], 2, "views: no view 'patterns'"),
    ],
)  # fmt: skip
def test_wrong_usage(log_dir, capsys, arguments, code, told):
    """One line that says what is wrong, and the exit code."""
    assert main([argument.format(log=log_dir) for argument in arguments]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("tb-kernels: ")
    assert told.format(log=log_dir) in line


def modules_after(*arguments):
    """The heavy modules that a command has imported."""
    program = f"import sys; from tb_kernels.cli import main; main({list(map(str, arguments))}); print(*{HEAVY} & set(sys.modules))"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)  # fmt: skip
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("command", ["list", "rank", "health"])
def test_nothing_heavy_is_imported(log_dir, command):
    """Tables need neither TensorFlow nor Keras nor matplotlib."""
    assert modules_after(command, log_dir) == set()


@pytest.mark.slow
def test_the_heavy_import_test_can_fail(log_dir, tmp_path):
    """Figures do need matplotlib, and the check above would see it."""
    arguments = ["export", log_dir, tmp_path, "--runs", "pictures", "--only", "curves"]
    assert modules_after(*arguments) == {"matplotlib"}
