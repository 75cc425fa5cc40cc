"""A log directory → the log in it: `open_log`."""

from __future__ import annotations

import os
from typing import Any

from tb_kernels.errors import warn
from tb_kernels.reading.catalog import CHECKED, read_catalog
from tb_kernels.reading.log import Log
from tb_kernels.reading.log_dirs import source_of
from tb_kernels.reading.sources import Source, Tell


def open_log(log_dir: str | os.PathLike[str] = "logs") -> Log:
    """Opens what the loggers have written, of one training or of many.

    Only the event files are needed, and for `Log.arrays` the `.npz` files; the PNG files
    beside them may be missing. The log is as it is now: what a training adds later is
    there when it is opened again.

    Args:
        log_dir: The directory that `tensorboard --logdir` is given, or any above it; or
            an address that TensorBoard can read by itself, such as `s3://bucket/logs`.

    Returns:
        The log. A damaged file, or one that is still written to, gives its whole records
        and a `LogWarning`.

    Raises:
        ArgumentError: If there is no such directory.
        LogError: If it cannot be read.
    """
    return read_log(log_dir, warn)


def read_log(log_dir: Any, tell: Tell, checked: float = CHECKED) -> Log:
    """As `open_log`, but damage is told to somebody, a line at a time.

    Args:
        log_dir: As for `open_log`.
        tell: Is told.
        checked: So many bytes are verified at once.
    """
    return read_source(source_of(log_dir), tell, checked)


def read_source(source: Source, tell: Tell, checked: float = CHECKED) -> Log:
    """The log in a source; damage is told to somebody, a line at a time."""
    return Log.of(read_catalog(source, tell, checked=checked), tell)
