"""More than one who writes into a directory: in one process, in two, in two containers."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import numpy as np
import pytest

from tb_kernels import KernelLogger, LogWarning, open_log
from tb_kernels.writing.disk import Disk
from tb_kernels.writing.worker import Worker
from tests.helpers.models import two_convolutions
from tests.helpers.oracle import read_png

SOON = 60

OTHER = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import warnings
import keras, numpy as np
from tb_kernels import KernelLogger

keras.config.disable_interactive_logging()
log_dir, value, epochs = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(16, 3, name="c")])
kernel = model.layers[0].kernel
random = np.random.default_rng(int(value))
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    logger = KernelLogger(log_dir, normalize="kernel")
    for epoch in range(1, epochs + 1):
        kernel.assign(value * (1 + random.random(kernel.shape)))
        logger.log(model, epoch)
        if epoch == 1:
            logger.flush()
            print("ready", flush=True)
            sys.stdin.readline()
    logger.close()
print(sum("another process writes" in str(one.message) for one in told), flush=True)
"""


class Other:
    """A training in a process of its own, which waits after its first epoch."""

    def __init__(self, log_dir, value, epochs=20, before=()):
        program = textwrap.dedent(OTHER)
        command = [*before, sys.executable, "-c", program, log_dir, str(value), str(epochs)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, **pipes)

    def wait(self):
        """Until it has logged an epoch."""
        assert self.process.stdout.readline() == "ready\n"

    def go_on(self):
        """Lets it log the others."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        """How often it was told of others."""
        told = int(self.process.stdout.readline())
        assert self.process.wait(SOON) == 0
        self.process.stdin.close()
        self.process.stdout.close()
        return told


def assert_one_training_each(log_dir, epochs=20):
    """Every picture, on disk and in the log, is of one of both, and all weights are its own."""
    for picture in open_log(log_dir):
        weights = picture.weights()
        # Of a training every weight is between its value and twice this: 1 to 2, or 100 to 200.
        assert ((weights > 0.99) & (weights < 201)).all()
        assert (weights < 2.01).all() or (weights > 99).all()
    files = list((log_dir / "kernels").rglob("*.png"))
    assert len(files) == 16 * epochs
    for path in files:
        read_png(path)


@pytest.mark.slow
def test_a_second_process_is_told_and_both_are_readable(tmp_path):
    """The training that began later counts, whoever wrote last; nothing is mixed at any moment."""
    first, second = Other(tmp_path, 1), None
    first.wait()
    second = Other(tmp_path, 100)
    second.wait()
    first.go_on()
    for _ in range(20):
        assert_one_training_each_so_far(tmp_path)
    second.go_on()
    assert (first.end(), second.end()) == (0, 1)
    assert_one_training_each(tmp_path)
    assert all((one.weights() > 99).all() for one in open_log(tmp_path))
    # The lock has died with its holders.
    third = Other(tmp_path, 1, epochs=1)
    third.wait()
    third.go_on()
    assert third.end() == 0


def assert_one_training_each_so_far(log_dir):
    with warnings.catch_warnings():
        # The end of a file may just be written.
        warnings.simplefilter("ignore", LogWarning)
        for picture in open_log(log_dir):
            weights = picture.weights()
            assert (weights < 2.01).all() or (weights > 99).all()


@pytest.mark.slow
def test_two_containers_of_one_name(tmp_path):
    """Processes of equal numbers and host names: no file is shared, no picture is the other's."""
    before = ["unshare", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a PID namespace takes root")
    both = [Other(tmp_path, value, before=before) for value in (1, 100)]
    for other in both:
        other.wait()
    for other in both:
        other.go_on()
    assert sorted(other.end() for other in both) == [0, 1]
    assert_one_training_each(tmp_path)
    assert len(list((tmp_path / "kernels").glob("events*"))) == 2
    assert not list((tmp_path / "kernels").glob(".partial*"))


def test_what_a_killed_process_left_is_cleared_away(model, tmp_path):
    """By the next who writes there; but not while another is at it."""
    logger = KernelLogger(tmp_path)
    logger.log(model, 1)
    logger.flush()
    left = tmp_path / "kernels/.partial-0123456789abcdef"
    left.write_bytes(b"half a picture")
    again = KernelLogger(tmp_path)
    again.log(model, 2)
    again.close()
    assert left.exists()
    logger.close()
    with KernelLogger(tmp_path) as last:
        last.log(model, 3)
    assert not left.exists()


def test_one_directory_by_any_name(model, tmp_path, monkeypatch):
    """Relative, through a link, with dots: one worker and one writer, and nobody else is told of."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "link").symlink_to("logs")
    monkeypatch.chdir(tmp_path)
    names = ["logs", tmp_path / "logs", "link", tmp_path / "logs/../link/."]
    loggers = [KernelLogger(name, kernels=[number + 1]) for number, name in enumerate(names)]
    for logger in loggers:
        logger.log(model, 1)
    assert len({id(logger._recorder.session._writer) for logger in loggers}) == 1
    for logger in loggers:
        logger.close()
    assert len(list((tmp_path / "logs/kernels").glob("events*"))) == 1
    assert len(open_log("link")) == 8


def test_a_link_that_is_turned_elsewhere(tmp_path):
    """A logger goes on where it began; the next one of this name writes to the new place."""
    one, two = two_convolutions(), two_convolutions()
    two.layers[0].kernel.assign(np.full(two.layers[0].kernel.shape, 7.0))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    link = tmp_path / "logs"
    link.symlink_to("a")
    first = KernelLogger(link, normalize=(-10, 10))
    first.log(one, 1)
    first.flush()
    link.unlink()
    link.symlink_to("b")
    second = KernelLogger(link, normalize=(-10, 10))
    second.log(two, 1)
    first.log(one, 2)
    first.close()
    second.close()
    assert open_log(tmp_path / "a").epochs == [1, 2]
    assert open_log(tmp_path / "b").epochs == [1]
    assert open_log(tmp_path / "b").picture("1_1_1").weights().mean() == pytest.approx(7, abs=0.1)


def test_flush_waits_for_what_was_handed_over_before():
    """Two threads that keep the queue full do not keep a third waiting."""
    worker, end = Worker("test"), threading.Event()

    def keep_full(owner):
        epoch = 0
        while not end.is_set():
            epoch += 1
            worker.submit(owner, epoch, lambda: time.sleep(0.02))

    busy = [threading.Thread(target=keep_full, args=(name,)) for name in "ab"]
    for thread in busy:
        thread.start()
    try:
        done = []
        worker.submit("c", 1, lambda: done.append(True))
        assert worker.wait(SOON)
        assert done == [True]
    finally:
        end.set()
        for thread in busy:
            thread.join()
        worker.wait()


def test_flush_returns_with_nothing_pending():
    """What was handed over before is done when it returns, not only begun."""
    worker, done = Worker("test"), []
    for number in range(30):
        worker.submit(worker, number, lambda n=number: (time.sleep(0.01), done.append(n)))
        if number % 7 == 0:
            worker.wait()
            assert done == list(range(number + 1))
    worker.wait()


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), MemoryError()])
def test_a_job_that_dies_leaves_nobody_waiting(error, capsys):
    """Whatever it dies of, the next one is done, and who waits for both returns."""
    worker, done = Worker("test"), []

    def die():
        raise error

    worker.submit("a", 1, die)
    worker.submit("b", 1, lambda: done.append(True))
    assert worker.wait(SOON)
    assert done == [True]
    assert type(error).__name__ in capsys.readouterr().err


def test_a_hand_that_was_killed_costs_what_it_was_at(model, tmp_path):
    """The next one goes on behind the last whole record; the loss is told."""
    logger = KernelLogger(tmp_path)
    logger.log(model, 1)
    logger.flush()
    disk = logger._recorder.session._writer._disk
    (events,) = (tmp_path / "kernels").glob("events*")
    os.kill(disk._hand._process.pid, signal.SIGKILL)
    disk._hand._process.wait()
    with events.open("ab") as stream:
        stream.write(b"half a record")
    logger.log(model, 2)
    with pytest.warns(LogWarning, match="the process that writes has ended|Broken pipe"):
        logger.flush()
    logger.log(model, 3)
    with pytest.warns(LogWarning, match="in all"):
        logger.close()
    log = open_log(tmp_path)
    assert {1, 3} <= set(log.epochs)
    assert all(np.isfinite(one.weights()).all() for one in log)


def test_a_third_process_is_told_of_a_second_whose_first_has_ended(tmp_path):
    """The second takes the folder when it is free."""
    folder = str(tmp_path / "kernels")
    first, second, third = Disk(), Disk(), Disk()
    assert not first.call("prepare", folder, patience=10)[2]
    assert second.call("prepare", folder, patience=10)[2]
    first._hand.end()
    assert second.call("place", folder, [("a.png", b"a")], patience=10) == []
    assert third.call("prepare", folder, patience=10)[2]
