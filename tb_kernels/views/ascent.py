"""The climb: gradient ascent from noise to an input that excites a kernel."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.arguments import check_range, check_size
from tb_kernels.errors import ArgumentError, reason_of
from tb_kernels.model import backend
from tb_kernels.model.activations import Activations
from tb_kernels.model.canvas import Canvas, Size
from tb_kernels.model.forward import of_any_size, untouched
from tb_kernels.model.interior import cut_off
from tb_kernels.model.layers import Place
from tb_kernels.model.maps import MapAxes
from tb_kernels.model.pooling import quick_pooling
from tb_kernels.views.objectives import Excitation, Excited
from tb_kernels.views.recipes import RECIPES
from tb_kernels.views.view import USUAL_KERNELS

Method = Literal["ascent", "fourier"]


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


class Climbed(NamedTuple):
    """What climbs arrived at.

    Attributes:
        pictures: float32 of shape (kernels, height, width, channels), 0 to 1; uniformly 0.5
            where nothing excites the kernel.
        excitations: Of each kernel the mean of its whole feature map when the model is
            given the picture, 0 to 1 being brought to its range: float32.
        dead: Of each kernel, whether no picture on the way excited it: nothing in the picture
            changed it, or its activation kept it silent to the end.
    """

    pictures: NDArray[np.float32]
    excitations: NDArray[np.float32]
    dead: NDArray[np.bool_]


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
        backend.check_calls(model)
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

    def __call__(self, numbers: Sequence[int], *, progress: bool = False) -> Climbed:
        """The patterns of these kernels, as the model is now.

        Args:
            numbers: Kernel numbers, from 1.
            progress: Whether to show a bar, if there is more than one batch.
        """
        batches = list(self._canvas.batches(numbers, at_most=USUAL_KERNELS))
        bar = None
        if progress and len(batches) > 1:
            bar = keras.utils.Progbar(len(numbers), unit_name="pattern")
        found = []
        for batch in batches:
            found.append([backend.to_numpy(one) for one in self._climb(*self._start(batch))])
            if bar is not None:
                bar.add(len(batch))
        return Climbed(*map(np.concatenate, zip(*found, strict=True)))

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
        never = keras.ops.zeros_like(kernels, "bool")

        def step(
            number: Any, parameters: Any, state: Any, moved: Any, heard: Any
        ) -> tuple[Any, ...]:
            gradient, excited = self._gradient(parameters, excitation, shifts[number])
            moved = keras.ops.logical_or(
                moved, keras.ops.any(gradient != 0, axis=tuple(range(1, len(gradient.shape))))
            )
            heard = keras.ops.logical_or(heard, excited.heard)
            return *self._recipe.step(number, count, parameters, gradient, state), moved, heard

        start = parameters, self._recipe.state(parameters), never, never
        parameters, _, moved, heard = backend.loop(count, step, *start)
        pictures = self._recipe.show(self._recipe.picture(parameters))
        excited = self._reach(pictures, excitation)
        self.kernels = excitation.count
        heard = keras.ops.logical_or(heard, excited.heard)
        dead = keras.ops.logical_not(keras.ops.logical_and(moved, heard))
        # Of weights that are not finite nobody knows; their patterns are drawn as such.
        dead = keras.ops.logical_and(dead, keras.ops.isfinite(excited.mean))
        pictures = keras.ops.where(dead[:, None, None, None], 0.5, pictures)
        return pictures, excited.mean, dead

    def _gradient(self, parameters: Any, excitation: Excitation, shift: Any) -> tuple[Any, Excited]:
        """The gradient of all pictures' excitations, each with respect to its own parameters."""

        def total(watch: backend.Watch) -> tuple[Any, list[Any], Excited]:
            pictures = self._recipe.picture(own := watch(parameters))
            if self._recipe.jitter:
                pictures = keras.ops.roll(pictures, shift, axis=(1, 2))
            excited = self._reach(pictures, excitation)
            return keras.ops.sum(excited.climbed), [own], excited

        (gradient,), excited = backend.gradients_within(total)
        if gradient is None:
            raise ArgumentError(
                f"layer: layer {self._place.number} {self._place.layer.name!r} of model "
                f"{self._model.name!r} does not depend on the picture by a gradient; expected "
                "a layer that does"
            )
        return gradient, excited

    def _reach(self, pictures: Any, excitation: Excitation) -> Excited:
        """How much pictures, 0 to 1, excite their kernels."""
        given = self._canvas.inputs(self._low + (self._high - self._low) * pictures)
        activations = Activations(self._model)
        reach = functools.partial(excitation.of_call, activations)
        with untouched(), of_any_size(self._model), quick_pooling(self._model), activations.noted():
            found: Excited = cut_off(self._model, given, self._place, reach)
        return found
