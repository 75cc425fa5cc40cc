"""Disks that fail, trainings that crash, processes that end: nothing handed over is lost."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import keras
import numpy as np
import pytest

from tb_kernels import ActivationLogger, HeatmapLogger, KernelLogger, LogWarning, WriteError
from tb_kernels.drawing.layer_pictures import LayerPictures
from tb_kernels.views.activations import ActivationView
from tb_kernels.views.kernels import KernelView
from tests.helpers.oracle import (
    assert_shows,
    picture_of,
    read_index,
    read_pictures,
    read_png,
    read_values,
)


class Block(keras.callbacks.Callback):
    """Puts a file where a layer's folder would be, and takes it away after some epochs."""

    def __init__(self, path, until):
        super().__init__()
        self.path, self.until = path, until

    def on_train_begin(self, logs=None):
        self.path.parent.mkdir()
        self.path.write_text("in the way")

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.until:
            self.logger.flush()
            self.path.unlink()


def blocked(tmp_path, **keywords):
    logger = KernelLogger(tmp_path, **keywords)
    block = Block(tmp_path / "kernels/3-second", until=2)
    block.logger = logger
    return [logger, block]


def test_failed_writes_cost_no_later_picture(model, data, tmp_path):
    """Two epochs of one layer cannot be written: training goes on, the rest is there."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        history = model.fit(*data, epochs=4, verbose=0, callbacks=blocked(tmp_path))
    assert len(history.history["loss"]) == 4
    found = {path.stem for path in (tmp_path / "kernels").rglob("*.png")}
    first = {f"1_{kernel}_{epoch}" for kernel in range(1, 5) for epoch in range(1, 5)}
    second = {f"3_{kernel}_{epoch}" for kernel in range(1, 7) for epoch in (3, 4)}
    assert found == first | second
    # The events lack nothing: only the files could not be written.
    values = read_values(tmp_path / "kernels")
    # The training and its layers, pictures, two indexes an epoch, norms from 0 on, changes.
    assert len(values) == 2 + 4 * 10 + 4 * 2 + 5 * 2 + 4 * 2
    texts = [str(w.message) for w in told if issubclass(w.category, LogWarning)]
    assert len(texts) == 2
    assert "pictures could not be written" in texts[0]
    assert "training goes on" in texts[0]
    assert texts[1].startswith("in all, 12 pictures could not be written")
    picture = read_png(tmp_path / "kernels/3-second/3_6_4.png")
    assert_shows(picture, picture_of("Conv2D", np.array(model.layers[2].kernel), 6))


def test_strict_raises_at_the_next_call(model, data, tmp_path):
    """strict=True ends the training with an exception instead."""
    with pytest.raises(WriteError, match=r"6 pictures could not be written to .*kernels"):
        model.fit(*data, epochs=4, verbose=0, callbacks=blocked(tmp_path, strict=True))


def test_strict_raises_from_flush_and_close(model, tmp_path):
    """Outside fit too; what was told is not told again."""
    logger = KernelLogger(tmp_path, strict=True)
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels/1-first").write_text("in the way")
    logger.log(model, 1)
    with pytest.raises(WriteError, match="4 pictures"):
        logger.flush()
    logger.flush()
    logger.log(model, 2)
    with pytest.raises(WriteError, match="4 pictures"):
        logger.close()
    logger.close()


def test_full_disk(model, tmp_path):
    """A disk that is full and is freed again costs the pictures of that time only."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system takes root")
    try:
        logger = KernelLogger(disk / "logs")
        logger.log(model, 1)
        logger.flush()
        filler = disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        logger.log(model, 2)
        with pytest.warns(LogWarning, match="10 pictures.* could not be written .*No space left"):
            logger.flush()
        filler.unlink()
        logger.log(model, 3)
        with pytest.warns(LogWarning, match="in all, 10 pictures"):
            logger.close()
        found = {path.stem.split("_")[2] for path in (disk / "logs").rglob("*.png")}
        assert found == {"1", "3"}
        # Of epoch 2 the event file may hold what found room in its last block.
        tags = [value.tag for step, value in read_values(disk / "logs/kernels") if step != 1]
        # Pictures, two indexes, norms; the training and its layers; changes of epoch 3.
        assert len(tags) == 2 * (10 + 2 + 2) + 2 + 2
        for path in (disk / "logs").rglob("*.png"):
            read_png(path)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_directory_deleted_during_training(model, tmp_path):
    """Somebody clears the log directory: later epochs are there all the same."""
    logger = KernelLogger(tmp_path / "logs")
    logger.log(model, 1)
    logger.flush()
    shutil.rmtree(tmp_path / "logs")
    logger.log(model, 2)
    logger.close()
    assert len(list((tmp_path / "logs").rglob("*_2.png"))) == 10
    assert {step for step, _ in read_pictures(tmp_path / "logs/kernels")} == {1}


