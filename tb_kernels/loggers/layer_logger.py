"""What all loggers draw: layers of a model, in one style, with a memory across epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.arguments import check_kernels, check_layers
from tb_kernels.drawing.layer_pictures import LayerPictures
from tb_kernels.drawing.levels import Limits
from tb_kernels.drawing.style import Style
from tb_kernels.drawing.subjects import Subject
from tb_kernels.errors import ArgumentError
from tb_kernels.loggers.base import Logger

_Pictures = TypeVar("_Pictures", bound=LayerPictures)


@dataclass(frozen=True)
class Memory:
    """What a logger remembers of a model from epoch to epoch, across trainings.

    Attributes:
        firsts: Each layer's limits at the first epoch drawn, for `normalize="first"`.
        before: Each layer's kernels at the epoch drawn last.
    """

    firsts: dict[str, Limits] = field(default_factory=dict)
    before: dict[str, NDArray[np.float32]] = field(default_factory=dict)


class LayerLogger(Logger):
    """Base of the loggers that draw layers; see `KernelLogger` for the keywords."""

    def __init__(
        self,
        log_dir: Any,
        *,
        epochs: Any,
        layers: Any,
        kernels: Any,
        style: Style,
        strict: bool,
    ) -> None:
        super().__init__(log_dir, epochs=epochs, strict=strict)
        self._layers = check_layers(layers)
        numbers = check_kernels(kernels)
        self._kernels = None if numbers is None else frozenset(numbers)
        self._style = style
        # Made with its first entry: an unused logger can be pickled, a weak dictionary not.
        self._memories: WeakKeyDictionary[keras.Model, Memory] | None = None

    def _pictures(
        self,
        model: keras.Model,
        subjects: Iterable[Subject],
        make: Callable[..., _Pictures],
        **options: Any,
    ) -> list[_Pictures]:
        """The pictures of these layers, as far as they have kernels of the numbers asked for."""
        layers = [
            make(subject, self._style, numbers=self._kernels, **options) for subject in subjects
        ]
        drawn = [layer for layer in layers if layer.numbers]
        if not drawn:
            raise ArgumentError(
                f"kernels: no layer of model {model.name!r} has any of the numbers "
                f"{sorted(self._kernels or ())}; expected numbers from 1 to "
                f"{max(layer.most for layer in layers)}"
            )
        return drawn

    def _memory_of(self, model: keras.Model) -> Memory:
        if self._memories is None:
            self._memories = WeakKeyDictionary()
        return self._memories.setdefault(model, Memory())

    def _firsts_of(self, model: keras.Model) -> dict[str, Limits] | None:
        return self._memory_of(model).firsts if self._style.normalize == "first" else None
