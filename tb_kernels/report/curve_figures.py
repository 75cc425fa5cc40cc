"""Which curves a report has: loss, metrics, and the statistics of the views."""

from __future__ import annotations

from typing import NamedTuple

from tb_kernels.errors import reason_of
from tb_kernels.reading.catalog import Curve
from tb_kernels.reading.curves import WRITERS
from tb_kernels.reading.log import Log
from tb_kernels.report.curves import draw_curves
from tb_kernels.report.job import Job

# What Keras puts before the names of its curves over epochs.
_PER_EPOCH = "epoch_"


class CurveFigure(NamedTuple):
    """A figure of curves.

    Attributes:
        name: What they are, `"loss"` or `"kernels relative_change"`.
        lines: The curves by name: of training and validation, or of the layers.
        logged: The epochs that have pictures.
    """

    name: str
    lines: dict[str, Curve]
    logged: list[int]

    @property
    def file(self) -> str:
        """The name of its file, without its ending."""
        return self.name.replace(" ", "-")


def curve_figures(log: Log, run: str) -> list[CurveFigure]:
    """The figures of a training: loss and metrics first."""
    logged = log.select(runs=run).epochs
    curves = log.scalars(run=run)
    figures: dict[str, dict[str, Curve]] = {}
    for writer in WRITERS:
        for tag, curve in curves.get(writer, {}).items():
            if tag.startswith(_PER_EPOCH):
                figures.setdefault(tag.removeprefix(_PER_EPOCH), {})[writer] = curve
    # The loss first, then the metrics, as in TensorBoard.
    figures = dict(sorted(figures.items(), key=lambda named: (named[0] != "loss", named[0])))
    for writer in sorted(set(curves).difference(WRITERS)):
        for tag, curve in curves[writer].items():
            layer, slash, statistic = tag.rpartition("/")
            if slash:
                figures.setdefault(f"{writer} {statistic}", {})[layer] = curve
    return [CurveFigure(name, lines, logged) for name, lines in figures.items()]


def write_curves(job: Job) -> None:
    """A figure of the loss, of each metric and of each statistic."""
    for run in job.log.runs:
        for figure in curve_figures(job.log, run):
            path = f"{job.folder.curve(run, figure.file)}.{job.options.format}"
            try:
                job.folder.write(path, draw_curves(*figure, format=job.options.format))
            except (ValueError, OverflowError) as error:
                job.tell(f"{path}: {reason_of(error)}")
            job.step()
