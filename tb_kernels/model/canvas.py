"""Which input of a model is the picture, and what stands in for the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from tb_kernels.arguments import check_size
from tb_kernels.errors import ArgumentError
from tb_kernels.model.forward import functional_of
from tb_kernels.model.maps import MapAxes

Size = int | tuple[int, int] | tuple[int, int, int]

# Pixels in a batch, all its pictures together: more is no faster, and takes more memory.
_BATCH_PIXELS = 16 * 64 * 64

# Height and width where the model takes any.
_USUAL = 128


class Canvas:
    """The input of a model that pictures are made for. All others are zero.

    Args:
        model: A built model.
        size: Height and width, one number for both, or both and the channels; None for
            what the model takes.

    Attributes:
        shape: Of a picture: height, width, channels.

    Raises:
        ArgumentError: If the model takes no pictures, several, or does not say how many
            channels they have and `size` does not either.
    """

    def __init__(self, model: keras.Model, size: Any) -> None:
        self._symbolic = _inputs_of(model)
        self._position = _picture_among(model, self._symbolic)
        self._first = MapAxes(model).usually_first
        own = _own_shape(model, self._symbolic, self._position)
        own = (*own[1:], own[0]) if self._first else own
        given = _check_shape(size)
        shape = [wanted or known for wanted, known in zip(given, own, strict=True)]
        if shape[2] is None:
            raise ArgumentError(
                f"size: model {model.name!r} does not say how many channels it takes; expected "
                "height, width and channels, such as (64, 64, 3)"
            )
        self.shape: tuple[int, int, int] = (shape[0] or _USUAL, shape[1] or _USUAL, shape[2])

    def batches(self, kernels: Any, at_most: int | None = None) -> Iterator[Any]:
        """Kernels, each with a picture of its own, in as many as are best worked on at once.

        Args:
            kernels: A sequence of numbers.
            at_most: How many, whatever the size of the pictures.
        """
        height, width, _ = self.shape
        size = max(1, _BATCH_PIXELS // (height * width))
        size = size if at_most is None else min(size, at_most)
        for start in range(0, len(kernels), size):
            yield kernels[start : start + size]

    def inputs(self, pictures: Any) -> Any:
        """What the model is called with to see these pictures.

        Args:
            pictures: Shape (pictures, height, width, channels).
        """
        if self._first:
            pictures = keras.ops.transpose(pictures, [0, 3, 1, 2])
        if self._symbolic is None:
            return pictures
        flat = [
            pictures if position == self._position else _zeros_like(symbolic, pictures)
            for position, symbolic in enumerate(keras.tree.flatten(self._symbolic))
        ]
        return keras.tree.pack_sequence_as(self._symbolic, flat)


def _inputs_of(model: keras.Model) -> Any:
    """The symbolic inputs of a functional or sequential model, as it takes them; else None."""
    try:
        return functional_of(model).input
    except (AttributeError, ValueError):
        return None


def _picture_among(model: keras.Model, symbolic: Any) -> int:
    if symbolic is None:
        return 0
    shapes = [tuple(tensor.shape) for tensor in keras.tree.flatten(symbolic)]
    pictures = [position for position, shape in enumerate(shapes) if len(shape) == 4]
    if len(pictures) != 1:
        raise ArgumentError(
            f"model: {model.name!r} takes {', '.join(map(str, shapes))}; expected one input of "
            "pictures, (None, height, width, channels)"
        )
    return pictures[0]


def _own_shape(model: keras.Model, symbolic: Any, position: int) -> tuple[int | None, ...]:
    """The shape of one picture as the model says it, None where it takes any."""
    if symbolic is not None:
        return tuple(keras.tree.flatten(symbolic)[position].shape)[1:]
    # What a subclassed model was built with.
    built = (model.get_build_config() or {}).get("input_shape")
    if isinstance(built, dict) or (built and isinstance(built[0], list | tuple)):
        raise ArgumentError(
            f"model: {model.name!r} takes several inputs and is no functional model, so nobody "
            "knows what to give it beside the picture; expected a model of one input"
        )
    return tuple(built[1:]) if built and len(built) == 4 else (None, None, None)


def _zeros_like(symbolic: Any, pictures: Any) -> Any:
    rest = [size or 1 for size in symbolic.shape[1:]]
    return keras.ops.zeros([keras.ops.shape(pictures)[0], *rest], symbolic.dtype)


def _check_shape(size: Any) -> tuple[int | None, int | None, int | None]:
    if size is None:
        return None, None, None
    if hasattr(size, "__index__"):
        side = check_size("size", size)
        return side, side, None
    try:
        sides = [check_size("size", side) for side in size]
    except TypeError:
        sides = []
    if len(sides) not in (2, 3):
        raise ArgumentError(
            f"size: expected height and width, such as 64 or (64, 96), got {size!r}"
        )
    return sides[0], sides[1], sides[2] if len(sides) == 3 else None
