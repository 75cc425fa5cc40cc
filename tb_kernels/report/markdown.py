"""`report.md`: the figures of the folder, to be pasted into a report."""

from __future__ import annotations

import re
from html import escape
from itertools import islice
from urllib.parse import quote

from tb_kernels.figures.context import contexts_in
from tb_kernels.figures.curves import curve_figures
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.report.job import Job
from tb_kernels.report.page import PAGE, facts_of
from tb_kernels.wording import count, shown

REPORT = "report.md"

# So many strips and contexts of a layer are shown; all of them are in their folders.
_STRIPS = 4

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$-])")


def write_markdown(job: Job) -> None:
    """Writes the report: what there is, and the figures that are in the folder."""
    log = job.log
    lines = [
        f"# {_plain(log.where)}",
        "",
        f"{count(len(log), 'picture')}, named `<layer>_<kernel>_<epoch>`; all on one page: "
        f"[{PAGE}]({PAGE}).",
    ]
    for run in log.runs:
        if log.runs != ["."]:
            lines += ["", f"## {_plain(run)}"]
        layers = log.select(runs=run).layers
        lines += ["", *_table(layers)]
        for figure in curve_figures(log, run):
            path = f"{job.folder.curve(run, figure.file)}.{job.format}"
            lines += _figure(job, path, f"{figure.title} over epochs")
        for layer in layers:
            lines += _layer(job, layer)
    job.folder.files.write(REPORT, "\n".join([*lines, ""]).encode(errors="replace"))


def _table(layers: list[LoggedLayer]) -> list[str]:
    rows = [
        f"| {_plain(layer.view)} | {layer.number} | {_plain(layer.name)} "
        f"| {facts.kernels} | {facts.epochs} |"
        for layer, facts in zip(layers, map(facts_of, layers), strict=True)
    ]
    return ["| view | layer | name | kernels | epochs |", "| --- | --- | --- | --- | --- |", *rows]


def _layer(job: Job, layer: LoggedLayer) -> list[str]:
    folder, facts, last = job.folder, facts_of(layer), layer.epochs[-1]
    across = f"{facts.title}, {facts.view} across epochs"
    sheet = f"{folder.sheet(layer, last)}.{job.format}"
    lines = _figure(job, sheet, f"{facts.title}, {facts.view} of epoch {last}")
    lines += _figure(job, f"{folder.animation(layer)}.gif", across)
    strips = (
        f"{folder.strip(layer, layer.number, kernel, together=job.together)}.{job.format}"
        for kernel in layer.kernels
    )
    for path in islice(filter(folder.has, strips), _STRIPS):
        lines += _figure(job, path, across)
    contexts = (
        f"{folder.context(picture)}.{job.format}" for picture in contexts_in(job.log, layer)
    )
    for path in islice(filter(folder.has, contexts), _STRIPS):
        lines += _figure(job, path, f"{facts.title}, a kernel and what makes its input channels")
    return ["", f"### {_plain(facts.title)} · {_plain(facts.view)}", *lines] if lines else []


def _figure(job: Job, path: str, told: str) -> list[str]:
    # A PDF file is linked to: it cannot be seen inside the text.
    image = "" if path.endswith(".pdf") else "!"
    return ["", f"{image}[{_plain(told)}]({quote(path)})"] if job.folder.has(path) else []


def _plain(text: str) -> str:
    """A text as it is: no letter of it means anything in Markdown or in HTML."""
    return escape(_SPECIAL.sub(r"\\\1", shown(text)), quote=False)
