"""What a picture means, in a line for its caption."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tb_kernels.reading.legends import place_of
from tb_kernels.reading.notes import ExplainedClass, Notes, notes_in
from tb_kernels.schema.index import LayerEntry, axes_of
from tb_kernels.schema.naming import ACTIVATIONS, EXPANDED, HEATMAPS, PATTERNS, SHEET
from tb_kernels.wording import count, shown

if TYPE_CHECKING:
    from tb_kernels.reading.picture import Picture

# What the second number of an address counts, where it is no kernel.
_NOUNS = {HEATMAPS: "input", ACTIVATIONS: "feature map"}

# What the value that is noted of a picture is called.
_VALUES = {HEATMAPS: "score", PATTERNS: "excitation", EXPANDED: "linearity"}

# Of a class's name: a caption is a short line.
_LONGEST_NAME = 40


def noun_of(view: str) -> str:
    """What the second number of an address counts in a view: kernels, inputs, feature maps."""
    return _NOUNS.get(view, "kernel")


def caption_of(view: str, kernel: int, entry: LayerEntry | None) -> str:
    """The caption of a picture.

    Args:
        view: What it shows.
        kernel: Its kernel number; of a heatmap the input's.
        entry: In the index that was written with it; None if it cannot be had.
    """
    noun = noun_of(view)
    if entry is None:
        return "" if kernel == SHEET else f"{noun} {kernel}"
    if kernel == SHEET:
        return count(axes_of(entry).kernels, noun)
    what, kernels = f"{noun} {kernel}", entry["kernels"]
    if view != HEATMAPS:
        what = f"{noun} {(kernel - 1) % kernels + 1} of {kernels}"
    if entry["pictures"] == "slices":
        what += f", slice {(kernel - 1) // kernels + 1} of {entry['slices']}"
    told = _told(view, notes_in(entry), place_of(entry["drawn"], kernel))
    return f"{what}: {', '.join(told)}" if told else what


def changes_of(pictures: Sequence[Picture]) -> list[str]:
    """Where the class that the heatmaps of one input explain is another than before.

    Without `classes=` of the logger, that is the class that the model predicts.

    Args:
        pictures: Of one input and layer, in the order of epochs.

    Returns:
        For each picture `"was seven"`, the class of the picture before (`"was class 7"` where
        no names were given), or an empty text where it is the same, not known, or the first.
    """
    changes: list[str] = []
    before: ExplainedClass | None = None
    for picture in pictures:
        now = picture.explains
        changed = before is not None and now is not None and before.number != now.number
        changes.append(f"was {_short(str(before))}" if changed else "")
        before = now or before
    return changes


def _told(view: str, notes: Notes, place: int) -> list[str]:
    """What is noted of one picture, part by part."""
    explained = notes.explains(place)
    told = [] if explained is None else [_short(str(explained))]
    if notes.excited is not None and not notes.excited[place]:
        return [*told, "nothing excites it"]
    if notes.values is not None and view in _VALUES:
        value = float(notes.values[place])
        if math.isfinite(value):
            told.append(f"{_VALUES[view]} {value:.3g}")
        elif view != EXPANDED:
            # A linearity is missing also where nothing was measured.
            told.append(f"{_VALUES[view]} not finite")
    if notes.ends is not None and math.isfinite(notes.ends[place, 0]):
        largest, smallest = notes.ends[place]
        told.append(f"examples from {largest:.3g} to {smallest:.3g}")
    return told


def _short(name: str) -> str:
    return shown(name, _LONGEST_NAME)
