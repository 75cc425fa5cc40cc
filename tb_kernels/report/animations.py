"""A layer across epochs, as an animated GIF."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

from PIL import Image

from tb_kernels.drawing.levels import Limits
from tb_kernels.figures.kinds import draw_sheet
from tb_kernels.figures.saving import encode
from tb_kernels.reading.choice import thin_out
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.log import Log
from tb_kernels.reading.picture import Picture
from tb_kernels.report.job import Job
from tb_kernels.schema.naming import Address

# Milliseconds that a frame is seen, and the last one.
_FRAME, _LAST_FRAME = 700, 2000

# All frames are held while the file is written: so many pixels in all.
_MOST_PIXELS = 100_000_000


def animate(job: Job, layer: LoggedLayer, numbers: Sequence[int]) -> bytes:
    """The sheets of a layer one after the other, for ever: a GIF file.

    Args:
        job: What is asked for.
        layer: Of several epochs.
        numbers: The kernels that the sheets show.

    Raises:
        LogError: If a picture cannot be read or redrawn, the report has no room for it, or they
            are too many for one sheet.
    """
    at = {epoch: kernels_at(job.log, layer, epoch, numbers) for epoch in layer.epochs}
    epochs = [epoch for epoch, pictures in at.items() if pictures]
    limits = cache(partial(job.limits, layer))
    first = _sheet(job, layer, epochs[0], at[epochs[0]], limits)
    chosen = thin_out(epochs, max(2, _MOST_PIXELS // math.prod(first.size)))
    others = (_sheet(job, layer, epoch, at[epoch], limits) for epoch in chosen[1:])
    stream = io.BytesIO()
    _frame(first, first.size).save(
        stream,
        "GIF",
        save_all=True,
        append_images=(_frame(one, first.size) for one in others),
        duration=[_FRAME] * (len(chosen) - 1) + [_LAST_FRAME],
        loop=0,
        optimize=False,
    )
    return stream.getvalue()


def kernels_at(log: Log, layer: LoggedLayer, epoch: int, numbers: Sequence[int]) -> list[Picture]:
    """The pictures of some kernels at an epoch, in this order, without those that are missing."""
    at = {one.address.kernel: one for one in log.of_layer(layer, epoch)}
    return [at[number] for number in numbers if number in at]


def _sheet(
    job: Job,
    layer: LoggedLayer,
    epoch: int,
    pictures: list[Picture],
    limits: Callable[[], Mapping[Address, Limits | None]],
) -> Image.Image:
    """A sheet, grey or in colours: as this report has drawn it already, or drawn now."""
    path = job.folder.sheet(layer, epoch)
    made = job.folder.read(f"{path}.png")
    if made is None or job.folder.read(f"{path}-2.png"):
        job.room.take(pictures)
        of_each = [limits()[one.address] for one in pictures]
        made = encode(draw_sheet(pictures, job.manner.on_white(), of_each), "png")
    image = Image.open(io.BytesIO(made))
    if image.mode == "RGBA":
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image


def _frame(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Cut or filled with white to the size of the first, in the 256 colours that a GIF has."""
    if image.size != size:
        whole = Image.new(image.mode, size, "white")
        whole.paste(image)
        image = whole
    # All greys there are, or colours like these.
    return image if image.mode == "L" else image.quantize(dither=Image.Dither.NONE)
