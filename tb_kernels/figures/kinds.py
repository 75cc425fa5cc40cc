"""The figures there are: which pictures each shows, and how they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tb_kernels.arguments import check_count
from tb_kernels.drawing.colors import GRAY, RGB, paint
from tb_kernels.drawing.levels import Limits, find_nonfinite, to_levels
from tb_kernels.errors import ArgumentError, LogError
from tb_kernels.figures.building import TooLargeError, build
from tb_kernels.figures.panels import Cell, Panel, cell_of
from tb_kernels.figures.paper import DPI, Drawing, Paper
from tb_kernels.figures.scale import Bar, Scale, gradient
from tb_kernels.reading.picture import Picture
from tb_kernels.schema.naming import FINAL
from tb_kernels.wording import enumerate_some, shown

Direction = Literal["auto", "across", "down"]

# Pictures wider than so many heights stand below each other: rows of more than four slices.
_WIDE = 5

# Names in titles and labels.
_LONGEST_NAME, _LONGEST_LABEL = 48, 24

# So many kernels stand beside each other in a grid, before it goes on below, each in so many
# millimetres at least.
_MOST_ACROSS, _NARROWEST = 16, 8.0

# What differs stands side by side, where the paper has so many millimetres.
_SIDE_BY_SIDE = 120.0

# What a difference is drawn in, if nobody says otherwise: red is more, blue is less.
_DIVERGING = "RdBu_r"


@dataclass(frozen=True)
class Manner:
    """How a figure is drawn.

    Attributes:
        paper: What for.
        scale: Which colour a weight has.
        direction: How epochs stand: `"across"`, side by side; `"down"`, below each other;
            `"auto"`, as fits the pictures.
        side: Pixels along the side of a weight; None for what fits.
        columns: Slices in a row; None for as logged.
    """

    paper: Paper = field(default_factory=Paper)
    scale: Scale = field(default_factory=Scale)
    direction: Direction = "auto"
    side: int | None = None
    columns: int | None = None

    @classmethod
    def checked(
        cls,
        *,
        width: Any = None,
        dpi: Any = DPI,
        background: Any = "white",
        normalize: Any = "layer",
        colormap: Any = None,
        direction: Any = "auto",
        scale: Any = None,
        columns: Any = None,
    ) -> Manner:
        """From what a user has given: the options of `Log.figure`.

        Raises:
            ArgumentError: If one of these is not what is expected.
        """
        if direction not in get_args(Direction):
            raise ArgumentError(
                f"direction: expected one of {enumerate_some(get_args(Direction))}, "
                f"got {direction!r}"
            )
        if scale is not None and width is not None:
            raise ArgumentError("scale: the size of a weight follows from the width; give one")
        return cls(
            Paper.checked(width, dpi, background),
            Scale.checked(normalize, colormap),
            direction,
            None if scale is None else check_count("scale", scale),
            None if columns is None else check_count("columns", columns),
        )

    def cell(self, picture: Picture, caption: str, limits: Limits | None) -> Cell:
        """A picture of the figure."""
        return cell_of(picture, caption, self.scale, limits, self.columns)

    def build(self, panels: Sequence[Sequence[Panel]]) -> Drawing:
        """The figure."""
        return build(panels, self.paper, self.side)


def draw_strip(pictures: Sequence[Picture], manner: Manner) -> Drawing:
    """One kernel across epochs: its pictures in their order, each below its address.

    Args:
        pictures: At least one.
        manner: How it is drawn; `"auto"` puts pictures below each other that are much wider
            than high.

    Raises:
        LogError: If a picture cannot be read, or they are too many.
    """
    limits = manner.scale.limits(pictures)
    cells = [
        manner.cell(one, str(one.address), own) for one, own in zip(pictures, limits, strict=True)
    ]
    direction = manner.direction
    if direction == "auto":
        height = max(cell.layout.size[0] for cell in cells)
        wide = max(cell.layout.size[1] for cell in cells) > _WIDE * height
        direction = "down" if wide else "across"
    bar = manner.scale.bar(pictures, limits)
    flow: Literal["row", "column"] = "row" if direction == "across" else "column"
    return manner.build([[Panel([cells], bar=bar, flow=flow)]])


def draw_sheet(
    pictures: Sequence[Picture], manner: Manner, among: Sequence[Picture] | None = None
) -> Drawing:
    """The kernels of a layer at one epoch, numbered.

    Args:
        pictures: At least one.
        manner: How it is drawn.
        among: The pictures that are compared with these, on the same scale; None for these.

    Raises:
        LogError: If a picture cannot be read, or they are too many.
    """
    limits = manner.scale.limits(among or pictures)
    if among:
        own = {(one.tag, one.run): ends for one, ends in zip(among, limits, strict=True)}
        limits = [own[one.tag, one.run] for one in pictures]
    panel = _sheet(pictures, limits, manner, title_of(pictures[0]))
    return manner.build([[panel._replace(bar=manner.scale.bar(pictures, limits))]])


def draw_sheets(pictures: Sequence[Picture], manner: Manner) -> Iterator[Drawing]:
    """As `draw_sheet`, on several sheets where the kernels are too many for one."""
    try:
        yield draw_sheet(pictures, manner)
    except TooLargeError:
        if len(pictures) == 1:
            raise
        half = -(-len(pictures) // 2)
        yield from draw_sheets(pictures[:half], manner)
        yield from draw_sheets(pictures[half:], manner)


def draw_grid(strips: Sequence[Sequence[Picture]], manner: Manner) -> Drawing:
    """Kernels of a layer at epochs, on one scale.

    Args:
        strips: The pictures of each kernel, at least one of each.
        manner: How it is drawn; `"auto"` puts epochs below each other where there are more
            kernels than epochs.

    Raises:
        LogError: If a picture cannot be read, or they are too many.
    """
    return manner.build([[panel] for panel in grid_panels(strips, manner)])


def grid_panels(strips: Sequence[Sequence[Picture]], manner: Manner) -> list[Panel]:
    """The panels of a grid, one below the other; see `draw_grid`."""
    flat = [one for strip in strips for one in strip]
    flat.sort(key=lambda one: one.address.epoch)
    limits = manner.scale.limits(flat)
    cells = {
        (one.address.kernel, one.address.epoch): manner.cell(one, "", own)
        for one, own in zip(flat, limits, strict=True)
    }
    kernels = list(dict.fromkeys(strip[0].address.kernel for strip in strips))
    epochs = sorted({epoch for _, epoch in cells})
    times = [when(epoch) for epoch in epochs]
    bar = manner.scale.bar(flat, limits)
    title = layer_title(flat[0])
    down = len(kernels) > len(epochs) if manner.direction == "auto" else manner.direction == "down"
    if not down:
        rows = [[cells.get((kernel, epoch)) for epoch in epochs] for kernel in kernels]
        return [Panel(rows, title, list(map(str, kernels)), times, bar)]
    panels = []
    for band in _in_bands(kernels, manner.paper):
        rows = [[cells.get((kernel, epoch)) for kernel in band] for epoch in epochs]
        panels.append(Panel(rows, "", times, list(map(str, band))))
    panels[0] = panels[0]._replace(title=title)
    panels[-1] = panels[-1]._replace(bar=bar)
    return panels


def draw_views(views: Sequence[Sequence[Picture]], manner: Manner) -> Drawing:
    """One address in several views: a row for each on a scale of its own, a column for each epoch.

    Args:
        views: The pictures of the address in each view; at least one in each.
        manner: How it is drawn.

    Raises:
        LogError: If a picture cannot be read, or they are too many.
    """
    epochs = sorted({one.address.epoch for pictures in views for one in pictures})
    panels = []
    for pictures in views:
        limits = manner.scale.limits(pictures)
        at = {
            one.address.epoch: manner.cell(one, str(one.address), own)
            for one, own in zip(pictures, limits, strict=True)
        }
        bar = manner.scale.bar(pictures, limits)
        panels.append([Panel([[at.get(epoch) for epoch in epochs]], pictures[0].view, bar=bar)])
    return manner.build(panels)


def draw_runs(runs: Mapping[str, Sequence[Sequence[Picture]]], manner: Manner) -> Drawing:
    """The same kernels in several trainings, on one scale: a row for each kernel and training.

    Args:
        runs: By name, the pictures of each kernel, at least one of each.
        manner: How it is drawn.

    Raises:
        LogError: If a picture cannot be read, or they are too many.
    """
    flat = [one for strips in runs.values() for strip in strips for one in strip]
    flat.sort(key=lambda one: one.address.epoch)
    limits = manner.scale.limits(flat)
    cells = {
        (one.run, one.address): manner.cell(one, "", own)
        for one, own in zip(flat, limits, strict=True)
    }
    epochs = sorted({one.address.epoch for one in flat})
    rows, labels = [], []
    for kernel in sorted({one.address.kernel for one in flat}):
        for run, strips in runs.items():
            own = [one for strip in strips for one in strip if one.address.kernel == kernel]
            at = {one.address.epoch: cells[run, one.address] for one in own}
            rows.append([at.get(epoch) for epoch in epochs])
            labels.append(f"{kernel}, {shown(run, _LONGEST_LABEL)}")
    bar = manner.scale.bar(flat, limits)
    times = [when(epoch) for epoch in epochs]
    return manner.build([[Panel(rows, layer_title(flat[0]), labels, times, bar)]])


def draw_difference(
    before: Sequence[Picture], after: Sequence[Picture], names: tuple[str, str], manner: Manner
) -> Drawing:
    """Kernels of a layer twice on one scale, and by how much each weight differs.

    The difference has a scale of its own, as far on both sides of zero.

    Args:
        before: A picture of each kernel.
        after: The same kernels at another epoch, or in another training.
        names: What tells one from the other.
        manner: How it is drawn; its colour map is that of the difference too.

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
        _sheet(flat[start : start + len(kernels)], limits[start:], manner, name)
        for start, name in zip((0, len(kernels)), names, strict=True)
    ]
    halves[0] = halves[0]._replace(
        title=f"{layer_title(flat[0])}: {names[0]}", bar=manner.scale.bar(flat, limits)
    )
    changes = [_difference(one[kernel], other[kernel]) for kernel in kernels]
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


