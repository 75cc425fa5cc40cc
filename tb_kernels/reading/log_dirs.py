"""A log directory as the user gives it → its source."""

from __future__ import annotations

import os
from typing import Any

from tb_kernels.arguments import check_path, is_address
from tb_kernels.reading.local_source import LocalSource
from tb_kernels.reading.remote_source import RemoteSource
from tb_kernels.reading.sources import Source


def source_of(log_dir: Any) -> Source:
    """The source for a directory of this machine, or for an address.

    Raises:
        ArgumentError: If there is no such directory.
        LogError: If it lies on a file system that cannot be reached.
    """
    path, where = check_path("log_dir", log_dir, remote=True), os.fsdecode(log_dir)
    return RemoteSource(where) if is_address(where) else LocalSource(where, path)