def test_a_warning_that_is_an_error_ends_no_worker(model, tmp_path):
    """Under `-W error` the user gets the exception, and the pictures are there."""
    model.layers[0].kernel.assign(np.full(model.layers[0].kernel.shape, np.nan))
    logger = KernelLogger(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", LogWarning)
        logger.log(model, 1)
        with pytest.raises(LogWarning, match="not finite"):
            logger.flush()
        logger.log(model, 2)
        logger.flush()
    assert len(list((tmp_path / "kernels").rglob("*.png"))) == 20


def test_a_layer_that_cannot_be_drawn_costs_no_other(model, tmp_path, monkeypatch):
    """Too little memory for one layer: it is reported, and the others are drawn and indexed."""

    def draw(layer, *arguments, real=LayerPictures.draw):
        if layer.subject.number == "1":
            raise MemoryError("no memory for this layer")
        return real(layer, *arguments)

    monkeypatch.setattr(LayerPictures, "draw", draw)
    logger = KernelLogger(tmp_path)
    logger.log(model, 1)
    with pytest.warns(LogWarning, match="4 pictures could not be drawn .*no memory for this"):
        logger.close()
    assert {path.stem[0] for path in (tmp_path / "kernels").rglob("*.png")} == {"3"}
    assert [entry["number"] for entry in read_index(tmp_path / "kernels")[1]["layers"]] == ["3"]


def test_an_epoch_that_cannot_be_drawn_is_told_as_that(model, tmp_path, monkeypatch):
    """What fails outside a layer's own share costs the epoch: its pictures, and no index."""
    monkeypatch.setattr(KernelView, "capture", lambda view: "no arrays")
    logger = KernelLogger(tmp_path)
    logger.log(model, 1)
    told = "in all, 10 pictures could not be drawn .*AttributeError: 'str"
    with pytest.warns(LogWarning, match=told) as caught:
        logger.close()
    assert not any("index" in str(warning.message) for warning in caught)
    assert not list((tmp_path / "kernels").rglob("*.png"))


def test_arrays_that_cannot_be_stored_cost_no_picture(model, data, tmp_path, monkeypatch):
    """They are told as what they are, and all that is drawn is there with its index."""

    def array_file(view, captured, epoch):
        raise MemoryError("no memory for these arrays")

    monkeypatch.setattr(ActivationView, "array_file", array_file)
    logger = ActivationLogger(tmp_path, data[0][:2], layers="all")
    logger.log(model, 1)
    with pytest.warns(LogWarning, match="in all, 1 array file could not .*no memory for these"):
        logger.close()
    assert len(list((tmp_path / "activations").rglob("*.png"))) == 14
    assert len(read_index(tmp_path / "activations")[1]["layers"]) == 3


def test_a_wrapper_and_its_layer_may_both_be_drawn(tmp_path):
    """They share a number; each has its group, and both show the same maps."""
    keras.utils.set_random_seed(0)
    wrapped = keras.layers.SpectralNormalization(keras.layers.Conv2D(3, 3, name="inner"), name="outer")  # fmt: skip
    top = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2, "softmax")]
    model = keras.Sequential([keras.Input((8, 8, 1)), wrapped, *top])
    inputs = np.random.default_rng(0).normal(size=(2, 8, 8, 1))
    with HeatmapLogger(tmp_path, inputs, layers=["outer", "inner"], strict=True) as logger:
        logger.log(model, 1)
    pictures = [read_png(tmp_path / f"heatmaps/1-{name}/1_2_1.png") for name in ("outer", "inner")]
    np.testing.assert_array_equal(*pictures)


