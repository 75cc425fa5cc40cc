"""Saved models are logged as if a logger had watched them."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tb_kernels import ArgumentError, KernelLogger, PatternLogger, open_log
from tb_kernels.cli import main
from tb_kernels.commands.checkpoints import epochs_of
from tb_kernels.schema.naming import natural_order
from tests.helpers.models import two_convolutions
from tests.helpers.oracle import read_index, read_scalars

NAME = "model-{epoch:02d}-{loss:.2f}.keras"


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A training of three epochs: what loggers wrote, and a checkpoint of each epoch."""
    folder = tmp_path_factory.mktemp("saved")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(16, 8, 8, 3)), random.normal(size=(16, 1))
    logged = {"epochs": [1, 2, 3], "sheets": True}
    two_convolutions().fit(
        x,
        y,
        epochs=3,
        verbose=0,
        callbacks=[
            KernelLogger(folder / "watched", **logged),
            PatternLogger(folder / "watched", steps=30, **logged),
            keras.callbacks.ModelCheckpoint(folder / NAME),
            keras.callbacks.ModelCheckpoint(folder / "{epoch}.weights.h5", save_weights_only=True),
        ],
    )
    return folder


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.png")}


def run(*arguments):
    """The command in this process: Keras is there already."""
    return main(["log", *map(str, arguments)])


def test_checkpoints_give_what_a_logger_would_have(watched, tmp_path, capsys):
    """Pictures of the same names and bytes, the same index, the same curves."""
    models = sorted(watched.glob("*.keras"), reverse=True)
    options = ["--views", "kernels,patterns", "--sheets", "--pattern", NAME, "--log-dir", tmp_path]
    assert run(*models, *options) == 0
    assert files(tmp_path) == files(watched / "watched")
    assert len(files(tmp_path)) > 40
    for view in ("kernels", "patterns"):
        assert read_index(tmp_path / view) == read_index(watched / "watched" / view)
    curves = read_scalars(watched / "watched" / "kernels")
    for tag, points in curves.items():
        # Of the model before training nothing was saved.
        points.pop(-1, None)
        points.pop(0, None) if tag.endswith("change") else None
    assert read_scalars(tmp_path / "kernels") == curves
    told = capsys.readouterr().out.splitlines()
    assert told[-4:-1] == [f"epoch {epoch}: {path}" for epoch, path in enumerate(models[::-1], 1)]
    assert told[-1] == f"3 epochs of kernels and patterns in {tmp_path}"


def test_exact_weights(watched, tmp_path):
    """Are stored on request, and belong to the pictures beside them; patterns have none."""
    models = sorted(watched.glob("*.keras"))
    options = ["--views", "kernels,patterns", "--kernels", "1", "--weights", "--log-dir", tmp_path]
    assert run(*models, *options) == 0
    expected = keras.saving.load_model(models[-1]).get_layer("first").kernel
    found = open_log(tmp_path).weights("first", 3)
    assert found.exact
    assert np.array_equal(found.values, np.moveaxis(np.array(expected), (3, 2), (0, 1)))


def test_weights_alone(watched, tmp_path):
    """With the model that they are of, they give the same."""
    weights = sorted(watched.glob("*.weights.h5"))
    model = next(watched.glob("*.keras"))
    options = ["--sheets", "--architecture", model, "--log-dir", tmp_path]
    assert run(*weights, "--pattern", "{epoch}.weights.h5", *options) == 0
    kernels = {name: data for name, data in files(watched / "watched").items() if name.startswith("kernels/")}  # fmt: skip
    assert files(tmp_path) == kernels


def test_one_model(watched, tmp_path):
    """Its epoch is what is said, or 1; layers, kernels and colours may be chosen."""
    model = next(watched.glob("*.keras"))
    options = ["--layers", "first", "--kernels", "2-3", "--normalize", "-1,1", "--colormap", "viridis"]  # fmt: skip
    assert run(model, "--epoch", 7, "--log-dir", tmp_path, *options) == 0
    assert run(model, "--log-dir", tmp_path, "--layers", 3, "--kernels", 1) == 0
    assert sorted(files(tmp_path)) == [
        "kernels/1-first/1_2_7.png",
        "kernels/1-first/1_3_7.png",
        "kernels/3-second/3_1_1.png",
    ]
    (entry,) = read_index(tmp_path / "kernels")[7]["layers"]
    assert (entry["low"], entry["high"], entry["colormap"]) == (-1, 1, "viridis")


