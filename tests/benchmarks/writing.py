"""How long fit is held up, and when everything is on disk: ours beside the ways of today."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from tb_kernels import KernelLogger
from tests.benchmarks import ways

ROUNDS = 8


def timed(function, *arguments):
    """Seconds that a call takes, after everything written before has reached the disk."""
    os.sync()
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin


class OurWay:
    """Hands over an epoch as fit does, and waits for the disk where asked to."""

    def __init__(self, model, folder):
        self.logger = KernelLogger(folder)
        self.logger.set_model(model)
        self.logger.set_params({"epochs": 1, "steps": 1, "verbose": 0})
        self.logger.on_train_begin()
        self.logger.on_epoch_begin(0)
        self.epoch = 0

    def hand_over(self):
        self.logger.on_epoch_end(self.epoch)
        self.epoch += 1

    def flush(self):
        self.logger.flush()


def measure(name):
    """Medians of interleaved rounds, in seconds, by what was measured."""
    model = ways.NETWORKS[name]()
    pictures = ways.draw_pictures(model)
    folder = Path(tempfile.mkdtemp())
    ours = OurWay(model, folder / "ours")
    ours.hand_over()
    ours.flush()
    times = {way: [] for way in ("copy", "held up", "on disk", "full queue", "floor", "today")}
    for round_ in range(ROUNDS):
        # Each way adds an epoch to folders that exist, as a training does.
        named = [(f"{path.rpartition('_')[0]}_{round_}", pixels) for path, pixels in pictures]
        times["copy"].append(timed(ways.copy_kernels, model))
        held = timed(ours.hand_over)
        begin = time.perf_counter()
        ours.flush()
        times["held up"].append(held)
        times["on disk"].append(held + time.perf_counter() - begin)
        times["floor"].append(timed(ways.write_floor, folder / "floor", named))
        if round_ < 4:
            times["today"].append(timed(ways.write_as_today, folder / "today", named))
        for _ in range(3):  # one at work, two waiting
            ours.hand_over()
        times["full queue"].append(timed(ours.hand_over))
        ours.flush()
    # The first round makes the folders of the other ways.
    times = {way: found[1:] for way, found in times.items()}
    medians = {way: statistics.median(found) for way, found in times.items()}
    medians["seeds, at least"] = measure_seeds(model, folder)
    medians["pictures"] = len(pictures)
    shutil.rmtree(folder)
    return medians


def measure_seeds(model, folder):
    """A lower bound of the seeds' way: every figure as cheap as one of a single square.

    A kernel of n input channels is saved n times, each time with more squares. Here
    each of these saves is counted at the price of the first kernel's cheapest way:
    one figure with one square.
    """
    kernel = ways.copy_kernels(model)[0][:, :, :1, 0]
    ways.write_as_the_seeds(folder, kernel)
    save = statistics.median(timed(ways.write_as_the_seeds, folder, kernel) for _ in range(7))
    return save * sum(ways.slices_of_layers(model))


def report(name, found):
    """Prints a table of one network."""
    ms = {way: 1000 * seconds for way, seconds in found.items()}
    print(f"\n{name}: {found['pictures']:,} pictures, medians of {ROUNDS - 1} interleaved rounds")
    print(
        f"  fit held up     {ms['held up']:10.1f} ms   {found['held up'] / found['copy']:.2f} x the copy ({ms['copy']:.1f} ms)"
    )
    print(
        f"  with full queue {ms['full queue']:10.1f} ms   waits until one of the epochs before is written"
    )
    print(
        f"  until on disk   {ms['on disk']:10.0f} ms   {found['on disk'] / found['floor']:.2f} x the floor, zlib level 1 ({ms['floor']:.0f} ms)"
    )
    print(
        f"    Pillow and tf.summary.image  {found['today']:8.1f} s   {found['today'] / found['on disk']:,.0f} x ours"
    )
    print(
        f"    the seeds' matplotlib   at least {found['seeds, at least']:6,.0f} s   {found['seeds, at least'] / found['on disk']:,.0f} x ours"
    )
