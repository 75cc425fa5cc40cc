"""A network with changes that are known: who moved how far, who is zero, dead, frozen, not finite."""

import warnings

import keras
import numpy as np

from tb_kernels import ActivationLogger, KernelLogger, LogWarning

# How far each kernel of layer 1 moves between the epochs 0 and 10; two move equally far.
MOVES = [0.02, 0.0, 0.16, 0.04, 0.32, 0.08, 0.64, 0.0]
FIRST, LAST = 0, 10

# Numbers, from 1: layer 1 has a channel that is never active, a kernel that was zero before and one
# that is zero since; of layer 2, which is frozen, one is zero all along; in layer 3 one has a NaN.
DEAD, ZERO_BEFORE, ZERO_SINCE, ZERO, BROKEN = 2, 4, 7, 3, 5


def inputs():
    """Twelve pictures: more than are drawn."""
    return np.random.default_rng(0).normal(size=(12, 8, 8, 3)).astype("float32")


def planted():
    """The network at both epochs: the model as it is last, and its weights by layer and epoch."""
    keras.utils.set_random_seed(7)
    layers = [
        keras.Input((8, 8, 3)),
        keras.layers.Conv2D(8, 3, activation="relu", name="moved"),
        keras.layers.Conv2D(6, (3, 2), activation="relu", name="frozen"),
        keras.layers.Conv2D(5, 1, name="broken"),
    ]
    model = keras.Sequential(layers, name="planted")
    random = np.random.default_rng(1)
    before = [layer.get_weights() for layer in model.layers]
    before[0][1][DEAD - 1] = -100
    before[0][0][..., ZERO_BEFORE - 1] = 0
    before[1][0][..., ZERO - 1] = 0
    after = [[array.copy() for array in arrays] for arrays in before]
    for place, move in enumerate(MOVES):
        direction = random.normal(size=(3, 3, 3))
        after[0][0][..., place] += move * direction / np.linalg.norm(direction)
    # It moves by its whole norm.
    before[0][0][..., ZERO_SINCE - 1] *= MOVES[ZERO_SINCE - 1] / np.linalg.norm(before[0][0][..., ZERO_SINCE - 1])  # fmt: skip
    after[0][0][..., ZERO_SINCE - 1] = 0
    after[2][0][0, 0, 1, BROKEN - 1] = np.nan
    return model, {FIRST: before, LAST: after}


def log_planted(log_dir, *, activations=False, **keywords):
    """Logs both epochs, without curves unless asked for; returns kernels by layer and epoch.

    As float64, shape (kernels, height, width, input channels).
    """
    model, weights = planted()
    loggers = [KernelLogger(log_dir, **{"statistics": False, **keywords})]
    if activations:
        loggers.append(ActivationLogger(log_dir, inputs()))
    with warnings.catch_warnings():
        # Of the weight that is not finite they tell.
        warnings.simplefilter("ignore", LogWarning)
        for logger in loggers:
            for epoch, arrays in weights.items():
                for layer, own in zip(model.layers, arrays, strict=True):
                    layer.set_weights(own)
                logger.log(model, epoch)
            logger.close()
    return {
        (str(number), epoch): np.moveaxis(own[0].astype(np.float64), -1, 0)
        for epoch, arrays in weights.items()
        for number, own in enumerate(arrays, start=1)
    }
