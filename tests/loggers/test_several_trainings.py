"""Trainings in one directory that overlap, end by exceptions, or go on in other processes."""

import contextlib
import gc
import os
import subprocess
import sys
import threading
import time
import warnings
import weakref

import keras
import numpy as np
import pytest

from tb_kernels import (
    ArgumentError,
    GradientLogger,
    KernelLogger,
    LogError,
    LogWarning,
    compute_gradients,
    open_log,
    read_kernels,
)
from tests.helpers.models import fit, two_convolutions
from tests.helpers.oracle import epochs_of


def shows(picture, model):
    """Whether a picture is of this model, to half a level."""
    kernel = read_kernels(model)[picture.address.layer]
    expected = kernel[picture.address.kernel - 1]
    return np.abs(picture.weights() - expected).max() <= np.ptp(kernel) / 510 * 1.001


def other_weights():
    model = two_convolutions()
    for layer in (model.layers[0], model.layers[2]):
        layer.kernel.assign(-3 * layer.kernel)
    return model


def test_two_loops_in_turn(tmp_path):
    """Each writes a file of its own; the one that began later is shown, whole; the other is told."""
    one, other = two_convolutions(), other_weights()
    first, second = KernelLogger(tmp_path), KernelLogger(tmp_path)
    first.log(one, 1)
    second.log(other, 1)
    second.log(other, 2)
    with pytest.warns(LogWarning, match="another training of this process has begun to write to"):
        first.log(one, 2)
    first.log(one, 3)
    first.close(), second.close()
    log = open_log(tmp_path)
    assert log.epochs == [1, 2]
    assert all(shows(picture, other) for picture in log)
    old, _ = log.trainings
    assert old.log.epochs == [1, 2, 3]
    assert all(shows(picture, one) for picture in old.log)


