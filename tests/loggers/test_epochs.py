"""When the logger looks."""

import keras
import numpy as np
import pytest

from tb_kernels import ArgumentError, KernelLogger, LogWarning, open_log
from tb_kernels.loggers.epochs import Epochs
from tests.helpers.models import fit
from tests.helpers.oracle import (
    assert_shows,
    epochs_of,
    picture_of,
    read_png,
)

L = keras.layers


@pytest.mark.parametrize(
    ("asked", "drawn"),
    [
        (None, [1, 2, 3]),
        ([1, 3], [1, 3]),
        ([0, 2], [0, 2]),
        ("last", [3]),
        ([1, "last"], [1, 3]),
        ([3, "last"], [3]),
        (np.array([1, 3]), [1, 3]),
        (range(2, 4), [2, 3]),
        (range(1, 4, 2), [1, 3]),
        (range(3, 0, -2), [1, 3]),
        (np.array([2]), [2]),
        ((epoch for epoch in (1, 2)), [1, 2]),
    ],
)
def test_epochs(model, data, tmp_path, asked, drawn):
    """The epochs asked for are drawn, by the numbers that Keras prints."""
    fit(model, data, KernelLogger(tmp_path, epochs=asked))
    assert epochs_of(tmp_path) == drawn


@pytest.mark.parametrize("asked", [None, "last", "final", [0, 2, 4], [3, "last"], [4, "last", "final"]])  # fmt: skip
def test_epochs_are_counted_before_they_come(asked):
    """Those of a training from any epoch to any other, last and final included; of none 0."""
    epochs = Epochs(asked)
    for first in range(1, 6):
        for final in range(6):
            trained = range(first, final + 1)
            drawn = {epoch for epoch in trained if epoch in epochs}
            if trained and epochs.last:
                drawn.add(final)
            assert epochs.count(first, final) == len(drawn) + bool(trained and epochs.final)


def test_epoch_0_is_the_model_before_training(model, data, tmp_path):
    """Epoch 0 shows the weights as they were, and later epochs do not."""
    before = np.array(model.layers[0].kernel)
    model.optimizer.learning_rate = 0.1
    fit(model, data, KernelLogger(tmp_path, epochs=[0, 3]))
    after = np.array(model.layers[0].kernel)
    assert np.abs(before - after).max() > 0.01
    for epoch, weight in ((0, before), (3, after)):
        picture = read_png(tmp_path / f"kernels/1-first/1_2_{epoch}.png")
        assert_shows(picture, picture_of("Conv2D", weight, 2))


def test_epoch_0_is_taken_in_every_fit_that_begins_anew(model, data, tmp_path):
    """A second fit begins at 1 again; its epoch 0 is the model before it."""
    logger = KernelLogger(tmp_path, epochs=[0, 1])
    fit(model, data, logger, epochs=1)
    before = np.array(model.layers[0].kernel)
    fit(model, data, logger, epochs=1)
    assert_shows(read_png(tmp_path / "kernels/1-first/1_1_0.png"), picture_of("Conv2D", before, 1))
    after = np.array(model.layers[0].kernel)
    assert_shows(read_png(tmp_path / "kernels/1-first/1_1_1.png"), picture_of("Conv2D", after, 1))


def test_epoch_0_is_not_taken_after_initial_epoch(model, data, tmp_path):
    """A training that goes on at epoch 3 has no epoch 0, and says so at its end."""
    with pytest.warns(LogWarning, match="epochs 0 were asked for and not reached"):
        fit(model, data, KernelLogger(tmp_path, epochs=[0, 3]), initial_epoch=2)
    assert epochs_of(tmp_path) == [3]


