"""A log of a million pictures, ResNet50 at forty epochs: python -m tests.benchmarks.million [FOLDER]."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import psutil

from tb_kernels import open_log
from tests.helpers.absent import shadow
from tests.helpers.browser import page
from tests.helpers.tensorboard import asked, started

EPOCHS, ROUNDS = 40, 5


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


def median_of(deed):
    return statistics.median(seconds(deed)[0] for _ in range(ROUNDS))


def memory_of_tensorboard():
    """Bytes that its process has had at most; the data server is another process."""
    (process,) = (
        one for one in psutil.Process().children() if "tensorboard.main" in " ".join(one.cmdline())
    )
    told = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", told)[1]) * 1024


def wait_for_data(address):
    """Until TensorBoard has seen pictures, of which it reads all first."""
    while not asked(address, "data/plugins_listing")["images"]["enabled"]:
        time.sleep(0.5)


def without_the_tab(log_dir, folder):
    """Bytes of a TensorBoard that does not know of this package, with its page open."""
    hidden = shadow(Path(folder), "tb_kernels")
    with started("--logdir", log_dir, **hidden) as address, page(1400, 900) as tab:
        tab.goto(f"{address}#scalars")
        tab.wait_for_timeout(8000)
        wait_for_data(address)
        return memory_of_tensorboard()


def with_the_tab(log_dir):
    """Seconds from the click on the tab to the first picture, and bytes after ten layers."""
    with started("--logdir", log_dir) as address, page(1400, 900) as tab:
        wait_for_data(address)
        tab.goto(f"{address}#scalars")
        chosen = tab.get_by_role("tab", name="Kernels")
        chosen.wait_for()
        tab.wait_for_timeout(2000)
        began = time.perf_counter()
        chosen.click()
        tab.frame_locator("iframe").locator("button.kernel").first.wait_for(timeout=60_000)
        opened = time.perf_counter() - began
        for place in range(10):
            tab.frame_locator("iframe").locator(".layer-list button").nth(place).click()
            tab.wait_for_timeout(700)
        return opened, memory_of_tensorboard()


def report(log_dir):
    """Prints the table."""
    log = open_log(log_dir)
    opened, refreshed = median_of(lambda: open_log(log_dir)), median_of(log.refreshed)
    command = [sys.executable, "-m", "tb_kernels", "list", str(log_dir)]
    listed = median_of(lambda: subprocess.run(command, check=True, capture_output=True))
    with tempfile.TemporaryDirectory() as folder:
        bare = without_the_tab(log_dir, folder)
    shown, memories = zip(*(with_the_tab(log_dir) for _ in range(ROUNDS)), strict=True)
    print(f"\n| {len(log):,} pictures | |\n| --- | --- |")
    print(f"| `open_log` | {opened:.2f} s |")
    print(f"| `Log.refreshed`, where nothing is new | {refreshed * 1000:.0f} ms |")
    print(f"| `tb-kernels list` | {listed:.2f} s |")
    print(f"| first picture after the click on the tab | {statistics.median(shown):.2f} s |")
    print(
        f"| memory of TensorBoard, above {bare / 1e6:.0f} MB without the tab | {(statistics.median(memories) - bare) / 1e6:.0f} MB |"
    )


def main():
    """On a log that is given, or one of its own: some 7 GB."""
    if sys.argv[1:]:
        report(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            write_log(folder)
            report(Path(folder))


if __name__ == "__main__":
    main()
