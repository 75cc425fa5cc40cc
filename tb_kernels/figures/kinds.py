"""The figures there are: which pictures each shows, and how they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from tb_kernels.drawing.levels import Limits
from tb_kernels.figures.building import TooLargeError
from tb_kernels.figures.manner import Manner
from tb_kernels.figures.panels import Cell, Panel
from tb_kernels.figures.paper import Paper
from tb_kernels.figures.saving import Drawing
from tb_kernels.figures.words import by_address, by_number, layer_title, title_of, when
from tb_kernels.reading.captions import changes_of
from tb_kernels.reading.picture import Picture
from tb_kernels.wording import shown

# Pictures wider than so many heights stand below each other: rows of more than four slices.
_WIDE = 5

# Of the name of a training, in a label.
_LONGEST_NAME = 24

# So many kernels stand beside each other in a grid, before it goes on below, each in so many
# millimetres at least.
_MOST_ACROSS, _NARROWEST = 16, 8.0


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
    cells = _in_time(pictures, limits, manner)
    direction = manner.direction
    if direction == "auto":
        height = max(cell.layout.size[0] for cell in cells)
        wide = max(cell.layout.size[1] for cell in cells) > _WIDE * height
        direction = "down" if wide else "across"
    bar = manner.scale.bar(pictures, limits)
    flow: Literal["row", "column"] = "row" if direction == "across" else "column"
    return manner.build([[Panel([cells], bar=bar, flow=flow)]])


def draw_sheet(
    pictures: Sequence[Picture], manner: Manner, limits: Sequence[Limits | None] | None = None
) -> Drawing:
    """The kernels of a layer at one epoch, numbered.

    Args:
        pictures: At least one.
        manner: How it is drawn.
        limits: Of each picture's scale, where others are compared with these; None for these.

    Raises:
        LogError: If a picture cannot be read, or they are too many.
    """
    limits = manner.scale.limits(pictures) if limits is None else limits
    panel = sheet_panel(pictures, limits, manner, title_of(pictures[0]))
    return manner.build([[panel._replace(bar=manner.scale.bar(pictures, limits))]])


def draw_sheets(
    pictures: Sequence[Picture], manner: Manner, limits: Sequence[Limits | None]
) -> Iterator[Drawing]:
    """As `draw_sheet`, on several sheets where the kernels are too many for one."""
    try:
        yield draw_sheet(pictures, manner, limits)
    except TooLargeError:
        if len(pictures) == 1:
            raise
        half = -(-len(pictures) // 2)
        yield from draw_sheets(pictures[:half], manner, limits[:half])
        yield from draw_sheets(pictures[half:], manner, limits[half:])


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
        cells = _in_time(pictures, limits, manner)
        at = {one.address.epoch: cell for one, cell in zip(pictures, cells, strict=True)}
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
            labels.append(f"{kernel}, {shown(run, _LONGEST_NAME)}")
    bar = manner.scale.bar(flat, limits)
    times = [when(epoch) for epoch in epochs]
    return manner.build([[Panel(rows, layer_title(flat[0]), labels, times, bar)]])


def _in_time(
    pictures: Sequence[Picture], limits: Sequence[Limits | None], manner: Manner
) -> list[Cell]:
    """One kernel's pictures, each by its address, and with what has changed since the last."""
    return [
        manner.cell(one, by_address(one, change), own)
        for one, own, change in zip(pictures, limits, changes_of(pictures), strict=True)
    ]


def sheet_panel(
    pictures: Sequence[Picture], limits: Sequence[Limits | None], manner: Manner, title: str
) -> Panel:
    """Kernels with their numbers, row by row."""
    cells = [
        manner.cell(one, by_number(one), own) for one, own in zip(pictures, limits, strict=False)
    ]
    return Panel([cells], title, flow="square")


def _in_bands(kernels: Sequence[int], paper: Paper) -> list[list[int]]:
    room = _MOST_ACROSS if paper.width is None else int(paper.width / _NARROWEST)
    each = -(-len(kernels) // -(-len(kernels) // max(1, min(room, _MOST_ACROSS))))
    return [list(kernels[start : start + each]) for start in range(0, len(kernels), each)]
