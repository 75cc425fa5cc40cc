"""A training with all loggers ends as one without: bit for bit."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import config

from tb_kernels import (
    ActivationLogger,
    ExampleLogger,
    ExpansionLogger,
    GradientLogger,
    HeatmapLogger,
    KernelLogger,
    PatternLogger,
    compute_activations,
    compute_gradients,
    compute_heatmaps,
    expand_kernels,
    find_examples,
    synthesize_patterns,
)
from tb_kernels.schema.naming import VIEWS

L = keras.layers


@pytest.fixture(autouse=True)
def deterministic():
    tf.config.experimental.enable_op_determinism()
    yield
    # There is no public way back.
    config.disable_op_determinism()


def data():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(40, 10, 10, 3)).astype("float32")
    return x, generator.integers(0, 3, 40), generator.normal(size=(40, 1)).astype("float32")


class CountTraces(L.Layer):
    """Passes its input on; Python sees it only while a training step is traced."""

    traces = 0

    def call(self, inputs, training=False):
        self.traces += bool(training)
        return inputs


def build(outputs):
    keras.utils.set_random_seed(5)
    inputs = keras.Input((10, 10, 3))
    hidden = CountTraces()(inputs)
    hidden = L.Conv2D(6, 3, kernel_regularizer="l2", activity_regularizer="l1")(hidden)
    hidden = L.ReLU()(L.BatchNormalization()(hidden))
    hidden = L.Conv2D(4, 3)(L.GaussianNoise(0.1)(hidden))
    hidden = L.Dropout(0.4)(L.GlobalAveragePooling2D()(hidden))
    kind = L.Dense(3, activation="softmax", name="kind")(hidden)
    losses, metrics = ["sparse_categorical_crossentropy"], ["accuracy"]
    if outputs == 1:
        model = keras.Model(inputs, kind)
    else:
        model = keras.Model(inputs, [kind, L.Dense(1, name="number")(hidden)])
        losses, metrics = [*losses, "mse"], [["accuracy"], ["mae"]]
    model.compile("adam", losses, metrics=metrics)
    return model


def loggers(log_dir, x, y, outputs):
    score = None if outputs == 1 else lambda given: given[0][:, 0]
    return [
        KernelLogger(log_dir, epochs=[0, 1, 2, 3, "last"], sheets=True),
        ActivationLogger(log_dir, x[:4], epochs=[0, 1, 2, 3], sheets=True),
        GradientLogger(
            log_dir, x[:10], y_of(y, slice(10), outputs), batch_size=4, epochs=[0, 1, 2, 3]
        ),
        PatternLogger(log_dir, epochs=[0, 1, 2, 3], steps=3),
        ExpansionLogger(log_dir, x[:4], epochs=[0, 1, 2, 3]),
        ExampleLogger(log_dir, x, epochs=[0, 1, 2, 3], batch_size=16),
        HeatmapLogger(log_dir, x[:4], score=score, epochs=[0, 1, 2, 3], sheets=True),
    ]


def y_of(y, part, outputs):
    return y[0][part] if outputs == 1 else [one[part] for one in y]


class Resets(keras.callbacks.Callback):
    """Keeps what a training consists of after each epoch."""

    def __init__(self):
        super().__init__()
        self.states = []

    def on_epoch_end(self, epoch, logs=None):
        variables = self.model.variables + self.model.optimizer.variables
        self.states.append([np.array(variable) for variable in variables])


def train(outputs, callbacks):
    x, *y = data()
    model = build(outputs)
    states = Resets()
    held = slice(30, None)
    history = model.fit(
        x[:30],
        y_of(y, slice(30), outputs),
        batch_size=8,
        epochs=3,
        shuffle=True,
        validation_data=(x[held], y_of(y, held, outputs)),
        verbose=0,
        callbacks=[*callbacks(x, y), states],
    )
    # What comes next from every random stream, and how often the training step was traced.
    streams = [random.random(), np.random.random(), tf.random.uniform(()), keras.random.uniform(())]
    return history.history, states.states, [*map(float, streams), model.layers[1].traces]


@pytest.mark.slow
@pytest.mark.parametrize("outputs", [1, 2])
def test_training_is_the_same_bit_for_bit(tmp_path, outputs):
    """Weights, statistics, seeds, optimizer, metrics after every epoch; the whole history."""
    history, states, streams = train(outputs, lambda x, y: [])
    ours, our_states, our_streams = train(outputs, lambda x, y: loggers(tmp_path, x, y, outputs))
    assert ours == history
    assert our_streams == streams
    assert len(our_states) == len(states) == 3
    for before, after in zip(states, our_states, strict=True):
        assert len(before) == len(after) > 20
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)
    for view in VIEWS:
        assert list((tmp_path / view).rglob("*.png")), view


@pytest.mark.slow
def test_the_comparison_can_fail(tmp_path):
    """A callback that draws one random number changes the training, and the test would see it."""

    class Draws(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.get_layer(index=5).seed_generator.next()

    _, states, _ = train(1, lambda x, y: [])
    _, others, _ = train(1, lambda x, y: [Draws()])
    same = [np.array_equal(one, other) for one, other in zip(states[-1], others[-1], strict=True)]
    assert not all(same)


@pytest.mark.parametrize("outputs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_functions_leave_the_model_as_it_was(outputs):
    """Variables of every kind, the loss trackers, the layers' own methods."""
    x, *y = data()
    model = build(outputs)
    y = y_of(y, slice(None), outputs)
    model.fit(x, y, verbose=0)
    model.test_on_batch(x[:7], y_of([y] if outputs == 1 else y, slice(7), outputs))

    def state():
        variables = model.variables + model.optimizer.variables + model.metrics_variables
        return [np.array(variable) for variable in variables]

    before, attributes = state(), [sorted(vars(layer)) for layer in [model, *model.layers]]
    score = None if outputs == 1 else lambda given: given[0][:, 0]
    compute_activations(model, x[:3])
    compute_gradients(model, x[:9], y_of([y] if outputs == 1 else y, slice(9), outputs), batch_size=4)  # fmt: skip
    compute_heatmaps(model, x[:3], score=score)
    synthesize_patterns(model, 6, steps=2, size=9)
    expand_kernels(model, 6)
    find_examples(model, x, 6, batch_size=16)
    for one, other in zip(before, state(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert [sorted(vars(layer)) for layer in [model, *model.layers]] == attributes


class OwnLoss(keras.Model):
    """Counts and draws in its loss, without Keras' own."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.calls = self.add_weight(name="calls", initializer="zeros", trainable=False)
        self.mean = keras.metrics.Mean(name="own")
        self.seeds = keras.random.SeedGenerator(3)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        self.calls.assign_add(1.0)
        noise = keras.random.normal((), seed=self.seeds)
        loss = keras.ops.mean(keras.ops.square(y - y_pred)) + 0.1 * noise * keras.ops.mean(y_pred)
        self.mean.update_state(loss)
        return loss


def test_a_loss_that_counts_and_draws(tmp_path):
    """Neither its counter nor its random stream nor its metric moves, also before training."""

    def run(callbacks):
        keras.utils.set_random_seed(5)
        inputs = keras.Input((10, 10, 3))
        outputs = L.Dense(1)(L.GlobalAveragePooling2D()(L.Conv2D(4, 3)(inputs)))
        model = OwnLoss(inputs, outputs)
        model.compile("sgd", "mse")
        x, _, y = data()
        history = model.fit(x, y, batch_size=10, epochs=2, verbose=0, callbacks=callbacks(x, y))
        return history.history, [np.array(variable) for variable in model.variables]

    history, variables = run(lambda x, y: [])
    ours, our_variables = run(lambda x, y: [GradientLogger(tmp_path, x, y, epochs=[0, 1, 2])])
    assert ours == history
    for one, other in zip(variables, our_variables, strict=True):
        np.testing.assert_array_equal(one, other)
