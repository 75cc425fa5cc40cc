"""How a pattern is parametrised and improved: gradient ascent on pixels, or on frequencies.

A recipe knows four things: where it starts, which picture its parameters stand for, how
a gradient changes them, and how the finished picture is shown. Pictures are tensors of
shape (kernels, height, width, channels) in fractions of the range that the model takes:
0 is its low end and 1 its high end.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.model import backend

State = tuple[Any, ...]


class Recipe(ABC):
    """One way to climb.

    Attributes:
        steps: How many, if nobody says.
        jitter: How far pictures move at every step, in pixels.
    """

    steps: int
    jitter = 0

    @abstractmethod
    def start(self, random: np.random.Generator) -> NDArray[np.float32]:
        """The parameters of one kernel before the first step."""

    def state(self, parameters: Any) -> State:
        """What is remembered from step to step, before the first: nothing by default."""
        return ()

    def picture(self, parameters: Any) -> Any:
        """The pictures that the parameters stand for: by default they are pictures."""
        return parameters

    @abstractmethod
    def step(
        self, number: Any, of: Any, parameters: Any, gradient: Any, state: State
    ) -> tuple[Any, State]:
        """Parameters and state after a step, numbered from 0, of so many, up this gradient."""

    def show(self, pictures: Any) -> Any:
        """Finished pictures, 0 to 1: by default as they are."""
        return pictures


class Ascent(Recipe):
    """Ascent on pixels, the gradient normalised, from weak noise.

    As in F. Chollet, "Visualizing what convnets learn",
    https://keras.io/examples/vision/visualizing_what_convnets_learn/. There pictures grow
    with every step, and only when finished are they brought to one mean and one
    deviation. Here that is done after every step, so that what climbs is what is shown;
    and steps get shorter, so that it arrives. Finished pictures have a mean of 0.5 and a
    deviation of 0.15, as there.

    Args:
        shape: Height, width and channels of a picture.
        middle: The mean of the pictures while they climb.
    """

    steps = 30

    # Half the range is the deviation while they climb: 1 for a model that takes -1 to 1.
    _DEVIATION = 0.5
    # The example's noise, for such a model 0.125.
    _NOISE = 0.125 / 2
    # The last steps have this part of the first one's length.
    _LAST = 0.1

    def __init__(self, shape: tuple[int, int, int], middle: float) -> None:
        self._shape = shape
        self._middle = middle

    def start(self, random: np.random.Generator) -> NDArray[np.float32]:
        """Weak noise."""
        noise = random.uniform(-self._NOISE, self._NOISE, self._shape)
        return (self._middle + noise).astype(np.float32)

    def step(
        self, number: Any, of: Any, parameters: Any, gradient: Any, state: State
    ) -> tuple[Any, State]:
        """A step as large as the picture's contrast at first; none where there is no gradient."""
        direction, size = _centered(gradient)
        done = keras.ops.cast(number, "float32")
        share = 1 - (1 - self._LAST) * done / keras.ops.cast(of, "float32")
        moved = parameters + share * self._DEVIATION * keras.ops.divide_no_nan(direction, size)
        contrast, deviation = _centered(moved)
        shown = self._DEVIATION * keras.ops.divide_no_nan(contrast, deviation)
        return self._middle + shown, state

    def show(self, pictures: Any) -> Any:
        """Mean 0.5, deviation 0.15, clipped."""
        contrast, deviation = _centered(pictures)
        return keras.ops.clip(0.5 + 0.15 * keras.ops.divide_no_nan(contrast, deviation), 0, 1)


class Fourier(Recipe):
    """Ascent on decorrelated frequencies and colours, with jitter, by Adam.

    As in C. Olah, A. Mordvintsev and L. Schubert, "Feature Visualization", Distill 2017,
    https://distill.pub/2017/feature-visualization/, and A. Mordvintsev et al.,
    "Differentiable Image Parameterizations", Distill 2018: the gradient is taken with
    respect to the spectrum, each frequency scaled by its wavelength, in colours that are
    independent in photographs, and the picture moves a little at every step.

    Args:
        shape: Height, width and channels of a picture.
        middle: Not used: the frequencies begin around 0.5, where photographs are.
    """

    steps = 128

    _DEVIATION = 0.01
    _RATE = 0.05
    # Square root of the covariance of colours in ImageNet, as published with the article.
    _COLORS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])

    def __init__(self, shape: tuple[int, int, int], middle: float) -> None:
        self._height, self._width, self._channels = shape
        self.jitter = max(self._height, self._width) // 16
        down = np.fft.fftfreq(self._height)[:, None]
        across = np.fft.rfftfreq(self._width)[None]
        frequencies = np.maximum(np.hypot(down, across), 1 / max(self._height, self._width))
        # A quarter, as published, so that pictures begin without contrast.
        self._scale = (np.sqrt(self._height * self._width) / frequencies / 4).astype(np.float32)

    def start(self, random: np.random.Generator) -> NDArray[np.float32]:
        """Real and imaginary part of a spectrum for each channel."""
        shape = (2, self._channels, *self._scale.shape)
        return random.normal(0, self._DEVIATION, shape).astype(np.float32)

    def state(self, parameters: Any) -> State:
        """Adam's two means."""
        return keras.ops.zeros_like(parameters), keras.ops.zeros_like(parameters)

    def picture(self, parameters: Any) -> Any:
        """Frequencies to pixels, independent colours to red, green and blue, any number to 0-1."""
        spectrum = parameters * self._scale
        pixels = backend.irfft2(spectrum[:, 0], spectrum[:, 1], (self._height, self._width))
        pixels = keras.ops.transpose(pixels, [0, 2, 3, 1])
        if self._channels == 3:
            colors = self._COLORS / np.linalg.norm(self._COLORS, axis=0).max()
            pixels = keras.ops.tensordot(pixels, colors.T.astype(np.float32), axes=1)
        return keras.ops.sigmoid(pixels)

    def step(
        self, number: Any, of: Any, parameters: Any, gradient: Any, state: State
    ) -> tuple[Any, State]:
        """A step of Adam, upwards."""
        mean, square = state
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * keras.ops.square(gradient)
        power = keras.ops.cast(number + 1, "float32")
        unbiased = mean / (1 - 0.9**power), square / (1 - 0.999**power)
        step = self._RATE * unbiased[0] / (keras.ops.sqrt(unbiased[1]) + 1e-8)
        return parameters + step, (mean, square)


def _centered(pictures: Any) -> tuple[Any, Any]:
    """Each picture less its mean, and its deviation."""
    centered = pictures - keras.ops.mean(pictures, axis=(1, 2, 3), keepdims=True)
    return centered, keras.ops.sqrt(
        keras.ops.mean(keras.ops.square(centered), axis=(1, 2, 3), keepdims=True)
    )


RECIPES: Mapping[str, Callable[[tuple[int, int, int], float], Recipe]] = {
    "ascent": Ascent,
    "fourier": Fourier,
}
