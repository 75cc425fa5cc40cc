"""Which training a picture belongs to: reruns, trainings that go on, second models."""

import gc
import itertools
import json
import re

import keras
import numpy as np
import pytest

from tb_kernels import (
    ActivationLogger,
    ArgumentError,
    HeatmapLogger,
    KernelLogger,
    LogWarning,
    open_log,
)
from tests.helpers.models import fit, two_convolutions
from tests.helpers.oracle import (
    assert_shows,
    epochs_of,
    picture_of,
    read_entries,
    read_png,
    read_scalars,
    read_values,
)

L = keras.layers


def named(name, filters=2):
    return keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(filters, 3)], name=name)


def shown(log_dir, run="."):
    """The addresses that a log shows of a run."""
    return {str(picture.address) for picture in open_log(log_dir).select(runs=run)}


def test_a_training_that_begins_anew_says_what_it_finds(model, data, tmp_path, capsys):
    """One line: how many pictures, from when, what becomes of them; not in an empty directory."""
    fit(model, data, KernelLogger(tmp_path, epochs=[1, 2]))
    assert "holds" not in capsys.readouterr().out
    fit(model, data, KernelLogger(tmp_path, epochs=[1]), epochs=1)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "holds" in line]
    assert re.fullmatch(
        rf"tb_kernels: {tmp_path}/kernels holds 20 pictures from \d{{4}}-\d\d-\d\d \d\d:\d\d: those "
        "of the same name are replaced, the others stay on disk; another directory keeps both "
        "trainings",
        line,
    )


def test_two_loggers_of_a_training_tell_it_once(data, tmp_path, capsys):
    """And none takes the other's first pictures for those of another training."""
    for _ in range(2):
        loggers = [KernelLogger(tmp_path, layers=one, epochs=[0, 1]) for one in (1, 3)]
        two_convolutions().fit(*data, epochs=1, verbose=0, callbacks=loggers)
    assert capsys.readouterr().out.count("holds 20 pictures") == 1
    assert len(list((tmp_path / "kernels").glob("events*"))) == 2
    assert len(open_log(tmp_path)) == 20


def test_the_newest_training_is_shown(data, tmp_path):
    """A shorter one leaves nothing of the longer one before, pictures and curves; that is kept."""
    first, second = two_convolutions(), two_convolutions()
    fit(first, data, KernelLogger(tmp_path, epochs=[0, 1, 3]))
    fit(second, data, KernelLogger(tmp_path, epochs=[1, 2]), epochs=2)
    log = open_log(tmp_path)
    assert log.epochs == [1, 2]
    assert log.superseded == 30
    assert log.scalars()["kernels"]["1-first/kernel_norm"].steps.tolist() == [-1, 0, 1]
    old, new = log.trainings
    assert (old.first, new.first, old.run) == (1, 1, ".")
    assert old.identifier != new.identifier
    assert old.started <= new.started
    assert old.log.epochs == [0, 1, 3]
    assert new.log.epochs == [1, 2]
    weights = old.log.picture("1_2_3").weights()[0]
    kernel = np.array(first.layers[0].kernel)
    assert np.abs(weights - kernel[:, :, 0, 1]).max() <= np.ptp(kernel) / 509
    assert old.log.scalars()["kernels"]["1-first/kernel_norm"].steps.tolist() == [-1, 0, 1, 2]


def test_a_training_that_goes_on_keeps_what_was_before(model, data, tmp_path, capsys):
    """From epoch 3 on: epochs 1 and 2 stay, and of 3 and 4 of before none is left."""
    fit(model, data, KernelLogger(tmp_path), epochs=5)
    fit(model, data, KernelLogger(tmp_path), initial_epoch=2, epochs=4)
    assert "holds 30 pictures of epoch 3 and later from" in capsys.readouterr().out
    log = open_log(tmp_path)
    assert log.epochs == [1, 2, 3, 4]
    assert log.superseded == 30
    picture = log.picture("1_1_4").pixels()
    assert_shows(picture, picture_of("Conv2D", np.array(model.layers[0].kernel), 1))
    assert [training.first for training in log.trainings] == [1, 3]


def test_what_the_index_tells_of_a_training(data, tmp_path):
    """Who, when, with what, and every layer of the model; the same for all views."""
    model = two_convolutions()
    loggers = [KernelLogger(tmp_path), ActivationLogger(tmp_path, data[0][:2], layers=1)]
    model.fit(*data, epochs=1, verbose=0, callbacks=loggers)
    (training,) = open_log(tmp_path).trainings
    assert training.views == ["kernels", "activations"]
    assert training.versions["keras"] == keras.__version__
    assert set(training.versions) == {"tb_kernels", "keras", "tensorflow"}
    assert [(one["number"], one["name"], one["kind"]) for one in training.layers] == [
        (str(place), layer.name, type(layer).__name__)
        for place, layer in enumerate(model.layers, start=1)
    ]
    assert [one["output_shape"] for one in training.layers][:3] == [
        [None, 6, 6, 4],
        [None, 3, 3, 4],
        [None, 1, 2, 6],
    ]
    assert [one["makers"] for one in training.layers] == [[], [], [[1, 4, "1", 1]], [], []]


