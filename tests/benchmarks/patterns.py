"""Patterns of VGG16's block3_conv1 at 64 x 64, 30 steps: ours, the Keras example's loop, tf-keras-vis."""

from __future__ import annotations

import statistics
import time

import keras
import numpy as np
import tensorflow as tf

from tb_kernels.model.selection import select_layer
from tb_kernels.views.ascent import Climb, check_method

LAYER, SIDE, STEPS = "block3_conv1", 64, 30
ROUNDS, COUNT = 4, 16  # 64 kernels, in interleaved rounds of 16


def keras_example(feature):
    """The published loop, its step compiled once: with the kernel's number a tensor it traces no more."""

    @tf.function
    def step(image, kernel):
        with tf.GradientTape() as tape:
            tape.watch(image)
            maps = tf.gather(feature(image), kernel, axis=-1)
            excitation = tf.reduce_mean(maps[:, 2:-2, 2:-2])
        return image + 10.0 * tf.math.l2_normalize(tape.gradient(excitation, image))

    def run(kernels):
        for kernel in kernels:
            image = (tf.random.uniform((1, SIDE, SIDE, 3)) - 0.5) * 0.25
            for _ in range(STEPS):
                image = step(image, tf.constant(kernel))
            image.numpy()

    return run


def plain_batches(feature):
    """The same in batches of 16, all kernels of the layer computed for every picture."""

    @tf.function
    def climb(images, kernels):
        for _ in tf.range(STEPS):
            with tf.GradientTape() as tape:
                tape.watch(images)
                maps = feature(images)[:, 2:-2, 2:-2]
                means = tf.reduce_mean(maps, axis=(1, 2))
                total = tf.reduce_sum(tf.gather(means, kernels, axis=1, batch_dims=1))
            images += 10.0 * tf.math.l2_normalize(tape.gradient(total, images), axis=(1, 2, 3))
        return images

    def run(kernels):
        images = (tf.random.uniform((COUNT, SIDE, SIDE, 3)) - 0.5) * 0.25
        climb(images, tf.constant(kernels)).numpy()

    return run


def tf_keras_vis(feature):
    """Its activation maximisation without regularisers, all kernels asked for in one call."""
    from tf_keras_vis.activation_maximization import ActivationMaximization
    from tf_keras_vis.utils.scores import CategoricalScore

    def run(kernels):
        random = np.random.default_rng(0)
        ActivationMaximization(feature, clone=False)(
            CategoricalScore(kernels),
            seed_input=random.uniform(size=(COUNT, SIDE, SIDE, 3)).astype("float32"),
            input_range=(0, 1),
            steps=STEPS,
            input_modifiers=[],
            regularizers=[],
        )

    return run


def ours(model):
    """What `synthesize_patterns` runs, traced beforehand like the others."""
    how = check_method(STEPS, "ascent", (-1, 1), SIDE, 0)
    climb = Climb(model, select_layer(model, "layer", LAYER), how)
    return lambda kernels: climb([kernel + 1 for kernel in kernels])


def measure():
    """Seconds for one pattern by each way: medians of interleaved rounds, tracing left out."""
    keras.utils.set_random_seed(0)
    model = keras.applications.VGG16(weights=None, include_top=False)
    feature = keras.Model(model.inputs, model.get_layer(LAYER).output)
    runs = {
        "tb_kernels": ours(model),
        "Keras example, one by one": keras_example(feature),
        "plain batches of 16": plain_batches(feature),
        "tf-keras-vis": tf_keras_vis(feature),
    }
    for run in runs.values():
        run(list(range(COUNT)))
    found = {name: [] for name in runs}
    for start in range(0, ROUNDS * COUNT, COUNT):
        for name, run in runs.items():
            begin = time.perf_counter()
            run(list(range(start, start + COUNT)))
            found[name].append((time.perf_counter() - begin) / COUNT)
    return {name: statistics.median(times) for name, times in found.items()}


def report():
    """Prints a line per way."""
    found = measure()
    print(f"\nPatterns: VGG16 {LAYER}, {SIDE} x {SIDE}, {STEPS} steps, per pattern")
    for name, seconds in found.items():
        print(
            f"  {name:28} {1000 * seconds:7.0f} ms   {seconds / found['tb_kernels']:5.2f} x as long"
        )


if __name__ == "__main__":
    report()
