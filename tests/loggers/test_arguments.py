"""Wrong arguments: each is told before the first step, with what was given and what would do."""

import os
import re
import subprocess
import sys

import keras
import pytest

from tb_kernels import ArgumentError, KernelLogger


class NoStep(keras.callbacks.Callback):
    """Fails the test if training gets as far as a step."""

    def on_train_batch_end(self, batch, logs=None):
        pytest.fail("a step was trained before the argument was refused")


def refused(model, data, message, *arguments, **keywords):
    """The logger, used in fit, raises this message before the first step."""
    with pytest.raises(ArgumentError, match=re.escape(message)):
        model.fit(*data, verbose=0, callbacks=[KernelLogger(*arguments, **keywords), NoStep()])


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"layers": ["conv9"]}, "layers: no layer 'conv9' in model 'two'; it has first, second"),
        ({"layers": [2, 9]}, "layers: layer 2 of model 'two' has no kernels; these have: first, second"),
        ({"layers": "pool"}, "layers: layer 'pool' of model 'two' has no kernels"),
        ({"layers": 9}, "layers: no layer 9 in model 'two'"),
        ({"layers": []}, "layers: an empty list selects nothing"),
        ({"layers": [None]}, "layers: expected names or numbers such as 'conv2d_3', 3 or '2-5', got None"),
        ({"layers": [True]}, "layers: expected names or numbers such as 'conv2d_3', 3 or '2-5', got True"),
        ({"kernels": [7, 9]}, "kernels: no layer of model 'two' has any of the numbers [7, 9]; expected numbers from 1 to 6"),
        ({"kernels": [0]}, "kernels: kernel numbers count from 1; sheets=True draws whole layers, got 0"),
        ({"kernels": [1.5]}, "kernels: kernel numbers count from 1; sheets=True draws whole layers, got 1.5"),
        ({"kernels": "1"}, "kernels: expected a list such as [1, 6], got '1'"),
        ({"kernels": ()}, "kernels: an empty list selects nothing"),
        ({"epochs": [1, -1]}, "epochs: expected whole numbers from 0, 'last' or 'final', got -1"),
        ({"epochs": [1, 2.5]}, "epochs: expected whole numbers from 0, 'last' or 'final', got 2.5"),
        ({"epochs": [True]}, "epochs: expected whole numbers from 0, 'last' or 'final', got True"),
        ({"epochs": ["first"]}, "epochs: expected whole numbers from 0, 'last' or 'final', got 'first'"),
        ({"epochs": "all"}, "epochs: expected a list such as [1, 6, 10], got 'all'"),
        ({"epochs": 10}, "epochs: expected a list such as [1, 6, 10], got 10"),
        ({"epochs": [1, 10**9]}, "epochs: names have room for epochs up to 999,999,999, got 1,000,000,000"),
        ({"epochs": range(5, 5)}, "epochs: an empty list selects nothing; expected a list such as [1, 6, 10]"),
        ({"kernels": range(1, 5, -1)}, "kernels: an empty list selects nothing"),
        ({"epochs": []}, "epochs: an empty list selects nothing; expected a list such as [1, 6, 10]"),
        ({"normalize": "max"}, "normalize: unknown 'max'; expected one of 'layer', 'kernel', 'first', 'symmetric', 'standard' or a pair (low, high)"),
        ({"normalize": (1, 1)}, "normalize: low must be below high, and their difference finite; got (1, 1)"),
        ({"normalize": (2, 1)}, "normalize: low must be below high, and their difference finite; got (2, 1)"),
        ({"normalize": (0, float("inf"))}, "normalize: low must be below high, and their difference finite; got (0, inf)"),
        ({"normalize": (0, 1, 2)}, "normalize: cannot use (0, 1, 2); expected one of"),
        ({"normalize": None}, "normalize: cannot use None; expected one of"),
        ({"colormap": "grey-ish"}, "colormap: unknown 'grey-ish'; expected 'gray', 'rgb' or a name that matplotlib knows"),
        ({"colormap": 3}, "colormap: expected a name such as 'gray', got 3"),
        ({"scale": 0}, "scale: expected a whole number from 1, got 0"),
        ({"scale": 2.5}, "scale: expected a whole number from 1, got 2.5"),
        ({"columns": 0}, "columns: expected a whole number from 1, got 0"),
        ({"columns": -3}, "columns: expected a whole number from 1, got -3"),
        ({"log_dir": None}, "log_dir: expected a path such as 'logs', got None"),
        ({"log_dir": ""}, "log_dir: expected a path such as 'logs', got ''"),
        ({"log_dir": "gs://bucket/logs"}, "log_dir: 'gs://bucket/logs' is a remote address"),
    ],
)  # fmt: skip
def test_wrong_argument(model, data, tmp_path, keywords, message):
    """What is wrong is named, with what was given and what would do."""
    refused(model, data, message, **{"log_dir": tmp_path, **keywords})


