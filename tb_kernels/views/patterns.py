"""Model → patterns: what its kernels look for, by gradient ascent in the space of inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tb_kernels.arguments import check_kernels, check_range, check_size
from tb_kernels.errors import ArgumentError, reason_of
from tb_kernels.forward import check_backend, compiled, of_any_size, untouched
from tb_kernels.interior import cut_off
from tb_kernels.layers import Place, check_built, check_model
from tb_kernels.maps import MapAxes
from tb_kernels.selection import select_layer
from tb_kernels.views.canvas import Canvas, Size
from tb_kernels.views.objectives import Excitation
from tb_kernels.views.pooling import quick_pooling
from tb_kernels.views.recipes import RECIPES

Method = Literal["ascent", "fourier"]

# How many kernels are drawn where nobody says which.
USUAL_KERNELS = 16

# Pixels in a batch, all its pictures together: more is no faster, and takes more memory.
_BATCH_PIXELS = 16 * 64 * 64


def synthesize_patterns(
    model: keras.Model,
    layer: str | int,
    kernels: Iterable[int] | int | None = None,
    steps: int | None = None,
    method: Method = "ascent",
    input_range: tuple[float, float] = (0, 1),
    *,
    size: Size | None = None,
    seed: int = 0,
) -> NDArray[np.float32]:
    """The inputs that excite the kernels of a layer most, found by gradient ascent.

    What is maximised is the mean of the kernel's feature map. The model is cut off after
    the layer, kernels are climbed in batches, and all steps of a batch are one compiled
    loop, traced once. Nothing in the model changes.

    Args:
        model: A built model of Keras on TensorFlow.
        layer: Name or number of a layer; of one that is called several times the first
            call counts.
        kernels: The kernels' numbers, from 1. Default: 1 to 16.
        steps: How often each picture is improved. Default: 30, and 128 for
            `"fourier"`.
        method: `"ascent"` adds the normalised gradient to the pixels, again and again,
            starting from weak noise around 0 (or the middle of an `input_range` without
            0), as in the Keras example "Visualizing what convnets learn", and keeps the
            pictures at one mean and one contrast.
            `"fourier"` climbs in decorrelated frequencies and colours, with jitter
            (Olah et al., "Feature Visualization", Distill 2017): pictures that people
            can read, for models trained on photographs.
        input_range: The smallest and largest value that the model takes: `(0, 255)`,
            or `(-1, 1)`.
        size: Height and width of the pictures, or one number for both; with the number
            of channels where the model does not say it, `(64, 64, 3)`. Default: the
            model's own, 128 where it takes any.
        seed: Where the noise starts; the same seed gives the same pictures, whichever
            other kernels are asked for.

    Returns:
        Shape (kernels, height, width, channels), float32, 0 to 1. With `"fourier"` these
        are fractions of `input_range`; with `"ascent"` they have a mean of 0.5 and a
        deviation of 0.15.

    Raises:
        ArgumentError: If an argument is not valid, or the model cannot be cut off there.

    Example:
        >>> synthesize_patterns(model, "conv2d_1", kernels=[1, 2], input_range=(0, 1)).shape
        (2, 8, 8, 1)
    """
    check_model(model)
    check_built(model)
    numbers = check_kernels(kernels)
    place = select_layer(model, "layer", layer)
    how = check_method(steps, method, input_range, size, seed)
    climb = PatternPass(model, place, how)
    most = climb.kernels
    numbers = list(range(1, min(USUAL_KERNELS, most) + 1)) if numbers is None else numbers
    if max(numbers) > most:
        raise ArgumentError(
            f"kernels: layer {place.layer.name!r} has {most} kernels; got {max(numbers)}"
        )
    return climb(numbers, progress=keras.config.is_interactive_logging_enabled())


class How(NamedTuple):
    """How patterns are made: the checked arguments that `synthesize_patterns` explains."""

    steps: int | None
    method: Method
    input_range: tuple[float, float]
    size: Size | None
    seed: int


def check_method(steps: Any, method: Any, input_range: Any, size: Any, seed: Any) -> How:
    """Returns how patterns are to be made.

    Raises:
        ArgumentError: If an argument is not valid; `size` depends on the model.
    """
    if method not in RECIPES:
        raise ArgumentError(
            f"method: unknown {method!r}; expected one of {', '.join(map(repr, RECIPES))}"
        )
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ArgumentError(f"seed: expected a whole number from 0, got {seed!r}")
    return How(
        check_size("steps", steps), method, check_range("input_range", input_range), size, int(seed)
    )


class PatternPass:
    """The climb for one layer, compiled once, for any kernels and as many epochs as asked for.

    Args:
        model: A built model.
        place: The layer.
        how: The method.

    Attributes:
        kernels: How many kernels the layer has.
        shape: Of a picture: height, width, channels.
    """

    def __init__(self, model: keras.Model, place: Place, how: How) -> None:
        check_backend()
        self._model = model
        self._place = place
        self._seed = how.seed
        self._canvas = Canvas(model, how.size)
        self.shape = self._canvas.shape
        self._low, self._high = how.input_range
        zero = -self._low / (self._high - self._low)
        self._recipe = RECIPES[how.method](self.shape, zero if 0 <= zero <= 1 else 0.5)
        self._steps = how.steps or self._recipe.steps
        self._first = MapAxes(model).channels_first(place.layer)
        self.kernels = 0
        self._climb = compiled(model, self._climb_batch)
        self._trace()

    def __call__(self, numbers: Sequence[int], *, progress: bool = False) -> NDArray[np.float32]:
        """The patterns of these kernels, as the model is now.

        Args:
            numbers: Kernel numbers, from 1.
            progress: Whether to show a bar, if there is more than one batch.
        """
        batches = list(self._batches(numbers))
        bar = None
        if progress and len(batches) > 1:
            bar = keras.utils.Progbar(len(numbers), unit_name="pattern")
        found = []
        for batch in batches:
            found.append(self._climb(*self._start(batch)).numpy())
            if bar is not None:
                bar.add(len(batch))
        return self._recipe.show(np.concatenate(found))

    def _batches(self, numbers: Sequence[int]) -> Iterator[Sequence[int]]:
        height, width, _ = self.shape
        size = max(1, min(USUAL_KERNELS, _BATCH_PIXELS // (height * width)))
        for start in range(0, len(numbers), size):
            yield numbers[start : start + size]

    def _start(self, numbers: Sequence[int]) -> tuple[Any, Any, Any]:
        parameters = np.stack(
            [self._recipe.start(np.random.default_rng([self._seed, one])) for one in numbers]
        )
        jitter = self._recipe.jitter
        shifts = np.random.default_rng(self._seed).integers(
            -jitter, jitter, (self._steps, 2), endpoint=True
        )
        return (
            tf.constant(parameters),
            tf.constant(np.asarray(numbers) - 1, tf.int32),
            tf.constant(shifts, tf.int32),
        )

    def _trace(self) -> None:
        """Traces the climb, to know early whether the model can be cut off there."""
        parameters, kernels, shifts = self._start([1])
        try:
            if hasattr(self._climb, "get_concrete_function"):
                self._climb = self._climb.get_concrete_function(
                    tf.TensorSpec((None, *parameters.shape[1:]), parameters.dtype),
                    tf.TensorSpec((None,), kernels.dtype),
                    tf.TensorSpec(shifts.shape, shifts.dtype),
                )
            else:
                self._climb(parameters, kernels, shifts[:1])
        except ArgumentError:
            raise
        except Exception as error:
            raise ArgumentError(
                f"layer: cannot climb from pictures of {self.shape} to layer "
                f"{self._place.number} {self._place.layer.name!r} of model "
                f"{self._model.name!r} ({reason_of(error)}); expected a layer that "
                "pictures reach, or another size"
            ) from error

    def _climb_batch(self, parameters: Any, kernels: Any, shifts: Any) -> Any:
        excitation = Excitation(self._place.layer, kernels, channels_first=self._first)
        count = tf.shape(shifts)[0]

        def step(number: Any, parameters: Any, state: Any) -> tuple[Any, Any, Any]:
            gradient = self._gradient(parameters, excitation, shifts[number])
            return (number + 1, *self._recipe.step(number, count, parameters, gradient, state))

        start = (tf.constant(0), parameters, self._recipe.state(parameters))
        _, parameters, _ = tf.while_loop(
            lambda number, *_: number < count, step, start, parallel_iterations=1
        )
        self.kernels = excitation.count
        return self._recipe.picture(parameters)

    def _gradient(self, parameters: Any, excitation: Excitation, shift: Any) -> Any:
        """The gradient of all pictures' excitations, each with respect to its own parameters."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(parameters)
            pictures = self._low + (self._high - self._low) * self._recipe.picture(parameters)
            if self._recipe.jitter:
                pictures = tf.roll(pictures, shift, axis=(1, 2))
            total = tf.reduce_sum(self._reach(pictures, excitation.of_call))
        gradient = tape.gradient(total, parameters)
        if gradient is None:
            raise ArgumentError(
                f"layer: layer {self._place.number} {self._place.layer.name!r} of model "
                f"{self._model.name!r} does not depend on the picture by a gradient; expected "
                "a layer that does"
            )
        return gradient

    def _reach(self, pictures: Any, reach: Callable[..., Any]) -> Any:
        with untouched(), of_any_size(self._model), quick_pooling(self._model):
            return cut_off(self._model, self._canvas.inputs(pictures), self._place, reach)
