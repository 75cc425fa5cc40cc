"""What is drawn of a layer, and how a picture of it is told to people."""

from __future__ import annotations

from dataclasses import dataclass

from tb_kernels.drawing.colors import GRAY, RGB
from tb_kernels.drawing.levels import Limits
from tb_kernels.schema.axes import Axes
from tb_kernels.schema.naming import FINAL, SHEET, Address, group_of

# Every picture of a layer tells its name.
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Subject:
    """A layer, and which array of it is drawn.

    Attributes:
        number: The layer's number, the first field of the address.
        name: The layer's name in the model.
        label: Its name in files and tags, without the counter of names that Keras makes up.
        kind: The Keras class that the layer is of, `"Conv2D"`.
        axes: Of the array.
        noun: What one picture shows, `"kernel"`.
        values: What the array holds, `"weights"`.
        of: How many kernels the layer has, where the array holds only those drawn.
    """

    number: str
    name: str
    label: str
    kind: str
    axes: Axes
    noun: str = "kernel"
    values: str = "weights"
    of: int | None = None

    @property
    def kernels(self) -> int:
        """How many kernels the layer has."""
        return self.axes.kernels if self.of is None else self.of

    @property
    def group(self) -> str:
        """What stands before the address in file and tag."""
        return group_of(self.number, self.label)

    def describe(self, address: Address, *, by_slice: bool, scale: str) -> str:
        """The description of a picture.

        Args:
            address: Of the picture.
            by_slice: Whether each slice is a picture of its own.
            scale: What its black and white stand for, in words.
        """
        slice_, kernel = divmod(address.kernel - 1, self.kernels)
        if address.kernel == SHEET:
            what = f"{'all ' if self.of is None else ''}{self.axes.kernels} {self.noun}s"
        elif by_slice:
            what = (
                f"{self.noun} {kernel + 1} of {self.kernels}, "
                f"slice {slice_ + 1} of {self.axes.slices}"
            )
        else:
            what = f"{self.noun} {address.kernel} of {self.kernels}"
        final = address.epoch == FINAL
        when = "as training left it" if final else f"epoch {address.epoch}"
        return (
            f"Layer {address.layer} `{self.name[:_LONGEST_NAME]}` ({self.kind}), {what}, "
            f"{when}. {self.values.capitalize()}: {scale}."
        )


def describe_scale(colormap: str, limits: Limits, position: int, *, whole: bool) -> str:
    """What the ends of the scale stand for, in one kernel or in the whole layer."""
    ends = ("black", "white")
    if colormap not in (GRAY, RGB):
        ends = (f"low end of {colormap}", "high end")
    if whole and limits.low.ndim:
        return f"{ends[0]} and {ends[1]} differ from one to the next"
    low, high = limits.at(position)
    return f"{ends[0]} {low:.4g}, {ends[1]} {high:.4g}"
