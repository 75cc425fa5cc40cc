"""Which weights an epoch shows: its own at its end, "last" and "final", whatever callbacks do."""

import shutil

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tb_kernels import (
    ActivationLogger,
    GradientLogger,
    HeatmapLogger,
    KernelLogger,
    LogWarning,
    PatternLogger,
    compute_activations,
    open_log,
)
from tests.helpers.models import fit, two_convolutions

L = keras.layers


class Recorder(keras.callbacks.Callback):
    """Keeps the weights at the end of every epoch: the truth."""

    def on_train_begin(self, logs=None):
        self.ends = {0: self.model.get_weights()}

    def on_epoch_end(self, epoch, logs=None):
        self.ends[epoch + 1] = self.model.get_weights()


class Average(keras.callbacks.Callback):
    """As stochastic weight averaging does it: the mean of the epochs, when training ends."""

    def on_train_begin(self, logs=None):
        self.seen = []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(self.model.get_weights())

    def on_train_end(self, logs=None):
        self.model.set_weights([np.mean(one, axis=0) for one in zip(*self.seen, strict=True)])


class Stop(keras.callbacks.Callback):
    def __init__(self, after):
        super().__init__()
        self.after = after

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = self.model.stop_training or epoch + 1 >= self.after


def early_stopping(**options):
    return keras.callbacks.EarlyStopping(monitor="loss", patience=1, **options)


def assert_is(picture, kernel):
    """The picture stands for kernel 1 of these weights, to half a level."""
    weights = picture.weights()
    expected = kernel[..., 0].transpose(2, 0, 1)
    assert np.abs(weights - expected).max() <= np.ptp(kernel) / 509


@pytest.fixture(scope="module")
def tiny():
    """A model without and one with a moving average of its weights, and data."""
    models = {}
    for ema in (False, True):
        layers = [keras.Input((3, 3, 1)), L.Conv2D(2, 2, name="c"), L.Flatten()]
        models[ema] = keras.Sequential(layers)
        models[ema].compile(keras.optimizers.SGD(0.5, use_ema=ema, ema_momentum=0.5), "mse")
    random = np.random.default_rng(0)
    data = random.normal(size=(4, 3, 3, 1)).astype("float32"), random.normal(size=(4, 8))
    return models, data


CALLBACK = st.sampled_from(["early", "restoring", "average", "stop 1", "stop 2", "checkpoint"])


def callback_of(name, folder):
    if name.startswith("stop"):
        return Stop(int(name[-1]))
    return {
        "early": early_stopping,
        "restoring": lambda: early_stopping(restore_best_weights=True),
        "average": Average,
        "checkpoint": lambda: keras.callbacks.ModelCheckpoint(folder / "c.weights.h5", save_weights_only=True),
    }[name]()  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    before=st.lists(CALLBACK, max_size=2, unique=True),
    after=st.lists(CALLBACK, max_size=2, unique=True),
    epochs=st.integers(1, 4),
    asked=st.sets(st.sampled_from([0, 1, 2, 3, "last", "final"]), min_size=1).map(list),
    seed=st.integers(0, 99),
    ema=st.booleans(),
)
@pytest.mark.filterwarnings("ignore::tb_kernels.LogWarning")
@pytest.mark.slow
def test_every_picture_shows_the_weights_of_its_epoch(
    tiny, tmp_path_factory, before, after, epochs, asked, seed, ema
):
    """In any order of callbacks that stop training, restore, average or save."""
    models, data = tiny
    model = models[ema]
    random = np.random.default_rng(seed)
    model.set_weights([random.normal(size=one.shape) for one in model.get_weights()])
    folder = tmp_path_factory.mktemp("orders")
    recorder = Recorder()
    callbacks = [
        recorder,
        *(callback_of(name, folder) for name in before),
        KernelLogger(folder, epochs=asked, scale=1),
        *(callback_of(name, folder) for name in after),
    ]
    model.fit(*data, epochs=epochs, verbose=0, callbacks=callbacks)
    log, ran = open_log(folder), max(recorder.ends)
    expected = {one for one in asked if isinstance(one, int) and one <= ran}
    expected |= {ran} if "last" in asked else set()
    truth = {str(epoch): recorder.ends[epoch] for epoch in expected}
    if "final" in asked:
        truth["final"] = model.get_weights()
    assert {str(epoch) for epoch in log.epochs} == set(truth)
    for epoch, weights in truth.items():
        assert_is(log.picture(f"1_1_{epoch}"), weights[0])
    shutil.rmtree(folder)