def test_the_layers_of_a_model_that_its_first_batch_builds(data, tmp_path):
    """They are told as soon as they are known."""
    model = keras.Sequential([L.Conv2D(2, 3), L.Flatten(), L.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(*data, epochs=1, verbose=0, callbacks=[KernelLogger(tmp_path)])
    (training,) = open_log(tmp_path).trainings
    assert [one["kind"] for one in training.layers] == ["Conv2D", "Flatten", "Dense"]


def test_tensorboard_is_told_where_a_training_begins(model, data, tmp_path):
    """Its Python loader then drops all that a training which begins anew supersedes."""
    fit(model, data, KernelLogger(tmp_path, epochs=[2]))
    steps = {step for step, value in read_values(tmp_path / "kernels") if value.tag == "training"}
    assert steps == {-1}


def test_names_that_keras_makes_up_are_the_same_in_every_training(data, tmp_path):
    """However often a process builds the model; the log tells the real names all the same."""
    for run in ("a", "b"):
        model = keras.Sequential(
            [keras.Input((8, 8, 3)), L.Conv2D(2, 3), L.Conv2D(2, 3, name="mine_2"), L.Flatten()]
        )
        KernelLogger(tmp_path / run, layers=[model.layers[0].name, "mine_2"]).log(model, 1)
        assert model.layers[0].name != "conv2d"
    gc.collect()
    tags = [
        {value.tag for _, value in read_values(tmp_path / run / "kernels")} for run in ("a", "b")
    ]
    assert tags[0] == tags[1]
    assert {"1-conv2d/1_1_1", "2-mine_2/2_1_1", "1-conv2d/kernel_norm"} <= tags[0]
    layer = open_log(tmp_path / "b").layers[0]
    assert (layer.name, layer.group) == (model.layers[0].name, "1-conv2d")
    assert len(open_log(tmp_path / "b").select(layers=model.layers[0].name)) == 2


def test_a_second_model_is_refused(tmp_path):
    """The other half of a GAN, by one logger or by two; before it replaces a picture."""
    generator, discriminator = named("generator"), named("discriminator", 3)
    logger = KernelLogger(tmp_path)
    logger.log(generator, 1)
    expected = f"directory of its own, such as '{tmp_path}/discriminator'"
    for one in (logger, KernelLogger(tmp_path)):
        with pytest.raises(ArgumentError, match="holds pictures of model 'generator'") as told:
            one.log(discriminator, 1)
        assert expected in str(told.value)
    logger.log(generator, 2)
    logger.close()
    kernel = np.array(generator.layers[0].kernel)
    assert len(shown(tmp_path)) == 4
    assert_shows(read_png(tmp_path / "kernels/1-conv2d/1_2_1.png"), picture_of("Conv2D", kernel, 2))


def test_a_gan_loop_of_fits_is_refused_where_it_would_mix(data, tmp_path):
    """Where the first model's training goes on, the second one's pictures are in the way."""
    models = [two_convolutions(), keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(1, 8)])]
    models[1].compile("sgd", "mse")
    x, y = data

    def round_(model, first):
        targets = y if model is models[0] else y[:, None, None]
        logger = KernelLogger(tmp_path)
        model.fit(x, targets, initial_epoch=first, epochs=first + 1, verbose=0, callbacks=[logger])

    round_(models[0], 0)
    round_(models[1], 0)
    with pytest.raises(ArgumentError, match=r"such as '.*/two'"):
        round_(models[0], 1)
    assert open_log(tmp_path).epochs == [1]


@pytest.mark.parametrize("how", ["clone", "close", "fit", "gone"])
def test_models_that_may_follow(data, tmp_path, how):
    """A copy, any model after close or by a new fit, and one whose forerunner is gone."""
    first = named("first")
    logger = KernelLogger(tmp_path)
    logger.log(first, 1)
    if how == "clone":
        logger.log(keras.models.clone_model(first), 2)
        logger.close()
        assert epochs_of(tmp_path) == [1, 2]
        return
    if how == "close":
        logger.close()
        logger.log(named("second", 3), 2)
        logger.close()
    if how == "fit":
        fit(two_convolutions(), data, KernelLogger(tmp_path), epochs=1)
    if how == "gone":
        logger.flush()
        del first
        logger._recorder._plans.clear()
        gc.collect()
        keras.backend.clear_session()
        gc.collect()
        with KernelLogger(tmp_path) as logger:
            logger.log(named("second", 3), 2)
    assert len(open_log(tmp_path)) >= 3


def test_a_logger_used_again_begins_anew(model, data, tmp_path):
    """Epochs, epoch 0 and last belong to a training, not to the logger."""
    logger = KernelLogger(tmp_path, epochs=[0, 1, 3, "last"])
    fit(model, data, logger, epochs=4)
    for path in (tmp_path / "kernels").rglob("*.png"):
        path.unlink()
    fit(model, data, logger, epochs=4)
    assert epochs_of(tmp_path) == [0, 1, 3, 4]
    picture = read_png(tmp_path / "kernels/1-first/1_1_4.png")
    assert_shows(picture, picture_of("Conv2D", np.array(model.layers[0].kernel), 1))
    with pytest.warns(LogWarning, match="epochs 3 were asked for and not reached"):
        fit(model, data, logger, epochs=2)


