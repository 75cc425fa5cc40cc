"""A model's call → its last layer of a kind: the one that is meant where nobody says which.

The one rule for every view. Of some layers it is the last, in the order of the data flow, on
the way to a number that the model's outputs give:

- What is inside a functional or sequential model counts by itself; any other layer that holds
  layers, such as a residual block, is one layer, if it is of the kind.
- Of branches side by side in a functional model it is the last of `model.summary()`, in a
  model of another kind the one whose call ends last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras

from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend
from tb_kernels.model.canvas import Canvas, Size
from tb_kernels.model.forward import call, functional_of, untouched
from tb_kernels.model.interior import opened, standing_in, visible
from tb_kernels.model.layers import Place, kernels_of, walk
from tb_kernels.model.maps import MapAxes
from tb_kernels.model.selection import select_places, select_weights
from tb_kernels.schema.naming import belongs

# Parts of the names of Keras' classes that only pass on, or thin out, what comes in. The names,
# because newer versions of Keras have more of each.
_PASSING = (
    *("Pooling", "Dropout", "Noise", "ActivityRegularization", "Identity", "InputLayer"),
    *("Padding", "Cropping", "CenterCrop", "Resizing", "Flatten", "Reshape", "Permute"),
    *("RepeatVector", "Masking", "Rescaling", "Random"),
)
_PASSING_KINDS = tuple(
    kind
    for name, kind in vars(keras.layers).items()
    if isinstance(kind, type) and any(part in name for part in _PASSING)
)


class Chosen(NamedTuple):
    """A layer that nobody asked for by name.

    Attributes:
        place: The layer.
        shape: Of its output for one input.
    """

    place: Place
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        number, layer = self.place
        return f"layer {number} {layer.name!r} {self.shape}"


class _Call(NamedTuple):
    """The last call of a layer so far.

    Attributes:
        place: The layer.
        output: What it gave.
        times: How often it has been called.
    """

    place: Place
    output: Any
    times: int


def last_layer(model: keras.Model, inputs: Any, number_of: Callable[[Any], Any]) -> Chosen:
    """The last layer with spatial output before the model's head.

    Layers that only pass on or thin out what they are given, such as pooling, count to the
    head.

    Args:
        model: A built model.
        inputs: Of the model, as tensors.
        number_of: What the layer has to lead to: outputs → a number.

    Raises:
        ArgumentError: If there is none.
    """
    axes = MapAxes(model)

    def has_map(place: Place, output: Any) -> bool:
        letters = axes.letters(place.layer, output.shape)
        return letters is not None and "d" not in letters

    places = [
        place
        for place in visible(model)
        if not _is_open(place.layer) and not isinstance(place.layer, _PASSING_KINDS)
    ]
    chosen = _last(model, inputs, places, has_map, number_of)
    if chosen is None:
        raise ArgumentError(
            f"model: {model.name!r} has no layer with spatial output of one or two axes that its "
            "score depends on; expected at least one, such as Conv2D"
        )
    return chosen


def last_convolution(model: keras.Model, inputs: Any) -> Chosen:
    """The last convolution on the way to the model's outputs with a kernel of several pixels.

    It is the last of any size where none has several.

    Args:
        model: A built model with convolutions.
        inputs: Of the model, as tensors.

    Raises:
        ArgumentError: If no convolution leads to the outputs.
    """
    places = [place for place in walk(model) if place.layer.built and kernels_of(place)]
    for some in ([place for place in places if _is_wide(place)], places):
        chosen = _last(model, inputs, some, lambda place, output: True, _total)
        if chosen is not None:
            return chosen
    raise ArgumentError(
        f"model: the outputs of {model.name!r} do not depend on a convolution by a gradient; "
        "expected layers=[...]"
    )


def places_or_last(
    model: keras.Model, layers: Sequence[int | str] | None, size: Size | None
) -> tuple[list[Place], str | None]:
    """The layers asked for; or the last convolution of several pixels, and how it is told.

    Args:
        model: A built model that takes pictures.
        layers: Checked names and numbers.
        size: Of pictures for models that do not say it, as for `Canvas`.

    Raises:
        ArgumentError: If a layer is not in the model, or no convolution leads to the outputs.
    """
    return places_or(model, layers, lambda: _last_of_a_picture(model, size))


def places_or(
    model: keras.Model, layers: Sequence[int | str] | None, last: Callable[[], Chosen]
) -> tuple[list[Place], str | None]:
    """The layers asked for; or a last one, and how it is told.

    Args:
        model: A built model.
        layers: Checked names and numbers.
        last: Finds the last one of a model that has convolutions.

    Raises:
        ArgumentError: If a layer is not in the model, or it has no convolutions.
    """
    if layers is not None:
        # Of a layer and its wrapper, which share a number, it is the last.
        found = {place.number: place for place in select_places(model, "layers", layers)}
        return list(found.values()), None
    select_weights(model, None)
    backend.check_calls(model)
    chosen = last()
    return [chosen.place], str(chosen)


def _last_of_a_picture(model: keras.Model, size: Size | None) -> Chosen:
    """The last convolution of several pixels, as it is called on a picture of zeros."""
    try:
        # Of the size that the model itself takes: what comes behind may fit no other.
        canvas = Canvas(model, None)
    except ArgumentError:
        canvas = Canvas(model, size)
    picture = canvas.inputs(keras.ops.zeros((1, *canvas.shape)))
    try:
        return last_convolution(model, picture)
    except ArgumentError:
        raise
    except Exception as error:
        raise ArgumentError(
            f"layers: model {model.name!r} could not be called on a picture of {canvas.shape}, so "
            f"its last convolution is not known ({type(error).__name__}); expected layers=[...]"
        ) from error


def _last(
    model: keras.Model,
    inputs: Any,
    places: list[Place],
    counts: Callable[[Place, Any], bool],
    number_of: Callable[[Any], Any],
) -> Chosen | None:
    """The last of these places of whose outputs one counts and the number depends on it."""
    found: list[_Call] = []

    def forward(inputs: Any) -> None:
        calls: dict[str, _Call] = {}
        is_visible = backend.sight()

        def number(watch: backend.Watch) -> tuple[Any, list[Any], None]:
            def stand(place: Place, own: Callable[..., Any], args: Any, kwargs: Any) -> Any:
                output = own(*args, **kwargs)
                if not is_visible(output) or not counts(place, output):
                    return output
                # Cut here, the number depends by a gradient only on the outputs that have
                # none of the others behind them.
                output = watch(keras.ops.stop_gradient(output))
                before = calls.pop(place.number, None)
                times = 1 if before is None else before.times + 1
                calls[place.number] = _Call(place, output, times)
                return output

            with untouched(), opened(model), standing_in(places, stand):
                outputs = call(model, inputs)
            return number_of(outputs), [one.output for one in calls.values()], None

        gradients, _ = backend.gradients_within(number)
        found.extend(
            one
            for one, gradient in zip(calls.values(), gradients, strict=True)
            if gradient is not None
        )

    if places:
        backend.trace(model, forward, inputs)
    if not found:
        return None
    place, output, _ = _last_of(model, found)
    return Chosen(place, tuple(output.shape)[1:])


def _last_of(model: keras.Model, calls: list[_Call]) -> _Call:
    """The last of calls that are given in the order in which they ended."""
    last = calls[-1]
    # Where every layer is listed in the order of the data, and called once, numbers say more
    # than this order, in which Keras calls the layers of equal depth.
    places = list(walk(model))
    closed = [place.number for place in places if not _is_open(place.layer)]

    def is_listed(one: _Call) -> bool:
        number = one.place.number
        inside = any(number != other and belongs(number, other) for other in closed)
        return one.times == 1 and _is_open(model) and not inside

    if not is_listed(last):
        return last
    order = [place.number for place in places]
    return max(filter(is_listed, calls), key=lambda one: order.index(one.place.number))


def _is_open(layer: keras.layers.Layer) -> bool:
    """Whether it is a functional or sequential model, which only joins its layers."""
    return getattr(functional_of(layer), "inputs", None) is not None


def _is_wide(place: Place) -> bool:
    """Whether one of the layer's kernels is larger than one pixel."""
    every = [weight.axes for weight in kernels_of(place)]
    return any(max(*axes.tile, axes.depth or 1) > 1 for axes in every)


def _total(outputs: Any) -> Any:
    """The sum of all numbers that a model gives."""
    total = keras.ops.zeros(())
    for output in backend.leaves(outputs):
        if backend.is_numeric(output):
            total += keras.ops.sum(keras.ops.cast(output, "float32"))
    return total
