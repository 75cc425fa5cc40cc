"""What a logger does over its life: in `fit`, in loops of one's own, beside others, and what it counts."""

import copy
import pickle
import warnings

import keras
import numpy as np
import pytest

from tb_kernels import ArgumentError, KernelLogger
from tests.helpers.models import fit
from tests.helpers.oracle import (
    assert_shows,
    epochs_of,
    picture_of,
    pictures,
    read_index,
    read_png,
    read_scalars,
    read_values,
)

L = keras.layers


def test_subclassed_model_is_looked_at_when_it_is_built(data, tmp_path):
    """A model built by its first batch: epoch 0 cannot be drawn, told once; all else is."""

    class Late(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = L.Conv2D(2, 3, name="c")
            self.dense = L.Dense(1)

        def call(self, x):
            return self.dense(keras.ops.mean(self.conv(x), axis=(1, 2)))

    for number, model in enumerate((Late(), keras.Sequential([L.Conv2D(2, 3, name="c"), L.GlobalMaxPool2D(), L.Dense(1)]))):  # fmt: skip
        model.compile("sgd", "mse")
        log_dir = tmp_path / str(number)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            fit(model, data, KernelLogger(log_dir, epochs=[0, 1, 2]), epochs=2)
        about_zero = [w for w in told if "epoch 0 cannot be drawn" in str(w.message)]
        assert len(about_zero) == (0 if 0 in epochs_of(log_dir) else 1)
        assert {1, 2} <= set(epochs_of(log_dir))
        weight = np.array(model.layers[0].kernel)
        assert_shows(read_png(log_dir / "kernels/1-c/1_2_2.png"), picture_of("Conv2D", weight, 2))


def test_log_outside_fit(model, tmp_path):
    """A loop of one's own logs the epochs it names; the rest is as in fit."""
    with KernelLogger(tmp_path) as logger:
        assert logger.log(model, epoch=0)
        assert logger.log(model, epoch=3)
    assert epochs_of(tmp_path) == [0, 3]
    assert {step for step, _ in read_values(tmp_path / "kernels")} == {-1, 2}


def test_flush_leaves_everything_readable(model, tmp_path):
    """After flush all files and events are there, while the logger stays in use."""
    logger = KernelLogger(tmp_path)
    logger.log(model, 1)
    logger.flush()
    assert len(pictures(tmp_path)) == 10
    # The training, its layers; pictures, an index for each layer's, norms.
    assert len(read_values(tmp_path / "kernels")) == 2 + 10 + 2 + 2
    logger.close()
    logger.close()
    logger.log(model, 2)
    logger.close()
    assert len(pictures(tmp_path)) == 20


def test_unused_logger_can_be_copied_and_pickled(model, data, tmp_path):
    """KerasTuner copies callbacks for each trial."""
    logger = KernelLogger(tmp_path / "a", epochs=[1], normalize="symmetric")
    for number, twin in enumerate((copy.deepcopy(logger), pickle.loads(pickle.dumps(logger)))):  # noqa: S301
        twin.log_dir = tmp_path / str(number)
        fit(model, data, twin, epochs=1)
        assert epochs_of(tmp_path / str(number)) == [1]


def test_two_loggers_share_a_run(model, data, tmp_path):
    """Two loggers on one directory write one event file and one index of both."""
    loggers = [KernelLogger(tmp_path, layers="first"), KernelLogger(tmp_path, layers="second")]
    model.fit(*data, epochs=2, verbose=0, callbacks=loggers)
    assert len(list((tmp_path / "kernels").glob("events*"))) == 1
    for index in read_index(tmp_path / "kernels").values():
        assert [entry["name"] for entry in index["layers"]] == ["first", "second"]
    assert len(pictures(tmp_path)) == 20


def test_two_loggers_of_one_layer_are_both_in_the_index(model, tmp_path):
    """Each picture can be read back by the entry that drew it."""
    one = KernelLogger(tmp_path, layers=1, kernels=[1], normalize=(-1, 1))
    two = KernelLogger(tmp_path, layers=1, kernels=[2], normalize="kernel")
    one.log(model, 1)
    two.log(model, 1)
    one.close()
    two.close()
    entries = read_index(tmp_path / "kernels")[1]["layers"]
    assert [(entry["drawn"], entry["normalize"]) for entry in entries] == [
        ([1], [-1, 1]), ([2], "kernel"),
    ]  # fmt: skip


def test_layers_built_later_are_drawn_later(tmp_path):
    """A convolution that is not called at first joins once it has weights."""

    class Both(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = L.Conv2D(2, 3, name="a"), L.Conv2D(3, 3, name="b")
            self.first.build((None, 8, 8, 3))
            self.built = True

        def call(self, x):
            return self.second(self.first(x))

    both = Both()
    with KernelLogger(tmp_path) as logger:
        logger.log(both, 1)
        both.second.build((None, 8, 8, 2))
        logger.log(both, 2)
    assert pictures(tmp_path) == {"1_1_1", "1_2_1", "1_1_2", "1_2_2", "2_1_2", "2_2_2", "2_3_2"}


def test_log_of_a_model_that_is_not_built(tmp_path):
    """The error says that it is not built, not that it has no convolutions."""
    model = keras.Sequential([L.Conv2D(2, 3)], name="late")
    with pytest.raises(ArgumentError, match="model: 'late' is not built"):
        KernelLogger(tmp_path).log(model, 1)


def test_shared_model_trains_the_same_with_a_logger(data, tmp_path):
    """The logger reads and changes nothing: history and weights are bit-identical."""
    from tests.helpers.models import two_convolutions

    results = []
    for callbacks in ([], [KernelLogger(tmp_path, sheets=True)]):
        model = two_convolutions()
        history = model.fit(*data, epochs=3, verbose=0, callbacks=callbacks)
        results.append((history.history, model.get_weights()))
    assert results[0][0] == results[1][0]
    for plain, logged in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_array_equal(plain, logged)


def test_relative_log_dir_stays_where_it_was(model, data, tmp_path, monkeypatch):
    """A program that changes its directory while it trains finds all pictures in one place."""

    class Move(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            monkeypatch.chdir(tmp_path / str(epoch))

    for epoch in range(2):
        (tmp_path / str(epoch)).mkdir()
    monkeypatch.chdir(tmp_path)
    model.fit(*data, epochs=2, verbose=0, callbacks=[KernelLogger("logs"), Move()])
    assert len(pictures(tmp_path / "logs")) == 20


def test_change_goes_on_in_a_later_training(model, data, tmp_path):
    """It is from one epoch to the next, also where a training begins."""
    logger = KernelLogger(tmp_path)
    fit(model, data, logger, epochs=2)
    model.fit(*data, initial_epoch=2, epochs=3, verbose=0, callbacks=[logger])
    assert sorted(read_scalars(tmp_path / "kernels")["1-first/relative_change"]) == [0, 1, 2]


def test_change_in_a_loop_is_from_the_epoch_logged_before(model, tmp_path):
    """Whatever lies between; from weights that are all zero there is no point."""
    kernel = model.layers[0].kernel
    start = np.array(kernel)
    with KernelLogger(tmp_path) as logger:
        for epoch, factor in ((1, 1), (5, 1.5), (9, 0), (10, 0), (12, 2), (13, 3)):
            kernel.assign(start * factor)
            logger.log(model, epoch)
    change = read_scalars(tmp_path / "kernels")["1-first/relative_change"]
    assert change == pytest.approx({4: 0.5, 8: 1, 9: 0, 12: 0.5}, rel=1e-5)


@pytest.mark.filterwarnings("ignore:what is not finite")
def test_change_of_weights_that_are_not_finite(model, tmp_path):
    """Infinite minus infinite costs no picture, under any filter of warnings."""
    model.layers[0].kernel.assign(np.full(model.layers[0].kernel.shape, np.inf))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        logger = KernelLogger(tmp_path)
        logger.log(model, 1)
        logger.log(model, 2)
        logger.close()
    assert len(pictures(tmp_path)) == 20


def test_a_convolution_that_is_never_called_costs_no_new_plans(data, tmp_path):
    """The plan is made once the rest is built, and norm and change are there."""
    reads = []

    class Read(L.Conv2D):
        @property
        def kernel(self):
            reads.append(1)
            return super().kernel

    class Count(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            reads.clear()

        def on_epoch_end(self, epoch, logs=None):
            if len(reads) > 1:  # one is the copy; a new plan reads the shape too
                made.append(epoch)

    class Half(keras.Model):
        def __init__(self):
            super().__init__()
            self.used, self.unused = Read(2, 3, name="used"), L.Conv2D(2, 3, name="unused")
            self.flat, self.dense = L.Flatten(), L.Dense(1)

        def call(self, inputs):
            return self.dense(self.flat(self.used(inputs)))

    made = []
    model = Half()
    model.compile("sgd", "mse")
    model.fit(*data, epochs=4, verbose=0, callbacks=[KernelLogger(tmp_path), Count()])
    assert len(made) == 1
    curves = read_scalars(tmp_path / "kernels")
    assert {tag: sorted(steps) for tag, steps in curves.items()} == {"1-used/kernel_norm": [0, 1, 2, 3], "1-used/relative_change": [1, 2, 3]}  # fmt: skip


def test_statistics_can_be_switched_off(model, tmp_path):
    """No curve, nothing kept."""
    with KernelLogger(tmp_path, statistics=False) as logger:
        logger.log(model, 1)
        logger.log(model, 2)
    assert read_scalars(tmp_path / "kernels") == {}
