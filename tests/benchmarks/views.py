"""What each logger costs per logged epoch of examples/digits.py, as the example uses it."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import keras

from examples import digits
from tests.benchmarks import worker

EPOCHS = range(1, 8)


def measure():
    """Milliseconds of training held up and of worker, pictures and bytes, for each view."""
    keras.utils.set_random_seed(0)
    (x, y), (x_test, y_test) = digits.load("digits")
    model = digits.build(x.shape[1:])
    model.fit(x, y, batch_size=32, epochs=1, verbose=0)
    begin = time.process_time()
    model.fit(x, y, batch_size=32, epochs=2, verbose=0)
    epoch = (time.process_time() - begin) / 2
    return epoch, {view: cost(view, model, x_test, y_test) for view in digits.VIEWS}


def cost(view, model, x, y):
    """Of the first epoch, which traces, and the median of later ones."""
    held = []
    with worker.timed() as written, tempfile.TemporaryDirectory() as folder:
        with digits.loggers([view], Path(folder), None, x, y)[0] as logger:
            for epoch in EPOCHS:
                begin = time.perf_counter()
                logger.log(model, epoch)
                held.append(time.perf_counter() - begin)
                logger.flush()
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        pictures = sum(path.suffix == ".png" for path in files) / len(EPOCHS)
        size = sum(path.stat().st_size for path in files) / len(EPOCHS)
    later = statistics.median(held[1:])
    return {
        "first": held[0],
        "held": later,
        "worker": statistics.median(written),
        "pictures": pictures,
        "size": size,
    }


def report():
    """Prints a line per view."""
    epoch, found = measure()
    print(f"\nexamples/digits.py, per logged epoch; an epoch takes {epoch:.2f} s of processor time")
    print("  view          first epoch   later ones   background   pictures      size")
    for view, one in found.items():
        print(
            f"  {view:12} {1000 * one['first']:8.0f} ms {1000 * one['held']:9.1f} ms"
            f" {1000 * one['worker']:9.1f} ms {one['pictures']:10.0f} {one['size'] / 1000:7.0f} kB"
        )


if __name__ == "__main__":
    report()
