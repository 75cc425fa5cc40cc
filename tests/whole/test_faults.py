"""Whatever happens to the disk, the training ends with the weights that it would have had."""

import os
import shutil
import signal
import subprocess
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import config

from tb_kernels import ActivationLogger, KernelLogger, open_log
from tests.helpers.models import sixteen_pictures, two_convolutions

EPOCHS = 6


@pytest.fixture(autouse=True)
def deterministic():
    tf.config.experimental.enable_op_determinism()
    yield
    # There is no public way back.
    config.disable_op_determinism()


class Fault(keras.callbacks.Callback):
    """Happens to a disk after the second epoch, and is over after the fourth."""

    def __init__(self, folder, loggers):
        super().__init__()
        self.folder, self.loggers = folder, loggers

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            self.begin()
        elif epoch == 3:
            self.end()

    def begin(self):
        raise NotImplementedError

    def end(self):
        """Some are over by themselves."""


class Cleared(Fault):
    """Somebody deletes the log directory."""

    def begin(self):
        # While it is written to, a file may come into a folder that is just to be removed.
        shutil.rmtree(self.folder, ignore_errors=True)


class Blocked(Fault):
    """Files stand where folders would be."""

    def begin(self):
        for logger in self.loggers:
            logger.flush()
        for view in ("kernels", "activations"):
            shutil.rmtree(self.folder / view, ignore_errors=True)
            (self.folder / view).write_text("in the way")

    def end(self):
        for view in ("kernels", "activations"):
            (self.folder / view).unlink(missing_ok=True)


class Killed(Fault):
    """The process that writes is killed, again and again."""

    def on_epoch_end(self, epoch, logs=None):
        hand = self.loggers[0]._recorder.session._writer._disk._hand
        if not hand.ended:
            os.kill(hand._process.pid, signal.SIGKILL)


class Full(Fault):
    """The disk is full."""

    def begin(self):
        with (self.folder / "filler").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def end(self):
        (self.folder / "filler").unlink()


class Frozen(Fault):
    """Every write to the disk waits."""

    def begin(self):
        for logger in self.loggers:
            logger.flush()
        subprocess.run(["fsfreeze", "-f", self.folder.parent], check=True)

    def end(self):
        subprocess.run(["fsfreeze", "-u", self.folder.parent], check=True)
        time.sleep(1)


class ReadOnly(Fault):
    """The file system is mounted anew, for reading only."""

    def begin(self):
        for logger in self.loggers:
            logger.flush()
        subprocess.run(["mount", "-o", "remount,ro", self.folder.parent], check=True)

    def end(self):
        subprocess.run(["mount", "-o", "remount,rw", self.folder.parent], check=True)


def weights_after(callbacks):
    """The weights and the losses of a training."""
    model, data = two_convolutions(), sixteen_pictures()
    keras.utils.set_random_seed(7)
    history = model.fit(*data, epochs=EPOCHS, verbose=0, callbacks=callbacks)
    return [weight.tobytes() for weight in model.get_weights()], history.history["loss"]


@pytest.mark.slow
@pytest.mark.parametrize("fault", [Cleared, Blocked, Killed, Full, Frozen, ReadOnly])
@pytest.mark.filterwarnings("ignore::tb_kernels.LogWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_weights_are_bit_for_bit_those_without_a_logger(fault, loop_disk):
    """And the epochs after it are there, every picture with weights."""
    folder = loop_disk.path / "logs"
    inputs = sixteen_pictures()[0][:2]
    loggers = [KernelLogger(folder, patience=2), ActivationLogger(folder, inputs, patience=2)]
    loop_disk.frozen = fault is Frozen
    logged = weights_after([*loggers, fault(folder, loggers)])
    loop_disk.frozen = False
    assert logged == weights_after([])
    log = open_log(folder)
    if fault is not Killed:
        assert set(log.epochs) >= {5, 6}
    for picture in log:
        assert np.isfinite(picture.weights()).all()
