"""A log that is written to while it is looked at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tb_kernels.reading.log import Log
from tb_kernels.reading.opening import read_source
from tb_kernels.reading.sources import Source

# Whoever asks again sooner gets what the last has got, in seconds: a page asks several things.
_FRESH = 1.0


class LiveLog:
    """A log as it is now. Of use to many threads.

    Args:
        source: Gives where it is; asked until it is there.
    """

    def __init__(self, source: Callable[[], Source]) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._log: Log | None = None
        self._read = 0.0

    def __call__(self) -> Log:
        """The log, with what has been added since.

        Raises:
            ArgumentError: If there is no such directory.
            LogError: If it cannot be read.
        """
        with self._lock:
            if self._log is None:
                self._log = read_source(self._source(), _be_silent)
            elif self._log.outdated or time.monotonic() - self._read > _FRESH:
                self._log = self._log.grown(_be_silent)
            else:
                return self._log
            self._read = time.monotonic()
            return self._log


def _be_silent(line: str) -> None:
    """Nobody is told of damage every time that a page is loaded; `tb-kernels list` tells."""
