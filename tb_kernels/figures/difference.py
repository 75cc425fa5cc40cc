"""By how much kernels differ: of two epochs, or of two trainings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.colors import GRAY, RGB
from tb_kernels.drawing.levels import Limits
from tb_kernels.errors import LogError
from tb_kernels.figures.choosing import Choosing
from tb_kernels.figures.kinds import sheet_panel
from tb_kernels.figures.manner import Manner
from tb_kernels.figures.panels import Cell, Panel, painted
from tb_kernels.figures.saving import Drawing
from tb_kernels.figures.scale import Bar, gradient
from tb_kernels.figures.words import layer_title, when
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.log import Log
from tb_kernels.reading.picture import Picture
from tb_kernels.reading.weights import LayerWeights, exact_weights
from tb_kernels.schema.naming import KERNELS

# What differs stands side by side, where the paper has so many millimetres.
_SIDE_BY_SIDE = 120.0

# What a difference is drawn in, if nobody says otherwise: red is more, blue is less.
_DIVERGING = "RdBu_r"


class End(NamedTuple):
    """One of the two that are compared.

    Attributes:
        layer: The layer, in its training.
        epoch: The epoch.
        name: What tells it from the other.
    """

    layer: LoggedLayer
    epoch: int
    name: str


def over_time(layer: LoggedLayer) -> tuple[End, End]:
    """The first and the last epoch of a layer."""
    first, last = layer.epochs[0], layer.epochs[-1]
    return End(layer, first, when(first)), End(layer, last, when(last))


def of_trainings(before: LoggedLayer, after: LoggedLayer) -> tuple[End, End]:
    """A layer in two trainings, each at its last epoch."""
    one, other = (End(layer, layer.epochs[-1], layer.run) for layer in (before, after))
    return one, other


def draw_difference(
    log: Log, before: End, after: End, manner: Manner, choosing: Choosing
) -> Drawing:
    """Kernels of a layer twice on one scale, and by how much each weight differs.

    The difference has a scale of its own, as far on both sides of zero. It is that of the exact
    weights where they were stored; what is read from pictures is right to within half a level of
    each.

    Args:
        log: In which both are.
        before: What is compared.
        after: With what.
        manner: How it is drawn; its colour map is that of the difference too.
        choosing: Which kernels are drawn, and in which order.

    Raises:
        ArgumentError: If the kernels cannot be ranked as asked for.
        LogError: If they have no kernel in common, or no weights can be had of them.
    """
    one, other = (
        {picture.address.kernel: picture for picture in log.of_layer(end.layer, end.epoch)}
        for end in (before, after)
    )
    kernels = [
        kernel
        for kernel in choosing.of(log, before.layer) or one
        if kernel in one and kernel in other
    ]
    if not kernels:
        raise LogError(
            f"no kernel of layer {before.layer.number} is logged as {before.name} and as "
            f"{after.name}; select what both have"
        )
    flat = [half[kernel] for half in (one, other) for kernel in kernels]
    limits = manner.scale.limits(flat)
    halves = [
        sheet_panel(flat[start : start + len(kernels)], limits[start:], manner, end.name)
        for start, end in zip((0, len(kernels)), (before, after), strict=True)
    ]
    halves[0] = halves[0]._replace(
        title=f"{layer_title(flat[0])}: {before.name}", bar=manner.scale.bar(flat, limits)
    )
    exact = [_exact(log, end, half[kernels[0]]) for end, half in ((before, one), (after, other))]
    changes = [_difference(one[kernel], other[kernel], exact) for kernel in kernels]
    cells = [cell for cell in halves[0].rows[0] if cell]
    title = f"{after.name} \N{MINUS SIGN} {before.name}"
    panels = [*halves, _differing(cells, changes, manner)._replace(title=title)]
    narrow = manner.paper.width is not None and manner.paper.width < _SIDE_BY_SIDE
    return manner.build([[panel] for panel in panels] if narrow else [panels])


def _differing(
    cells: Sequence[Cell], changes: Sequence[NDArray[np.float64]], manner: Manner
) -> Panel:
    """What each weight differs by, in the places of its kernel."""
    reach = max((float(np.nanmax(np.abs(change))) for change in changes), default=0.0)
    colormap = manner.scale.colormap or _DIVERGING
    # A difference has no colours of its own.
    colormap = GRAY if colormap == RGB else colormap
    limits = Limits.of(-reach, reach)
    drawn = [
        replace(cell, tiles=partial(painted, change, limits, colormap), as_logged=False)
        for cell, change in zip(cells, changes, strict=True)
    ]
    return Panel([drawn], bar=Bar(gradient(colormap), -reach, reach), flow="square")


def _exact(log: Log, end: End, picture: Picture) -> LayerWeights | None:
    known = end.layer.view == KERNELS
    return exact_weights(log, end.layer, end.epoch, picture) if known else None


def _difference(
    before: Picture, after: Picture, exact: Sequence[LayerWeights | None]
) -> NDArray[np.float64]:
    one, other = (
        _weights(picture, weights) for picture, weights in zip((before, after), exact, strict=True)
    )
    if one.shape != other.shape:
        raise LogError(
            f"{before.tag} and {after.tag} have weights of the shapes {one.shape} and "
            f"{other.shape}; expected kernels of one shape"
        )
    return other - one


def _weights(picture: Picture, exact: LayerWeights | None) -> NDArray[np.float64]:
    window, number = picture.legend.window, picture.address.kernel
    # A picture of a single slice has a number of its own.
    if exact is None or exact.values.shape[1:] != window or number > len(exact.values):
        return picture.weights()
    found: NDArray[np.float64] = exact.values[number - 1]
    return found
