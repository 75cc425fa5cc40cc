"""The address of a picture, and the names made from it.

A picture is `<layer>_<kernel>_<epoch>`: `1_6_10` is kernel 6 of layer 1 after
epoch 10. Its file and its tag add the layer's group in front: `1-conv2d/1_6_10`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

KERNELS_RUN = "kernels"
ACTIVATIONS_RUN = "activations"
GRADIENTS_RUN = "gradients"
PATTERNS_RUN = "patterns"
HEATMAPS_RUN = "heatmaps"

# The kernel number of the picture that holds a whole layer.
SHEET = 0

_ADDRESS = re.compile(r"(\d+(?:-\d+)*(?:@\d+)?(?:#\d+)?)_(\d+)_(\d+)")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")

# File systems end a name at 255 bytes; the rest is left to the layer's number.
_LONGEST_NAME = 200


class Address(NamedTuple):
    """Which picture: `<layer>_<kernel>_<epoch>`.

    Attributes:
        layer: The layer's number, `"1"`, or `"2-5"` for a layer inside another. Of
            activations also `"3@2"`, the second call of a layer that is used twice,
            and `"3#2"`, its second output.
        kernel: The kernel's number from 1; 0 is the whole layer on one sheet.
        epoch: The epoch as Keras prints it; 0 is before training.
    """

    layer: str
    kernel: int
    epoch: int

    def __str__(self) -> str:
        return f"{self.layer}_{self.kernel}_{self.epoch}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Reads an address back: the inverse of `str(address)`.

        Raises:
            ValueError: If the text is not an address.
        """
        match = _ADDRESS.fullmatch(text)
        if match is None:
            raise ValueError(
                f"not an address: {text!r}; expected <layer>_<kernel>_<epoch>, such as 1_6_10"
            )
        return cls(match[1], int(match[2]), int(match[3]))


def group_of(number: str, name: str) -> str:
    """The group of a layer's pictures, `<layer>-<layer name>`: a folder, and the tag's front.

    Characters outside `A-Z a-z 0-9 . _ -` become `_`.
    """
    return f"{number}-{_UNSAFE.sub('_', name)[:_LONGEST_NAME]}"


def picture_path(address: Address, group: str | None) -> str:
    """The picture's tag, which is also its file's path inside the run, without `.png`."""
    return f"{group}/{address}" if group else str(address)


def arrays_name(view: str, epoch: int) -> str:
    """The file of an epoch's arrays, without `.npz`."""
    return f"{view}_{epoch}"


def index_tag(epoch: int) -> str:
    """The tag of the summary that says how the pictures of an epoch are to be read."""
    return f"index/{epoch}"


def step_of(epoch: int) -> int:
    """The step at which Keras draws the loss of the same epoch: one less, so -1 for epoch 0."""
    return epoch - 1
