"""`tb-kernels export`: pictures and figures of a log, for a report."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import click

from tb_kernels.commands.options import choosing, listed, open_chosen, read_top
from tb_kernels.commands.terminal import Lines, progress
from tb_kernels.figures.paper import DPI, FINEST, Background, Direction, Format
from tb_kernels.reading.criteria import CRITERIA
from tb_kernels.report.folder import ReportFolder, check_apart
from tb_kernels.report.job import ON_REQUEST, PART_NAMES, Job
from tb_kernels.wording import count, did_you_mean


@click.command("export")
@click.argument("log_dir", metavar="LOG_DIR")
@click.argument("out_dir", metavar="OUT_DIR")
@choosing
@listed("--only", "images,page", f"Only these parts: {', '.join(PART_NAMES)}.")
@click.option(
    "--order",
    type=click.Choice(CRITERIA),
    help="What kernels are ranked by, as in `tb-kernels rank`; by default their number.",
)
@click.option(
    "--top",
    metavar="N|all",
    callback=read_top,
    help="How many kernels of each layer: by default the 8 that changed most in strips, 64 in "
    "grids and differences, all in sheets.",
)
@click.option(
    "--width",
    metavar="WIDTH",
    help="Of figures in print, such as 85mm, 8.5cm or 3.3in; as wide as they need by default.",
)
@click.option(
    "--dpi",
    type=click.IntRange(1, FINEST),
    default=DPI,
    show_default=True,
    help="Pixels to the inch.",
)
@click.option(
    "--background",
    type=click.Choice(get_args(Background)),
    default="white",
    show_default=True,
    help="Of figures.",
)
@click.option(
    "--normalize",
    metavar="HOW",
    default="layer",
    show_default=True,
    help="The one scale of all epochs: layer, kernel, first, symmetric, standard or two weights "
    "such as -1,1; epoch for each as it was logged.",
)
@click.option(
    "--colormap", metavar="NAME", help="Any of matplotlib's, such as RdBu_r; as logged by default."
)
@click.option(
    "--scale",
    type=click.IntRange(1, 512),
    help="Pixels along the side of a weight, for print; as logged by default.",
)
@click.option(
    "--columns",
    type=click.IntRange(1),
    help="Slices in a row of a kernel; as logged by default.",
)
@click.option(
    "--direction",
    type=click.Choice(get_args(Direction)),
    default="auto",
    show_default=True,
    help="How the epochs of a strip stand; auto puts wide pictures below each other.",
)
@click.option("--together", is_flag=True, help="Strips of all views of a kernel below each other.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(get_args(Format)),
    default="png",
    show_default=True,
    help="Of strips, sheets, contexts and curves.",
)
@click.pass_obj
def command(
    arguments: tuple[str, ...],
    /,
    log_dir: str,
    out_dir: str,
    only: list[str] | None,
    order: str | None,
    top: int | None,
    width: str | None,
    dpi: int,
    background: str,
    normalize: str,
    colormap: str | None,
    scale: int | None,
    columns: int | None,
    direction: str,
    together: bool,
    format_: Format,
    **choice: Any,
) -> int:
    """Make a report of LOG_DIR in OUT_DIR.

    \b
    images/      the pictures by their names
    strips/      kernels across epochs
    grids/       kernels and epochs of each layer; on request, with --only
    sheets/      each layer at each epoch, numbered, with its scale
    differences/ two epochs, or two trainings, and what differs; on request
    contexts/    a kernel's strongest slices, with what makes their input channels
    animations/  each layer across epochs
    curves/      loss, metrics and statistics, the logged epochs marked
    index.html   all of it on one page, which shows every epoch; and report.md

    Files that are there already are replaced, others stay.
    """  # noqa: D301
    usual = tuple(part for part in PART_NAMES if part not in ON_REQUEST)
    parts = usual if only is None else tuple(only)
    for part in parts:
        if part not in PART_NAMES:
            raise click.BadParameter(
                f"--only: no part {part!r}; there are {', '.join(PART_NAMES)}"
                + did_you_mean(part, PART_NAMES)
            )
    check_apart(log_dir, out_dir)
    lines = Lines()
    log = open_chosen(log_dir, lines, verified=True, **choice)
    # Here, because matplotlib takes its time, and wrong usage need not wait for it.
    from tb_kernels.figures.manner import Manner
    from tb_kernels.report.export import PARTS, export
    from tb_kernels.report.page import PAGE

    manner = Manner.checked(
        width=width,
        dpi=dpi,
        background=background,
        normalize=_pair(normalize),
        colormap=colormap,
        direction=direction,
        scale=scale,
        columns=columns,
    )
    folder = ReportFolder(out_dir)
    failures: list[str] = []

    def fail(line: str) -> None:
        failures.append(line)
        lines(line)

    asked = shlex.join(["tb-kernels", *arguments])
    job = Job(log, folder, fail, lambda: None, manner, together, format_, order, top, asked)
    total = sum(PARTS[part].count(job) for part in parts)
    with progress(f"exporting to {out_dir}", total) as step:
        export(replace(job, step=step), parts)
    lines.close()
    if "animations" in parts and len(log.epochs) == 1:
        click.echo("no animations: they need two epochs, and one was chosen")
    click.echo(f"{count(folder.files.count, 'file')} in {out_dir}")
    if "strips" in parts and job.cut:
        click.echo(job.cut)
    if folder.files.count:
        # The page where it was made, otherwise the folder of what was.
        made = [PAGE] if "page" in parts else list(parts)
        click.echo(f"open {Path(out_dir, made[0]) if len(made) == 1 else Path(out_dir)}")
    return 1 if failures else 0


def _pair(normalize: str) -> str | tuple[float, ...]:
    """A word as it is, two weights as numbers."""
    if "," not in normalize:
        return normalize
    try:
        return tuple(map(float, normalize.split(",")))
    except ValueError:
        raise click.BadParameter(
            f"--normalize: expected a word or two weights such as -1,1, got {normalize!r}"
        ) from None
