"""Sixteen kernels of VGG16's block3_conv3 expanded: ours, and the Jacobian of a linear copy."""

from __future__ import annotations

import statistics
import time

import keras
import numpy as np
import tensorflow as tf

from examples import digits
from tb_kernels.model.selection import select_layer
from tb_kernels.views.expanded import Expansion
from tests.helpers.linear_copy import linear_copy

LAYER, SIDE, COUNT = "block3_conv3", 224, 16
ROUNDS = 5


def jacobian(model):
    """The derivative of the values in the middle of the map by the whole picture, compiled once."""
    copy = linear_copy(model, model.get_layer(LAYER), SIDE)

    @tf.function
    def derivative(picture):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            maps = copy(picture)
            values = maps[0, maps.shape[1] // 2, maps.shape[2] // 2, :COUNT]
        return tape.jacobian(values, picture)

    return lambda: derivative(tf.zeros((1, SIDE, SIDE, 3))).numpy()[:, 0]


def median_of(ways):
    """Seconds of each way, the first call left out, in interleaved rounds."""
    for way in ways:
        way()
    times = [[] for _ in ways]
    for _ in range(ROUNDS):
        for way, taken in zip(ways, times, strict=True):
            begin = time.perf_counter()
            way()
            taken.append(time.perf_counter() - begin)
    return [statistics.median(taken) for taken in times]


def report():
    """Prints both times, and that of the example's 64 kernels."""
    keras.utils.set_random_seed(0)
    model = keras.applications.VGG16(weights=None)
    expansion = Expansion(model, select_layer(model, "layer", LAYER), None, None)
    numbers = range(1, COUNT + 1)
    ours, theirs = (lambda: expansion(numbers)), jacobian(model)
    whole, part = theirs(), ours()
    rows = np.flatnonzero(np.abs(whole).max(axis=(0, 2, 3)))
    columns = np.flatnonzero(np.abs(whole).max(axis=(0, 1, 3)))
    field = whole[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    apart = np.abs(field - part).max() / np.abs(part).max()
    one, other = median_of([ours, theirs])
    print(f"\n16 kernels of VGG16's {LAYER}, seen from {part.shape[1]} x {part.shape[2]} pixels")
    print(f"  expanded {1000 * one:.0f} ms; Jacobian on {SIDE} x {SIDE} {1000 * other:.0f} ms")
    print(f"  {other / one:.1f} x as long; they differ by {apart:.0e} of the largest")
    model = digits.build((8, 8, 1))
    expansion = Expansion(model, select_layer(model, "layer", 3), None, None)
    (taken,) = median_of([lambda: expansion(range(1, 65))])
    print(f"  the example's layer 3, all 64 kernels: {1000 * taken:.1f} ms")


if __name__ == "__main__":
    report()
