"""A layer of a model → its receptive field: which part of the input one of its values sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

from tb_kernels.errors import ArgumentError
from tb_kernels.model import backend
from tb_kernels.model.canvas import Canvas
from tb_kernels.model.forward import of_any_size, untouched
from tb_kernels.model.interior import cut_off, replaced, standing_in
from tb_kernels.model.layers import Place
from tb_kernels.model.linear import Linear
from tb_kernels.model.maps import MapAxes

# Pictures are made larger until the field lies within them, up to this many pixels a side.
_LARGEST = 1024

# By so many strides of the layer are pictures larger than its field, at most, for none of what is
# padded at their edges to lie in the field.
_MOST_STRIDES = 4


class Field(NamedTuple):
    """What one value of a layer sees, at the middle of its map.

    Attributes:
        map: Height and width of the layer's map.
        position: Row and column of the value in the layer's map.
        top: Where the field begins, in the picture or in the source's map.
        left: Likewise.
        height: Of the field.
        width: Of the field.
        channels: Of the picture, or of the source.
    """

    map: tuple[int, int]
    position: tuple[int, int]
    top: int
    left: int
    height: int
    width: int
    channels: int


class Reach:
    """The way from pictures, or from a layer, to a layer's values before its activation.

    Args:
        model: A built model.
        place: The layer; its first call counts.
        source: The layer whose output is the beginning; None for the picture.
    """

    def __init__(self, model: keras.Model, place: Place, source: Place | None) -> None:
        self.model, self.place, self.source = model, place, source
        axes = MapAxes(model)
        self._first = axes.channels_first(place.layer)
        self._source_first = (
            axes.usually_first if source is None else axes.channels_first(source.layer)
        )

    def slopes(
        self, canvas: Canvas, pictures: Any, number_of: Callable[[Any], Any]
    ) -> tuple[Any, Any]:
        """The gradient of a number that the layer's values give.

        Args:
            canvas: What the model takes.
            pictures: Shape (pictures, height, width, channels).
            number_of: The layer's values, shape (pictures, height, width, channels) → a number.

        Returns:
            With respect to the pictures or to what the source gave, shape (pictures, height,
            width, channels), None if there is no way; and the shape of the layer's values.
        """
        shape: list[Any] = []

        def number(watch: backend.Watch) -> tuple[Any, list[Any], None]:
            begin = [watch(pictures)] if self.source is None else []

            def start(outputs: Any) -> Any:
                begin.append(watch(outputs))
                return begin[0]

            given = canvas.inputs(begin[0] if begin else pictures)
            values = self.values(given, start)
            shape.extend(values.shape)
            return number_of(values), begin, None

        gradients, _ = backend.gradients_within(number)
        # The source is not called before the layer, or at all.
        gradient = gradients[0] if gradients else None
        if gradient is not None and self.source is not None and self._source_first:
            gradient = keras.ops.transpose(gradient, [0, 2, 3, 1])
        return gradient, shape

    def values(self, inputs: Any, start: Callable[[Any], Any] | None = None) -> Any:
        """The layer's values before its activation.

        Args:
            inputs: Of the model.
            start: Makes of what the source gives, at its first call, what goes on from there.

        Returns:
            Shape (inputs, height, width, channels).

        Raises:
            ArgumentError: If these are no maps.
        """
        calls = []

        def stand(place: Place, own: Callable[..., Any], args: Any, kwargs: Any) -> Any:
            outputs = own(*args, **kwargs)
            calls.append(place)
            return start(outputs) if start is not None and len(calls) == 1 else outputs

        sources = [] if self.source is None else [self.source]
        with untouched(), of_any_size(self.model), standing_in(sources, stand):
            values = cut_off(self.model, inputs, self.place, self._before_activation)
        if not keras.ops.is_tensor(values) or len(values.shape) != 4:
            raise ArgumentError(
                f"layer: layer {self.place.number} {self.place.layer.name!r} of model "
                f"{self.model.name!r} gives no maps of height, width and channels; expected a "
                "layer that does, such as Conv2D"
            )
        return keras.ops.transpose(values, [0, 2, 3, 1]) if self._first else values

    def _before_activation(self, own: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        layer = self.place.layer
        activation = vars(layer).get("activation")
        own_activation = callable(activation) and not isinstance(layer, keras.layers.Activation)
        with replaced([(layer, "activation", _as_it_is)] if own_activation else []):
            return own(*args, **kwargs)


def field_of(reach: Reach, linear: Linear) -> tuple[Field, Canvas]:
    """The receptive field of the value in the middle of a layer's map, whole if that is possible.

    It is what the value depends on when every weight is 1.

    Args:
        reach: The way to the layer.
        linear: The model as a linear network.

    Returns:
        The field, and the smallest pictures that hold it: those of the model's own size where it
        takes no others, or the field is larger than a side may be.

    Raises:
        ArgumentError: If the layer does not depend on the picture, or on the source.
    """
    own = Canvas(reach.model, None)
    from_picture = Reach(reach.model, reach.place, None)
    in_own = _seen(from_picture, linear, own)
    extents = [_extent(from_picture, linear, own, in_own, axis) for axis in (0, 1)]
    for more in range(1, _MOST_STRIDES + 1):
        sides = [
            side if length is None else (-(-length // stride) + more) * stride
            for side, (length, stride) in zip(own.shape[:2], extents, strict=True)
        ]
        canvas = Canvas(reach.model, (*sides, own.shape[2]))
        seen = _seen(from_picture, linear, canvas)
        found = (seen.height, seen.width)
        if all(length in (None, one) for one, (length, _) in zip(found, extents, strict=True)):
            break
    return (seen if reach.source is None else _seen(reach, linear, canvas)), canvas


def _extent(
    reach: Reach, linear: Linear, canvas: Canvas, field: Field, axis: int
) -> tuple[int | None, int]:
    """How long the whole field is along an axis, None if that is not known; and the stride.

    Args:
        reach: The way from the picture.
        linear: The model as a linear network.
        canvas: Pictures of the model's own size.
        field: As far as it lies in these.
        axis: 0 for height, 1 for width.
    """
    while True:
        begin, length = (field.top, field.height) if axis == 0 else (field.left, field.width)
        side = canvas.shape[axis]
        stride = max(1, round(side / field.map[axis]))
        if begin > 0 and begin + length < side:
            return length, stride
        if 2 * side > _LARGEST:
            return None, stride
        larger = list(canvas.shape)
        larger[axis] *= 2
        canvas = Canvas(reach.model, tuple(larger))
        try:
            field = _seen(reach, linear, canvas)
        except Exception:
            # It takes pictures of its own size alone.
            return None, stride


def _seen(reach: Reach, linear: Linear, canvas: Canvas) -> Field:
    """The field as far as it lies in pictures of one size."""
    position: list[int] = []

    def middle(values: Any) -> Any:
        position.extend(size // 2 for size in values.shape[1:3])
        return keras.ops.sum(values[:, position[0], position[1]])

    with linear.within(structure=True):
        slopes, shape = reach.slopes(canvas, keras.ops.ones((1, *canvas.shape)), middle)
    seen = None if slopes is None else backend.to_numpy(slopes)[0].any(axis=-1)
    if seen is None or not seen.any():
        layer = reach.place.layer.name
        if reach.source is None:
            raise ArgumentError(
                f"layer: layer {reach.place.number} {layer!r} of model {reach.model.name!r} does "
                "not depend on the picture; expected a layer that does"
            )
        raise ArgumentError(
            f"source: layer {reach.source.number} {reach.source.layer.name!r} is not on the way to "
            f"layer {reach.place.number} {layer!r}; expected a layer before it"
        )
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return Field(
        map=(int(shape[1]), int(shape[2])),
        position=(position[0], position[1]),
        top=int(rows[0]),
        left=int(columns[0]),
        height=int(rows[-1] - rows[0] + 1),
        width=int(columns[-1] - columns[0] + 1),
        channels=int(slopes.shape[-1]),
    )


def _as_it_is(given: Any) -> Any:
    return given
