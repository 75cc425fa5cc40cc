"""Batch after batch of inputs → the best ones of each kernel, and their mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tb_kernels.model.frames import Frames


class Examples(NamedTuple):
    """The parts of inputs that excite some kernels of a layer most, the best first.

    Attributes:
        indices: Shape (kernels, top), int64: which inputs, from 0 in the order they were given.
        positions: Shape (kernels, top, 2), int64: row and column of the value in the layer's map.
        values: Shape (kernels, top), float32: the kernel's value there, before its activation;
            minus infinity where it has none that is a number.
        corners: Shape (kernels, top, 2), int64: row and column of the picture where the cut-out
            begins, below 0 outside of it.
        cutouts: Shape (kernels, top, height, width, channels), float32; NaN outside the picture.
        mean: Shape (kernels, height, width, channels), float32: the weighted mean of the best
            inputs about that of all; NaN where all of them lie outside.
    """

    indices: NDArray[np.int64]
    positions: NDArray[np.int64]
    values: NDArray[np.float32]
    corners: NDArray[np.int64]
    cutouts: NDArray[np.float32]
    mean: NDArray[np.float32]


class MeanPicture:
    """The mean of all pictures, and their smallest and largest value.

    Attributes:
        count: How many pictures.
    """

    def __init__(self) -> None:
        self._sum: Any = np.float64(0)
        self._finite: Any = np.int64(0)
        self.count = 0
        self._low, self._high = np.inf, -np.inf

    def add(self, pictures: NDArray[Any]) -> None:
        """Takes a batch of pictures, (inputs, height, width, channels), into account."""
        self.count += len(pictures)
        low, high = float(pictures.min()), float(pictures.max())
        if np.isfinite(high - low):
            self._finite = self._finite + len(pictures)
        else:
            finite = np.isfinite(pictures)
            some = pictures[finite]
            low, high = (float(some.min()), float(some.max())) if some.size else (0, 0)
            self._finite = self._finite + finite.sum(axis=0)
            pictures = np.where(finite, pictures, 0)
        self._sum = self._sum + pictures.sum(axis=0, dtype=np.float64)
        self._low, self._high = min(self._low, low), max(self._high, high)

    @property
    def extremes(self) -> tuple[float, float]:
        """The smallest and the largest value that is finite."""
        return self._low, self._high

    @property
    def mean(self) -> NDArray[np.float64]:
        """Of what is finite: shape (height, width, channels)."""
        mean: NDArray[np.float64] = self._sum / np.maximum(self._finite, 1)
        return mean


class Best:
    """The best inputs of some kernels of a layer so far: what they are takes no more with more.

    Args:
        frames: Where the layer's values look.
        kernels: How many kernels.
        most: How many inputs are kept of each.
    """

    def __init__(self, frames: Frames, kernels: int, most: int) -> None:
        self._frames = frames
        self._most = most
        self._values = np.empty((kernels, 0), np.float32)
        self._indices = np.empty((kernels, 0), np.int64)
        self._places = np.empty((kernels, 0), np.int64)
        self._parts: list[list[NDArray[Any]]] = [[] for _ in range(kernels)]
        self._sum = np.zeros(kernels)
        self._counted = np.zeros(kernels, np.int64)
        self._seen = 0

    def add(
        self, pictures: NDArray[Any], values: NDArray[np.float32], places: NDArray[np.int64]
    ) -> None:
        """Takes a batch into account.

        Args:
            pictures: Shape (inputs, height, width, channels).
            values: Shape (inputs, kernels): the largest of each kernel in each input.
            places: Where they are: row times the map's width plus column.
        """
        finite = np.isfinite(values)
        self._sum += np.where(finite, values, 0).sum(axis=0, dtype=np.float64)
        self._counted += finite.sum(axis=0)
        numbers = self._seen + np.arange(len(values), dtype=np.int64)
        self._seen += len(values)
        held = self._values.shape[1]
        every = np.concatenate([self._values, values.T], axis=1)
        # What came earlier stands before it, and stays there where it is equal.
        order = np.argsort(-every, axis=1, kind="stable")[:, : self._most]

        def chosen(before: NDArray[Any], batch: NDArray[Any]) -> NDArray[Any]:
            return np.take_along_axis(np.concatenate([before, batch], axis=1), order, axis=1)

        self._values = np.take_along_axis(every, order, axis=1)
        self._indices = chosen(self._indices, np.broadcast_to(numbers, values.T.shape))
        self._places = chosen(self._places, places.T)
        self._keep(pictures, order, held)

    def found(self, top: int, mean_of: int, mean_picture: NDArray[np.float64]) -> Examples:
        """The best, and the weighted mean of the best.

        Args:
            top: How many.
            mean_of: How many go into the mean.
            mean_picture: The mean of all pictures.
        """
        kernels, columns = len(self._parts), len(self._frames.columns.starts)
        best = [self._placed(kernel, top) for kernel in range(kernels)]
        positions = np.stack(np.divmod(self._places[:, :top], columns), axis=-1)
        rows, across = self._frames.rows.starts, self._frames.columns.starts
        return Examples(
            indices=self._indices[:, :top],
            positions=positions,
            values=self._values[:, :top],
            corners=np.stack([rows[positions[..., 0]], across[positions[..., 1]]], axis=-1),
            cutouts=np.stack(best),
            mean=np.stack([self._mean(kernel, mean_of, mean_picture) for kernel in range(kernels)]),
        )

    def _keep(self, pictures: NDArray[Any], order: NDArray[np.intp], held: int) -> None:
        """Keeps the parts of the best alone: of those held before, and then of the batch."""
        # Of whole inputs, which several kernels may share, one copy will do.
        copies: dict[tuple[int, ...], NDArray[Any]] = {}

        def part(one: int, place: np.int64) -> NDArray[Any]:
            key = one, *self._corner(place)
            if key not in copies:
                # A copy, or the whole batch would be kept.
                copies[key] = self._frames.cut(pictures[one], *self._position(place)).copy()
            return copies[key]

        for kernel, parts in enumerate(self._parts):
            if order[kernel].max() < held and len(parts) == order.shape[1]:
                continue
            self._parts[kernel] = [
                parts[one] if one < held else part(one - held, place)
                for one, place in zip(order[kernel], self._places[kernel], strict=True)
            ]

    def _placed(self, kernel: int, top: int) -> NDArray[np.float32]:
        parts: Sequence[NDArray[Any]] = self._parts[kernel][:top]
        places = self._places[kernel, :top]
        return np.stack(
            [
                self._frames.place(part, *self._position(place))
                for part, place in zip(parts, places, strict=True)
            ]
        )

    def _mean(
        self, kernel: int, mean_of: int, mean_picture: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """The mean of the best about the mean picture, each weighted by its value about theirs."""
        values = self._values[kernel, :mean_of].astype(np.float64)
        weights = values - self._sum[kernel] / max(1, self._counted[kernel])
        weights[~np.isfinite(weights)] = 0
        total = np.zeros(self._frames.shape)
        weight = np.zeros((*self._frames.shape[:2], 1))
        inside = np.zeros_like(weight, bool)
        for one, place, part in zip(
            weights, self._places[kernel], self._parts[kernel], strict=False
        ):
            at = self._position(place)
            (_, _, top), (_, _, left) = (
                side.within(where)
                for side, where in zip((self._frames.rows, self._frames.columns), at, strict=True)
            )
            here = slice(top, top + part.shape[0]), slice(left, left + part.shape[1])
            inside[here] = True
            if one:
                total[here] += one * (part - self._frames.cut(mean_picture, *at))
                weight[here] += abs(one)
        mean = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
        return np.where(inside, mean, np.nan).astype(np.float32)

    def _corner(self, place: np.int64) -> tuple[int, int]:
        row, column = self._position(place)
        return int(self._frames.rows.starts[row]), int(self._frames.columns.starts[column])

    def _position(self, place: np.int64) -> tuple[int, int]:
        row, column = divmod(int(place), len(self._frames.columns.starts))
        return row, column
