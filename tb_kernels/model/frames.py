"""A layer of a model → where in the picture each of its values looks: its receptive fields."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from tb_kernels.model import backend
from tb_kernels.model.canvas import Canvas
from tb_kernels.model.field import Reach
from tb_kernels.model.linear import Linear

# Pixels looked at in one pass, of which calling the layers one by one takes the most.
_PASS_PIXELS = 4 * 224 * 224


class Side(NamedTuple):
    """The receptive fields of a layer along one axis.

    Attributes:
        starts: Where the field of each place of the map begins, below 0 outside the picture.
        length: Of every field.
        size: Of the picture.
    """

    starts: NDArray[np.int64]
    length: int
    size: int

    def within(self, place: int) -> tuple[int, int, int]:
        """Of a place's field: begin and end in the picture, and where that begins in the field."""
        start = int(self.starts[place])
        begin, end = max(0, start), min(self.size, start + self.length)
        return begin, end, begin - start


class Frames(NamedTuple):
    """Where each value of a layer looks in pictures of one size.

    Attributes:
        rows: The fields from top to bottom.
        columns: The fields from left to right.
        channels: Of the picture.
        known: Whether the fields were found, and none is longer than the picture, on both axes.
    """

    rows: Side
    columns: Side
    channels: int
    known: bool

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of what is cut out: height, width, channels."""
        return self.rows.length, self.columns.length, self.channels

    def cut(self, picture: NDArray[Any], row: int, column: int) -> NDArray[Any]:
        """The part of a picture that lies in the field of a value, in its own type.

        Args:
            picture: Shape (height, width, channels).
            row: Of the value in the layer's map.
            column: Likewise.
        """
        (top, bottom, _), (left, right, _) = self.rows.within(row), self.columns.within(column)
        return picture[top:bottom, left:right]

    def place(self, part: NDArray[Any], row: int, column: int) -> NDArray[np.float32]:
        """What was cut out, where it lies in the field: float32, NaN outside the picture.

        Args:
            part: What `cut` gave.
            row: Of the value in the layer's map.
            column: Likewise.
        """
        whole = np.full(self.shape, np.nan, np.float32)
        (_, _, top), (_, _, left) = self.rows.within(row), self.columns.within(column)
        whole[top : top + part.shape[0], left : left + part.shape[1]] = part
        return whole


def frames_of(
    reach: Reach, canvas: Canvas | None, size: tuple[int, int, int], map_: tuple[int, int]
) -> Frames:
    """The receptive fields of a layer's values, by what each depends on when every weight is 1.

    Args:
        reach: The way from the picture to the layer.
        canvas: Pictures of this size; None where the model is no one that takes one.
        size: Of a picture: height, width, channels.
        map_: Height and width of the layer's map.

    Returns:
        The fields in pictures of this size; along an axis where they are longer than the picture,
        or where they cannot be found, the whole picture.
    """
    try:
        if canvas is None:
            sides: list[Side | None] = [None, None]
        else:
            seen = _Seen(reach, Linear(reach.model), canvas)
            sides = [_side(seen, axis, size[axis], map_) for axis in (0, 1)]
    except Exception:
        # Some layer on the way cannot be called with other weights, or for a gradient.
        sides = [None, None]
    rows, columns = (
        Side(np.zeros(places, np.int64), length, length) if side is None else side
        for side, places, length in zip(sides, map_, size[:2], strict=True)
    )
    return Frames(rows, columns, size[2], known=None not in sides)


class _Seen:
    """Which part of the picture values of a layer depend on."""

    def __init__(self, reach: Reach, linear: Linear, canvas: Canvas) -> None:
        self._reach, self._linear, self._canvas = reach, linear, canvas
        self._known: dict[tuple[int, int], NDArray[np.bool_]] = {}

    def __call__(self, places: list[tuple[int, int]], axis: int) -> NDArray[np.int64]:
        """The first and the last row, or column, of each of these places' fields: (places, 2)."""
        new = [place for place in dict.fromkeys(places) if place not in self._known]
        height, width, _ = self._canvas.shape
        most = max(1, _PASS_PIXELS // (height * width))
        for begin in range(0, len(new), most):
            batch = new[begin : begin + most]
            self._known.update(zip(batch, self._look(batch), strict=True))
        ends = []
        for place in places:
            along = np.flatnonzero(self._known[place].any(axis=1 - axis))
            ends.append((along[0], along[-1]))
        return np.array(ends, np.int64)

    def _look(self, places: list[tuple[int, int]]) -> NDArray[np.bool_]:
        def number_of(values: Any) -> Any:
            picked = [values[one, row, column] for one, (row, column) in enumerate(places)]
            return keras.ops.sum(keras.ops.stack(picked))

        pictures = keras.ops.ones((len(places), *self._canvas.shape))
        with self._linear.within(structure=True):
            slopes, _ = self._reach.slopes(self._canvas, pictures, number_of)
        touched: NDArray[np.bool_] = np.any(backend.to_numpy(slopes), axis=-1)
        return touched


def _side(seen: _Seen, axis: int, size: int, map_: tuple[int, int]) -> Side | None:
    """The fields along an axis; None where they are longer than the picture.

    Fields that lie at equal distances are known from a few; of others each is looked at.
    """
    number = map_[axis]

    def ends(places: list[int]) -> NDArray[np.int64]:
        middles = [size // 2 for size in map_]
        return seen(
            [(place, middles[1]) if axis == 0 else (middles[0], place) for place in places], axis
        )

    last, middle = number - 1, number // 2
    corners = ends([0, last])
    if corners[0, 1] == size - 1 and corners[1, 0] == 0:
        # Even those at both ends of the map see all of it.
        return None
    few = sorted({0, min(1, last), max(0, middle - 1), middle, max(0, last - 1), last})
    line = _line(few, ends(few), size, middle)
    if line is not None:
        start, stride, length = line
        starts = start + stride * np.arange(number)
    else:
        found = ends(list(range(number)))
        known = [end - begin + 1 for begin, end in found if begin > 0 and end < size - 1]
        length = max(known, default=size + 1)
        # A field that begins outside is known by its end.
        starts = np.where(found[:, 0] > 0, found[:, 0], found[:, 1] - length + 1)
    return None if length > size else Side(starts, int(length), size)


def _line(
    places: list[int], ends: NDArray[np.int64], size: int, middle: int
) -> tuple[int, int, int] | None:
    """Start of the first field, distance from one to the next, and length; None if irregular.

    A field that the picture's edge, or that of a map on the way, cuts off may be seen shorter, so
    that only the middle one has to be seen as it is.

    Args:
        places: Of the map, from the first to the last.
        ends: First and last row, or column, of their fields within the picture.
        size: Of the picture.
        middle: The place in the middle.
    """
    where = np.array(places)
    first, last = ends[:, 0], ends[:, 1]
    begun, ended = first > 0, last < size - 1
    if len(places) == 1:
        return int(first[0]), 0, int(last[0] - first[0] + 1)
    if not begun.any() or not ended.any():
        return None
    at = places.index(middle)
    pairs = [(at - 1, at), (len(places) - 2, len(places) - 1), (0, 1)]
    strides = [first[after] - first[before] for before, after in pairs if begun[before]]
    strides += [last[after] - last[before] for before, after in pairs if ended[after]]
    for stride in (*strides, round(size / (places[-1] + 1))):
        start = (first - stride * where)[begun].min()
        length = (last - stride * where)[ended].max() - start + 1
        starts = start + stride * where
        stops = starts + length - 1
        around = (first >= starts) & (last <= stops)
        exact = (first[at], last[at]) == (max(0, starts[at]), min(size - 1, stops[at]))
        if around.all() and exact:
            return int(start), int(stride), int(length)
    return None