def test_last_where_a_callback_has_averaged_before(data, tmp_path):
    """Training is stopped by a callback behind the logger, and the weights changed in front of it."""
    model, recorder = two_convolutions(), Recorder()
    views = [
        KernelLogger(tmp_path, epochs="last"),
        ActivationLogger(tmp_path, data[0][:2], epochs=["last", "final"]),
    ]
    callbacks = [recorder, Average(), *views, Stop(2)]
    model.fit(*data, epochs=5, verbose=0, callbacks=callbacks)
    log, left = open_log(tmp_path), model.get_weights()
    assert log.select(views="kernels").epochs == [2]
    assert_is(log.picture("1_1_2"), recorder.ends[2][0])
    assert np.abs(recorder.ends[2][0] - left[0]).max() > 0
    stored = log.arrays("activations")
    final = compute_activations(model, data[0][:2])["1"]
    np.testing.assert_array_equal(stored["1-first"][1], final)
    model.set_weights(recorder.ends[2])
    np.testing.assert_array_equal(
        stored["1-first"][0], compute_activations(model, data[0][:2])["1"]
    )


def test_training_is_the_same_where_the_last_epoch_is_kept(data, tmp_path):
    """Weights that are put back for a moment are what they were, bit for bit."""
    ends = []
    for logged in (False, True):
        keras.utils.set_random_seed(1)
        model = keras.Sequential(
            [keras.Input((8, 8, 3)), L.Conv2D(3, 3, activation="relu", name="c"), L.BatchNormalization(), L.Flatten(), L.Dense(3, activation="softmax")]
        )  # fmt: skip
        model.compile("adam", "sparse_categorical_crossentropy")
        x, y = data[0], np.arange(16) % 3
        asked = {"epochs": ["last", "final"]}
        views = [
            KernelLogger(tmp_path, **asked),
            ActivationLogger(tmp_path, x[:2], **asked),
            GradientLogger(tmp_path, x, y, **asked),
            PatternLogger(tmp_path, steps=1, **asked),
            HeatmapLogger(tmp_path, x[:2], **asked),
        ]
        callbacks = [Average(), *(views if logged else []), Stop(2)]
        history = model.fit(x, y, epochs=4, verbose=0, callbacks=callbacks)
        ends.append((history.history["loss"], model.get_weights()))
    assert ends[0][0] == ends[1][0]
    for plain, logged in zip(ends[0][1], ends[1][1], strict=True):
        np.testing.assert_array_equal(plain, logged)
    log = open_log(tmp_path)
    assert log.epochs == [2, 1_000_000_000]
    assert [str(epoch) for epoch in log.epochs] == ["2", "final"]
    assert log.views == ["kernels", "activations", "gradients", "patterns", "heatmaps"]


def test_final_stands_behind_all_numbers_at_the_last_step(model, data, tmp_path):
    """In the log, in its address, and in TensorBoard at the step of the last epoch."""
    from tests.helpers.oracle import read_pictures

    fit(model, data, KernelLogger(tmp_path, epochs=[0, 3, "final"]))
    log = open_log(tmp_path)
    strip = next(log.strips())
    assert [str(picture.address) for picture in strip] == ["1_1_0", "1_1_3", "1_1_final"]
    steps = {value.tag: step for step, value in read_pictures(tmp_path / "kernels")}
    assert steps["1-first/1_1_final"] == steps["1-first/1_1_3"] == 2
    assert str(log.select(epochs="final").epochs) == "[final]"
    assert log.select(epochs="last").epochs == [3]
    assert (tmp_path / "kernels/1-first/1_1_final.png").read_bytes() == log.picture("1_1_final").png


def test_final_of_a_loop(model, tmp_path):
    """`log` knows the word, too."""
    with KernelLogger(tmp_path, epochs=[1, "final"]) as logger:
        assert [logger.log(model, epoch) for epoch in (1, 2, "final")] == [True, False, True]
    assert [str(epoch) for epoch in open_log(tmp_path).epochs] == ["1", "final"]


