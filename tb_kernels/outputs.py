"""What a view writes beside its pictures. Each kind says its noun, and how many it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from tb_kernels.pictures import PictureBatch


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
