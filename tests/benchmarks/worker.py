"""How long the worker is at work."""

from __future__ import annotations

import contextlib
import time

from tb_kernels.writing.worker import Worker


@contextlib.contextmanager
def timed():
    """Gives a list that grows, inside, by the seconds of processor time of every epoch written."""
    seconds = []
    submit = Worker.submit

    def timed_submit(worker, owner, epoch, job):
        def timed_job():
            begin = time.thread_time()
            job()
            seconds.append(time.thread_time() - begin)

        submit(worker, owner, epoch, timed_job)

    Worker.submit = timed_submit
    try:
        yield seconds
    finally:
        Worker.submit = submit
