"""Models that have parts and a step of training, and nothing that Keras could call: GANs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tb_kernels import (
    ActivationLogger,
    ArgumentError,
    ExpansionLogger,
    GradientLogger,
    HeatmapLogger,
    KernelLogger,
    LogWarning,
    PatternLogger,
    compute_activations,
    open_log,
    read_kernels,
)
from tests.helpers.oracle import assert_shows, epochs_of, picture_of, read_png

L = keras.layers
X = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")


class Gan(keras.Model):
    """Two models and a step; each is built by itself, or by the first step."""

    def __init__(self, *, built):
        super().__init__(name="gan")
        inputs = [keras.Input((8, 8, 3))] if built else []
        self.maker = keras.Sequential([*inputs, L.Conv2D(3, 3, padding="same", name="m")])
        self.judge = keras.Sequential([*inputs, L.Conv2D(2, 3, name="j"), L.Flatten(), L.Dense(1)])

    def train_step(self, data):
        with tf.GradientTape() as tape:
            loss = keras.ops.mean(self.judge(self.maker(data)) ** 2)
        weights = self.maker.trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return {"loss": loss}


def gan(*, built=True):
    keras.utils.set_random_seed(0)
    model = Gan(built=built)
    model.compile(keras.optimizers.SGD(0.1))
    return model


def test_kernels_of_parts_are_logged_from_epoch_0(tmp_path, recwarn):
    """They are there before training, though Keras never calls the model itself built."""
    model = gan()
    before = np.array(model.maker.layers[0].kernel)
    assert set(read_kernels(model)) == {"1-1", "2-1"}
    logger = KernelLogger(tmp_path, epochs=[0, 2, "final"])
    model.fit(X, epochs=2, verbose=0, callbacks=[logger])
    after = np.array(model.maker.layers[0].kernel)
    assert np.abs(after - before).max() > 0
    for epoch, weight in ((0, before), (2, after), ("final", after)):
        picture = read_png(tmp_path / f"kernels/1-1-m/1-1_1_{epoch}.png")
        assert_shows(picture, picture_of("Conv2D", weight, 1))
    assert not [one for one in recwarn if one.category is LogWarning]
    with KernelLogger(tmp_path / "loop") as logger:
        logger.log(model, 1)
    assert open_log(tmp_path / "loop").epochs == [1]


def test_parts_that_the_first_step_builds(tmp_path):
    """Their epoch 0 is told as missing, as that of any model."""
    told = "^epoch 0 cannot be drawn: each convolution of model 'gan' is built only by its first batch"  # fmt: skip
    model = gan(built=False)
    with pytest.warns(LogWarning, match=told):
        model.fit(X, epochs=2, verbose=0, callbacks=[KernelLogger(tmp_path, epochs=[0, 1, 2])])
    assert epochs_of(tmp_path) == [1, 2]


LOGGERS = {
    "activations": lambda folder: ActivationLogger(folder, X),
    "expanded": lambda folder: ExpansionLogger(folder, X),
    "gradients": lambda folder: GradientLogger(folder, X, np.ones(4)),
    "heatmaps": lambda folder: HeatmapLogger(folder, X),
    "patterns": lambda folder: PatternLogger(folder),
}


@pytest.mark.parametrize("built", [False, True])
@pytest.mark.parametrize("view", LOGGERS)
def test_views_that_call_the_model_are_refused_before_the_first_step(tmp_path, view, built):
    """In words; whoever built what."""
    model, logger = gan(built=built), LOGGERS[view](tmp_path)
    before = [np.array(one) for one in model.weights]
    told = r"^model: this view calls the model, and the class of 'gan' has no call\(\); expected"
    with pytest.raises(ArgumentError, match=told):
        model.fit(X, epochs=2, verbose=0, callbacks=[logger])
    assert len(model.weights) == len(before)
    for one, was in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(np.array(one), was)
    assert not list(tmp_path.iterdir())


def test_a_part_can_be_looked_at(tmp_path):
    """What the error says would do."""
    model = gan()
    with pytest.raises(ArgumentError, match=r"has no call\(\)"):
        compute_activations(model, X)

    class Each(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logger.log(self.model.maker, epoch + 1)

    with ActivationLogger(tmp_path, X) as logger:
        model.fit(X, epochs=2, verbose=0, callbacks=[Each()])
    assert open_log(tmp_path).epochs == [1, 2]
