"""What the background may hold."""

import time
import tracemalloc

import numpy as np
import pytest

from tb_kernels import KernelLogger
from tests.benchmarks.memory import measure
from tests.helpers.disk import slow_down


@pytest.mark.slow
def test_peak_memory_is_bounded():
    """Six epochs of VGG16 handed over at once: at most three copies and 150 MB, in a process of its own."""
    peak, kernels = measure("vgg16", "ours")
    assert 50e6 < kernels < 60e6
    assert kernels < peak <= 3 * kernels + 150e6


class Copies:
    """Counts the copies of a weight that are alive at once, on a disk slower than training."""

    def __init__(self, size):
        self.size, self.most = size, 0

    @property
    def alive(self):
        """By their size: no other array of NumPy's in these tests takes as many bytes."""
        arrays = (np.lib.tracemalloc_domain, self.size)
        traces = tracemalloc.take_snapshot().traces
        return sum((trace.domain, trace.size) == arrays for trace in traces)

    def count(self, path):
        """While the first layer is written, the second one's copy waits.

        The disk waits until training has filled the queue, however busy the machine is.
        """
        if "1-first" in path:
            soon = time.monotonic() + 20
            while self.most < 3 and time.monotonic() < soon:
                self.most = max(self.most, self.alive)
            # For a fourth.
            time.sleep(0.03)
            self.most = max(self.most, self.alive)


def test_no_more_than_three_copies_are_alive(model, tmp_path, monkeypatch):
    """One epoch at work, two waiting: training waits before it copies a fourth."""
    copies = Copies(model.layers[2].kernel.numpy().nbytes)
    slow_down(monkeypatch, copies.count)
    logger = KernelLogger(tmp_path, statistics=False)
    tracemalloc.start()
    try:
        for epoch in range(1, 9):
            logger.log(model, epoch)
        logger.close()
        assert copies.most == 3
        assert copies.alive == 0
    finally:
        tracemalloc.stop()
