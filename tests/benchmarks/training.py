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


def measure(build, load, batch_size):
    """Interleaved fits without and with a logger on every epoch."""
    data = load()
    model = build()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(*data, batch_size=batch_size, epochs=1, verbose=0)
    plain, logged, cpu, held = [], [], [], []
    with worker.timed() as written:
        for _ in range(ROUNDS):
            for with_logger in (False, True):
                with tempfile.TemporaryDirectory() as folder:
                    logger = Timed(folder)
                    callbacks = [logger] if with_logger else []
                    wall, process = time.perf_counter(), time.process_time()
                    model.fit(
                        *data, batch_size=batch_size, epochs=EPOCHS, verbose=0, callbacks=callbacks
                    )
                    wall = (time.perf_counter() - wall) / EPOCHS
                    if with_logger:
                        logged.append(wall)
                        held.append(logger.held / EPOCHS)
                    else:
                        plain.append(wall)
                        cpu.append((time.process_time() - process) / EPOCHS)
    return {
        "cpu": statistics.median(cpu),
        "held": statistics.median(held),
        "worker": statistics.median(written),
        "plain": plain,
        "logged": logged,
    }


def report():
    """Prints a block per training."""
    for name, training in TRAININGS.items():
        found = measure(*training)
        cost = found["held"] + found["worker"]
        plain, logged = map(statistics.median, (found["plain"], found["logged"]))
        spread = max(found["plain"]) - min(found["plain"])
        print(f"\n{name}, kernels logged after every epoch, per epoch")
        print(f"  processor time of training {found['cpu']:.3f} s")
        print(
            f"  held up {1000 * found['held']:.1f} ms + worker's processor time {1000 * found['worker']:.1f} ms = {cost / found['cpu']:.1%}"
        )
        print(
            f"  wall time without {plain:.3f} s, with {logged:.3f} s ({logged / plain - 1:+.1%}); runs without differ by up to {spread / plain:.1%}"
        )


if __name__ == "__main__":
    report()
