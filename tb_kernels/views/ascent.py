"""The climb: gradient ascent from noise to an input that excites a kernel."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.arguments import check_range, check_size
from tb_kernels.errors import ArgumentError, reason_of
from tb_kernels.model import backend
from tb_kernels.model.forward import of_any_size, untouched
from tb_kernels.model.interior import cut_off, standing_in
from tb_kernels.model.layers import Place, walk
from tb_kernels.model.maps import MapAxes
from tb_kernels.views.canvas import Canvas, Size
from tb_kernels.views.objectives import Excitation
from tb_kernels.views.recipes import RECIPES

Method = Literal["ascent", "fourier"]

# How many kernels are drawn where nobody says which.
USUAL_KERNELS = 16

# Pixels in a batch, all its pictures together: more is no faster, and takes more memory.
_BATCH_PIXELS = 16 * 64 * 64


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


class Climb:
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
        backend.check_backend()
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
        self._climb = backend.compiled(model, self._climb_batch)
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
            found.append(backend.to_numpy(self._climb(*self._start(batch))))
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
            keras.ops.convert_to_tensor(parameters),
            keras.ops.convert_to_tensor(np.asarray(numbers) - 1, "int32"),
            keras.ops.convert_to_tensor(shifts, "int32"),
        )

    def _trace(self) -> None:
        """Traces the climb, to know early whether the model can be cut off there."""
        parameters, kernels, shifts = self._start([1])
        try:
            climb = backend.traced(
                self._climb,
                keras.KerasTensor((None, *parameters.shape[1:]), "float32"),
                keras.KerasTensor((None,), "int32"),
                keras.KerasTensor(shifts.shape, "int32"),
            )
            if climb is None:
                self._climb(parameters, kernels, shifts[:1])
            else:
                self._climb = climb
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
        # A tensor: of a plain number TensorFlow takes the reciprocal, and rounds it.
        count = keras.ops.convert_to_tensor(int(shifts.shape[0]), "int32")

        def step(number: Any, parameters: Any, state: Any) -> tuple[Any, Any]:
            gradient = self._gradient(parameters, excitation, shifts[number])
            return self._recipe.step(number, count, parameters, gradient, state)

        parameters, _ = backend.loop(count, step, parameters, self._recipe.state(parameters))
        self.kernels = excitation.count
        return self._recipe.picture(parameters)

    def _gradient(self, parameters: Any, excitation: Excitation, shift: Any) -> Any:
        """The gradient of all pictures' excitations, each with respect to its own parameters."""

        def total(parameters: Any) -> Any:
            pictures = self._low + (self._high - self._low) * self._recipe.picture(parameters)
            if self._recipe.jitter:
                pictures = keras.ops.roll(pictures, shift, axis=(1, 2))
            return keras.ops.sum(self._reach(pictures, excitation.of_call))

        (gradient,) = backend.gradients(total, [parameters])
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


@contextlib.contextmanager
def quick_pooling(model: keras.Model) -> Iterator[None]:
    """Inside, the model's max pooling of windows side by side has the quicker gradient."""
    places = [place for place in walk(model) if _pools_side_by_side(place.layer)]

    def stand(place: Place, own: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        (inputs,) = args
        window = place.layer.pool_size
        fits = all(
            size is not None and size % side == 0
            for size, side in zip(inputs.shape[1:3], window, strict=True)
        )
        if kwargs or not fits or keras.backend.standardize_dtype(inputs.dtype) != "float32":
            return own(*args, **kwargs)
        return backend.max_pool(inputs, window)

    with standing_in(places, stand):
        yield


def _pools_side_by_side(layer: keras.layers.Layer) -> bool:
    return (
        type(layer) is keras.layers.MaxPooling2D
        and tuple(layer.pool_size) == tuple(layer.strides)
        and layer.data_format == "channels_last"
    )
