"""What one kind of picture shows of one model: the seam between views and loggers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.explanations import Explanation
from tb_kernels.drawing.layer_pictures import LayerPictures
from tb_kernels.drawing.levels import Limits, Normalize, find_limits
from tb_kernels.drawing.style import Style
from tb_kernels.drawing.subjects import Subject
from tb_kernels.errors import ArgumentError
from tb_kernels.model.forward import Kept
from tb_kernels.model.layers import Place, label_of
from tb_kernels.schema.axes import Axes
from tb_kernels.schema.outputs import ArrayFile, Scalars
from tb_kernels.wording import enumerate_some

if TYPE_CHECKING:
    # Kernels are logged on every backend: what they need imports none.
    from tb_kernels.model.interior import LayerOutput


# Of the inputs that a view runs the model on so many are drawn, where nobody says which.
USUAL_INPUTS = 8

# How many kernels are drawn of a layer where drawing one takes a while, and nobody says which.
USUAL_KERNELS = 16


@dataclass
class Captured:
    """What was copied of a model at one moment.

    Attributes:
        drawn: An array for each layer that is drawn, in their order; each is let go when
            it has been drawn.
        beside: What is stored and measured beside the pictures, by key.
        explained: What else there is to tell of each of these layers' pictures, in their
            order; empty for nothing.
        sampled: Whether only what is measured was copied, and nothing is drawn.
    """

    drawn: list[NDArray[Any]]
    beside: dict[str, NDArray[Any]] = field(default_factory=dict)
    explained: Sequence[Explanation] = ()
    sampled: bool = False


class View(ABC):
    """Knows what is copied of a model, what is drawn of it, and what is stored beside.

    `capture` runs in the thread that trains, everything else in the background.

    Args:
        model: The model it looks at.
        drawn: What can be drawn of it, layer by layer, each with where its array comes
            from; none where only what stands beside pictures is wanted.
        style: Which are drawn, and how.
        **options: As for `LayerPictures`.

    Raises:
        ArgumentError: If no layer has a kernel of the numbers asked for, or all that have
            are too large.

    Attributes:
        model: The model.
        layers: The pictures of each layer that is drawn.
        sources: Where the array of each of these comes from.
        too_large: What is not drawn because no reader would take it, in words.
        size_beside: Bytes that an epoch takes beside the pictures.
        remark: What people should know of what is drawn, for the line at the start.
        chosen: The one layer that is drawn because nobody said which, in words; else None.
        noun: What is drawn of a layer, for people.
        each_alone: Whether `normalize="standard"` looks at each kernel by itself, and a
            sheet keeps the kernels' own scales.
        from_zero: Whether a scale between extremes begins at zero.
        measures: Whether there are numbers of every epoch, also of those that are not drawn.
    """

    noun: ClassVar[str]
    each_alone: ClassVar[bool] = False
    from_zero: ClassVar[bool] = False
    measures: bool = False

    def __init__(
        self,
        model: keras.Model,
        drawn: Iterable[tuple[Subject, Any]],
        style: Style,
        **options: Any,
    ) -> None:
        drawn = list(drawn)
        layers = [(LayerPictures(subject, style, **options), source) for subject, source in drawn]
        self.model = model
        self.layers = [layer for layer, _ in layers if layer.numbers]
        self.sources = [source for layer, source in layers if layer.numbers]
        self.too_large = [what for layer, _ in layers for what in layer.too_large]
        self.size_beside = 0
        self.remark = ""
        self.chosen: str | None = None
        if not self.layers and self.too_large:
            raise ArgumentError(
                f"model: of {model.name!r} nothing can be drawn that could be read back, being "
                f"too large: {enumerate_some(self.too_large)}; expected a layer of smaller pictures"
            )
        if drawn and not self.layers:
            raise ArgumentError(
                f"kernels: no layer of model {model.name!r} has any of the numbers "
                f"{sorted(style.kernels or ())}; expected numbers from 1 to "
                f"{max(layer.most for layer, _ in layers)}"
            )

    @abstractmethod
    def capture(self) -> Captured:
        """Copies what the pictures of this moment need."""

    def is_current(self) -> bool:
        """Whether it still fits the model, which may have been compiled anew."""
        return True

    def limits(
        self, kernels: NDArray[np.float32], normalize: Normalize, explained: Explanation | None
    ) -> Limits:
        """What black and white stand for in a layer's kernels.

        Args:
            kernels: Shape (kernels, slices, [depth,] height, width).
            normalize: How to normalise.
            explained: What else there is to tell of them.
        """
        return find_limits(kernels, normalize, each=self.each_alone, from_zero=self.from_zero)

    def array_file(self, captured: Captured, epoch: int) -> ArrayFile | None:
        """The arrays that are stored as they are; none by default."""
        return None

    def sample(self) -> Captured:
        """Copies only what `measures` needs, at an epoch that is not drawn."""
        return Captured([], sampled=True)

    def keep(self) -> Callable[[], Captured]:
        """Remembers this moment, of which nobody knows yet whether it is to be drawn.

        Returns:
            What gives the copies of this moment later.
        """
        kept = Kept(self.model)

        def capture() -> Captured:
            with kept.back():
                return self.capture()

        return capture

    def scalars(self, captured: Captured, before: dict[str, NDArray[np.float32]]) -> Scalars | None:
        """Numbers that stand beside the loss; none by default.

        Args:
            captured: What was copied.
            before: What it was at the epoch before, by layer; to be replaced by what it is.
        """
        return None


def subject_of(
    drawn: Place | LayerOutput, axes: Axes, noun: str, values: str, of: int | None = None
) -> Subject:
    """What is drawn of a layer: an array with these axes, the rest as in `Subject`."""
    layer = drawn.layer
    kind = type(layer).__name__
    return Subject(drawn.number, layer.name, label_of(layer), kind, axes, noun, values, of)


class PictureMaker(Protocol):
    """Makes a picture of each kernel of a layer.

    Attributes:
        kernels: How many kernels the layer has.
        shape: Of a picture: height, width, channels.
    """

    kernels: int
    shape: tuple[int, int, int]


def subject_of_pictures(
    place: Place, maker: PictureMaker, numbers: frozenset[int] | None, noun: str, values: str
) -> Subject:
    """What is drawn of a layer of which a picture is made of each kernel asked for."""
    every = range(1, maker.kernels + 1)
    drawn = len(every) if numbers is None else len(numbers.intersection(every))
    axes = Axes("ohwi", (drawn, *maker.shape))
    return subject_of(place, axes, noun, values, maker.kernels)