def test_a_thread_that_cannot_start_costs_its_epoch_only(model, data, tmp_path):
    """At the system's limit of threads training goes on, and the later epochs are there."""
    start = threading.Thread.start

    def refuse(thread):
        if thread.name.startswith("tb_kernels"):
            raise RuntimeError("can't start new thread")
        start(thread)

    class Refuse(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            threading.Thread.start = refuse if epoch == 0 else start

    with pytest.warns(LogWarning, match="10 pictures could not be written .*new thread"):
        model.fit(*data, epochs=3, verbose=0, callbacks=[Refuse(), KernelLogger(tmp_path)])
    assert {path.stem[-1] for path in (tmp_path / "kernels").rglob("*.png")} == {"2", "3"}


def test_forked_process_goes_on_logging(model, tmp_path):
    """A child has no worker of its parent's; it makes its own instead of waiting for ever."""
    logger = KernelLogger(tmp_path)
    logger.log(model, 1)
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            for epoch in (2, 3, 4, 5):  # of TensorFlow only this survives a fork: reading weights
                logger.log(model, epoch)
            logger.flush()
        os._exit(0)
    deadline = time.monotonic() + 60
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.05)
    logger.close()
    epochs = {path.stem[-1] for path in (tmp_path / "kernels").rglob("*_*.png")}
    assert epochs == {"1", "2", "3", "4", "5"}


PROGRAM = """
import os, signal, sys, threading, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np
from tb_kernels import KernelLogger

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell ignores it
logger = KernelLogger(sys.argv[1])
model = keras.Sequential([keras.Input((8, 8, 64)), keras.layers.Conv2D(256, 3, name="c")])
x, y = np.zeros((4, 8, 8, 64)), np.zeros((4, 6, 6, 256))
model.compile("sgd", "mse")

class End(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            end()

def end():
    {end}

model.fit(x, y, epochs=5, verbose=0, callbacks=[logger, End()])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("raise RuntimeError('crash')", 1),
        ("os.kill(os.getpid(), signal.SIGINT); time.sleep(5)", -signal.SIGINT),
        ("sys.exit(3)", 3),
    ],
)
def test_whatever_ends_training_all_handed_over_is_written(tmp_path, end, code):
    """A crash, Ctrl-C and the interpreter's end lose nothing of the epochs that were logged."""
    program = textwrap.dedent(PROGRAM).replace("{end}", end)
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, timeout=120, check=False)  # fmt: skip
    assert done.returncode == code, done.stderr.decode()
    found = {path.stem for path in (tmp_path / "kernels").rglob("*.png")}
    expected = {f"1_{kernel}_{epoch}" for kernel in range(1, 257) for epoch in (1, 2)}
    assert found == expected
    values = read_values(tmp_path / "kernels")
    tags = [value.tag for _, value in values]
    assert sorted(tag.removeprefix("1-c/") for tag in tags if tag.startswith("1-c/1_")) == sorted(expected)  # fmt: skip
    assert (
        sum(tag.startswith("1-c/") for tag in tags) == len(expected) + 5
    )  # three norms, two changes
    assert {"index/1", "index/2", "training"} < set(tags)
    assert not list((tmp_path / "kernels").glob(".partial*"))