def test_a_loop_of_fits_tells_an_epoch_once(data, tmp_path, recwarn):
    """A GAN's two halves, a round each in turn: epoch 0 of both, and each epoch missed once."""
    models = {name: two_convolutions() for name in ("generator", "discriminator")}
    loggers = {name: KernelLogger(tmp_path / name, epochs=[0, 2, 9]) for name in models}
    for epoch in range(3):
        for name, model in models.items():
            fit(model, data, loggers[name], initial_epoch=epoch, epochs=epoch + 1)
    told = [str(one.message) for one in recwarn if one.category is LogWarning]
    assert len(told) == 2
    assert all("epochs 2, 9 were asked for and not reached" in text for text in told)
    for name in models:
        assert epochs_of(tmp_path / name) == [0, 2]
        assert open_log(tmp_path / name).epochs == [0, 2]


def test_epochs_that_lie_in_the_log_were_reached(data, tmp_path, recwarn):
    """A training that a new process resumes asks for epochs that the first one has logged."""
    fit(two_convolutions(), data, KernelLogger(tmp_path, epochs=[0, 1, 4]), epochs=2)
    assert "epochs 4 were" in str(recwarn.pop(LogWarning).message)
    fit(two_convolutions(), data, KernelLogger(tmp_path, epochs=[0, 1, 4]), initial_epoch=2, epochs=4)  # fmt: skip
    assert not [one for one in recwarn if one.category is LogWarning]
    assert open_log(tmp_path).epochs == [0, 1, 4]


def test_first_holds_over_checkpoints(tmp_path):
    """A model for each checkpoint, one logger: one scale, that of the first."""
    models = [named("m") for _ in range(3)]
    with KernelLogger(tmp_path, normalize="first") as logger:
        for epoch, model in enumerate(models, start=1):
            logger.log(model, epoch)
    first = np.array(models[0].layers[0].kernel)
    low, high = first.min(), first.max()
    limits = [(entry["low"], entry["high"]) for _, entry in read_entries(tmp_path / "kernels")]
    assert limits == [pytest.approx((low, high))] * 3
    assert len({float(np.array(model.layers[0].kernel).max()) for model in models}) == 3


@pytest.mark.parametrize("epochs", [None, [2], ["last"]])
@pytest.mark.parametrize("chosen", [{}, {"layers": 3}, {"kernels": 1}, {"slices": True}])
def test_curves_do_not_depend_on_what_is_drawn(data, tmp_path, epochs, chosen):
    """A point at every epoch of every layer, as NumPy computes it; change is from the one before."""
    weights = []

    class Keep(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.keep()

        def on_epoch_end(self, epoch, logs=None):
            self.keep()

        def keep(self):
            weights.append([np.array(self.model.layers[place].kernel) for place in (0, 2)])

    callbacks = [Keep(), KernelLogger(tmp_path, epochs=epochs, **chosen)]
    two_convolutions().fit(*data, epochs=3, verbose=0, callbacks=callbacks)
    curves = read_scalars(tmp_path / "kernels")
    assert set(curves) == {
        f"{group}/{name}"
        for group in ("1-first", "3-second")
        for name in ("kernel_norm", "relative_change")
    }
    for place, group in enumerate(("1-first", "3-second")):
        of_layer = [each[place] for each in weights]
        norms = [np.sqrt((one**2).sum((0, 1, 2))).mean() for one in of_layer]
        changes = [
            np.linalg.norm(now - before) / np.linalg.norm(before)
            for before, now in itertools.pairwise(of_layer)
        ]
        assert curves[f"{group}/kernel_norm"] == pytest.approx(dict(enumerate(norms, -1)), rel=1e-5)
        assert curves[f"{group}/relative_change"] == pytest.approx(dict(enumerate(changes)), rel=1e-4)  # fmt: skip


def test_a_refused_view_leaves_no_directory(data, tmp_path):
    """One view cannot work for this model: nothing is left, of the views beside it neither."""
    model = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(2, 3), L.Flatten(), L.Dense(1)])
    model.compile("sgd", "mse")
    heatmaps = HeatmapLogger(tmp_path / "deep/logs", data[0][:2], layer="flatten_of_another")
    with pytest.raises(ArgumentError):
        model.fit(*data, verbose=0, callbacks=[KernelLogger(tmp_path / "deep/logs"), heatmaps])
    assert list(tmp_path.iterdir()) == []


def test_json_tells_final_by_its_name(model, data, tmp_path):
    """In the index too, where a number would be an epoch that never was."""
    fit(model, data, KernelLogger(tmp_path, epochs=["final"]))
    texts = [
        value.tensor.string_val[0]
        for _, value in read_values(tmp_path / "kernels")
        if value.tag == "index/final"
    ]
    assert [json.loads(text)["epoch"] for text in texts] == ["final", "final"]
    assert json.loads(json.dumps(open_log(tmp_path).layers[0].facts()))["epochs"] == ["final"]