def test_final_drawn_alone_stands_at_the_last_step_of_what_was_there(model, tmp_path):
    """As of a checkpoint that is logged by itself, and once more: the epochs before are numbers."""
    from tests.helpers.oracle import read_pictures

    for epoch in (3, "final", "final"):
        with KernelLogger(tmp_path) as logger:
            logger.log(model, epoch)
    steps = [(value.tag[-5:], step) for step, value in read_pictures(tmp_path / "kernels") if value.tag.startswith("1-first/1_1_")]  # fmt: skip
    assert sorted(steps) == [("1_1_3", 2), ("final", 2), ("final", 2)]


@pytest.mark.parametrize("moment", ["close", "fit", "flush"])
def test_a_change_after_final_that_can_be_seen_is_told(model, data, tmp_path, moment):
    """Where a callback of the user's calls the logger nobody knows which is the last."""

    class Calls(keras.callbacks.Callback):
        def __init__(self, inner):
            super().__init__()
            for name in ("set_params", "set_model", "on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_train_batch_begin"):  # fmt: skip
                setattr(self, name, getattr(inner, name))

    logger = KernelLogger(tmp_path, epochs=["final"])
    model.fit(*data, epochs=2, verbose=0, callbacks=[Calls(logger), Average()])
    next_call = {"fit": lambda: fit(model, data, logger, epochs=1)}
    with pytest.warns(LogWarning, match=r"changed after it was drawn as 'final'.*list the logger"):
        next_call.get(moment, lambda: getattr(logger, moment)())()


def test_no_change_after_final_is_told_where_there_was_none(model, data, tmp_path, recwarn):
    logger = KernelLogger(tmp_path, epochs=["final"])
    callbacks = [Average(), keras.callbacks.History(), logger]
    model.fit(*data, epochs=2, verbose=0, callbacks=callbacks)
    logger.close()
    assert not [one for one in recwarn if one.category is LogWarning]
    assert_is(open_log(tmp_path).picture("1_1_final"), np.array(model.layers[0].kernel))


def test_backup_and_restore_after_a_kill(data, tmp_path):
    """A training that goes on where a killed one had stopped: each epoch is that of its training."""

    class Kill(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup")

    first, second, recorder = two_convolutions(), two_convolutions(), Recorder()
    with pytest.raises(KeyboardInterrupt):
        first.fit(*data, epochs=4, verbose=0, callbacks=[backup(), recorder, KernelLogger(tmp_path / "logs"), Kill()])  # fmt: skip
    ends = recorder.ends
    second.fit(*data, epochs=4, verbose=0, callbacks=[KernelLogger(tmp_path / "logs"), backup(), recorder])  # fmt: skip
    log = open_log(tmp_path / "logs")
    begun = log.trainings[-1].first
    assert log.epochs == [1, 2, 3, 4]
    for epoch in log.epochs:
        weights = (ends if epoch < begun else recorder.ends)[epoch]
        assert_is(log.picture(f"1_1_{epoch}"), weights[0])


def test_ema_is_shown_only_when_training_has_put_it_in_place(data, tmp_path):
    """An optimizer's moving average is not the weights until it overwrites them."""
    model, recorder = two_convolutions(), Recorder()
    model.compile(keras.optimizers.SGD(0.1, use_ema=True), "mse")
    logger = KernelLogger(tmp_path, epochs=[2, "final"])
    model.fit(*data, epochs=2, verbose=0, callbacks=[recorder, logger])
    log = open_log(tmp_path)
    assert_is(log.picture("1_1_2"), recorder.ends[2][0])
    assert_is(log.picture("1_1_final"), np.array(model.layers[0].kernel))
    assert np.abs(recorder.ends[2][0] - np.array(model.layers[0].kernel)).max() > 0


@pytest.mark.parametrize("between", [keras.callbacks.History, keras.callbacks.ProgbarLogger])
def test_final_is_behind_callbacks_that_stand_behind_keras_own(data, tmp_path, between):
    """A History of the user's, wherever it stands, is not the end."""

    class Zero(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            for weight in self.model.weights:
                weight.assign(np.full(weight.shape, 7.5))

    model, zero = two_convolutions(), Zero()
    for epochs in (1, 2):
        logger = KernelLogger(tmp_path, epochs=["final"], normalize=(0, 10))
        model.fit(*data, epochs=epochs, verbose=0, callbacks=[logger, between(), zero])
        picture = open_log(tmp_path).picture("1_1_final")
        assert np.abs(picture.weights() - 7.5).max() < 10 / 509
    assert "on_train_end" not in vars(zero)