def test_epoch_0_is_taken_after_backup_and_restore(data, tmp_path):
    """A training restored by BackupAndRestore begins later, so its weights are no epoch 0."""
    from tests.helpers.models import two_convolutions

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise RuntimeError("interrupted")

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup")

    first = two_convolutions()
    with pytest.raises(RuntimeError, match="interrupted"):
        first.fit(*data, epochs=4, verbose=0, callbacks=[backup(), Stop()])
    second = two_convolutions()
    logger = KernelLogger(tmp_path / "logs", epochs=[0, 4])
    with pytest.warns(LogWarning, match="epochs 0 were asked for"):
        second.fit(*data, epochs=4, verbose=0, callbacks=[logger, backup()])
    assert epochs_of(tmp_path / "logs") == [4]


def test_a_refused_fit_is_not_the_first(model, data, tmp_path):
    """Epoch 0 is drawn by the first fit that begins to train."""
    (tmp_path / "kernels").write_text("in the way")
    logger = KernelLogger(tmp_path, epochs=[0, 1])
    with pytest.raises(ArgumentError, match="log_dir"):
        fit(model, data, logger, epochs=1)
    (tmp_path / "kernels").unlink()
    fit(model, data, logger, epochs=1)
    assert epochs_of(tmp_path) == [0, 1]


@pytest.mark.parametrize(
    ("asked", "told"),
    [([1], "1"), ("last", "last"), ("final", "final"), ([9, "final", "last"], "9, last, final")],
)
def test_a_fit_of_no_epoch_says_what_is_missing(model, data, tmp_path, asked, told):
    """Nothing was trained; what was asked for is told all the same."""
    match = f"^epochs {told} were asked for and not reached: no epoch was trained$"
    with pytest.warns(LogWarning, match=match):
        fit(model, data, KernelLogger(tmp_path, epochs=asked), epochs=2, initial_epoch=2)


def test_the_last_epoch_of_a_fit_of_none_is_told_after_one_that_had_it(model, data, tmp_path):
    """Every training has a last epoch and an end of its own; what was drawn is not missing."""
    logger = KernelLogger(tmp_path, epochs=[2, "last"])
    fit(model, data, logger, epochs=2)
    with pytest.warns(LogWarning, match="^epochs last were asked for .*: no epoch was trained$"):
        fit(model, data, logger, epochs=2, initial_epoch=2)
    assert epochs_of(tmp_path) == [2]


def test_epochs_never_reached_are_told_at_the_end(model, data, tmp_path):
    """An epoch after the training's end is named, once."""
    with pytest.warns(LogWarning, match="epochs 7, 9 were asked for .* ended after epoch 3") as told:  # fmt: skip
        fit(model, data, KernelLogger(tmp_path, epochs=[1, 9, 7]))
    assert len([w for w in told if w.category is LogWarning]) == 1


def test_log_keeps_to_the_epochs_chosen(model, tmp_path):
    """Where epochs were named, the others are passed over."""
    with KernelLogger(tmp_path, epochs=[2, 4]) as logger:
        assert [logger.log(model, epoch) for epoch in range(1, 5)] == [False, True, False, True]
    assert epochs_of(tmp_path) == [2, 4]


def test_the_last_epoch_that_a_name_can_have(model, data, tmp_path):
    """It is logged and read; a training that begins behind it is refused before its first batch."""
    most = 999_999_999
    fit(model, data, KernelLogger(tmp_path / "fit"), initial_epoch=most - 1, epochs=most)
    with KernelLogger(tmp_path / "log", epochs=[most]) as logger:
        assert logger.log(model, most)
    assert open_log(tmp_path).epochs == [most]
    assert open_log(tmp_path).runs == ["fit", "log"]

    before = np.array(model.layers[0].kernel)
    logger = KernelLogger(tmp_path / "late")
    with pytest.raises(ArgumentError, match="initial_epoch: names have room for epochs up to"):
        fit(model, data, logger, initial_epoch=most, epochs=most + 1)
    assert np.array_equal(model.layers[0].kernel, before)
    fit(model, data, logger, epochs=1)
    assert epochs_of(tmp_path / "late") == [1]
