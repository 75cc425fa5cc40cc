"""The parts of a report that are pictures: images, strips, sheets, animations.

Each says after every piece of its work that it is done; what cannot be drawn is told,
and the rest is made all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tb_kernels.drawing import png
from tb_kernels.errors import LogError
from tb_kernels.reading.labels import LoggedLayer
from tb_kernels.reading.log import Log
from tb_kernels.reading.picture import Picture
from tb_kernels.report.animations import encode_gif, frames_that_fit
from tb_kernels.report.board import Board
from tb_kernels.report.job import Job, Options
from tb_kernels.report.sheets import draw_sheet, fit_sheet
from tb_kernels.report.strips import draw_strip, draw_views
from tb_kernels.report.thinning import thin_out


def write_strips(job: Job) -> None:
    """A figure of each kernel across epochs, in one view or in all together."""
    options, drawn = job.options, set()
    for strip in job.log.strips():
        layer, kernel, _ = strip[0].address
        path = job.folder.strip(strip[0], layer, kernel, together=options.together)
        if path not in drawn:
            drawn.add(path)
            _write_board(job, path, partial(_draw_strip, job.log, strip, options))
        job.step()


def write_sheets(job: Job) -> None:
    """A figure of each layer at each epoch, its kernels numbered; several if they are many."""
    for layer in drawn_layers(job.log):
        for epoch in layer.epochs:
            path = f"{job.folder.layer('sheets', layer)}/{layer.number}_0_{epoch}"
            for number, draw in enumerate(sheets_of(job.log, layer, epoch, job.options), 1):
                _write_board(job, path if number == 1 else f"{path}-{number}", draw)
            job.step()


def write_animations(job: Job) -> None:
    """An animation of each layer across epochs."""
    for layer in animated_layers(job.log):
        path = f"{job.folder.layer('animations', layer)}.gif"
        try:
            job.folder.write(path, animate(job.log, layer, job.options))
        except (LogError, MemoryError) as error:
            job.tell(f"{path}: {error}")
        job.step()


def write_images(job: Job) -> None:
    """Every picture by its name: as it was logged, byte for byte, or drawn at another scale."""
    scale, columns = job.options.scale, job.options.columns
    for picture in job.log:
        try:
            if scale is None and columns is None:
                data = picture.png
            else:
                pixels = picture.redraw(scale, columns)
                data = png.encode(pixels.reshape(*pixels.shape[:2], -1))
        except LogError as error:
            job.tell(str(error))
        else:
            job.folder.files.write(f"{job.folder.picture(picture)}.png", data)
        job.step()


def sheets_of(
    log: Log, layer: LoggedLayer, epoch: int, options: Options
) -> list[Callable[[], Board]]:
    """What draws the sheets of a layer at an epoch; none where it has no kernels."""
    pictures = [one for one in log.of_layer(layer, epoch) if one.address.kernel]
    if not pictures:
        return []
    each, scale = fit_sheet(pictures, options.scale, options.columns)
    return [
        partial(draw_sheet, pictures[start : start + each], scale=scale, columns=options.columns)
        for start in range(0, len(pictures), each)
    ]


def animate(log: Log, layer: LoggedLayer, options: Options) -> bytes:
    """The animation of a layer: its first sheet across epochs.

    Raises:
        LogError: If a picture cannot be read or redrawn.
    """
    frames = {
        epoch: sheets[0]
        for epoch in layer.epochs
        if (sheets := sheets_of(log, layer, epoch, options))
    }
    first = next(iter(frames.values()))()
    epochs = thin_out(list(frames), frames_that_fit(*first.size))
    return encode_gif([lambda: first, *(frames[epoch] for epoch in epochs[1:])])


def drawn_layers(log: Log) -> list[LoggedLayer]:
    """The layers that have pictures beside sheets."""
    return [layer for layer in log.layers if layer.kernels]


def animated_layers(log: Log) -> list[LoggedLayer]:
    """The layers that have several epochs."""
    return [layer for layer in drawn_layers(log) if len(layer.epochs) > 1]


def _draw_strip(log: Log, strip: list[Picture], options: Options) -> Board:
    scale, columns = options.scale, options.columns
    if options.together:
        return draw_views(log.in_all_views(strip[0]), scale=scale, columns=columns)
    return draw_strip(strip, direction=options.direction, scale=scale, columns=columns)


def _write_board(job: Job, path: str, draw: Callable[[], Board]) -> None:
    name = f"{path}.{job.options.format}"
    try:
        job.folder.write(name, draw().encode(job.options.format))
    except (LogError, MemoryError) as error:
        job.tell(f"{name}: {error}")