def when(epoch: int) -> str:
    """An epoch as a label."""
    return "final" if epoch == FINAL else f"epoch {epoch}"


def layer_title(picture: Picture) -> str:
    """`Kernels of layer 1, conv2d`."""
    name = shown(picture.layer_name, _LONGEST_NAME)
    return f"{picture.view.capitalize()} of layer {picture.address.layer}, {name}"


def title_of(picture: Picture) -> str:
    """`Kernels of layer 1, conv2d, after epoch 10`."""
    epoch = picture.address.epoch
    then = f"after epoch {epoch}" if epoch else "before training"
    return f"{layer_title(picture)}, {'as training left it' if epoch == FINAL else then}"


def _sheet(
    pictures: Sequence[Picture], limits: Sequence[Limits | None], manner: Manner, title: str
) -> Panel:
    cells = [
        manner.cell(one, str(one.address.kernel), own)
        for one, own in zip(pictures, limits, strict=False)
    ]
    return Panel([cells], title, flow="square")


def _difference(before: Picture, after: Picture) -> NDArray[np.float64]:
    one, other = before.weights(), after.weights()
    if one.shape != other.shape:
        raise LogError(
            f"{before.tag} and {after.tag} have weights of the shapes {one.shape} and "
            f"{other.shape}; expected kernels of one shape"
        )
    return other - one


def painted(weights: NDArray[np.float64], limits: Limits, colormap: str) -> NDArray[np.uint8]:
    """A kernel's weights, (slices, ..., height, width), as tiles."""
    kernel = weights[None].astype(np.float32)
    levels = to_levels(np.nan_to_num(kernel), limits)
    colormap = GRAY if colormap == RGB else colormap
    return paint(levels, colormap, find_nonfinite(kernel))[0]  # type: ignore[no-any-return]


def _in_bands(kernels: Sequence[int], paper: Paper) -> list[list[int]]:
    room = _MOST_ACROSS if paper.width is None else int(paper.width / _NARROWEST)
    each = -(-len(kernels) // -(-len(kernels) // max(1, min(room, _MOST_ACROSS))))
    return [list(kernels[start : start + each]) for start in range(0, len(kernels), each)]
