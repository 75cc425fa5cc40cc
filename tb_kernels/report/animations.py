"""A layer across epochs, as an animated GIF."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tb_kernels.figures.kinds import draw_sheet
from tb_kernels.figures.manner import Manner
from tb_kernels.figures.saving import pixels_of
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.picture import Picture
from tb_kernels.report.job import Job
from tb_kernels.report.room import thin_out
from tb_kernels.schema.naming import SHEET

# Milliseconds that a frame is seen, and the last one.
_FRAME, _LAST_FRAME = 700, 2000

# All frames are held while the file is written: so many pixels in all.
_MOST_PIXELS = 100_000_000


def animate(job: Job, layer: LoggedLayer) -> bytes:
    """The animation of a layer as a job asks for it.

    Raises:
        LogError: If a picture cannot be read or redrawn, or the report has no room for it.
    """
    epochs = [kernels_of(job.log.of_layer(layer, epoch)) for epoch in layer.epochs]
    epochs = [pictures for pictures in epochs if pictures]
    job.room.take(chain.from_iterable(epochs))
    return draw_animation(epochs, job.manner)


def kernels_of(pictures: Sequence[Picture]) -> list[Picture]:
    """Those of pictures that are no sheets."""
    return [one for one in pictures if one.address.kernel != SHEET]


def draw_animation(epochs: Sequence[Sequence[Picture]], manner: Manner) -> bytes:
    """The sheet of a layer across epochs, on one scale, for ever: a GIF file.

    Args:
        epochs: The kernels of the layer at each epoch.
        manner: How the sheet is drawn.

    Raises:
        LogError: If a picture cannot be read, or they are too many for one sheet.
    """
    among = list(chain.from_iterable(epochs))
    first = pixels_of(draw_sheet(epochs[0], manner, among))
    height, width = first.shape[:2]
    chosen = thin_out(epochs, max(2, _MOST_PIXELS // (height * width)))

    def frames() -> Iterator[Image.Image]:
        yield _image(first)
        for pictures in chosen[1:]:
            yield _image(_fit(pixels_of(draw_sheet(pictures, manner, among)), (height, width)))

    drawn = frames()
    stream = io.BytesIO()
    next(drawn).save(
        stream,
        "GIF",
        save_all=True,
        append_images=drawn,
        duration=[_FRAME] * (len(chosen) - 1) + [_LAST_FRAME],
        loop=0,
        optimize=False,
    )
    return stream.getvalue()


def _fit(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Cut or filled with white to the size of the first frame."""
    whole = np.full((*size, 3), 255, np.uint8)
    cut = pixels[: size[0], : size[1]]
    whole[: cut.shape[0], : cut.shape[1]] = cut
    return whole


def _image(pixels: NDArray[np.uint8]) -> Image.Image:
    if (pixels == pixels[..., :1]).all():
        # A GIF has 256 colours: all greys there are.
        return Image.fromarray(pixels[..., 0])
    return Image.fromarray(pixels).quantize(dither=Image.Dither.NONE)
