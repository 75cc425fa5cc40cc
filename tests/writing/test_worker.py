"""The worker's promises: order, bound, and that everything handed over is done."""

import threading

import pytest

from tb_kernels.writing.worker import Worker

SOON = 20  # seconds; nothing waits so long unless it hangs


@pytest.fixture
def gate():
    """Holds the worker at a job until it is opened; opened at the end whatever happens."""
    gate = threading.Event()
    yield gate
    gate.set()


def hold(worker, gate, epoch=0):
    """Occupies the worker; returns when it is at work."""
    started = threading.Event()
    worker.submit("holder", epoch, lambda: (started.set(), gate.wait(SOON)))
    assert started.wait(SOON)


def submitting(worker, owner, epoch):
    """Hands over a job from another thread; the event is set when that returns."""
    done = threading.Event()
    job = lambda: None  # noqa: E731
    threading.Thread(target=lambda: (worker.submit(owner, epoch, job), done.set())).start()
    return done


def test_jobs_run_in_order():
    """First in, first done, on one thread that is not the caller's."""
    worker, seen = Worker("test"), []
    for number in range(100):
        worker.submit(worker, number, lambda n=number: seen.append((n, threading.get_ident())))
    worker.wait()
    assert [number for number, _ in seen] == list(range(100))
    assert threading.get_ident() not in {thread for _, thread in seen}


def test_two_epochs_wait_and_the_third_hand_over_waits(gate):
    """One epoch at work, two waiting; the next is handed over once there is room."""
    worker = Worker("test")
    hold(worker, gate)
    for epoch in (1, 2):
        assert submitting(worker, "a", epoch).wait(SOON)
    third = submitting(worker, "a", 3)
    assert not third.wait(0.3)
    gate.set()
    assert third.wait(SOON)
    worker.wait()


def test_the_bound_is_of_epochs_not_of_loggers(gate):
    """Five loggers hand over two epochs each without waiting; a third epoch of any waits."""
    worker = Worker("test")
    hold(worker, gate)
    for epoch in (1, 2):
        for owner in "abcde":
            assert submitting(worker, owner, epoch).wait(SOON)
    third = submitting(worker, "a", 3)
    assert not third.wait(0.3)
    gate.set()
    assert third.wait(SOON)
    worker.wait()


def test_one_epoch_cannot_be_handed_over_without_end(gate):
    """A loop that logs the same epoch again and again is bounded too."""
    worker = Worker("test")
    hold(worker, gate)
    # Equal, and not one object as small numbers are.
    assert submitting(worker, "a", int("1000")).wait(SOON)
    again = submitting(worker, "a", int("1000"))
    assert not again.wait(0.3)
    gate.set()
    assert again.wait(SOON)
    worker.wait()


def test_no_thread_stays_when_there_is_nothing_to_do():
    """The thread ends with the work and comes back with more."""
    worker = Worker("a name of its own")
    for _ in range(3):
        worker.submit(worker, 1, lambda: None)
        worker.wait()
        for thread in threading.enumerate():
            if thread.name == "a name of its own":
                thread.join(SOON)
                assert not thread.is_alive()


def test_wait_returns_when_nothing_was_handed_over():
    """Waiting for nothing takes no time."""
    Worker("test").wait()
