"""A log of a million pictures, ResNet50 at forty epochs: python -m tests.benchmarks.million [FOLDER]."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tb_kernels import open_log
from tb_kernels.reading.log_dirs import source_of
from tb_kernels.viewer.answers import Answers
from tb_kernels.viewer.live import LiveLog

EPOCHS = 40


def write_log(log_dir):
    """26,560 kernels at each epoch, with weights that move a little."""
    import keras
    import numpy as np

    from tb_kernels import KernelLogger

    model = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(64, 64, 3))
    random = np.random.default_rng(0)
    with KernelLogger(log_dir) as logger:
        for epoch in range(1, EPOCHS + 1):
            for layer in model.layers:
                if hasattr(layer, "kernel"):
                    noise = random.normal(scale=0.01, size=layer.kernel.shape[-1])
                    layer.kernel.assign_add(np.broadcast_to(noise, layer.kernel.shape))
            logger.log(model, epoch)


def seconds(deed):
    began = time.perf_counter()
    result = deed()
    return time.perf_counter() - began, result


def peak():
    """Bytes of memory that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def questions(log_dir):
    """What the tab asks, in a process of its own: seconds of the first answer, and bytes in all."""
    before = peak()
    answers = Answers(LiveLog(lambda: source_of(str(log_dir))))

    def ask(question, **names):
        return answers.answer(question, names).body

    first, overview = seconds(lambda: ask("log"))
    (run,) = json.loads(overview)["runs"]
    ask("curves", run=run["name"])
    for layer in run["layers"][-10:]:
        names = {"run": run["name"], "view": layer["view"], "key": layer["key"], "token": run["token"]}  # fmt: skip
        for epoch in layer["epochs"]:
            ask("layer", epoch=str(epoch), **names)
        ask("sprite", epoch=str(layer["epochs"][-1]), part="0", **names)
    again, _ = seconds(lambda: time.sleep(1.1) or ask("log"))
    print(json.dumps([first, again - 1.1, peak() - before]))


def report(log_dir):
    """Prints the table."""
    opened, log = seconds(lambda: open_log(log_dir))
    command = [sys.executable, "-m", "tb_kernels", "list", str(log_dir)]
    listed, _ = seconds(lambda: subprocess.run(command, check=True, capture_output=True))
    asked = [sys.executable, "-m", "tests.benchmarks.million", str(log_dir), "questions"]
    told = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    first, again, memory = json.loads(told.splitlines()[-1])
    print(f"\n| {len(log):,} pictures | |\n| --- | --- |")
    print(f"| `open_log` | {opened:.2f} s |")
    print(f"| `tb-kernels list` | {listed:.2f} s |")
    print(f"| the tab's first answer | {first:.2f} s |")
    print(f"| its next, where nothing is new | {again * 1000:.0f} ms |")
    print(f"| memory of ten layers at all epochs | {memory / 1e6:.0f} MB |")


def main():
    """On a log that is given, or one of its own: some 7 GB."""
    if sys.argv[2:] == ["questions"]:
        questions(Path(sys.argv[1]))
    elif sys.argv[1:]:
        report(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            write_log(folder)
            report(Path(folder))


if __name__ == "__main__":
    main()
