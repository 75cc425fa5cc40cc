"""The parts of an export, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from tb_kernels.reading.log import Log
from tb_kernels.report.curve_figures import curve_figures, write_curves
from tb_kernels.report.job import PART_NAMES, Job
from tb_kernels.report.markdown import write_markdown
from tb_kernels.report.page import write_page
from tb_kernels.report.parts import (
    animated_layers,
    drawn_layers,
    write_animations,
    write_images,
    write_sheets,
    write_strips,
)


class Part(NamedTuple):
    """A part of a report: how many pieces of work it is, and what does them."""

    count: Callable[[Log], int]
    write: Callable[[Job], None]


def _write_page_and_report(job: Job) -> None:
    write_page(job)
    write_markdown(job)


PARTS = {
    "images": Part(len, write_images),
    "strips": Part(lambda log: log.strip_count, write_strips),
    "sheets": Part(lambda log: sum(len(one.epochs) for one in drawn_layers(log)), write_sheets),
    "animations": Part(lambda log: len(animated_layers(log)), write_animations),
    "curves": Part(lambda log: sum(len(curve_figures(log, run)) for run in log.runs), write_curves),
    "page": Part(lambda log: len(log.layers), _write_page_and_report),
}


def export(job: Job, parts: Collection[str]) -> None:
    """Makes parts of a report.

    Args:
        job: What of which log, where to, and how.
        parts: Some of `PARTS`.

    Raises:
        OSError: If a file cannot be written.
    """
    for name in PART_NAMES:
        if name in parts:
            PARTS[name].write(job)
