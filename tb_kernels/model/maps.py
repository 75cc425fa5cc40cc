"""Which axes of a layer's output are space, and which are channels."""

from __future__ import annotations

import keras

from tb_kernels.model.layers import find_kernels, walk
from tb_kernels.schema.naming import belongs

# The axes of space, by how many axes an output has.
_SPACES = {3: "w", 4: "hw", 5: "dhw"}

# In these an axis of a layer's output stands for heads.
_ATTENTION = tuple(
    kind
    for name, kind in vars(keras.layers).items()
    if isinstance(kind, type) and name.endswith("Attention")
)


class MapAxes:
    """What the outputs of a model's layers are.

    Args:
        model: A built model.

    Attributes:
        usually_first: Whether channels come before space where a layer does not say
            it, and in pictures that the model is given.
    """

    def __init__(self, model: keras.Model) -> None:
        places = list(walk(model))
        formats = {
            layer.data_format
            for _, layer in places
            # What flattens has a format that nobody gives it.
            if hasattr(layer, "data_format") and not isinstance(layer, keras.layers.Flatten)
        }
        # BatchNormalization, Add and their like do not say where their channels are.
        usual = formats.pop() if len(formats) == 1 else keras.config.image_data_format()
        self.usually_first: bool = usual == "channels_first"
        # Words and tokens have the axes that one-dimensional feature maps have.
        self._flat = any("h" not in weight.letters for weight in find_kernels(model))
        attention = [number for number, layer in places if isinstance(layer, _ATTENTION)]
        self._of_heads = {
            id(layer)
            for number, layer in places
            if any(number != one and belongs(number, one) for one in attention)
        }

    def channels_first(self, layer: keras.layers.Layer) -> bool:
        """Whether the channels of the layer's output come before its axes of space."""
        format_ = getattr(layer, "data_format", None)
        return self.usually_first if format_ is None else bool(format_ == "channels_first")

    def letters(self, layer: keras.layers.Layer, shape: tuple[int, ...]) -> str | None:
        """The axes of an output, one letter each as in `schema/axes.py`; None if it has no space.

        Spatial output has channels and more than one place: two or three axes of
        space, or one in a model that has convolutions of one.
        """
        space = None if id(layer) in self._of_heads else _SPACES.get(len(shape))
        if space is None or (space == "w" and not self._flat):
            return None
        first = self.channels_first(layer)
        sizes = shape[2:] if first else shape[1:-1]
        if 0 in shape or all(size == 1 for size in sizes):
            return None
        return f"nc{space}" if first else f"n{space}c"

    def is_one_place(self, shape: tuple[int | None, ...]) -> bool:
        """Whether an output of this shape has channels, and only one place in space or none."""
        if len(shape) < 3:
            return len(shape) == 2
        return all(size == 1 for size in (shape[2:] if self.usually_first else shape[1:-1]))
