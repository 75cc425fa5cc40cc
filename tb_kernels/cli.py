"""The command `tb-kernels`. Only its subcommand `log` imports TensorFlow and Keras."""

from __future__ import annotations

import importlib
import io
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import click

from tb_kernels import __version__
from tb_kernels.commands.terminal import tell
from tb_kernels.errors import ArgumentError, LogWarning, reason_of
from tb_kernels.wording import did_you_mean

_EPILOG = """\b
Kernels are logged by a Keras callback:
\b
  from tb_kernels import KernelLogger
  model.fit(x, y, epochs=10, callbacks=[KernelLogger("logs", epochs=[1, 6, 10])])
\b
and looked at with: tensorboard --logdir logs

Exit codes: 0, done; 1, it could not be done; 2, wrong usage."""

_COMMANDS = {
    "list": "What there is in a log directory.",
    "rank": "Which kernels changed most, are the largest, or seldom active.",
    "health": "Kernels near zero, channels never active, layers that stopped moving.",
    "export": "Pictures and figures of a log, for a report.",
    "log": "Log the kernels of saved models.",
}

# As shells have it for a program that was interrupted.
_INTERRUPTED = 130


class _Commands(click.Group):
    """Imports a subcommand when it is called: what one needs, others need not wait for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"tb_kernels.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and args[0] not in _COMMANDS:
            close = did_you_mean(args[0], _COMMANDS)
            ctx.fail(f"No such command {args[0]!r}; there are {', '.join(_COMMANDS)}{close}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_Commands,
    epilog=_EPILOG,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="tb-kernels", message="%(prog)s %(version)s")
@click.pass_context
def command(context: click.Context) -> None:
    """Watch a convolutional network learn: its kernels as pictures."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: What follows the command's name; None for those of this process.

    Returns:
        The exit code: 0; 1 if it could not be done; 2 for wrong usage. An error is one
        line on standard error.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name may have letters that the terminal does not know.
            stream.reconfigure(errors="backslashreplace")
    with warnings.catch_warnings():
        # Of others' warnings none is for the user of a command; ours are lines like the rest.
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", LogWarning)
        warnings.showwarning = _show_warning
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        given = sys.argv[1:] if arguments is None else list(arguments)
        with command.make_context("tb-kernels", given, obj=tuple(given)) as context:
            result = command.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    except KeyboardInterrupt:
        return _told("interrupted", _INTERRUPTED)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "tb-kernels"
        return _told(f"{error.format_message()} (see {path} --help)", 2)
    except ArgumentError as error:
        return _told(str(error), 2)
    except OSError as error:
        # Of the system's own errors the number in front says nothing to people.
        where = f": {error.filename}" if error.filename else ""
        return _told(f"{error.strerror}{where}" if error.strerror else str(error), 1)
    except MemoryError as error:
        return _told(reason_of(error), 1)
    return result if isinstance(result, int) else 0


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    tell(" ".join(str(message).split()))


def _told(message: str, code: int) -> int:
    tell(" ".join(message.split()))
    return code
