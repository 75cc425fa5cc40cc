"""Figures as people get them, and kernels looked for in them."""

import io
import re
import subprocess
from collections import Counter

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image
from scipy.ndimage import find_objects, label

from tb_kernels.figures.mosaics import Mosaic
from tests.helpers.browser import page
from tests.helpers.oracle import draw, level

# A level of the log and one of the figure, each rounded.
TOLERANCE = 1


def rendered(figure, format, folder):
    """The pixels of a figure, saved and shown by another program, (height, width, 3)."""
    path = folder / f"figure.{format}"
    figure.savefig(path)
    dpi = round(figure.dpi)
    if format == "pdf":
        subprocess.run(["pdftoppm", "-r", str(dpi), "-png", "-singlefile", path, folder / "page"], check=True)  # fmt: skip
        path = folder / "page.png"
    if format == "svg":
        size = re.search(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"', path.read_text()).groups()
        width, height = (int(np.ceil(float(one) * dpi / 72)) for one in size)
        with page(width, height) as tab:
            tab.set_content(f"<body style='margin:0'>{path.read_text().partition('?>')[2].partition('>')[2]}")  # fmt: skip
            shot = tab.screenshot()
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))
    return np.asarray(Image.open(path).convert("RGB"))


def tiles_of(weight, kernel):
    """The slices of a kernel of a Conv2D, counted from 1."""
    return [weight[:, :, channel, kernel - 1] for channel in range(weight.shape[2])]


def place_of(figure, tiles, low, high, colormap="gray", columns=None, tolerance=TOLERANCE):
    """Where a kernel stands in the pixels of a figure, and the side of a weight there.

    Every pixel of every square is compared with the colour of the weight on the scale, to within
    a level unless said otherwise. Fails if it is not there exactly once.
    """
    figure = figure.astype(np.int16)
    for side in sides_in(figure):
        drawn = draw([level(tile, low, high) for tile in tiles], columns, scale=side)
        if drawn.shape[0] > figure.shape[0] or drawn.shape[1] > figure.shape[1]:
            continue
        blank = draw([np.zeros(tile.shape) for tile in tiles], columns, scale=side) == 255
        places = fitting(figure, *bounds(drawn, blank, colormap, tolerance))
        if places:
            assert len(places) == 1, places
            return places[0], side
    raise AssertionError("the kernel is not in the figure")


def sides_in(figure):
    """Lengths of equal pixels in rows of the figure, the commonest first: one is that of a weight."""
    found = Counter()
    for row in figure[:: max(1, len(figure) // 60)]:
        changes = np.flatnonzero((np.diff(row, axis=0) != 0).any(axis=-1))
        found.update(np.diff(changes).tolist())
    return [length for length, _ in found.most_common(40)]


def bounds(levels, blank, colormap, tolerance):
    """The lowest and the highest colour that each pixel may have."""
    nearest = np.rint(levels).astype(int)
    table = mpl.colormaps[colormap](np.arange(256), bytes=True)[:, :3].astype(np.int16)
    around = [table[np.clip(nearest + by, 0, 255)] for by in range(-tolerance, tolerance + 1)]
    lowest, highest = np.min(around, axis=0), np.max(around, axis=0)
    lowest[blank], highest[blank] = 255, 255
    return lowest, highest


def fitting(figure, lowest, highest):
    """Places at which all pixels are within bounds."""
    height, width = lowest.shape[:2]
    room = figure.shape[0] - height + 1, figure.shape[1] - width + 1
    if min(room) < 1:
        return []
    possible = np.ones(room, bool)
    # Some pixels first, which leaves few places.
    for y, x in {(0, 0), (height - 1, width - 1), (height // 2, width // 2), (0, width - 1), (height - 1, 0)}:  # fmt: skip
        seen = figure[y : y + room[0], x : x + room[1]]
        possible &= ((seen >= lowest[y, x]) & (seen <= highest[y, x])).all(axis=-1)
    found = []
    for y, x in np.argwhere(possible).tolist():
        seen = figure[y : y + height, x : x + width]
        if ((seen >= lowest) & (seen <= highest)).all():
            found.append((y, x))
    return found


def texts_of(figure):
    """Every text that is drawn, and its box in pixels (left, bottom, right, top)."""
    FigureCanvasAgg(figure).draw()
    found = []
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            box = text.get_window_extent()
            found.append((text.get_text(), (box.x0, box.y0, box.x1, box.y1)))
    return found


def pictures_of(figure):
    """The boxes of all pictures, one for each kernel at an epoch: rows are kernels, columns left, bottom, right, top."""
    boxes = []
    for axes, mosaic in mosaics_of(figure):
        opaque = np.asarray(mosaic.get_array())[..., 3] > 0
        numbers, _ = label(opaque, np.ones((3, 3)))
        left, top = axes.bbox.x0, axes.bbox.y1
        for rows, columns in find_objects(numbers):
            # What does not fill its box would be pictures that touch.
            assert opaque[rows, columns].all()
            boxes.append((left + columns.start, top - rows.stop, left + columns.stop, top - rows.start))  # fmt: skip
    return np.array(boxes)


def mosaics_of(figure):
    """The pictures of each panel, and their axes, which are as large."""
    found = [(axes, image) for axes in figure.axes for image in axes.images if isinstance(image, Mosaic)]  # fmt: skip
    for axes, mosaic in found:
        assert axes.bbox.size == pytest.approx(mosaic.get_array().shape[1::-1])
    return found


def check_layout(figure, pictures):
    """That a figure has so many pictures, and that all in it can be seen.

    No text and no picture meets another, none is cut off, and pictures are further apart than
    slices are; letters are six points high at least. At the edge nothing is drawn.
    """
    texts = texts_of(figure)
    assert texts
    for text in figure.findobj(Text):
        assert text.get_fontsize() >= 6
    boxes = pictures_of(figure)
    assert len(boxes) == pictures
    bars = [axes.bbox.extents for axes in figure.axes for image in axes.images if not isinstance(image, Mosaic)]  # fmt: skip
    named = [*texts, *((f"bar {at}", box) for at, box in enumerate(bars))]
    width, height = figure.bbox.size
    for name, (left, bottom, right, top) in [*named, *(("picture", box) for box in boxes)]:
        assert left >= -0.5, name
        assert bottom >= -0.5, name
        assert right <= width + 0.5, name
        assert top <= height + 0.5, name
    around = np.array([box for _, box in named])
    for number, (name, box) in enumerate(named):
        # A pixel of rounding.
        met = np.flatnonzero(distances(box, around[:number]) < -1)
        assert not met.size, (name, named[met[0]][0])
        assert distances(box, boxes).min() >= -1, name
    gap = figure.dpi / 72 * 3.5
    for number, box in enumerate(boxes[1:], 1):
        assert distances(box, boxes[:number]).min() >= gap
    pixels = np.asarray(figure.canvas.buffer_rgba())
    for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        assert (edge == edge[0]).all()


def distances(box, others):
    """How far boxes are from one, in the direction in which they are further; less than 0 if they overlap."""
    left, bottom, right, top = box
    across = np.maximum(others[:, 0] - right, left - others[:, 2])
    along = np.maximum(others[:, 1] - top, bottom - others[:, 3])
    return np.maximum(across, along)
