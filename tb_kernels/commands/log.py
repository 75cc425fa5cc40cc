"""`tb-kernels log`: the kernels of saved models. The one command that needs Keras."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tb_kernels.arguments import LAST_EPOCH
from tb_kernels.commands.checkpoints import epochs_of
from tb_kernels.commands.options import listed
from tb_kernels.commands.terminal import progress
from tb_kernels.errors import ArgumentError, LogError, reason_of
from tb_kernels.wording import count

if TYPE_CHECKING:
    from tb_kernels.loggers.base import Logger

# No layer has so many.
_MOST_KERNELS = 1_000_000

_VIEWS = ("kernels", "patterns")


def _pair_or_text(context: click.Context, parameter: click.Parameter, value: str) -> Any:
    low, comma, high = value.partition(",")
    if not comma:
        return value
    try:
        return float(low), float(high)
    except ValueError:
        raise click.BadParameter(f"expected LOW,HIGH such as -1,1, got {value!r}") from None


_SAVED = click.Path(exists=True, path_type=Path)


@click.command("log")
@click.argument("models", metavar="MODEL.keras...", nargs=-1, required=True, type=_SAVED)
@click.option("--log-dir", default="logs", show_default=True, help="Where to, as for the loggers.")
@click.option(
    "--epoch", type=click.IntRange(0, LAST_EPOCH), help="Of which epoch a single model is."
)
@click.option(
    "--pattern",
    metavar="NAME",
    help="The file names as ModelCheckpoint was given them: model-{epoch:02d}.keras.",
)
@click.option(
    "--architecture",
    metavar="MODEL.keras",
    type=_SAVED,
    help="The model of files that hold weights alone (.weights.h5).",
)
@listed("--views", "kernels,patterns", "kernels, patterns, or both.", default="kernels")
@listed("--layers", "conv2d,3", "Only these layers, such as conv2d,3.", numbers=True)
@listed("--kernels", "1-6", "Only these kernels, such as 1-6.", ranges=True)
@click.option(
    "--normalize",
    default="layer",
    show_default=True,
    callback=_pair_or_text,
    help="What black and white stand for in a kernel: a mode, or LOW,HIGH.",
)
@click.option("--colormap", default="gray", show_default=True, help="Of kernels.")
@click.option("--sheets", is_flag=True, help="Also every layer on one sheet.")
@click.option("--weights", is_flag=True, help="Also the exact weights, kernels_<epoch>.npz.")
@click.option(
    "--input-range",
    metavar="LOW,HIGH",
    default="0,1",
    show_default=True,
    callback=_pair_or_text,
    help="What the model takes, for patterns.",
)
def command(
    models: tuple[Path, ...],
    log_dir: str,
    epoch: int | None,
    pattern: str | None,
    architecture: Path | None,
    views: list[str],
    **style: Any,
) -> None:
    """Log the kernels of saved models, as if a logger had watched the training.

    Several models are one model at several epochs: of --pattern, or counted from 1 in the
    order given. Model files are loaded in Keras' safe mode, so no code in them is run.
    """
    for view in views:
        if view not in _VIEWS:
            raise click.BadParameter(
                f"--views: {view!r} is not drawn of a saved model; expected {' or '.join(_VIEWS)}"
            )
    epochs = epochs_of(models, epoch, pattern)
    try:
        with _quiet():
            from tb_kernels.loggers.saved import log_saved
    except Exception as error:  # of whatever backend Keras is told to use
        raise LogError(f"Keras cannot be imported ({reason_of(error)})") from None
    saved = sorted(zip(epochs, models, strict=True))
    with contextlib.ExitStack() as stack:
        loggers = [stack.enter_context(_logger(view, log_dir, **style)) for view in views]
        with progress("logging", len(saved)) as step:
            log_saved(loggers, saved, architecture, step)
    for number, path in saved:
        click.echo(f"epoch {number}: {path}")
    click.echo(f"{count(len(saved), 'epoch')} of {' and '.join(views)} in {log_dir}")


def _logger(
    view: str,
    log_dir: str,
    *,
    kernels: Any,
    normalize: Any,
    weights: bool,
    input_range: Any,
    **style: Any,
) -> Logger:
    from tb_kernels.loggers.kernels import KernelLogger
    from tb_kernels.loggers.patterns import PatternLogger

    style |= {"kernels": _numbers(kernels), "strict": True}
    if view == "patterns":
        del style["colormap"]  # theirs are colours of their own
        return PatternLogger(log_dir, input_range=input_range, **style)
    return KernelLogger(log_dir, normalize=normalize, weights=weights, **style)


def _numbers(kernels: list[Any] | None) -> list[Any] | None:
    """Kernel numbers one by one, those of ranges too."""
    if kernels is None:
        return None
    each = [one if isinstance(one, range) else [one] for one in kernels]
    if any(isinstance(one, str) for one in kernels) or sum(map(len, each)) > _MOST_KERNELS:
        raise ArgumentError(f"--kernels: expected numbers such as 1-6, got {kernels}")
    return [number for numbers in each for number in numbers]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what TensorFlow says of its build while it is imported off the terminal."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
