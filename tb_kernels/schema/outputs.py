"""What is handed to a writer. Each kind says its noun, and how many it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tb_kernels.schema.index import LayerEntry


@dataclass(frozen=True)
class PictureBatch:
    """Pictures of one layer and one size, with their names and how they are to be read.

    Attributes:
        pixels: uint8 of shape (pictures, height, width, channels), one channel (grey)
            or three (red, green, blue).
        paths: Each picture's tag, which is its file's path without `.png`.
        titles: Each picture's address, the title of its card.
        descriptions: For people, in Markdown.
        entry: Of these pictures, for the index that is written with them.
    """

    noun: ClassVar[str] = "picture"

    pixels: NDArray[np.uint8]
    paths: Sequence[str]
    titles: Sequence[str]
    descriptions: Sequence[str]
    entry: LayerEntry

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True)
class ArrayFile:
    """Arrays that become one `.npz` file.

    Attributes:
        name: The file's name without `.npz`.
        arrays: By key.
    """

    noun: ClassVar[str] = "array file"

    name: str
    arrays: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return 1


@dataclass(frozen=True)
class Scalars:
    """Numbers that TensorBoard draws as curves.

    Attributes:
        values: By tag.
    """

    noun: ClassVar[str] = "scalar"

    values: Mapping[str, float]

    def __len__(self) -> int:
        return len(self.values)


Output = PictureBatch | ArrayFile | Scalars

# Is told how many of what could not be written, and why.
Lose = Callable[[int, str, BaseException], None]
