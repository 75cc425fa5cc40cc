"""How much later TensorBoard starts with the tab Kernels: python -m tests.benchmarks.tab_start."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.helpers.absent import shadow, without
from tests.helpers.tensorboard import fetched, started

ROUNDS = 20

# Whose entry points are hidden.
HIDDEN = {"without the tab": "tb_kernels", "with it": "nobody"}


def main():
    """Starts TensorBoard in turn with and without the tab; prints the medians."""
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder))
    hidden, there = (np.array(found[way]) for way in HIDDEN)
    print(f"TensorBoard without TensorFlow answers, medians of {ROUNDS} starts of each:")
    for name, (seconds, processor) in {
        "without the tab": np.median(hidden, axis=0),
        "with it": np.median(there, axis=0),
        "later by": np.median(there - hidden, axis=0),
    }.items():
        print(f"  {name:16} {seconds:6.3f} s, {processor:6.3f} s of processor time")


def measure(folder):
    """By way, a row for each start: the seconds to the first answer, and processor seconds."""
    # Its import takes seconds, now more, now less, with the tab and without it.
    bare = without(folder / "bare", "tensorflow")
    found = {way: [] for way in HIDDEN}
    for _ in range(ROUNDS):
        for way, name in HIDDEN.items():
            hidden = shadow(folder / way, name)
            path = os.pathsep.join([hidden["PYTHONPATH"], bare["PYTHONPATH"]])
            before, begin = os.times(), time.perf_counter()
            with started("--logdir", folder, PYTHONPATH=path) as address:
                has_tab = b'"tb_kernels"' in fetched(address, "data/plugins_listing")
                seconds = time.perf_counter() - begin
            assert has_tab == (way == "with it")
            after = os.times()
            processor = after.children_user - before.children_user
            processor += after.children_system - before.children_system
            found[way].append((seconds, processor))
    return found


if __name__ == "__main__":
    main()
