"""What layers give, computed with SciPy: pictures of shape (pictures, height, width, channels)."""

import numpy as np
from scipy.signal import convolve, correlate


def padded(x, window, strides, padding):
    """As TensorFlow pads for "same": what is odd, below and to the right."""
    if padding == "valid":
        return x
    ends = []
    for size, side, stride in zip(x.shape[1:3], window, strides, strict=True):
        more = max((-(-size // stride) - 1) * stride + side - size, 0)
        ends.append((more // 2, more - more // 2))
    return np.pad(x, [(0, 0), *ends, (0, 0)])


def dilated(kernel, dilation):
    sides = [(side - 1) * by + 1 for side, by in zip(kernel.shape[:2], dilation, strict=True)]
    larger = np.zeros((*sides, *kernel.shape[2:]))
    larger[:: dilation[0], :: dilation[1]] = kernel
    return larger


def conv(x, kernel, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1):
    """A kernel of shape (height, width, channels of a group, filters)."""
    kernel = dilated(np.asarray(kernel, float), dilation)
    x = padded(x, kernel.shape[:2], strides, padding)
    channels, filters = kernel.shape[2:]
    maps = []
    for f in range(filters):
        begin = f // (filters // groups) * channels
        parts = [
            correlate(x[..., begin + c], kernel[None, :, :, c, f], "valid", "direct")
            for c in range(channels)
        ]
        maps.append(sum(parts)[:, :: strides[0], :: strides[1]])
    return np.stack(maps, axis=-1)


def depthwise(x, kernel, strides=(1, 1), padding="valid", dilation=(1, 1)):
    """A kernel of shape (height, width, channels, multiplier)."""
    height, width, channels, multiplier = kernel.shape
    grouped = np.asarray(kernel).reshape(height, width, 1, channels * multiplier)
    return conv(x, grouped, strides, padding, dilation, groups=channels)


def transposed(x, kernel, strides=(1, 1), padding="valid"):
    """A kernel of shape (height, width, filters, channels)."""
    kernel = np.asarray(kernel, float)
    pictures, height, width, channels = x.shape
    wide = np.zeros((pictures, (height - 1) * strides[0] + 1, (width - 1) * strides[1] + 1, channels))  # fmt: skip
    wide[:, :: strides[0], :: strides[1]] = x
    maps = [
        sum(convolve(wide[..., c], kernel[None, :, :, f, c], "full", "direct") for c in range(channels))
        for f in range(kernel.shape[2])
    ]  # fmt: skip
    full = np.stack(maps, axis=-1)
    if padding == "same":
        cut = [(size - 1) * stride + side - size * stride for size, stride, side in zip((height, width), strides, kernel.shape[:2], strict=True)]  # fmt: skip
        top, left = (max(one, 0) // 2 for one in cut)
        full = full[:, top : top + height * strides[0], left : left + width * strides[1]]
    return full


def average_pool(x, window, strides, padding="valid"):
    """The mean of each window, of what lies in the picture."""
    ones = np.ones((1, *window))
    x, inside = padded(x, window, strides, padding), padded(np.ones_like(x), window, strides, padding)  # fmt: skip
    total, count = (
        np.stack([correlate(one[..., c], ones, "valid", "direct") for c in range(x.shape[-1])], -1)
        for one in (x, inside)
    )
    return (total / count)[:, :: strides[0], :: strides[1]]


def normalized(x, gamma, beta, mean, variance, epsilon):
    """Batch normalization by its moving statistics."""
    return gamma * (x - mean) / np.sqrt(np.asarray(variance, float) + epsilon) + beta


def seen(values_of, side, channels, kernel):
    """What one value in the middle depends on, by an impulse at each place of a picture.

    Args:
        values_of: Pictures → a layer's values.
        side: Of the pictures.
        channels: Of the pictures.
        kernel: Which, from 0.

    Returns:
        Shape (height, width, channels): the smallest part of the picture with all of it.
    """
    places = side * side * channels
    impulses = np.eye(places).reshape(places, side, side, channels)
    values = values_of(np.concatenate([np.zeros((1, side, side, channels)), impulses]))
    row, column = (size // 2 for size in values.shape[1:3])
    found = (values[1:] - values[:1])[:, row, column, kernel].reshape(side, side, channels)
    rows, columns = np.nonzero(np.abs(found).max(axis=(1, 2)) > 1e-12)[0], np.nonzero(np.abs(found).max(axis=(0, 2)) > 1e-12)[0]  # fmt: skip
    return found[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
