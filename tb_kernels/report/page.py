"""`index.html`: the report on one page that needs nothing beside it.

The page is written while it is made, so its size does not matter here; but a browser has
to hold it, so of a very large log it shows a part, and says which.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from jinja2 import Environment, PackageLoader

from tb_kernels import __version__
from tb_kernels.drawing.levels import Limits
from tb_kernels.errors import LogError
from tb_kernels.figures.curves import curve_figures, draw_curves
from tb_kernels.figures.kinds import draw_sheet
from tb_kernels.figures.saving import encode
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.log import Log
from tb_kernels.report.animations import kernels_at
from tb_kernels.report.job import Job
from tb_kernels.report.table import Table, rows_that_fit, table_of
from tb_kernels.schema.naming import Address, plain_epoch
from tb_kernels.viewer.bundle import policy
from tb_kernels.viewer.embedding import data_uri, embedded, fitting
from tb_kernels.wording import ranges, shown

PAGE = "index.html"

# So many bytes of pictures the viewer holds, and of one sheet.
_MOST_BYTES = 16_000_000
_MOST_OF_SHEET = 2_000_000

_LONGEST_NAME = 80


class Facts(NamedTuple):
    """A layer in words, each on one line.

    Attributes:
        title: `Layer 1, conv2d`.
        view: `kernels`.
        kernels: `1-32`; `sheets` where there is nothing else.
        epochs: `0-1, 6, 10`.
    """

    title: str
    view: str
    kernels: str
    epochs: str


class View(NamedTuple):
    """A layer in one view: what is told of it, its last sheet as data, its kernels one by one."""

    facts: Facts
    epoch: int | str
    sheet: str | None
    table: Table


class Section(NamedTuple):
    """A layer: what links lead to, its title, and its views."""

    anchor: str
    title: str
    views: Iterator[View]


class Run(NamedTuple):
    """A training: its name, its curves as light and dark data, its layers."""

    name: str
    curves: Iterator[tuple[str, str, str]]
    sections: list[Section]


def write_page(job: Job) -> None:
    """Writes the page, a layer at a time."""
    environment = Environment(
        # Names in a log are anybody's: all text is escaped.
        loader=PackageLoader("tb_kernels.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    most = rows_that_fit(job.log)
    viewed, left_out = fitting(job.log, _MOST_BYTES)
    chunks = environment.get_template(PAGE).generate(
        title=shown(job.log.where),
        facts=_facts_of_all(job),
        policy=policy(),
        viewer=embedded(viewed) if viewed.layers else (),
        left_out=left_out,
        cut=job.cut,
        runs=[_run(job, run, most) for run in job.log.runs],
    )
    encoded = (chunk.encode(errors="replace") for chunk in chunks)
    job.folder.files.fill(PAGE, lambda stream: stream.writelines(encoded))


def facts_of(layer: LoggedLayer) -> Facts:
    """What is told of a layer beside its pictures."""
    return Facts(
        _title(layer),
        shown(layer.view),
        ranges(layer.kernels) or "sheets",
        ranges(layer.epochs),
    )


def _title(layer: LoggedLayer) -> str:
    name = f", {shown(layer.name, _LONGEST_NAME)}" if layer.name else ""
    return f"Layer {layer.number}{name}"


def _facts_of_all(job: Job) -> list[tuple[str, str]]:
    """What a reader of the report asks first, and the answers."""
    began = [_day(one.started) for one in job.log.trainings if one.started]
    return [
        ("Pictures", f"{len(job.log):,}, named <layer>_<kernel>_<epoch>"),
        ("Training", ", ".join(dict.fromkeys(began)) or "of a day that the log does not tell"),
        ("Made", f"{datetime.date.today()} by tb_kernels {__version__}"),
        *([("Command", job.command)] if job.command else []),
        ("Colours", job.manner.scale.told),
    ]


def _day(seconds: float) -> str:
    try:
        return str(datetime.date.fromtimestamp(seconds))
    except (ValueError, OverflowError, OSError):
        # Of a clock that was anywhere.
        return ""


def _run(job: Job, run: str, most: int) -> Run:
    log = job.log.select(runs=run)
    number = job.log.runs.index(run)
    layers: dict[str, list[LoggedLayer]] = {}
    for layer in log.layers:
        layers.setdefault(_title(layer), []).append(layer)
    return Run(
        "" if job.log.runs == ["."] else shown(run),
        _curves(job, run),
        [
            Section(f"{number}-{place}", title, _views(job, log, own, most))
            for place, (title, own) in enumerate(layers.items())
        ],
    )


def _curves(job: Job, run: str) -> Iterator[tuple[str, str, str]]:
    for figure in curve_figures(job.log, run):
        try:
            light, dark = (
                data_uri(draw_curves(*figure, format="svg", dark=dark), "svg+xml")
                for dark in (False, True)
            )
        except LogError as error:
            job.tell(f"page, {shown(figure.name)}: {error}")
        else:
            yield shown(figure.title), light, dark


def _views(job: Job, log: Log, layers: list[LoggedLayer], most: int) -> Iterator[View]:
    for layer in layers:
        limits = job.limits(layer)
        sheet = _last_sheet(job, log, layer, limits)
        table = table_of(job, log, layer, most, limits)
        job.step()
        yield View(facts_of(layer), plain_epoch(layer.epochs[-1]), sheet, table)


def _last_sheet(
    job: Job, log: Log, layer: LoggedLayer, limits: Mapping[Address, Limits | None]
) -> str | None:
    """The sheet of the last epoch, where it is not too large."""
    last = kernels_at(log, layer, layer.epochs[-1], layer.kernels)
    try:
        made = job.folder.read(f"{job.folder.sheet(layer, layer.epochs[-1])}.png")
        if made is None and last:
            job.room.take(last)
            made = encode(
                draw_sheet(last, job.manner, [limits[one.address] for one in last]), "png"
            )
    except LogError as error:
        job.tell(str(error))
        return None
    return data_uri(made) if made and len(made) <= _MOST_OF_SHEET else None
