"""Do pictures of kernels show what the kernels answer to? Planted: bars of four directions."""

import keras
import numpy as np
import pytest

from tb_kernels import expand_kernels, find_examples

L = keras.layers

SIDE = 20
DIRECTIONS = np.deg2rad([0, 45, 90, 135])


def bar(direction, center, side, length):
    """A soft line one pixel wide: shape (side, side), 0 to 1."""
    y, x = np.mgrid[:side, :side].astype(float)
    down, right = y - center[0], x - center[1]
    along = right * np.cos(direction) - down * np.sin(direction)
    across = right * np.sin(direction) + down * np.cos(direction)
    return np.clip(1 - np.abs(across), 0, 1) * np.clip(length / 2 + 0.5 - np.abs(along), 0, 1)


def pictures_of_bars(count, random):
    """Noisy pictures with a bar somewhere in each, and its direction."""
    which = random.integers(4, size=count)
    pictures = [
        bar(DIRECTIONS[one], random.uniform(6, SIDE - 7, 2), SIDE, random.uniform(8, 12))
        for one in which
    ]
    noise = 0.1 * random.normal(size=(count, SIDE, SIDE))
    return (np.stack(pictures) + noise)[..., None].astype("float32"), which


def trained(seed):
    """A network of two convolutions that tells the directions, and its training data."""
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    layers = [
        keras.Input((SIDE, SIDE, 1)),
        L.Conv2D(8, 3, activation="relu"),
        L.Conv2D(24, 5, activation="relu", name="second"),
        L.GlobalMaxPooling2D(),
        L.Dense(4, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(3e-3), loss, metrics=["accuracy"])
    x, y = pictures_of_bars(1500, random)
    model.fit(x, y, epochs=10, batch_size=32, verbose=0)
    held_out = pictures_of_bars(400, random)
    assert model.evaluate(*held_out, verbose=0)[1] > 0.95
    return model, x, held_out


def selective_kernels(model, x, y):
    """Those whose greatest answer to one direction is, in the mean, twice that to any other."""
    answers = keras.Model(model.inputs, model.get_layer("second").output).predict(x, verbose=0)
    greatest = answers.max(axis=(1, 2))
    means = np.stack([greatest[y == one].mean(axis=0) for one in range(4)])
    second, first = np.sort(means, axis=0)[-2:]
    chosen = np.flatnonzero((first > 0.1) & (first >= 2 * second))
    return chosen, means.argmax(axis=0)[chosen]


def direction_in(picture):
    """That of the long bar, anywhere near the middle, which a picture is most like."""
    side = len(picture)
    shifts = np.arange(-1.5, 1.6, 0.5)
    likeness = [
        max(
            np.corrcoef(
                bar(one, ((side - 1) / 2 + down, (side - 1) / 2 + right), side, 2 * side).ravel(),
                picture.ravel(),
            )[0, 1]
            for down in shifts
            for right in shifts
        )
        for one in DIRECTIONS
    ]
    return int(np.argmax(likeness))


@pytest.mark.slow
def test_kernels_show_the_direction_that_they_answer_to():
    """Nine of ten selective kernels of four networks: expanded, and by their mean example."""
    expanded, examples = [], []
    for seed in range(4):
        model, x, held_out = trained(seed)
        kernels, directions = selective_kernels(model, *held_out)
        numbers = [int(one) + 1 for one in kernels]
        weights = expand_kernels(model, "second", numbers)[..., 0]
        means = np.nan_to_num(find_examples(model, x, "second", numbers).mean)[..., 0]
        expanded += [direction_in(one) == own for one, own in zip(weights, directions, strict=True)]
        examples += [direction_in(one) == own for one, own in zip(means, directions, strict=True)]
    assert len(expanded) >= 20
    assert np.mean(expanded) >= 0.9, f"{sum(expanded)} of {len(expanded)}"
    assert np.mean(examples) >= 0.9, f"{sum(examples)} of {len(examples)}"
