"""What one kind of picture shows of one model: the seam between views and loggers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.layer_pictures import LayerPictures
from tb_kernels.drawing.overlays import Explained
from tb_kernels.drawing.style import Style
from tb_kernels.drawing.subjects import Subject
from tb_kernels.errors import ArgumentError
from tb_kernels.schema.outputs import ArrayFile


@dataclass
class Captured:
    """What was copied of a model at one moment.

    Attributes:
        arrays: By key; each is let go when it has been stored and drawn.
        explained: Of heatmaps, what they explain.
    """

    arrays: dict[str, NDArray[Any]]
    explained: Explained | None = None


class View(ABC):
    """Knows what is copied of a model, what is drawn of it, and what is stored beside.

    `capture` runs in the thread that trains, everything else in the background.

    Args:
        model: The model it looks at.
        layers: The pictures of each layer that is drawn.
        stored: Bytes that an epoch takes beside the pictures.

    Attributes:
        noun: What is drawn of a layer, for people.
        each_alone: Whether `normalize="standard"` looks at each kernel by itself, and a
            sheet keeps the kernels' own scales.
        from_zero: Whether a scale between extremes begins at zero.
        compares: Whether `statistics` needs the array that was drawn last.
    """

    noun: ClassVar[str]
    each_alone: ClassVar[bool] = False
    from_zero: ClassVar[bool] = False
    compares = False

    def __init__(
        self, model: keras.Model, layers: Sequence[LayerPictures], *, stored: int = 0
    ) -> None:
        self.model = model
        self.layers = layers
        self.stored = stored

    @abstractmethod
    def capture(self) -> Captured:
        """Copies what the pictures of this moment need."""

    def is_current(self) -> bool:
        """Whether it still fits the model, which may have been compiled anew."""
        return True

    def key_of(self, subject: Subject) -> str:
        """Under which key a layer's array was captured: by default its number."""
        return subject.number

    def array_file(self, captured: Captured, epoch: int) -> ArrayFile | None:
        """The arrays that are stored as they are; none by default."""
        return None

    def curves(self, captured: Captured) -> Mapping[str, float]:
        """Numbers of the whole model to stand beside its loss, by tag; none by default."""
        return {}

    def statistics(
        self, subject: Subject, kernels: NDArray[np.float32], before: NDArray[np.float32] | None
    ) -> Mapping[str, float]:
        """Numbers of one layer to stand beside its loss, by tag; none by default.

        Args:
            subject: The layer.
            kernels: Its array, (kernels, slices, [depth,] height, width).
            before: That of the epoch drawn last, if the view `compares` and there is one.
        """
        return {}


def choose_pictures(
    model: keras.Model,
    subjects: Iterable[Subject],
    style: Style,
    numbers: frozenset[int] | None,
    **options: Any,
) -> list[LayerPictures]:
    """The pictures of layers, as far as they have kernels of the numbers asked for.

    Args:
        model: Whose layers they are, for errors.
        subjects: What can be drawn; at least one.
        style: How.
        numbers: The numbers asked for; None for all.
        **options: As for `LayerPictures`.

    Raises:
        ArgumentError: If no layer has any of the numbers.
    """
    layers = [LayerPictures(subject, style, numbers=numbers, **options) for subject in subjects]
    drawn = [layer for layer in layers if layer.numbers]
    if not drawn:
        raise ArgumentError(
            f"kernels: no layer of model {model.name!r} has any of the numbers "
            f"{sorted(numbers or ())}; expected numbers from 1 to "
            f"{max(layer.most for layer in layers)}"
        )
    return drawn