def test_unknown_keyword_is_told_by_python():
    """A slip in a keyword's name is no silent default."""
    with pytest.raises(TypeError, match="epoch"):
        KernelLogger("logs", epoch=[1])


def test_model_without_convolutions(data, tmp_path):
    """Nothing to draw is said, with the layers there are."""
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(name="f"), keras.layers.Dense(1, name="d")],
        name="dense",
    )
    model.compile("sgd", "mse")
    refused(model, data, "model: 'dense' has no convolution layers; expected at least one, such as Conv2D (its layers are f, d)", tmp_path)  # fmt: skip


def test_wrong_layer_of_a_model_that_its_first_batch_builds(data, tmp_path):
    """What takes the layers to know is said as soon as there are any, before the second step."""
    steps = []

    class Late(keras.Model):
        def __init__(self):
            super().__init__(name="late")
            self.conv = keras.layers.Conv2D(2, 3, name="c")

        def call(self, x):
            return keras.ops.mean(self.conv(x), axis=(1, 2, 3))[:, None]

    class Count(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            steps.append(batch)

    model = Late()
    model.compile("sgd", "mse")
    logger = KernelLogger(tmp_path, layers="d")
    with pytest.raises(ArgumentError, match="layers: no layer 'd' in model 'late'; it has c"):
        model.fit(*data, batch_size=4, verbose=0, callbacks=[logger, Count()])
    assert len(steps) <= 1


def test_log_dir_that_is_a_file(model, data, tmp_path):
    """A file cannot hold a log, nor can a folder below one."""
    file = tmp_path / "file"
    file.write_text("")
    for log_dir in (file, file / "logs"):
        refused(
            model,
            data,
            f"log_dir: cannot use '{log_dir}', since '{log_dir / 'kernels'}' is a file or lies",
            log_dir,
        )
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/kernels").write_text("")
    refused(model, data, "is a file or lies below one; expected a directory", tmp_path / "logs")


def test_log_dir_that_cannot_be_written(tmp_path):
    """No permission is told as that; tried as an ordinary user, since root may write anywhere."""
    (tmp_path / "logs").mkdir(mode=0o555)
    tmp_path.chmod(0o755)
    program = f"""
import os, sys
from pathlib import Path
from tb_kernels.errors import ArgumentError
from tb_kernels.writing.opening import open_view
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)
try:
    open_view(Path({str(tmp_path / "logs")!r}), "kernels")
except ArgumentError as error:
    print(error)
"""
    for folder in tmp_path.parents:
        if os.getuid() == 0 and folder.stat().st_uid == 0 and folder != folder.parent:
            folder.chmod(folder.stat().st_mode | 0o111)
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # fmt: skip
    assert out.stdout.startswith(f"log_dir: cannot write to '{tmp_path / 'logs'}' (Permission denied)")  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_model_of_tf_keras(data, tmp_path):
    """The old Keras is refused by name, in fit and in log."""
    import tf_keras

    old = tf_keras.Sequential([tf_keras.layers.Conv2D(2, 3, input_shape=(8, 8, 3))], name="old")
    old.compile("sgd", "mse")
    message = "model: 'old' is a model of tf_keras"
    with pytest.raises(ArgumentError, match=message):
        old.fit(data[0], data[0][:, :6, :6, :2], verbose=0, callbacks=[KernelLogger(tmp_path)])
    with pytest.raises(ArgumentError, match=message), KernelLogger(tmp_path) as logger:
        logger.log(old, 1)


def test_log_refuses_what_fit_does(model, tmp_path):
    """Outside fit the same errors come, at the call."""
    with KernelLogger(tmp_path, layers="conv9") as logger:
        with pytest.raises(ArgumentError, match="layers: no layer 'conv9'"):
            logger.log(model, 1)
        with pytest.raises(ArgumentError, match="epoch: expected a whole number from 0, got -1"):
            logger.log(model, -1)
        with pytest.raises(
            ArgumentError, match="epoch: names have room for epochs up to 999,999,999"
        ):
            logger.log(model, 10**9)
        with pytest.raises(ArgumentError, match=r"model: expected a keras.Model, got NoneType"):
            logger.log(None, 1)
