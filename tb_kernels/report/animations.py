"""A layer across epochs, as an animated GIF."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tb_kernels.report.board import Board

# Milliseconds that a frame is seen, and the last one.
_FRAME, _LAST_FRAME = 700, 2000

# All frames are held while the file is written: so many pixels in all.
_MOST_PIXELS = 100_000_000


def frames_that_fit(height: int, width: int) -> int:
    """How many frames of this size in pixels an animation can have."""
    return max(2, _MOST_PIXELS // (height * width))


def encode_gif(boards: Sequence[Callable[[], Board]]) -> bytes:
    """Makes an animation that runs for ever.

    Args:
        boards: What draws each frame; at least one.
    """
    frames = _frames(boards)
    stream = io.BytesIO()
    next(frames).save(
        stream,
        "GIF",
        save_all=True,
        append_images=frames,
        duration=[_FRAME] * (len(boards) - 1) + [_LAST_FRAME],
        loop=0,
        optimize=False,
    )
    return stream.getvalue()


def _frames(boards: Sequence[Callable[[], Board]]) -> Iterator[Image.Image]:
    size = None
    for draw in boards:
        pixels = draw().pixels()
        size = size or pixels.shape[:2]
        yield _image(_fitted(pixels, size))


def _fitted(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
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
