"""What is told of how much will come, and of a wait."""

import re
import threading
import time
import warnings

import keras
import numpy as np
import pytest

from tb_kernels import ActivationLogger, KernelLogger, LogWarning
from tb_kernels.loggers.session import Session
from tests.helpers.disk import slow_down
from tests.helpers.models import fit

L = keras.layers


def test_notice_of_endless_trainings_takes_no_time(tmp_path, model):
    """epochs=10**9 with EarlyStopping is a habit; the notice counts without a list."""
    logger = KernelLogger(tmp_path)
    logger.set_model(model)
    logger.set_params({"epochs": 10**9})
    logger.on_train_begin()
    begin = time.thread_time()
    with pytest.warns(LogWarning, match="10,000,000,000 pictures"):
        logger.on_epoch_begin(0)
    # Of the processor, which others may keep busy.
    assert time.thread_time() - begin < 1


def test_notice_says_what_will_come(model, data, tmp_path, capsys):
    """One line at the start: layers, kernels, epochs, pictures, size, place."""
    with pytest.warns(LogWarning, match="epochs 8"):
        fit(model, data, KernelLogger(tmp_path, epochs=[0, 1, 3, 8]), epochs=4)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "tb_kernels" in line]
    assert line.startswith("tb_kernels: 2 layers, 10 kernels, 3 epochs: 30 pictures, about ")
    assert line.endswith(f"in {tmp_path / 'kernels'}")


def test_notice_size_is_roughly_right(tmp_path, capsys):
    """The size told is within a factor of two of what lies on disk."""
    model = keras.Sequential([keras.Input((9, 9, 64)), L.Conv2D(64, 3), L.Conv2D(32, 3)])
    with KernelLogger(tmp_path) as logger:
        logger.log(model, 1)
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    told = capsys.readouterr().out.split("about ")[1].split(" per")[0]
    number, unit = told.split()
    assert 0.5 < float(number) * {"kB": 1e3, "MB": 1e6}[unit] / size < 2


def test_notice_size_has_the_weights(tmp_path, capsys):
    """What is stored beside the pictures, in the precision in which it is."""
    told = {}
    for type_ in ("float16", "float32"):
        layer = L.Conv2D(256, 3, dtype=type_)
        with KernelLogger(tmp_path / type_, kernels=1, weights=True) as logger:
            logger.log(keras.Sequential([keras.Input((9, 9, 256)), layer]), 1)
        told[type_] = capsys.readouterr().out.split("about ")[1].split(" per")[0]
    # 256 x 256 kernels of 9 weights, of 2 and of 4 bytes.
    assert told == {"float16": "1.2 MB", "float32": "2.4 MB"}


def test_notice_of_very_many_pictures_is_a_warning(model, data, tmp_path):
    """Above 50,000 pictures the keywords that make it fewer are named."""

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            raise KeyboardInterrupt

    with (
        pytest.warns(LogWarning, match=r"60,000 pictures.* Fewer with epochs=\[...\], layers="),
        pytest.raises(KeyboardInterrupt),
    ):
        model.fit(*data, epochs=6000, verbose=0, callbacks=[KernelLogger(tmp_path), Stop()])


def test_notice_of_very_many_bytes_is_a_warning(tmp_path, capsys):
    """Above a gigabyte for the whole training: here of arrays, beside few pictures."""
    model = keras.Sequential([keras.Input((256, 256, 1)), L.Conv2D(16, 1), L.Conv2D(16, 1)])
    logger = ActivationLogger(tmp_path, np.zeros((3, 256, 256, 1), "float32"), kernels=1)
    logger.set_model(model)
    told = {}
    for epochs in (32, 48):
        # 3 inputs x 65,536 places x 32 channels x 4 bytes: 25 MB an epoch, and two pictures.
        logger.set_params({"epochs": epochs})
        logger.on_train_begin()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            logger.on_epoch_begin(0)
        told[epochs] = [str(one.message) for one in caught]
    logger.close()
    assert told[32] == []
    assert "64 pictures, about " in capsys.readouterr().out
    assert re.fullmatch(r"2 layers, 2 feature maps, 48 epochs: 96 pictures, about 1\.3 GB, in .*\. Less with epochs=\[\.\.\.\], layers=\[\.\.\.\] or kernels=\[\.\.\.\]", *told[48])  # fmt: skip


def test_notice_of_fifty_thousand_pictures_is_none_yet(tmp_path, model, recwarn):
    """One more is very many."""
    for kernels, epochs in ((5, 10_000), (3, 16_667)):
        logger = KernelLogger(tmp_path, layers="second", kernels=range(1, kernels + 1))
        logger.set_model(model)
        logger.set_params({"epochs": epochs})
        logger.on_train_begin()
        logger.on_epoch_begin(0)
        logger.close()
    (told,) = [str(one.message) for one in recwarn if one.category is LogWarning]
    assert ": 50,001 pictures, about " in told


@pytest.mark.slow
def test_a_long_wait_is_explained(model, tmp_path, capsys, monkeypatch):
    """Where flush takes longer than two seconds, a line says why."""
    gate = threading.Event()
    slow_down(monkeypatch, lambda path: gate.wait(20))
    logger = KernelLogger(tmp_path)
    logger.log(model, 1)
    threading.Timer(3, gate.set).start()
    logger.close()
    assert f"still writing the last pictures to {tmp_path / 'kernels'}" in capsys.readouterr().out


def test_a_wait_is_told_of_once(tmp_path, capfd):
    """A training whose epochs are shorter than their pictures take waits at each."""
    session = Session(tmp_path, "kernels", 60.0, where="here")
    for _ in range(3):
        session._tell_of_wait()
    assert capfd.readouterr().out.count("training waits for pictures to be written to here") == 1
