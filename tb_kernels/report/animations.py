"""A layer across epochs, as an animated GIF."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.picture import Picture
from tb_kernels.report.board import Board
from tb_kernels.report.grids import thin_out
from tb_kernels.report.job import Job
from tb_kernels.report.sheets import sheets_of

# Milliseconds that a frame is seen, and the last one.
_FRAME, _LAST_FRAME = 700, 2000

# All frames are held while the file is written: so many pixels in all.
_MOST_PIXELS = 100_000_000


def animate(job: Job, layer: LoggedLayer) -> bytes:
    """The animation of a layer as a job asks for it.

    Raises:
        LogError: If a picture cannot be read or redrawn, or the report has no room for it.
    """
    epochs = [job.log.of_layer(layer, epoch) for epoch in layer.epochs]
    job.room.take(chain.from_iterable(epochs))
    return draw_animation(epochs, job.scale, job.columns)


def draw_animation(
    epochs: Iterable[Sequence[Picture]], scale: int | None, columns: int | None
) -> bytes:
    """The first sheet of a layer across epochs, for ever: a GIF file.

    Args:
        epochs: The pictures of the layer at each epoch, kernels at one epoch at least.
        scale: As in `sheets_of`.
        columns: Likewise.

    Raises:
        LogError: If a picture cannot be read or redrawn.
    """
    sheets = [each[0] for pictures in epochs if (each := sheets_of(pictures, scale, columns))]
    first = sheets[0]()
    height, width = first.size
    chosen = thin_out(sheets, max(2, _MOST_PIXELS // (height * width)))
    frames = _frames([lambda: first, *chosen[1:]])
    stream = io.BytesIO()
    next(frames).save(
        stream,
        "GIF",
        save_all=True,
        append_images=frames,
        duration=[_FRAME] * (len(chosen) - 1) + [_LAST_FRAME],
        loop=0,
        optimize=False,
    )
    return stream.getvalue()


def _frames(boards: Sequence[Callable[[], Board]]) -> Iterator[Image.Image]:
    size = None
    for draw in boards:
        pixels = draw().pixels()
        size = size or pixels.shape[:2]
        yield _image(_fit(pixels, size))


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
