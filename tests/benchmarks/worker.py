"""How long the worker is at work."""

from __future__ import annotations

import contextlib
import time

from tb_kernels.loggers.session import Session


@contextlib.contextmanager
def timed():
    """Gives a list that grows, inside, by the seconds of processor time of every epoch written."""
    seconds = []
    write = Session._write

    def timed_write(*arguments):
        begin = time.thread_time()
        write(*arguments)
        seconds.append(time.thread_time() - begin)

    Session._write = timed_write
    try:
        yield seconds
    finally:
        Session._write = write
