"""A kernel in its context: its strongest slices beside what makes their input channels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.colors import GRAY, WHITE
from tb_kernels.drawing.layouts import Layout
from tb_kernels.drawing.levels import Limits, find_limits
from tb_kernels.errors import ArgumentError, LogError
from tb_kernels.figures.fitting import TooWideError
from tb_kernels.figures.manner import Manner
from tb_kernels.figures.panels import Cell, Panel, cell_of, painted
from tb_kernels.figures.saving import Drawing
from tb_kernels.figures.scale import Bar, gradient
from tb_kernels.figures.words import title_of
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.log import Log
from tb_kernels.reading.makers import Filter, Input
from tb_kernels.reading.picture import Picture
from tb_kernels.schema.naming import EXAMPLES, EXPANDED, KERNELS, PATTERNS, Address

TOP = 8

# What tells best what a filter looks for.
_TELLING = (EXPANDED, EXAMPLES, PATTERNS)

# Examples in a row, so that the picture is no longer than others.
_EXAMPLES_IN_A_ROW = 4

# A kernel of so many slices can be read as it is.
_FEW = 4

# So many makers of a channel are shown, the last ones, which an addition comes to last.
_MOST_MAKERS = 3

# The longer side of a slice has at least so many pixels.
_SIDE = 96


def draw_context(log: Log, picture: Picture, manner: Manner, top: int = TOP) -> Drawing:
    """A figure of one kernel: its strongest slices, each above what makes its input channel.

    Strength is the slice's norm, the root of the sum of its squares; its sign that of its sum.
    First come the slices that add to the kernel's value, then those that take from it, each by
    strength; at the right the kernel itself. A channel is shown by the filter that makes it: its
    expanded kernel, its examples or its pattern, whichever was logged at this epoch, or its
    kernel, if that has four slices at most. A channel that several filters make together, as
    after an addition, has up to three of them below each other. (What nothing is drawn of, has
    its address alone.)

    Args:
        log: What was logged.
        picture: In the view of kernels.
        manner: How it is drawn.
        top: How many slices, at most: fewer where the paper is narrow.

    Raises:
        LogError: If it is not of a whole kernel of two dimensions, or cannot be read.
    """
    weights, inputs = picture.weights(), picture.inputs()
    if weights.ndim != 3 or min(weights.shape[1:]) < 1:
        raise LogError(f"{picture.view}/{picture.tag}: expected a kernel of two dimensions")
    while True:
        try:
            return manner.build([[_panel(log, picture, manner, weights, inputs, top)]])
        except TooWideError:
            if top == 1:
                raise
            top -= 1


def _panel(
    log: Log,
    picture: Picture,
    manner: Manner,
    weights: NDArray[np.float64],
    inputs: Sequence[Input],
    top: int,
) -> Panel:
    limits = find_limits(weights.astype(np.float32), "symmetric")
    sums, strengths = np.nansum(weights, axis=(1, 2)), np.sqrt(np.nansum(weights**2, axis=(1, 2)))
    strongest = np.argsort(-strengths, kind="stable")[:top]
    chosen = sorted(strongest, key=lambda slice_: sums[slice_] < 0)
    colormap = manner.scale.colormap or GRAY
    columns = []
    for slice_ in chosen:
        channel, filters = inputs[slice_]
        caption = f"{channel}: {'-' if sums[slice_] < 0 else '+'}{strengths[slice_]:.3g}"
        makers = [_filter_cell(log, picture, manner, one) for one in filters[-_MOST_MAKERS:]]
        columns.append([_slice_cell(weights[slice_], limits, colormap, caption), *makers])
    own = _telling(log, picture, Filter(*picture.address[:2]))
    columns.append([_cell_of(own, manner)] if own else [])
    rows = [list(row) for row in zip_longest(*columns)]
    told = any(inputs[slice_].filters for slice_ in chosen)
    bar = _bar(limits, colormap, makers=told)
    return Panel(rows, _title(picture, len(chosen), len(weights)), bar=bar)


def contexts_of(log: Log) -> list[Picture]:
    """The kernels that a report draws in their context.

    Of each layer, at its last epoch, those that were also drawn in a way that tells what they
    look for.
    """
    return [picture for layer in log.layers for picture in contexts_in(log, layer)]


def contexts_in(log: Log, layer: LoggedLayer) -> list[Picture]:
    """Those of one layer; none in another view than that of kernels."""
    if layer.view != KERNELS:
        return []
    telling = [
        one
        for one in log.whole.layers
        if one.view in _TELLING and (one.run, one.number) == (layer.run, layer.number)
    ]
    numbers = {kernel for one in telling for kernel in one.kernels}
    last = log.of_layer(layer, layer.epochs[-1])
    return [one for one in last if one.address.kernel in numbers]


def _slice_cell(weights: NDArray[np.float64], limits: Limits, colormap: str, caption: str) -> Cell:
    layout = Layout.fit(1, *weights.shape, longer_side=_SIDE)
    return Cell(caption, layout, partial(painted, weights[None], limits, colormap))


def _filter_cell(log: Log, picture: Picture, manner: Manner, one: Filter) -> Cell:
    found = _telling(log, picture, one)
    if found is not None:
        return _cell_of(found, manner)
    address = Address(one.layer, one.number, picture.address.epoch)
    return Cell(
        str(address), Layout(1, 1, 1, 1, 1, 0), lambda: np.full((1, 1, 1, 1), WHITE, np.uint8)
    )


def _cell_of(picture: Picture, manner: Manner) -> Cell:
    view = "" if picture.view == KERNELS else f"{picture.view}\n"
    columns = _EXAMPLES_IN_A_ROW if picture.view == EXAMPLES else None
    return cell_of(picture, f"{view}{picture.address}", manner.scale, None, columns)


def _telling(log: Log, picture: Picture, one: Filter) -> Picture | None:
    """The picture that tells best what a filter looks for; None if there is none."""
    epoch, whole = picture.address.epoch, log.whole
    # A separable convolution's filters are those of its second part.
    tried = [(view, one.layer) for view in _TELLING]
    tried += [(KERNELS, one.layer), (KERNELS, f"{one.layer}-2")]
    for view, layer in tried:
        try:
            found = whole.picture(Address(layer, one.number, epoch), view=view, run=picture.run)
            can_be_read = view != KERNELS or found.legend.window[0] <= _FEW
            if can_be_read and found.is_beside(picture):
                return found
        except (ArgumentError, LogError):
            continue
    return None


def _title(picture: Picture, shown: int, of: int) -> str:
    # Kernels of layer 3 → Kernel 6 of layer 3.
    layer = title_of(picture).partition(" ")[2]
    return f"Kernel {picture.address.kernel} {layer}: {shown} of {of} input channels"


def _bar(limits: Limits, colormap: str, *, makers: bool) -> Bar:
    note = "sign of the sum and norm of each slice"
    note += "; below, what makes the channel" if makers else ""
    return Bar(gradient(colormap), float(limits.low), float(limits.high), note)
