"""A disk that hangs: told, given up, used again when it is back; and never in the way of an end."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import keras
import pytest

from tb_kernels import KernelLogger, LogWarning, WriteError, open_log
from tb_kernels.writing.disk import Disk
from tb_kernels.writing.process import DiskHangsError

PATIENCE = 3


class At(keras.callbacks.Callback):
    """Does something when an epoch begins."""

    def __init__(self, **actions):
        super().__init__()
        self.actions = {int(name.removeprefix("epoch_")): do for name, do in actions.items()}

    def on_epoch_begin(self, epoch, logs=None):
        self.actions.get(epoch + 1, lambda: None)()


def epochs_in(log_dir):
    """The epochs that can be read, each picture with its weights."""
    log = open_log(log_dir)
    for picture in log:
        picture.weights()
    return set(log.epochs)


@pytest.mark.slow
def test_training_goes_on_and_the_disk_is_used_again(model, data, loop_disk, capfd):
    """What waits is dropped after the patience, once told of; what comes after the thaw is there."""
    log_dir = loop_disk.path / "logs"
    logger = KernelLogger(log_dir, patience=PATIENCE)

    def thaw():
        loop_disk.thaw()
        time.sleep(1)

    at = At(epoch_3=lambda: (logger.flush(), loop_disk.freeze()), epoch_12=thaw)
    begin = time.monotonic()
    with pytest.warns(LogWarning) as told:
        model.fit(*data, epochs=14, verbose=0, callbacks=[at, logger])
    assert PATIENCE <= time.monotonic() - begin < 3 * PATIENCE + 10
    assert capfd.readouterr().out.count("training waits for pictures to be written") == 1
    texts = [str(one.message) for one in told if one.category is LogWarning]
    assert len(texts) == 2
    assert f"the disk has taken nothing for {PATIENCE} seconds" in texts[0]
    assert "training goes on" in texts[0]
    lost = int(texts[1].split()[2])
    # What the hand was at when it was given up arrives after all.
    read = epochs_in(log_dir)
    assert {1, 2, 12, 13, 14} <= read
    assert 14 * 10 - lost <= len(open_log(log_dir)) <= 14 * 10 - lost + 10


@pytest.mark.slow
def test_strict_raises(model, data, loop_disk):
    """With `strict` the training ends with an error that says so."""
    logger = KernelLogger(loop_disk.path / "logs", patience=PATIENCE, strict=True)
    at = At(epoch_2=loop_disk.freeze)
    with pytest.raises(WriteError, match=f"the disk has taken nothing for {PATIENCE} seconds"):
        model.fit(*data, epochs=20, verbose=0, callbacks=[at, logger])
    loop_disk.thaw()


@pytest.mark.slow
def test_a_training_that_begins_while_the_disk_hangs(model, data, loop_disk, capfd):
    """It is told of the wait, trains, and writes when the disk is back."""
    log_dir = loop_disk.path / "logs"
    log_dir.mkdir()
    loop_disk.freeze()
    logger = KernelLogger(log_dir, patience=PATIENCE)
    with pytest.warns(LogWarning) as told:
        model.fit(*data, epochs=3, verbose=0, callbacks=[At(epoch_3=loop_disk.thaw), logger])
    assert any("nothing can be written to" in str(one.message) for one in told)
    assert "training waits for pictures to be written" in capfd.readouterr().out
    logger.log(model, 4)
    logger.close()
    assert 4 in epochs_in(log_dir)


PROGRAM = """
import os, signal, subprocess, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
signal.signal(signal.SIGINT, signal.default_int_handler)
import keras, numpy as np
from tb_kernels import KernelLogger

model = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Conv2D(8, 3, name="c")])
model.compile("sgd", "mse")
logger = KernelLogger(sys.argv[1] + "/logs", patience=3)

class Freeze(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            logger.flush()
            subprocess.run(["fsfreeze", "-f", sys.argv[1]], check=True)
            print("frozen", flush=True)

x, y = np.zeros((4, 8, 8, 4)), np.zeros((4, 6, 6, 8))
model.fit(x, y, epochs=int(sys.argv[2]), verbose=0, callbacks=[Freeze(), logger])
"""


@pytest.mark.slow
@pytest.mark.parametrize(("epochs", "interrupt"), [(3, False), (100_000, True)])
def test_the_interpreter_ends_while_the_disk_hangs(loop_disk, epochs, interrupt):
    """By itself and after Ctrl-C, while the file system stays frozen; also for who reads its output."""
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), loop_disk.path, str(epochs)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert any(line == "frozen\n" for line in process.stdout)
        loop_disk.frozen = True
        if interrupt:
            time.sleep(1)
            process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGINT if interrupt else 0), errors
    assert "the disk has taken nothing for 3 seconds" in errors
    assert "in all, " in errors


@pytest.mark.slow
def test_a_disk_that_hangs_holds_up_no_other(model, loop_disk, tmp_path):
    """Each log directory has a hand of its own."""
    stuck, free = (
        KernelLogger(path / "logs", patience=PATIENCE) for path in (loop_disk.path, tmp_path)
    )
    stuck.log(model, 1)
    stuck.flush()
    loop_disk.freeze()
    stuck.log(model, 2)
    begin = time.monotonic()
    free.log(model, 1)
    free.close()
    assert time.monotonic() - begin < PATIENCE
    with pytest.warns(LogWarning, match="in all, 10 pictures"):
        stuck.close()


@pytest.mark.slow
def test_a_slow_disk_that_moves_is_never_given_up(tmp_path):
    """A hand that works a moment in every second is waited for, many times the patience."""
    disk = Disk()
    files = [(f"{number}", b"%d" % number * 1000) for number in range(6000)]
    disk.call("heads", str(tmp_path), patience=20)
    hand, done = disk._hand._process.pid, threading.Event()

    def slow_down():
        while not done.is_set():
            os.kill(hand, signal.SIGSTOP)
            done.wait(0.7)
            os.kill(hand, signal.SIGCONT)
            done.wait(0.05)

    slow = threading.Thread(target=slow_down)
    slow.start()
    begin = time.monotonic()
    try:
        assert disk.call("place", str(tmp_path), files, patience=1.5) == []
    finally:
        done.set()
        slow.join()
    assert time.monotonic() - begin > 3
    assert all((tmp_path / name).read_bytes() == data for name, data in files)


def test_a_hand_that_hangs_refuses_at_once_and_comes_back(tmp_path):
    """A pipe that nobody reads: given up, refused while nobody reads it, and then used again."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    disk = Disk()
    with pytest.raises(DiskHangsError, match=r"the disk has taken nothing for 0\.5 seconds"):
        disk.call("read", str(pipe), patience=0.5)
    begin = time.monotonic()
    with pytest.raises(DiskHangsError):
        disk.call("read", str(tmp_path / "none"), patience=20)
    assert time.monotonic() - begin < 10
    pipe.write_bytes(b"there")
    deadline = time.monotonic() + 30
    while True:
        try:
            assert disk.call("read", str(tmp_path / "none"), patience=0.5) is None
            break
        except DiskHangsError:
            assert time.monotonic() < deadline
