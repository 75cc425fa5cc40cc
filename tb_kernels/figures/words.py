"""What a figure says: its titles, the labels of its rows and columns, its captions."""

from __future__ import annotations

from tb_kernels.reading.captions import noun_of
from tb_kernels.reading.picture import Picture
from tb_kernels.schema.naming import EXPANDED, FINAL, HEATMAPS, SHEET
from tb_kernels.wording import shown

# Of the name of a layer.
_LONGEST_NAME = 48


def when(epoch: int) -> str:
    """An epoch as a label."""
    return "final" if epoch == FINAL else f"epoch {epoch}"


def layer_title(picture: Picture) -> str:
    """`Kernels of layer 1, conv2d`."""
    name, view = shown(picture.layer_name, _LONGEST_NAME), picture.view.capitalize()
    view = "Expanded kernels" if picture.view == EXPANDED else view
    return f"{view} of layer {picture.address.layer}, {name}"


def title_of(picture: Picture) -> str:
    """`Kernels of layer 1, conv2d, after epoch 10`."""
    epoch = picture.address.epoch
    then = f"after epoch {epoch}" if epoch else "before training"
    return f"{layer_title(picture)}, {'as training left it' if epoch == FINAL else then}"


def by_address(picture: Picture, change: str = "") -> str:
    """The address, and below it what the picture means, and what has changed since the last."""
    return "\n".join(filter(None, (str(picture.address), _meaning(picture), change)))


def by_number(picture: Picture) -> str:
    """The kernel's number, or the input's, and below it what the picture means."""
    kernel = picture.address.kernel
    number = f"{noun_of(picture.view)} {kernel}" if picture.view == HEATMAPS else str(kernel)
    return "\n".join(filter(None, (number, _meaning(picture))))


def _meaning(picture: Picture) -> str:
    """`seven, score 9.31`: what a caption says beyond which kernel it is of."""
    if picture.address.kernel == SHEET:
        return ""
    return picture.caption.partition(": ")[2].replace(", ", "\n")
