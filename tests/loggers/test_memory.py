"""What the background may hold."""

import threading
import time

from tb_kernels import KernelLogger
from tests.benchmarks.memory import measure


def test_peak_memory_is_bounded():
    """Six epochs of VGG16 handed over at once: at most three copies and 150 MB, in a process of its own."""
    peak, kernels = measure("vgg16", "ours")
    assert 50e6 < kernels < 60e6
    assert kernels < peak <= 3 * kernels + 150e6


class Copies:
    """Counts the copies of an epoch that are alive at once, with a worker slower than training."""

    def __init__(self, plan):
        self.plan, self.alive, self.most = plan, 0, 0
        self.lock = threading.Lock()

    def __getattr__(self, name):
        return getattr(self.plan, name)

    def capture(self):
        with self.lock:
            self.alive += 1
            self.most = max(self.most, self.alive)
        return self.plan.capture()

    def draw(self, captured, epoch, report):
        time.sleep(0.1)
        yield from self.plan.draw(captured, epoch, report)
        with self.lock:
            self.alive -= 1


def test_no_more_than_three_copies_are_alive(model, tmp_path):
    """One epoch at work, two waiting: training waits before it copies a fourth."""
    logger = KernelLogger(tmp_path)
    copies = Copies(logger._plan_for(model))
    for epoch in range(1, 9):
        logger._open().hand_over(copies, epoch)
    logger.close()
    assert copies.most == 3
    assert copies.alive == 0
