"""One scale for all that a figure compares: which weight each colour stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tb_kernels.arguments import check_range
from tb_kernels.drawing.colors import GRAY, RGB, check_colormap, lookup_table
from tb_kernels.drawing.levels import MODES, Limits, find_limits
from tb_kernels.errors import ArgumentError, LogError
from tb_kernels.reading.legends import Legend
from tb_kernels.reading.picture import Picture
from tb_kernels.schema.naming import EXAMPLES, GRADIENTS, SHEET
from tb_kernels.wording import shown

Normalize = (
    Literal["layer", "kernel", "first", "symmetric", "standard", "epoch"] | tuple[float, float]
)

# The loggers' words, and each epoch on the scale that it was logged on.
WORDS = (*MODES, "epoch")

_LEVELS = 256
_LONGEST_NAME = 48


@dataclass(frozen=True)
class Bar:
    """What is told of a scale.

    Attributes:
        colors: From low to high, (levels, 3); None for a note alone.
        low: What the first stands for; None where that differs from one to the next.
        high: What the last stands for, likewise.
        note: What else is to be said, or instead.
    """

    colors: NDArray[np.uint8] | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Scale:
    """Which colour a weight has in a figure.

    Attributes:
        normalize: How the ends are found.
        colormap: A name of matplotlib's, `"gray"` or `"rgb"`; None for as logged.
    """

    normalize: Normalize = "layer"
    colormap: str | None = None

    @classmethod
    def checked(cls, normalize: Any = "layer", colormap: Any = None) -> Scale:
        """From what a user has given.

        Args:
            normalize: Where the ends of the one scale are. `"layer"`: the lowest and the
                highest that were logged of the layer at the epochs shown. `"symmetric"`: as far
                on both sides of zero. `"first"`: those of the first epoch shown. `"kernel"`: of
                each kernel over the epochs shown. `"standard"`: two deviations around the mean
                of what is shown. A pair: these weights. `"epoch"`: each picture on the scale
                that it was logged on, so that epochs cannot be compared.
            colormap: A name that matplotlib knows, `"gray"`, `"rgb"` for kernels of three input
                channels, or None for as logged.

        Raises:
            ArgumentError: If one of these is not what is expected.
        """
        if isinstance(normalize, str):
            if normalize not in WORDS:
                raise ArgumentError(
                    f"normalize: unknown {normalize!r}; expected one of "
                    f"{', '.join(map(repr, WORDS))} or a pair (low, high)"
                )
        else:
            normalize = check_range("normalize", normalize)
        return cls(normalize, None if colormap is None else check_colormap(colormap))

    @property
    def told(self) -> str:
        """Which scale this is, in words."""
        ends = {
            "epoch": "each epoch on the scale that it was logged on",
            "kernel": "one scale for all epochs of a kernel",
        }
        usual = "one scale for all epochs of a layer"
        if not isinstance(self.normalize, str):
            low, high = self.normalize
            usual += f", {low:g} to {high:g}"
        elif self.normalize != "layer":
            usual += f", {self.normalize}"
        colors = "colours as logged" if self.colormap is None else f"colour map {self.colormap}"
        return f"{ends.get(str(self.normalize), usual)}; {colors}, from low to high"

    def limits(self, pictures: Sequence[Picture]) -> list[Limits | None]:
        """The ends of each picture's scale.

        Args:
            pictures: Of one layer, in the order of epochs.

        Returns:
            For each its limits; None for one that stays as it was logged: of which no weights
            can be had, or that shows examples, whose mean has a scale of its own.
        """
        legends = [_rescalable(one) for one in pictures]
        if self.normalize == "epoch":
            return [None if legend is None else legend.limits for legend in legends]
        known = [(one, legend) for one, legend in zip(pictures, legends, strict=True) if legend]
        if not known:
            return [None] * len(pictures)
        if self.normalize == "kernel":
            found = {
                kernel: _union([legend for one, legend in known if one.address.kernel == kernel])
                for kernel in {one.address.kernel for one, _ in known}
            }
            return [
                None if legend is None else found[one.address.kernel]
                for one, legend in zip(pictures, legends, strict=True)
            ]
        shared = self._shared(known)
        return [None if legend is None else shared for legend in legends]

    def _shared(self, known: Sequence[tuple[Picture, Legend]]) -> Limits:
        if isinstance(self.normalize, tuple):
            return Limits.of(*self.normalize)
        if self.normalize == "standard":
            weights = np.concatenate([one.weights().ravel() for one, _ in known])
            return find_limits(weights[None].astype(np.float32), "standard")
        first = known[0][0].address.epoch
        if self.normalize == "first":
            known = [(one, legend) for one, legend in known if one.address.epoch == first]
        low, high = _union([legend for _, legend in known])
        around_zero = self.normalize == "symmetric" or known[0][0].view == GRADIENTS
        if around_zero and self.normalize != "first":
            reach = max(-float(low), float(high))
            return Limits.of(-reach, reach)
        return Limits(low, high)

    def painted(self, legend: Legend, limits: Limits | None) -> str:
        """The colour map that a picture is drawn in."""
        if limits is None or self.colormap is None:
            return legend.colormap
        if self.colormap == RGB and legend.window[0] != 3:
            return GRAY
        return self.colormap

    def bar(self, pictures: Sequence[Picture], limits: Sequence[Limits | None]) -> Bar:
        """What is told of the scale of these pictures."""
        try:
            legends = [one.legend for one in pictures]
            names = {
                self.painted(legend, ends) for legend, ends in zip(legends, limits, strict=True)
            }
            colors = gradient(names.pop()) if len(names) == 1 else None
        except LogError:
            return Bar(note="scale not known: there is no index")
        except ArgumentError:
            return Bar(note=f"colour map {shown(legends[0].colormap, _LONGEST_NAME)!r}")
        if colors is None:
            return Bar(note="in colour maps of their own")
        if all(legend.overlay for legend in legends):
            return Bar(colors, note="each on a scale of its own")
        ends = {
            end
            for own, legend in zip(limits, legends, strict=True)
            for end in zip(*map(np.atleast_1d, own or legend.limits), strict=True)
        }
        if len(ends) > 1:
            each = "kernel" if self.normalize == "kernel" else "picture"
            return Bar(colors, note=f"each {each} on a scale of its own")
        ((low, high),) = ends
        rgb = RGB in {self.painted(one, own) for one, own in zip(legends, limits, strict=True)}
        return Bar(colors, float(low), float(high), "in red, green and blue" if rgb else "")


def gradient(colormap: str) -> NDArray[np.uint8]:
    """The colours of a scale from low to high, (levels, 3)."""
    if colormap in (GRAY, RGB):
        return np.repeat(np.arange(_LEVELS, dtype=np.uint8)[:, None], 3, axis=1)
    return lookup_table(colormap)


def _rescalable(picture: Picture) -> Legend | None:
    """How a picture is read, if it can be drawn on another scale: a sheet has one already."""
    if picture.view == EXAMPLES or picture.address.kernel == SHEET:
        return None
    try:
        legend = picture.legend
    except LogError:
        return None
    return None if legend.overlay else legend


def _union(legends: Sequence[Legend]) -> Limits:
    """From the lowest to the highest end that pictures were logged with."""
    return Limits.of(
        min(float(one.limits.low.min()) for one in legends),
        max(float(one.limits.high.max()) for one in legends),
    )
