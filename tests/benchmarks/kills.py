"""kill -9 at random moments of a training with all five loggers: python -m tests.benchmarks.kills 200.

The process that trains and the one that writes are killed at once, as when a machine dies. Then
everything is read: each file under its final name is whole, each picture of a kernel is the
weights of its epoch to half a level, TensorBoard reads what the event files hold, and the next
training into the directory clears away what was left.
"""

import io
import random
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from tb_kernels import LogError, LogWarning, open_log

# Forks a training for each line that it reads: importing all there is to import takes seconds.
TRAINING = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np
import tb_kernels
from tests.benchmarks.kills import kernels_at

keras.config.disable_interactive_logging()
[getattr(tb_kernels, name) for name in tb_kernels.__all__]
L = keras.layers
for line in sys.stdin:
    log_dir, epochs = line.split()
    child = os.fork()
    if child == 0:
        model = keras.Sequential([
            keras.Input((12, 12, 3)), L.Conv2D(32, 3, name="first"), L.Conv2D(200, 3, name="second"),
            L.GlobalAveragePooling2D(), L.Dense(3, activation="softmax"),
        ])
        model.compile("sgd", "sparse_categorical_crossentropy")
        x, y = np.random.default_rng(0).normal(size=(4, 12, 12, 3)).astype("float32"), np.arange(4) % 3
        loggers = [
            tb_kernels.KernelLogger(log_dir, normalize="kernel", sheets=True),
            tb_kernels.ActivationLogger(log_dir, x, sheets=True),
            tb_kernels.GradientLogger(log_dir, x, y),
            tb_kernels.PatternLogger(log_dir, steps=1),
            tb_kernels.HeatmapLogger(log_dir, x),
        ]
        for epoch in range(1, int(epochs) + 1):
            for layer, kernel in zip(model.layers, kernels_at(epoch)):
                layer.kernel.assign(kernel)
            for logger in loggers:
                logger.log(model, epoch)
        for logger in loggers:
            logger.close()
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""


def kernels_at(epoch):
    """The kernels of both layers at an epoch, of another magnitude at each."""
    generator = np.random.default_rng(epoch)
    shapes = ((3, 3, 3, 32), (3, 3, 32, 200))
    return [generator.normal(size=shape).astype("float32") * 10.0 ** (epoch % 5) for shape in shapes]  # fmt: skip


class Trainings:
    """Starts them, and kills them."""

    def __enter__(self):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.parent = subprocess.Popen([sys.executable, "-c", TRAINING], text=True, **pipes)
        return self

    def __exit__(self, *_):
        self.parent.stdin.close()
        self.parent.stdout.close()
        self.parent.wait()

    def start(self, log_dir, epochs):
        self.parent.stdin.write(f"{log_dir} {epochs}\n")
        self.parent.stdin.flush()
        return psutil.Process(int(self.parent.stdout.readline()))

    def wait(self):
        assert self.parent.stdout.readline() == "ended\n"

    def kill(self, log_dir, seconds):
        """A training that is killed so many seconds after its first picture."""
        process = self.start(log_dir, 100_000)
        deadline = time.monotonic() + 120
        while not list(log_dir.glob("kernels/*/*.png")) and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(seconds)
        for one in [*process.children(), process]:
            one.kill()
        self.wait()


def check(log_dir):
    """Looks at everything; what was interrupted, by what was seen of it.

    Raises:
        AssertionError: If something is wrong.
    """
    traces = set()
    epochs = Counter()
    for path in log_dir.rglob("*"):
        if path.name.startswith(".partial"):
            traces.add("a file that had no name yet")
        elif path.suffix == ".png":
            with Image.open(io.BytesIO(path.read_bytes())) as image:
                image.load()
            epochs[path.parts[-3], path.stem.split("_")[2]] += 1
        elif path.suffix == ".npz":
            with np.load(path) as arrays:
                assert [arrays[key] is not None for key in arrays]
    for path in log_dir.glob("*/events*"):
        sum(1 for _ in EventFileLoader(str(path)).Load())
    assert epochs
    whole = {view: max(number for (one, _), number in epochs.items() if one == view) for view, _ in epochs}  # fmt: skip
    if any(number < whole[view] for (view, _), number in epochs.items()):
        traces.add("a view of an epoch without all of its pictures")
    views = Counter(epoch for _, epoch in epochs)
    if any(number < 5 for number in views.values()):
        traces.add("an epoch without all of its views")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        log = open_log(log_dir)
    if any("ends within a record" in str(one.message) for one in told):
        traces.add("a record that was cut off")
    assert all(issubclass(one.category, LogWarning) for one in told)
    seen = {(one.view, one.tag) for one in log}
    files = {(path.parts[-3], f"{path.parts[-2]}/{path.stem}") for path in log_dir.rglob("*.png")}
    if files - seen:
        traces.add("files whose record was not written")
    read = 0
    for picture in log:
        try:
            weights = picture.weights()
        except LogError:
            assert picture.view == "heatmaps"
            continue
        read += 1
        path = log_dir / picture.view / f"{picture.tag}.png"
        assert path.read_bytes() == picture.png
        if picture.view == "kernels":
            assert_shows(picture, weights)
    return traces, read


def assert_shows(picture, weights):
    """A picture is its kernel at its epoch, to half a level."""
    _, kernel, epoch = picture.address
    every = kernels_at(epoch)[picture.address.layer == "2"].transpose(3, 2, 0, 1)
    expected = every if kernel == 0 else every[kernel - 1]
    half = (expected.max() - expected.min()) / 510
    assert np.abs(weights - expected).max() <= half * (1 + 1e-5), picture


def measure(number, seed=0):
    """So many kills: how many interrupted writing, by what was seen; and pictures read."""
    chance = random.Random(seed)
    seen, interrupted, pictures = Counter(), 0, 0
    with Trainings() as trainings, tempfile.TemporaryDirectory() as folder:
        for attempt in range(number):
            log_dir = Path(folder) / str(attempt)
            trainings.kill(log_dir, chance.uniform(0, 0.6))
            traces, read = check(log_dir)
            seen.update(traces)
            interrupted += bool(traces)
            pictures += read
            if attempt % 10 == 0:
                # The next training into the directory clears away, and both are right.
                trainings.start(log_dir, 2)
                trainings.wait()
                check(log_dir)
                assert not list(log_dir.rglob(".partial*"))
    return interrupted, pictures, seen


def report(number):
    """Prints a table."""
    begin = time.monotonic()
    interrupted, pictures, seen = measure(number)
    print(f"\n{number} kills, {interrupted} of which interrupted writing:\n")
    print("| seen | times |\n| --- | --- |")
    for trace, times in seen.most_common():
        print(f"| {trace} | {times} |")
    print(
        f"\nNo file under its final name was broken; {pictures:,} pictures read back, all right, in "
        f"{time.monotonic() - begin:.0f} s."
    )


if __name__ == "__main__":
    report(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
