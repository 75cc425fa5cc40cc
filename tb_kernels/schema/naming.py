"""The address of a picture, and the names made from it.

A picture is `<layer>_<kernel>_<epoch>`: `1_6_10` is kernel 6 of layer 1 after
epoch 10. Its file and its tag add the layer's group in front: `1-conv2d/1_6_10`.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple, TypeVar

_Number = TypeVar("_Number", int, float)

# Of this package's own summaries in an event file.
PLUGIN_NAME = "tb_kernels"

# The views: what pictures show. Each writes into a folder of its name.
KERNELS = "kernels"
ACTIVATIONS = "activations"
GRADIENTS = "gradients"
PATTERNS = "patterns"
HEATMAPS = "heatmaps"
EXPANDED = "expanded"
EXAMPLES = "examples"

# In the order in which they are shown.
VIEWS = (KERNELS, EXPANDED, EXAMPLES, ACTIVATIONS, GRADIENTS, PATTERNS, HEATMAPS)

# The kernel number of the picture that holds a whole layer.
SHEET = 0

_FINAL_NAME = "final"


class _Final(int):
    """An epoch behind every other, and called by its name."""

    def __repr__(self) -> str:
        return _FINAL_NAME

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(_FINAL_NAME, spec)


# The epoch of the model as training leaves it: greater than every number of an epoch.
FINAL = _Final(10**9)

# Numbers are never padded, and neither they nor their depth are endless.
_NUMBER = "[1-9][0-9]{0,8}"
_LAYER = f"{_NUMBER}(?:-{_NUMBER}){{0,15}}(?:@{_NUMBER})?(?:#{_NUMBER})?"
_EPOCH = f"(0|{_NUMBER}|{_FINAL_NAME})"
_PLAIN_ADDRESS = f"({_LAYER})_(0|{_NUMBER})_{_EPOCH}"
_ADDRESS = re.compile(_PLAIN_ADDRESS)
_TAG = re.compile(f"(?:([^/]+)/)?{_PLAIN_ADDRESS}")
_GROUP = re.compile(f"({_LAYER})-.")
_INDEX_TAG = re.compile(f"index/{_EPOCH}")
_PARTS = re.compile(r"([-@#]?)([0-9]+)")
# Windows takes dots away from the end of a folder's name.
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]|\.(?=\.*\Z)")

# File systems end a name at 255 bytes; the rest is left to the layer's number.
_LONGEST_NAME = 200


class Address(NamedTuple):
    """Which picture: `<layer>_<kernel>_<epoch>`.

    Attributes:
        layer: The layer's number, `"1"`, or `"2-5"` for a layer inside another. Of
            activations also `"3@2"`, the second call of a layer that is used twice,
            and `"3#2"`, its second output.
        kernel: The kernel's number from 1; 0 is the whole layer on one sheet.
        epoch: The epoch as Keras prints it; 0 is before training; `FINAL`, which is a number
            behind all others and reads `final`, is as training leaves the model.
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
        return cls(match[1], int(match[2]), parse_epoch(match[3]))


def group_of(number: str, name: str) -> str:
    """The group of a layer's pictures, `<layer>-<layer name>`: a folder, and the tag's front.

    Characters outside `A-Z a-z 0-9 . _ -` become `_`, and so do dots at the end.
    """
    return f"{number}-{_UNSAFE.sub('_', name[:_LONGEST_NAME])}"


def number_of(group: str) -> str | None:
    """The layer's number in a group; None if it is no group.

    The inverse of `group_of` but for names that begin with a number and a dash themselves.
    """
    match = _GROUP.match(group)
    return match and match[1]


def picture_path(address: Address, group: str | None) -> str:
    """The picture's tag, which is also its file's path inside the run, without `.png`."""
    return f"{group}/{address}" if group else str(address)


def parse_tag(tag: str) -> tuple[str, Address] | None:
    """The group, empty for none, and the address: the inverse of `picture_path`.

    Returns:
        None if the tag names no picture of this package.
    """
    match = _TAG.fullmatch(tag)
    if match is None:
        return None
    group, layer, kernel, epoch = match.groups()
    if group is not None and not _is_group(group, layer):
        return None
    return group or "", Address(layer, int(kernel), parse_epoch(epoch))


@functools.lru_cache(maxsize=1024)
def _is_group(group: str, layer: str) -> bool:
    return group_of(layer, group.removeprefix(f"{layer}-")) == group


def belongs(number: str, root: str) -> bool:
    """Whether a layer's number is the root's, or that of a part, layer, call or output of it."""
    return number == root or number.startswith((f"{root}-", f"{root}@", f"{root}#"))


def order_of(number: str) -> list[tuple[str, int]]:
    """What sorts the numbers of layers as they stand in the network: 2, 2-5, 2-10, 3, 3@2, 10."""
    return [(sign, int(digits)) for sign, digits in _PARTS.findall(number)]


def natural_order(text: str) -> list[str | int]:
    """What sorts names with numbers in them as people do: run2 before run10."""
    parts = re.split("([0-9]+)", text)
    return [int(part[:_LONGEST_NAME]) if place % 2 else part for place, part in enumerate(parts)]


def arrays_name(view: str, epoch: int) -> str:
    """The file of an epoch's arrays, without `.npz`."""
    return f"{view}_{epoch}"


def index_tag(epoch: int) -> str:
    """The tag of the summary that says how the pictures of an epoch are to be read."""
    return f"index/{epoch}"


def parse_index_tag(tag: str) -> int | None:
    """The epoch of an index: the inverse of `index_tag`; None if it is no such tag."""
    match = _INDEX_TAG.fullmatch(tag)
    return parse_epoch(match[1]) if match else None


def parse_epoch(text: str) -> int:
    """The epoch that a name ends with: the inverse of `str(epoch)`."""
    return FINAL if text == _FINAL_NAME else int(text)


def epoch_of(number: int) -> int:
    """The epoch of a number that was kept: `FINAL` for its own."""
    return FINAL if number == FINAL else number


def plain_epoch(epoch: int) -> int | str:
    """An epoch as JSON has it: `"final"`, whose number means nothing there, or its number."""
    return str(epoch) if epoch == FINAL else epoch


def step_of(epoch: _Number) -> _Number:
    """The step at which Keras draws the loss of the same epoch: one less, so -1 for epoch 0.

    `FINAL` has none of its own: it stands at that of the last epoch that ran.
    """
    return epoch - 1