def test_two_fits_at_once(data, tmp_path):
    """In two threads: every picture of each training is of its own model."""
    models = [two_convolutions(), other_weights()]
    for model in models:
        # Nothing is learned, so that each has one set of weights.
        model.compile(keras.optimizers.SGD(0.0), "mse")

    def train(model):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LogWarning)
            fit(model, data, KernelLogger(tmp_path), epochs=6)

    threads = [threading.Thread(target=train, args=[model]) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log = open_log(tmp_path)
    assert len(log.trainings) == 2
    for training in log.trainings:
        (whose,) = [model for model in models if shows(next(iter(training.log)), model)]
        assert training.log.epochs == [1, 2, 3, 4, 5, 6]
        assert all(shows(picture, whose) for picture in training.log)


class Boom(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise RuntimeError("boom")


def failing(model, data, logger):
    with pytest.raises(RuntimeError, match="boom"):
        model.fit(*data, epochs=3, verbose=0, callbacks=[logger, Boom()])


def other_architecture():
    layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(7, 3)]
    return keras.Sequential(layers, name="other")


def test_another_model_after_an_exception(data, tmp_path):
    """Is refused beside the one that failed, and begins anew when that is closed."""
    model, logger, other = two_convolutions(), KernelLogger(tmp_path), other_architecture()
    failing(model, data, logger)
    with pytest.raises(ArgumentError, match="holds pictures of model 'two', which is still in use"):
        logger.log(other, 1)
    assert len(open_log(tmp_path)) == 20
    logger.close()
    logger.log(other, 1)
    logger.close()
    assert len(open_log(tmp_path)) == 7


def test_another_model_while_fit_runs(data, tmp_path):
    """As a GAN's loop may: refused there, too, and training goes on."""
    model, logger, other, refused = two_convolutions(), KernelLogger(tmp_path), other_architecture(), []  # fmt: skip

    class Second(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            try:
                logger.log(other, epoch + 1)
            except ArgumentError as error:
                refused.append(error)

    model.fit(*data, epochs=2, verbose=0, callbacks=[logger, Second()])
    assert len(refused) == 2
    log = open_log(tmp_path)
    assert len(log) == 20
    assert {picture.address.layer for picture in log} == {"1", "3"}


def test_nothing_is_held_after_an_exception(data, tmp_path):
    """Close lets go of the model and of the copies for the last epoch."""
    model = two_convolutions()
    alive = weakref.ref(model)
    logger = KernelLogger(tmp_path, epochs="last")
    with contextlib.suppress(RuntimeError):
        model.fit(*data, epochs=3, verbose=0, callbacks=[logger, Boom()])
    logger.close()
    assert logger._kept is None
    del model
    keras.backend.clear_session()
    gc.collect()
    assert alive() is None


def test_final_alone_stands_behind_what_is_there(model, data, tmp_path, capsys):
    """After fit, by the same logger and by another: nothing is superseded."""
    logger = KernelLogger(tmp_path)
    fit(model, data, logger, epochs=4)
    logger.log(model, "final")
    logger.close()
    assert list(map(str, open_log(tmp_path).epochs)) == ["1", "2", "3", "4", "final"]
    capsys.readouterr()
    with KernelLogger(tmp_path) as another:
        another.log(model, "final")
    log = open_log(tmp_path)
    assert list(map(str, log.epochs)) == ["1", "2", "3", "4", "final"]
    assert log.superseded == 0
    assert [str(training.first) for training in log.trainings] == ["1", "final"]
    # At the last epoch's step.
    events = log.scalars()["kernels"]["1-first/kernel_norm"].steps.tolist()
    assert events == [-1, 0, 1, 2, 3]


def test_arrays_are_of_the_training_that_is_shown(model, data, tmp_path):
    """What a later training has overwritten, or could not, is left out and told."""
    x, y = data
    fit(model, data, GradientLogger(tmp_path, x, y), epochs=3)
    old = (tmp_path / "gradients/gradients_2.npz").read_bytes()
    fit(other_weights(), data, GradientLogger(tmp_path, x, y), epochs=3)
    (tmp_path / "gradients/gradients_2.npz").write_bytes(old)
    log = open_log(tmp_path)
    with pytest.warns(LogWarning, match="gradients: gradients_2.npz left out, written by another training"):  # fmt: skip
        assert log.arrays("gradients").epochs == [1, 3]
    with pytest.warns(LogWarning, match="gradients_1.npz, gradients_3.npz left out"):
        assert log.trainings[0].log.arrays("gradients").epochs == [2]


def test_arrays_of_two_loggers_of_a_training(model, data, tmp_path):
    """Stand in one file, also in a directory with those of a training before."""
    x, y = data
    for _ in range(2):
        loggers = [GradientLogger(tmp_path, x, y, layers=layer) for layer in ("first", "second")]
        model.fit(*data, epochs=1, verbose=0, callbacks=loggers)
    keys = set(open_log(tmp_path).arrays("gradients"))
    assert {"two/first/kernel", "two/second/kernel"} <= keys


def test_curves_of_keras_begin_anew_with_a_training(data, tmp_path):
    """What a shorter one has not reached is not continued by a longer one before."""
    for seed, epochs in ((1, 5), (2, 3)):
        keras.utils.set_random_seed(seed)
        model = two_convolutions()
        callbacks = [keras.callbacks.TensorBoard(tmp_path), KernelLogger(tmp_path)]
        history = model.fit(*data, epochs=epochs, verbose=0, callbacks=callbacks)
        time.sleep(1.1)  # Keras names its files by the second
    steps, values = open_log(tmp_path).scalars()["train"]["epoch_loss"]
    assert steps.tolist() == [0, 1, 2]
    np.testing.assert_allclose(values, history.history["loss"], rtol=1e-6)
    callbacks = [keras.callbacks.TensorBoard(tmp_path), KernelLogger(tmp_path)]
    model.fit(*data, initial_epoch=2, epochs=6, verbose=0, callbacks=callbacks)
    assert open_log(tmp_path).scalars()["train"]["epoch_loss"].steps.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_writes_a_file_of_its_own(model, tmp_path):
    """The parent goes on meanwhile, and no epoch of either is lost."""
    logger = KernelLogger(tmp_path)
    logger.log(model, 1)
    logger.flush()
    waits, goes = os.pipe()
    child = os.fork()
    if not child:
        os.read(waits, 1)
        logger.log(model, 10)
        logger.flush()
        os._exit(0)
    for epoch in (2, 3, 4):
        logger.log(model, epoch)
    logger.flush()
    os.write(goes, b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    logger.log(model, 5)
    logger.close()
    log = open_log(tmp_path)
    assert log.epochs == [1, 2, 3, 4, 5, 10]
    assert log.superseded == 0
    assert len(list((tmp_path / "kernels").glob("events*"))) == 2


def test_what_is_logged_at_the_interpreters_end(tmp_path):
    """By a function of atexit, when Python waits for no thread any more."""
    program = f"""
import atexit
from tb_kernels import KernelLogger
from tests.helpers.models import two_convolutions
logger, model = KernelLogger({str(tmp_path)!r}), two_convolutions()
atexit.register(lambda: logger.log(model, 2))
logger.log(model, 1)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert open_log(tmp_path).epochs == epochs_of(tmp_path) == [1, 2]


def test_a_relative_directory_is_that_of_when_it_was_given(model, data, tmp_path, monkeypatch):
    """Wherever the program goes afterwards."""
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    logger = KernelLogger("logs")
    monkeypatch.chdir(tmp_path / "there")
    fit(model, data, logger, epochs=1)
    assert epochs_of(tmp_path / "here/logs") == [1]
    assert not (tmp_path / "there/logs").exists()


def test_epochs_beyond_what_names_have_room_for(model, data, tmp_path):
    """Are told once, and end no training."""
    logger = KernelLogger(tmp_path)
    with pytest.warns(LogWarning, match="names have room for epochs up to 999,999,999; no later one is drawn"):  # fmt: skip
        model.fit(*data, initial_epoch=999_999_997, epochs=1_000_000_002, verbose=0, callbacks=[logger])  # fmt: skip
    assert open_log(tmp_path).epochs == [999_999_998, 999_999_999]


def test_a_logger_that_was_refused_lets_go_of_nothing(tmp_path):
    """Nor does one of two that write the same model: the other still holds the directory."""
    model, other = two_convolutions(), other_architecture()
    logger = KernelLogger(tmp_path)
    logger.log(model, 1)
    for _ in range(2):
        with pytest.raises(ArgumentError, match="still in use"), KernelLogger(tmp_path) as refused:
            refused.log(other, 1)
    with KernelLogger(tmp_path, layers="first") as beside:
        beside.log(model, 1)
    with pytest.raises(ArgumentError, match="still in use"), KernelLogger(tmp_path) as refused:
        refused.log(other, 1)
    logger.log(model, 2)
    logger.close()
    assert open_log(tmp_path).epochs == [1, 2]


def test_the_first_scale_is_one_on_which_something_can_be_seen(model, tmp_path):
    """A layer that begins with zeros has that of the next epoch; close forgets it."""
    layer = model.layers[0]
    kernel = np.array(layer.kernel)
    logger = KernelLogger(tmp_path, layers="first", normalize="first")
    layer.kernel.assign(0 * kernel)
    logger.log(model, 1)
    layer.kernel.assign(kernel)
    logger.log(model, 2)
    logger.close()
    assert all(shows(picture, model) for picture in open_log(tmp_path).select(epochs=[2]))
    logger.log_dir = tmp_path / "second"
    layer.kernel.assign(10 * kernel)
    logger.log(model, 1)
    logger.close()
    assert all(shows(picture, model) for picture in open_log(tmp_path / "second"))


def test_twins_in_one_directory(tmp_path):
    """As the generators of a CycleGAN: the second is refused before it replaces a picture."""
    one, other = two_convolutions(), other_weights()
    logger = KernelLogger(tmp_path, epochs=[1, "final"])
    logger.log(one, 1)
    with pytest.raises(ArgumentError) as refused:
        logger.log(other, 1)
    assert str(refused.value) == (
        f"log_dir: {tmp_path}/kernels holds epoch 1 of model 'two', which is still in use; that "
        f"of model 'two' would replace it; expected a directory of its own, such as "
        f"'{tmp_path}/second'"
    )
    # Also where only the curves would be mixed.
    logger.log(one, 2)
    with pytest.raises(ArgumentError, match="holds epoch 2"):
        logger.log(other, 2)
    logger.log(one, "final")
    with pytest.raises(ArgumentError, match="holds epoch final"):
        logger.log(other, "final")
    logger.log(one, 1)
    # A copy goes on.
    logger.log(other, 3)
    logger.close()
    log = open_log(tmp_path)
    assert len(log.trainings) == 1
    assert all(shows(picture, one) for picture in log)
    logger.log(other, 1)
    logger.close()
    assert all(shows(picture, other) for picture in open_log(tmp_path))


def test_folds_one_after_the_other(tmp_path):
    """The model of each is gone when that of the next is logged: a training each."""
    logger = KernelLogger(tmp_path)
    for epochs in (4, 3):
        model = two_convolutions()
        for epoch in range(1, epochs + 1):
            for layer in (model.layers[0], model.layers[2]):
                layer.kernel.assign(1.1 * layer.kernel)
            logger.log(model, epoch)
    logger.close()
    log = open_log(tmp_path)
    assert [training.log.epochs for training in log.trainings] == [[1, 2, 3, 4], [1, 2, 3]]
    assert log.epochs == [1, 2, 3]
    change = log.scalars()["kernels"]["1-first/relative_change"]
    assert change.steps.tolist() == [1, 2]
    np.testing.assert_allclose(change.values, 0.1, rtol=1e-5)


def test_a_copy_that_its_first_batch_builds(data, tmp_path):
    """Goes on where the model before ended, although nobody knows its shapes when it begins."""

    def unbuilt():
        return keras.Sequential([keras.layers.Conv2D(2, 3), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])  # fmt: skip

    x, _ = data
    y = np.zeros((len(x), 2))
    models = [unbuilt(), unbuilt(), keras.Sequential([keras.layers.Conv2D(5, 3), *unbuilt().layers[1:]])]  # fmt: skip
    for model in models:
        model.compile("sgd", "mse")
    models[0].fit(x, y, epochs=2, verbose=0, callbacks=[KernelLogger(tmp_path)])
    models[1].fit(x, y, initial_epoch=2, epochs=3, verbose=0, callbacks=[KernelLogger(tmp_path)])
    assert open_log(tmp_path).epochs == [1, 2, 3]
    with pytest.raises(ArgumentError, match="still in use"):
        models[2].fit(x, y, initial_epoch=3, epochs=4, verbose=0, callbacks=[KernelLogger(tmp_path)])  # fmt: skip
    assert open_log(tmp_path).epochs == [1, 2, 3]


def test_a_model_that_nobody_uses_is_in_nobodys_way(tmp_path):
    """Also before Python has noticed that it is gone."""
    gc.disable()
    try:
        model = two_convolutions()
        model.itself = [model]
        logger = KernelLogger(tmp_path)
        logger.log(model, 1)
        logger.flush()
        del model
        keras.backend.clear_session(free_memory=False)
        logger.log(other_architecture(), 2)
        logger.close()
    finally:
        gc.enable()
    assert open_log(tmp_path).epochs == [1, 2]


def test_gradients_of_a_model_that_was_built_again(data, tmp_path):
    """Stand under the same names, although Keras counts on; and what some epochs lack is told."""
    x, y = data
    y = np.zeros((len(x), 1))
    for first in (0, 2):
        model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3), keras.layers.Conv2D(3, 3), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)])  # fmt: skip
        model.layers[1].trainable = first == 0
        model.compile("sgd", "mse")
        logger = GradientLogger(tmp_path, x, y)
        model.fit(x, y, initial_epoch=first, epochs=first + 2, verbose=0, callbacks=[logger])
        expected = compute_gradients(model, x, y)
    arrays = open_log(tmp_path).arrays("gradients")
    assert set(arrays) == {
        f"sequential/{layer}/{weight}"
        for layer in ("conv2d", "conv2d_1", "dense")
        for weight in ("kernel", "bias")
    }
    assert arrays["sequential/conv2d/kernel"].shape == (4, 3, 3, 3, 2)
    path = model.layers[0].kernel.path
    assert path != "sequential/conv2d/kernel"
    np.testing.assert_array_equal(arrays["sequential/conv2d/kernel"][-1], expected[path])
    with pytest.raises(LogError, match=r"has no .sequential/conv2d_1/kernel.; select epochs that have it, 1, 2"):  # fmt: skip
        arrays["sequential/conv2d_1/kernel"]


def test_gradients_of_names_that_could_be_taken_for_others(data, tmp_path):
    """A dense layer that a user calls as Keras calls convolutions: no weight takes another's place."""
    x, y = data[0], np.zeros(len(data[0]))
    keras.layers.Conv2D(1, 1)
    convolution = keras.layers.Conv2D(2, 3)
    model = keras.Sequential([keras.Input((8, 8, 3)), convolution, keras.layers.Flatten(), keras.layers.Dense(1, name="conv2d")])  # fmt: skip
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0, callbacks=[GradientLogger(tmp_path, x, y)])  # fmt: skip
    assert set(open_log(tmp_path).arrays("gradients")) == set(compute_gradients(model, x, y))  # fmt: skip
