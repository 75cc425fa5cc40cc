"""Models small enough to know by heart, and trainings of them."""

import keras
import numpy as np

from tb_kernels import (
    ActivationLogger,
    GradientLogger,
    HeatmapLogger,
    KernelLogger,
    PatternLogger,
)


def sixteen_pictures():
    """Sixteen small colour pictures and a number for each."""
    random = np.random.default_rng(0)
    return random.normal(size=(16, 8, 8, 3)).astype("float32"), random.normal(size=(16, 1))


def two_convolutions():
    """Two convolutions, layers 1 and 3, with 4 and 6 filters; compiled."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, name="first"),
            keras.layers.MaxPooling2D(name="pool"),
            keras.layers.Conv2D(6, (3, 2), name="second"),
            keras.layers.Flatten(),
            keras.layers.Dense(1),
        ],
        name="two",
    )
    model.compile("sgd", "mse")
    return model


def train(log_dir, seed, epochs=2):
    """A classifier with all five loggers, epochs 0 to 2; and the curves of Keras."""
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(16, 8, 8, 3)).astype("float32"), np.arange(16) % 3
    layers = [
        keras.Input((8, 8, 3)),
        keras.layers.Conv2D(4, 3, name="first"),
        keras.layers.Conv2D(6, 3, activation="relu", name="second"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(3, activation="softmax", name="classes"),
    ]
    model = keras.Sequential(layers, name="small")
    model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    logged = {"epochs": range(epochs + 1), "sheets": True}
    callbacks = [
        keras.callbacks.TensorBoard(log_dir),
        KernelLogger(log_dir, **logged),
        ActivationLogger(log_dir, x[:2], **logged),
        GradientLogger(log_dir, x, y, **logged),
        PatternLogger(log_dir, steps=2, **logged),
        HeatmapLogger(log_dir, x[:3], **logged),
    ]
    model.fit(x, y, epochs=epochs, validation_data=(x, y), verbose=0, callbacks=callbacks)
    return model


def fit(model, data, logger, epochs=3, **options):
    """Trains with one logger."""
    options = {"verbose": 0, **options}
    return model.fit(*data, epochs=epochs, callbacks=[logger], **options)


def begin_training(logger, model):
    """What `fit` does with a logger before the first step."""
    logger.set_model(model)
    logger.on_train_begin()
