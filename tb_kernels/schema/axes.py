"""What the axes of an array are, one letter each, and their order in a picture.

    o   output channel, the filter       d, h, w   depth, height and width
    i   input channel                    c         channel of a feature map
    m   multiplier of a depthwise kernel n         number of the input
    e   example, and behind the last one their mean

A kernel is whatever one picture shows, a slice is one of its 2-D tiles. A weight
`hwio` has a kernel for each o and a slice for each i; feature maps `nhwc` have a
picture for each channel, and in it a slice for each input. Examples `oehwi` stand side by side as
the depths of a kernel do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

_Number = TypeVar("_Number", bound=np.generic)

# Which letters count the kernels and which their slices, by a letter that tells the case.
_ROLES = (("m", "im", ""), ("o", "o", "i"), ("c", "c", "n"), ("n", "n", ""))


@dataclass(frozen=True)
class Axes:
    """The axes of an array of known shape.

    Attributes:
        letters: One for each axis.
        shape: Of the array, in the order of `letters`.
    """

    letters: str
    shape: tuple[int, ...]

    @cached_property
    def kernels(self) -> int:
        """How many kernels: pictures, if each is drawn whole."""
        return self._product(self._roles[0])

    @cached_property
    def channels(self) -> int:
        """How many slices a kernel has at one depth."""
        return self._product(self._roles[1])

    @property
    def depth(self) -> int | None:
        """Slices along the depth, or side by side as examples; None without such an axis."""
        letter = "e" if self.has_examples else "d"
        return self._product(letter) if letter in self.letters else None

    @property
    def has_examples(self) -> bool:
        """Whether examples stand side by side, their mean behind them on a scale of its own."""
        return "e" in self.letters

    @cached_property
    def slices(self) -> int:
        """How many 2-D slices a kernel has."""
        return self.channels * (self.depth or 1)

    @property
    def flat(self) -> bool:
        """Whether there is no height: a slice is one row."""
        return "h" not in self.letters

    @property
    def tile(self) -> tuple[int, int]:
        """Height and width of a slice."""
        return (1 if self.flat else self._product("h")), self._product("w")

    def arrange(self, array: NDArray[Any]) -> NDArray[np.float32]:
        """Brings an array into the order of its pictures, as these show it.

        Args:
            array: Of this shape.

        Returns:
            Shape (kernels, slices, [depth,] height, width), float32; a view of the
            array where that is possible.
        """
        return self.in_order(array).astype(np.float32, copy=False)

    def in_order(self, array: NDArray[_Number]) -> NDArray[_Number]:
        """As `arrange`, but in the array's own precision."""
        kernels, channels = self._roles
        order = kernels + channels + "".join(axis for axis in "edhw" if axis in self.letters)
        arranged = array.transpose([self.letters.index(axis) for axis in order])
        window = (*([self.depth] if self.depth else []), *self.tile)
        return arranged.reshape(self.kernels, self.channels, *window)

    @property
    def _roles(self) -> tuple[str, str]:
        return next(
            (kernels, channels) for tell, kernels, channels in _ROLES if tell in self.letters
        )

    def _product(self, letters: str) -> int:
        return math.prod(self.shape[self.letters.index(letter)] for letter in letters)
