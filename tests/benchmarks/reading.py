"""Reading and exporting 42,000 pictures: python -m tests.benchmarks.reading."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tb_kernels import open_log
from tb_kernels.report.export import export
from tb_kernels.report.folder import ReportFolder
from tb_kernels.report.job import Job

ROUNDS = 3

# TensorBoard's own reader in a process of its own, its imports not counted. Told to do
# without TensorFlow it works out the checksums in Python.
ACCUMULATOR = """
import sys, time, types
if sys.argv[2] == "without":
    sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")
from tensorboard.compat import tf
tf.io
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
begin = time.perf_counter()
accumulator = EventAccumulator(sys.argv[1] + "/kernels", {"tensors": 0})
accumulator.Reload()
size = 0
for tag, metadata in accumulator.summary_metadata.items():
    if metadata.plugin_data.plugin_name == "images":
        size += len(accumulator.Tensors(tag)[0].tensor_proto.string_val[2])
print(time.perf_counter() - begin, size)
"""


def read_ours(log_dir):
    return {picture.tag: picture.png for picture in open_log(log_dir)}


def read_by_tensorboard(log_dir, tensorflow):
    """Seconds, and the bytes of all PNGs."""
    command = [sys.executable, "-c", ACCUMULATOR, str(log_dir), tensorflow]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, size = done.stdout.split()[-2:]
    return float(seconds), int(size)


def export_ours(log_dir, folder):
    log, out = open_log(log_dir), ReportFolder(folder)
    export(Job(log, out, print, lambda: None), ["images"])


def write_the_same(pictures, folder):
    """The floor: the bytes in memory, the folders there, one plain write for each file."""
    for path in {Path(path).parent for path in pictures}:
        (folder / path).mkdir(parents=True, exist_ok=True)
    for path, png in pictures.items():
        (folder / f"{path}.png").write_bytes(png)


def run(*arguments):
    """The command line, in a process of its own."""
    program = [sys.executable, "-m", "tb_kernels", *map(str, arguments)]
    subprocess.run(program, check=True, stdout=subprocess.DEVNULL)


def timed(function, *arguments):
    begin = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - begin, result


def peak_of(log_dir, folder):
    """Peak memory of an export in a process of its own, in bytes."""
    program = (
        "import sys; from pathlib import Path; from tb_kernels.cli import main;"
        "code = main(['export', *sys.argv[1:], '--only', 'images']);"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    command = [sys.executable, "-c", program, log_dir, folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1]) * 1024


def one_round(log_dir, folder):
    """Seconds of each way, one after the other."""
    seconds = {}
    seconds["ours"], pictures = timed(read_ours, log_dir)
    size = sum(map(len, pictures.values()))
    for tensorflow in ("with", "without"):
        seconds[tensorflow], theirs = read_by_tensorboard(log_dir, tensorflow)
        assert theirs == size
    seconds["floor"], _ = timed(write_the_same, pictures, folder / "floor")
    seconds["export"], _ = timed(export_ours, log_dir, folder / "out")
    seconds["list"], _ = timed(run, "list", log_dir)
    seconds["help"], _ = timed(run, "--help")
    for out in ("floor", "out"):
        shutil.rmtree(folder / out)
    return seconds


def report(log_dir, folder, told):
    """Prints a line per way."""
    rounds = [one_round(log_dir, folder) for _ in range(ROUNDS)]
    median = {way: statistics.median(one[way] for one in rounds) for way in rounds[0]}
    size = sum(path.stat().st_size for path in (log_dir / "kernels").glob("*tfevents*"))
    print(f"\n{told}, {size / 1e6:.0f} MB of events, medians of {ROUNDS} interleaved rounds")
    for way, text, other in (
        ("ours", "open_log, every encoded picture", None),
        ("with", "EventAccumulator, with TensorFlow", "ours"),
        ("without", "EventAccumulator, without TensorFlow", "ours"),
        ("floor", "writing the same bytes as files", None),
        ("export", "export --only images, reading included", "floor"),
        ("list", "tb-kernels list", None),
        ("help", "tb-kernels --help", None),
    ):
        ratio = f"   {median[way] / median[other]:.2f} x" if other else ""
        print(f"  {text:40} {median[way]:7.2f} s{ratio}")


def main():
    # Here, since this process reads logs as the command line does: without TensorFlow.
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for pictures in ("42000", "10000", "vgg16"):
            command = [sys.executable, "-m", "tests.helpers.large_log", folder / pictures, pictures]
            subprocess.run(command, check=True, capture_output=True)
        report(folder / "42000", folder, "42,000 pictures of 16 slices")
        for pictures in ("10000", "42000"):
            peak = peak_of(folder / pictures, folder / "out")
            print(f"  peak memory of an export, {int(pictures):6,} pictures {peak / 1e6:6.0f} MB")
            shutil.rmtree(folder / "out")
        report(folder / "vgg16", folder, "VGG16 at ten epochs, 42,240 pictures")


if __name__ == "__main__":
    main()
