"""What was lost is told once, whatever ends a training; and what a logger holds is given back."""

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
import weakref

import keras
import numpy as np
import pytest

from tb_kernels import KernelLogger, LogWarning, WriteError, open_log
from tb_kernels.views.kernels import KernelView
from tb_kernels.writing import writer
from tests.helpers.disk import slow_down
from tests.helpers.models import begin_training, two_convolutions

PROGRAM = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np
from tb_kernels import KernelLogger

keras.config.disable_interactive_logging()
log_dir = sys.argv[1]
model = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Conv2D(8, 3, name="c")])
model.compile("sgd", "mse")
x, y = np.zeros((4, 8, 8, 4)), np.zeros((4, 6, 6, 8))
os.makedirs(log_dir + "/kernels")
open(log_dir + "/kernels/1-c", "w").close()  # where the layer's folder would be

class Crash(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            raise RuntimeError("crash")

{what}
"""

ENDS = {
    "an exception in fit": (
        "model.fit(x, y, epochs=5, verbose=0, callbacks=[KernelLogger(log_dir), Crash()])",
        1,
        24,
    ),
    "an exception in fit that is caught": (
        """
try:
    model.fit(x, y, epochs=5, verbose=0, callbacks=[KernelLogger(log_dir), Crash()])
except RuntimeError:
    pass
print("goes on", file=sys.stderr)""",
        0,
        24,
    ),
    "a logger that nobody closes": (
        """
logger = KernelLogger(log_dir)
for epoch in (1, 2):
    logger.log(model, epoch)""",
        0,
        16,
    ),
    "a logger that is let go": (
        """
def log():
    logger = KernelLogger(log_dir)
    logger.log(model, 1)
log()""",
        0,
        8,
    ),
    "strict, and the end": (
        """
logger = KernelLogger(log_dir, strict=True)
logger.log(model, 1)""",
        0,
        8,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("end", ENDS)
def test_the_sum_is_told(tmp_path, end):
    """Once, with its number."""
    what, code, lost = ENDS[end]
    program = textwrap.dedent(PROGRAM).replace("{what}", what)
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
    assert done.returncode == code, done.stderr
    assert done.stderr.count(f"in all, {lost} pictures could not be written to") == 1, done.stderr
    assert done.stderr.count("in all, ") == 1


def blocked(tmp_path):
    """Where a file stands in the way of the first layer's folder."""
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels/1-first").write_text("in the way")
    return tmp_path


class Crash(keras.callbacks.Callback):
    """Hands over what the logger would, and ends the training before it can tell."""

    def __init__(self, logger):
        super().__init__()
        self.logger = logger

    def on_train_begin(self, logs=None):
        self.logger.log(self.model, 1)

    def on_epoch_end(self, epoch, logs=None):
        raise RuntimeError("crash")


def test_the_next_training_hears_nothing_of_the_one_before(model, data, tmp_path):
    """What was lost before an exception is told before the next fit, and not with its own."""
    logger = KernelLogger(blocked(tmp_path))
    with pytest.raises(RuntimeError, match="crash"):
        model.fit(*data, epochs=1, verbose=0, callbacks=[Crash(logger)])
    told = []

    class Told(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            told.extend(str(one.message) for one in caught if one.category is LogWarning)

    with pytest.warns(LogWarning) as caught:
        model.fit(*data, epochs=1, verbose=0, callbacks=[logger, Told()])
    texts = [str(one.message) for one in caught if one.category is LogWarning]
    assert [text.startswith("in all, 4 pictures") for text in told] == [True]
    assert texts[-1].startswith("in all, 4 pictures")


def test_what_could_not_be_done_is_named(model, tmp_path, monkeypatch):
    """Computed, drawn, written: each with its number and its reason, in one warning."""
    capture = KernelView.capture
    logger = KernelLogger(blocked(tmp_path))

    def fail(view):
        raise ZeroDivisionError("no arrays")

    captures = [capture, fail, lambda view: "nothing to draw"]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for epoch, capture in enumerate(captures, start=1):
            monkeypatch.setattr(KernelView, "capture", capture)
            logger.log(model, epoch)
        logger.close()
    (text,) = [str(one.message) for one in told if str(one.message).startswith("in all")]
    where = tmp_path / "kernels"
    assert f"4 pictures could not be written to {where} ([Errno 20] Not a directory" in text
    assert f"10 pictures could not be computed for {where} (ZeroDivisionError: no arrays)" in text
    assert f"10 pictures could not be drawn for {where} (AttributeError: 'str'" in text


def test_an_error_of_the_users_is_not_hidden(model, tmp_path):
    """In a `with` that ends by an error, `strict` raises none of its own."""

    def use():
        with KernelLogger(blocked(tmp_path), strict=True) as logger:
            logger.log(model, 1)
            raise KeyError("mine")

    with pytest.warns(LogWarning, match="in all, 4 pictures"), pytest.raises(KeyError):
        use()
    with pytest.raises(WriteError), KernelLogger(tmp_path, strict=True) as logger:
        logger.log(model, 1)


def test_a_training_waits_for_the_one_before(model, data, tmp_path, monkeypatch):
    """The next one's event file does not get what was handed over before it began."""
    slow_down(monkeypatch, lambda path: time.sleep(0.05))
    logger = KernelLogger(tmp_path)
    logger.log(model, 1)
    logger.log(model, 2)
    model.fit(*data, epochs=1, verbose=0, callbacks=[logger])
    files = sorted((tmp_path / "kernels").glob("events*"))
    assert [path.read_bytes().count(b"IHDR") for path in files] == [20, 10]


def test_close_gives_everything_back(data, tmp_path):
    """The copy that change is measured by, and the model that was trained."""
    model = two_convolutions()
    logger = KernelLogger(tmp_path, kernels=[1])
    model.fit(*data, epochs=2, verbose=0, callbacks=[logger])
    (memory,) = logger._recorder._memories.values()
    assert not memory.before
    logger.log(model, 3)
    logger.flush()
    assert memory.before
    logger.close()
    assert not memory.before
    seen = weakref.ref(model)
    del model
    keras.backend.clear_session()
    gc.collect()
    assert seen() is None


def test_close_in_the_middle_of_a_training(model, data, tmp_path):
    """By somebody else's callback: the training goes on, and so does the logger."""
    logger = KernelLogger(tmp_path)

    class Close(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logger.close()

    model.fit(*data, epochs=3, verbose=0, callbacks=[Close(), logger])
    assert len(list((tmp_path / "kernels").rglob("*.png"))) == 30


def test_arrays_of_a_failed_capture_go_at_once(model, tmp_path, monkeypatch):
    """What was copied before the error is not held by what is told of it."""
    copies = []

    class Copy(np.ndarray):
        """One that can be watched."""

    def capture(view):
        copy = np.zeros(10).view(Copy)
        copies.append(weakref.ref(copy))
        raise MemoryError("no more")

    monkeypatch.setattr(KernelView, "capture", capture)
    logger = KernelLogger(tmp_path)
    with pytest.warns(LogWarning, match="could not be computed"):
        logger.log(model, 1)
    assert copies[0]() is None
    with pytest.warns(LogWarning, match="in all, 10"):
        logger.close()
    assert not list((tmp_path / "kernels").iterdir())


def test_an_epoch_that_is_interrupted_while_it_waits(model, tmp_path):
    """Ctrl-C while the queue is full: its pictures are lost, and that is told."""
    logger, gate = KernelLogger(tmp_path), threading.Event()
    logger.log(model, 1)
    logger.flush()
    worker = logger._recorder.session._writer.worker
    for epoch in (101, 102, 103):
        worker.submit(object(), epoch, gate.wait)

    def interrupt(*arguments):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(KeyboardInterrupt):
            logger.log(model, 2)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gate.set()
    with pytest.warns(LogWarning, match="in all, 10 pictures could not be written"):
        logger.close()
    assert open_log(tmp_path).epochs == [1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_losses_before_a_fork_are_the_parents(model, tmp_path):
    """A forked process tells its own alone."""
    logger = KernelLogger(tmp_path)
    logger.log(model, 1)
    logger.flush()
    logger._recorder.session.incidents.lose(3, "picture", OSError("of the parent"))
    told, tells = os.pipe()
    child = os.fork()
    if not child:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            logger._recorder.session.incidents.lose(2, "picture", OSError("of the child"))
            logger.close()
        os.write(tells, "|".join(str(one.message) for one in caught).encode())
        os._exit(0)
    os.waitpid(child, 0)
    text = os.read(told, 10_000).decode()
    assert "in all, 2 pictures could not be written" in text
    assert "parent" not in text
    with pytest.warns(LogWarning, match="in all, 3 pictures could not be written .*of the parent"):
        logger.close()


def test_pictures_that_nobody_could_read_back(tmp_path, monkeypatch):
    """Those that have become too large are told as lost, and no other is."""
    monkeypatch.setattr(writer, "fits_record", lambda size: size < 300)
    model = keras.Sequential([keras.Input((20, 20, 1)), keras.layers.Conv2D(7, 15)])
    kernel = np.zeros((15, 15, 1, 7), "float32")
    kernel[..., 1:3] = np.random.default_rng(0).normal(size=(15, 15, 1, 2))
    model.layers[0].kernel.assign(kernel)
    with pytest.warns(LogWarning, match="too large to be read back") as told:  # noqa: SIM117
        with KernelLogger(tmp_path, scale=1) as logger:
            logger.log(model, 1)
    assert any("2 pictures" in str(one.message) for one in told)
    assert {one.address.kernel for one in open_log(tmp_path)} == {1, 4, 5, 6, 7}


def test_what_was_lost_before_a_training_is_told_when_it_begins(model, tmp_path):
    """It is no error of the training's."""
    logger = KernelLogger(blocked(tmp_path))
    logger.log(model, 1)
    with pytest.warns(LogWarning, match="4 pictures"):
        logger.flush()
    with pytest.warns(LogWarning, match="in all, 4 pictures"):
        begin_training(logger, model)
