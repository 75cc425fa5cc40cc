"""The command `tb-kernels`. It imports neither TensorFlow nor Keras."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from tb_kernels import __version__

_NEXT = """\
Kernels are logged by a Keras callback:

  from tb_kernels import KernelLogger
  model.fit(x, y, epochs=10, callbacks=[KernelLogger("logs", epochs=[1, 6, 10])])

and looked at with: tensorboard --logdir logs
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: What follows the command's name; None for those of this process.

    Returns:
        The exit code. Wrong usage exits with 2 and one line on standard error.
    """
    parser = _Parser(
        prog="tb-kernels",
        description="Watch a convolutional network learn: its kernels as pictures.",
        epilog=_NEXT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tb-kernels {__version__}")
    parser.parse_args(arguments)
    parser.print_help()
    return 0
