"""What a logger on every epoch costs a real training: processor time, and wall time beside noise."""

from __future__ import annotations

import statistics
import tempfile
import time

import numpy as np

from examples import digits
from tb_kernels import KernelLogger
from tests.benchmarks import ways, worker

EPOCHS = 2
ROUNDS = 4


class Timed(KernelLogger):
    """Adds up how long its callbacks hold up training."""

    held = 0.0

    def on_epoch_end(self, epoch, logs=None):
        begin = time.perf_counter()
        super().on_epoch_end(epoch, logs)
        self.held += time.perf_counter() - begin


def course_data():
    """5,000 made-up pictures of 32 x 32 x 3."""
    random = np.random.default_rng(0)
    return random.normal(size=(5000, 32, 32, 3)).astype("float32"), random.integers(0, 10, 5000)


def example_data():
    """What examples/digits.py trains on."""
    train, _ = digits.load("digits")
    return train


def digits_network():
    """The network of examples/digits.py."""
    return ways.seeds_network((8, 8, 1))


TRAININGS = {
    "seeds' network, 5,000 pictures of 32 x 32 x 3": (ways.seeds_network, course_data, 32),
    "examples/digits.py": (digits_network, example_data, 32),
}


# Of every epoch its kernels, or the curves of norm and change alone.
LOGGED = {"kernels": {}, "curves alone": {"epochs": [0]}}


def measure(build, load, batch_size):
    """Interleaved fits without and with a logger: seconds of each, by what is logged."""
    data = load()
    model = build()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(*data, batch_size=batch_size, epochs=1, verbose=0)

    def fit(*callbacks):
        wall, process = time.perf_counter(), time.process_time()
        model.fit(*data, batch_size=batch_size, epochs=EPOCHS, verbose=0, callbacks=callbacks)
        return (time.perf_counter() - wall) / EPOCHS, (time.process_time() - process) / EPOCHS

    plain, logged = [], {name: {"wall": [], "held": [], "worker": []} for name in LOGGED}
    for _ in range(ROUNDS):
        plain.append(fit())
        for name, keywords in LOGGED.items():
            with tempfile.TemporaryDirectory() as folder, worker.timed() as written:
                logger = Timed(folder, **keywords)
                logged[name]["wall"].append(fit(logger)[0])
                logged[name]["held"].append(logger.held / EPOCHS)
            # Of before the first epoch, too, which is left out.
            logged[name]["worker"] += written[-EPOCHS:]
    return plain, logged


def report():
    """Prints a block per training."""
    for name, training in TRAININGS.items():
        plain, logged = measure(*training)
        walls = [wall for wall, _ in plain]
        wall, cpu = statistics.median(walls), statistics.median(cpu for _, cpu in plain)
        spread = (max(walls) - min(walls)) / wall
        print(
            f"\n{name}, per epoch: {wall:.3f} s, processor time {cpu:.3f} s; runs differ by up to {spread:.1%}"
        )
        for what, found in logged.items():
            held, work, with_it = (
                statistics.median(found[key]) for key in ("held", "worker", "wall")
            )
            print(
                f"  {what}: held up {1000 * held:.2f} ms + worker's processor time {1000 * work:.1f} ms"
                f" = {(held + work) / cpu:.1%}; wall time {with_it:.3f} s ({with_it / wall - 1:+.1%})"
            )


if __name__ == "__main__":
    report()
