"""By how much kernels differ: of two epochs, or of two trainings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.colors import GRAY, RGB, paint
from tb_kernels.drawing.levels import Limits, find_nonfinite, to_levels
from tb_kernels.errors import LogError
from tb_kernels.figures.choosing import Choosing
from tb_kernels.figures.kinds import sheet_panel
from tb_kernels.figures.manner import Manner
from tb_kernels.figures.panels import Cell, Panel
from tb_kernels.figures.paper import Drawing
from tb_kernels.figures.scale import Bar, gradient
from tb_kernels.figures.words import layer_title
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


def draw_difference_of(
    log: Log, before: End, after: End, manner: Manner, choosing: Choosing
) -> Drawing:
    """As `draw_difference`, of a log: from exact weights where they were stored.

    Args:
        log: In which both are.
        before: What is compared.
        after: With what.
        manner: How it is drawn.
        choosing: Which kernels are drawn, and in which order.

    Raises:
        ArgumentError: If the kernels cannot be ranked as asked for.
        LogError: As `draw_difference`.
    """
    # Of one training both epochs count, whatever its order is.
    numbers = choosing.of(log, before.layer)
    halves, exact = [], []
    for layer, epoch, _ in (before, after):
        at = {one.address.kernel: one for one in log.of_layer(layer, epoch)}
        halves.append([at[one] for one in numbers or at if one in at])
        known = layer.view == KERNELS and halves[-1]
        exact.append(exact_weights(log, layer, epoch, halves[-1][0]) if known else None)
    if not all(halves):
        raise LogError(
            f"layer {before.layer.number} has no pictures of the same kernels as {before.name} "
            f"and as {after.name}"
        )
    return draw_difference(halves[0], halves[1], (before.name, after.name), manner, exact)


def draw_difference(
    before: Sequence[Picture],
    after: Sequence[Picture],
    names: tuple[str, str],
    manner: Manner,
    exact: Sequence[LayerWeights | None] = (None, None),
) -> Drawing:
    """Kernels of a layer twice on one scale, and by how much each weight differs.

    The difference has a scale of its own, as far on both sides of zero.

    Args:
        before: A picture of each kernel.
        after: The same kernels at another epoch, or in another training.
        names: What tells one from the other.
        manner: How it is drawn; its colour map is that of the difference too.
        exact: The weights of the layer, before and after, where they were stored; what is read
            from pictures is right to within half a level of each.

    Raises:
        LogError: If they have no kernel in common, or no weights can be had of them.
    """
    one, other = ({each.address.kernel: each for each in half} for half in (before, after))
    kernels = [kernel for kernel in one if kernel in other]
    if not kernels:
        raise LogError(
            f"no kernel of layer {before[0].address.layer} is logged as {names[0]} and as "
            f"{names[1]}; select what both have"
        )
    flat = [half[kernel] for half in (one, other) for kernel in kernels]
    limits = manner.scale.limits(flat)
    halves = [
        sheet_panel(flat[start : start + len(kernels)], limits[start:], manner, name)
        for start, name in zip((0, len(kernels)), names, strict=True)
    ]
    halves[0] = halves[0]._replace(
        title=f"{layer_title(flat[0])}: {names[0]}", bar=manner.scale.bar(flat, limits)
    )
    changes = [_difference(one[kernel], other[kernel], exact) for kernel in kernels]
    reach = max((float(np.nanmax(np.abs(change))) for change in changes), default=0.0)
    colormap = manner.scale.colormap or _DIVERGING
    shared = Limits.of(-reach, reach)
    cells = [
        Cell(str(kernel), cell.layout, partial(painted, change, shared, colormap))
        for kernel, change, cell in zip(kernels, changes, halves[0].rows[0], strict=True)
        if cell
    ]
    bar = Bar(gradient(colormap), -reach, reach)
    differing = Panel([cells], f"{names[1]} \N{MINUS SIGN} {names[0]}", bar=bar, flow="square")
    panels = [*halves, differing]
    narrow = manner.paper.width is not None and manner.paper.width < _SIDE_BY_SIDE
    return manner.build([[panel] for panel in panels] if narrow else [panels])


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


def painted(weights: NDArray[np.float64], limits: Limits, colormap: str) -> NDArray[np.uint8]:
    """A kernel's weights, (slices, ..., height, width), as tiles."""
    kernel = weights[None].astype(np.float32)
    levels = to_levels(np.nan_to_num(kernel), limits)
    colormap = GRAY if colormap == RGB else colormap
    return paint(levels, colormap, find_nonfinite(kernel))[0]  # type: ignore[no-any-return]
