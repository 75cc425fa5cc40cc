"""A model's max pooling, with a quicker gradient."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras

from tb_kernels.model import backend
from tb_kernels.model.interior import standing_in
from tb_kernels.model.layers import Place, walk


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