def lambda_model(path, trap):
    """A model file with code in it that makes a file when it is run."""
    code = f"lambda x: (open({str(trap)!r}, 'w').close(), x)[1]"
    layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3), keras.layers.Lambda(eval(code))]  # noqa: S307
    keras.Sequential(layers).save(path)
    trap.unlink(missing_ok=True)


def test_code_of_strangers_is_not_run(tmp_path, capsys):
    """A Lambda layer is refused in one line; so are the older formats, which have no safe mode."""
    trap = tmp_path / "trap"
    for name in ("model.keras", "model.h5"):
        lambda_model(tmp_path / name, trap)
        assert run(tmp_path / name, "--log-dir", tmp_path / "logs") == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"tb-kernels: {tmp_path / name}: ")
        assert not trap.exists()
        assert not (tmp_path / "logs").exists() or not files(tmp_path / "logs")
    assert "save it as .keras" in line


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "cannot be loaded"), (b"no model", "cannot be loaded"), (b"PK\x03\x04" + bytes(100), "cannot be loaded")],
)  # fmt: skip
def test_files_that_are_no_models(tmp_path, capsys, content, told):
    """One line, exit code 1."""
    (tmp_path / "model.keras").write_bytes(content)
    assert run(tmp_path / "model.keras", "--log-dir", tmp_path / "logs") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_different_models_are_not_mixed(watched, tmp_path, capsys):
    """Pictures of one directory are of one model."""
    keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)]).save(tmp_path / "o.keras")
    assert run(next(watched.glob("*.keras")), tmp_path / "o.keras", "--log-dir", tmp_path) == 1
    assert "its weights are of other shapes than those before" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--epoch", 1], 2, "--epoch: expected one model, got 3"),
        (["--epoch", 10**9], 2, "1000000000 is not in the range 0<=x<=999999999"),
        (["--epoch", 1, "--pattern", NAME], 2, "expected one of them, got both"),
        (["--pattern", "model-{epoch}.keras"], 2, "is not of the pattern 'model-{epoch}.keras'"),
        (["--pattern", "model.keras"], 2, "expected a file name with {epoch} once"),
        (["--views", "heatmaps"], 2, "--views: 'heatmaps' is not drawn of a saved model; expected kernels or patterns"),
        (["--normalize", "1,x"], 2, "expected LOW,HIGH such as -1,1, got '1,x'"),
        (["--normalize", "other"], 2, "normalize: unknown 'other'"),
        (["--layers", "conv9"], 2, "layers: no layer 'conv9' in model 'two'; it has first, second"),
        (["--kernels", "1_2"], 2, "--kernels: expected numbers such as 1-6"),
    ],
)  # fmt: skip
def test_wrong_usage(watched, tmp_path, capsys, options, code, told):
    """One line, before anything is written."""
    models = sorted(watched.glob("*.keras"))
    assert run(*models, "--log-dir", tmp_path / "logs", *options) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert not list(tmp_path.rglob("*.png"))


@pytest.mark.slow
def test_the_terminal_has_only_our_lines(watched, tmp_path):
    """What TensorFlow says of its build while it is imported is kept from it."""
    program = [sys.executable, "-m", "tb_kernels", "log", next(watched.glob("*.keras"))]
    done = subprocess.run([*program, "--log-dir", tmp_path], capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == f"1 epoch of kernels in {tmp_path}"


@given(st.lists(st.integers(0, 999), unique=True, min_size=1), st.floats(0, 99))
def test_epochs_from_names_as_keras_fills_them_in(epochs, loss):
    """The pattern is the one that ModelCheckpoint was given."""
    paths = [Path("somewhere") / NAME.format(epoch=epoch, loss=loss) for epoch in epochs]
    assert epochs_of(paths, pattern=f"some/folder/{NAME}") == epochs


def test_epochs_of_files():
    """Counted from 1 if nothing is said; but not as a shell sorts 10 before 2."""
    paths = [Path("b.keras"), Path("a.keras")]
    assert epochs_of(paths) == [1, 2]
    assert epochs_of(paths[:1], 0) == [0]
    numbered = [Path(f"m{number}-0.5.keras") for number in (1, 10, 2)]
    with pytest.raises(ArgumentError, match=r"'m10-0.5.keras' is listed before 'm2-0.5.keras'"):
        epochs_of(numbered)
    assert epochs_of(sorted(numbered, key=lambda path: natural_order(path.name))) == [1, 2, 3]
    assert epochs_of(numbered, pattern="m{epoch}-{loss:.1f}.keras") == [1, 10, 2]
    with pytest.raises(ArgumentError, match=r"'1.keras' and '01.keras' are both of epoch 1"):
        epochs_of([Path("1.keras"), Path("01.keras")], pattern="{epoch}.keras")
