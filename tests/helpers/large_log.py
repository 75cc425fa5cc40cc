"""A log of tens of thousands of pictures: python -m tests.helpers.large_log DIRECTORY PICTURES|vgg16 [EPOCHS]."""

import sys

import keras

from tb_kernels import KernelLogger

# Two layers side by side, 2,000 kernels of 16 slices in all.
KERNELS = 2000

# Of VGG16, 4,224 pictures each.
EPOCHS = 10


def write_log(log_dir, pictures):
    """Logs the model at as many epochs as it takes, its weights others at each."""
    inputs = keras.Input((8, 8, 16))
    outputs = [keras.layers.Conv2D(KERNELS // 2, 3, name=name)(inputs) for name in "ab"]
    model = keras.Model(inputs, outputs)
    with KernelLogger(log_dir, strict=True) as logger:
        for epoch in range(1, pictures // KERNELS + 1):
            for layer in model.layers[1:]:
                layer.kernel.assign(keras.random.normal(layer.kernel.shape, seed=epoch))
            logger.log(model, epoch)


def write_vgg16(log_dir, epochs=EPOCHS):
    """Logs VGG16 with random weights."""
    model = keras.applications.VGG16(weights=None)
    with KernelLogger(log_dir, strict=True) as logger:
        for epoch in range(1, epochs + 1):
            logger.log(model, epoch)


if __name__ == "__main__":
    log_dir, pictures, *epochs = sys.argv[1:]
    if pictures == "vgg16":
        write_vgg16(log_dir, *map(int, epochs))
    else:
        write_log(log_dir, int(pictures))
