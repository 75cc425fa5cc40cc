"""The ways to write the kernels of one epoch that are compared: ours, what people do, and the floor."""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from tb_kernels import KernelLogger
from tb_kernels.model.layers import find_kernels


def seeds_network(shape=(32, 32, 3)):
    """The seeds' network, at CIFAR-10 size or for pictures of another shape."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(512, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def vgg16():
    """VGG16 with random weights: 4,224 kernels, 58.8 MB."""
    return keras.applications.VGG16(weights=None)


NETWORKS = {"seeds": seeds_network, "vgg16": vgg16}


def kernel_variables(model):
    return [weight.layer.kernel for weight in find_kernels(model)]


def copy_kernels(model):
    """(c) What holding up training cannot go below: the contract's copy of every kernel."""
    return [
        np.array(keras.ops.convert_to_numpy(kernel), copy=True)
        for kernel in kernel_variables(model)
    ]


def slices_of_layers(model):
    """Number of 2-D slices in each convolution layer."""
    return [kernel.shape[2] * kernel.shape[3] for kernel in kernel_variables(model)]


def draw_pictures(model):
    """The very pixels that the logger draws, as (path, grey picture): no way but ours draws them."""
    with tempfile.TemporaryDirectory() as folder:
        with KernelLogger(folder) as logger:
            logger.log(model, 1)
        run = Path(folder) / "kernels"
        return [
            (str(path.relative_to(run).with_suffix("")), np.asarray(Image.open(path)))
            for path in sorted(run.rglob("*.png"))
        ]


def make_folders(folder, pictures):
    for path in {Path(path).parent for path, _ in pictures}:
        (folder / path).mkdir(parents=True, exist_ok=True)


def write_floor(folder, pictures):
    """(c) Each picture encoded once at zlib level 1, on one thread, its bytes written twice."""
    make_folders(folder, pictures)
    with (folder / "all").open("ab") as both:
        for path, pixels in pictures:
            png = encode_plain(pixels)
            (folder / f"{path}.png").write_bytes(png)
            both.write(png)


def encode_plain(pixels):
    """A PNG by zlib level 1, without filters: as little work as there is with it."""
    height, width = pixels.shape
    rows = np.zeros((height, width + 1), np.uint8)
    rows[:, 1:] = pixels
    out = io.BytesIO()
    out.write(b"\x89PNG\r\n\x1a\n")
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")):
        out.write(struct.pack(">I", len(data)) + name + data)
        out.write(struct.pack(">I", zlib.crc32(name + data)))
    return out.getvalue()


def write_as_today(folder, pictures):
    """(b) What a user would write today: Pillow save and tf.summary.image, one by one."""
    make_folders(folder, pictures)
    with tf.summary.create_file_writer(str(folder)).as_default():
        for path, pixels in pictures:
            Image.fromarray(pixels).save(folder / f"{path}.png")
            tf.summary.image(path, pixels[None, :, :, None], step=0)


def write_as_the_seeds(folder, kernel):
    """(a) The seeds' way for one kernel: a figure of grey squares, saved once per input channel."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure()
    channels = kernel.shape[2]
    for channel in range(channels):
        axes = figure.add_subplot(1, channels, channel + 1)
        axes.imshow(kernel[:, :, channel], cmap="gray", vmin=0, vmax=1)
        axes.axis("off")
        figure.savefig(folder / "1_1_1.png")
    plt.close(figure)
