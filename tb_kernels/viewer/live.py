"""A log that is written to while it is looked at."""

from __future__ import annotations

import threading
import time

from tb_kernels.reading.log import Log, read_log, refresh

# Whoever asks again sooner gets what the last has got, in seconds: a page asks several things.
_FRESH = 1.0


class LiveLog:
    """The log in a directory as it is now. Of use to many threads.

    Args:
        log_dir: As for `open_log`; need not be there yet.
    """

    def __init__(self, log_dir: str) -> None:
        self._log_dir = log_dir
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
                self._log = read_log(self._log_dir, _be_silent)
            elif time.monotonic() - self._read > _FRESH:
                self._log = refresh(self._log, _be_silent)
            else:
                return self._log
            self._read = time.monotonic()
            return self._log


def _be_silent(line: str) -> None:
    """Nobody is told of damage every time that a page is loaded; `tb-kernels list` tells."""
