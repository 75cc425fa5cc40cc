"""Peak extra memory of each way, in a process of its own: python -m tests.benchmarks.memory vgg16 ours."""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
from pathlib import Path

WAYS = ("ours", "copy", "floor", "today")


def status(field):
    """Bytes of a field of /proc/self/status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def run(network, way):
    """Prints the peak above what was resident before, and the kernels' bytes."""
    from tests.benchmarks import ways
    from tests.benchmarks.writing import OurWay

    model = ways.NETWORKS[network]()
    size = sum(copied.nbytes for copied in ways.copy_kernels(model))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        pictures = ways.draw_pictures(model) if way in ("floor", "today") else []
        ours = OurWay(model, folder)
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew here
        before = status("VmRSS")
        if way == "ours":
            for _ in range(6):  # more than fit into the queue
                ours.hand_over()
            ours.flush()
        elif way == "copy":
            ways.copy_kernels(model)
        elif way == "floor":
            ways.write_floor(folder, pictures)
        else:
            ways.write_as_today(folder, pictures)
        print(status("VmHWM") - before, size)


def measure(network, way):
    """Peak extra bytes, and the kernels' bytes."""
    command = [sys.executable, "-m", "tests.benchmarks.memory", network, way]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    peak, size = done.stdout.split()[-2:]
    return int(peak), int(size)


def report(network):
    """Prints a line per way."""
    peaks = {way: measure(network, way) for way in WAYS}
    size = peaks["ours"][1]
    limit = 3 * size + 150e6
    print(f"  peak extra memory, kernels {size / 1e6:.1f} MB, six epochs handed over at once:")
    for way, (peak, _) in peaks.items():
        bar = f"   (bar: 3 x kernels + 150 MB = {limit / 1e6:.0f} MB)" if way == "ours" else ""
        print(f"    {way:6} {peak / 1e6:6.0f} MB{bar}")


if __name__ == "__main__":
    run(*sys.argv[1:])
