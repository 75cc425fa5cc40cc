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

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tb_kernels import open_log
from tb_kernels.export.exporter import export
from tb_kernels.export.folder import ReportFolder
from tb_kernels.export.job import Job, Options
from tests.large_log import write_log

PICTURES = 42_000
ROUNDS = 3


def read_ours(log_dir):
    return {picture.tag: picture.png for picture in open_log(log_dir)}


def read_by_tensorboard(log_dir):
    """With every picture kept, as `--samples_per_plugin images=0` would not."""
    accumulator = EventAccumulator(str(log_dir / "kernels"), {"tensors": 0})
    accumulator.Reload()
    metadata = accumulator.summary_metadata
    return {
        tag: accumulator.Tensors(tag)[0].tensor_proto.string_val[2]
        for tag, one in metadata.items()
        if one.plugin_data.plugin_name == "images"
    }


def export_ours(log_dir, folder):
    export(Job(open_log(log_dir), ReportFolder(folder), Options(), print, lambda: None), ["images"])


def write_the_same(pictures, folder):
    """The floor: the bytes in memory, the folders there, one plain write for each file."""
    for path in {Path(path).parent for path in pictures}:
        (folder / path).mkdir(parents=True, exist_ok=True)
    for path, png in pictures.items():
        (folder / f"{path}.png").write_bytes(png)


def timed(function, *arguments):
    started = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - started, result


def peak_of(log_dir, folder):
    """Peak memory of the command in a process of its own, in bytes."""
    program = (
        "import sys; from pathlib import Path; from tb_kernels.cli import main;"
        "code = main(['export', *sys.argv[1:], '--only', 'images']);"
        "print([line for line in Path('/proc/self/status').read_text().splitlines()"
        " if line.startswith('VmHWM')][0].split()[1]); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, log_dir, folder], check=True, capture_output=True, text=True
    )
    return int(done.stdout.split()[-1]) * 1024


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        log_dir, small = folder / "logs", folder / "small"
        write_log(log_dir, PICTURES)
        write_log(small, 10_000)
        size = sum(path.stat().st_size for path in (log_dir / "kernels").glob("*tfevents*"))
        print(f"{PICTURES:,} pictures, {size / 1e6:.0f} MB of events, medians of {ROUNDS} rounds")
        times = {"read": [], "accumulator": [], "export": [], "floor": [], "list": [], "help": []}
        for _ in range(ROUNDS):
            seconds, ours = timed(read_ours, log_dir)
            times["read"].append(seconds)
            seconds, theirs = timed(read_by_tensorboard, log_dir)
            times["accumulator"].append(seconds)
            assert ours == theirs
            times["floor"].append(timed(write_the_same, ours, folder / "floor")[0])
            times["export"].append(timed(export_ours, log_dir, folder / "out")[0])
            for out in ("floor", "out"):
                shutil.rmtree(folder / out)
            times["list"].append(timed(run, "list", log_dir)[0])
            times["help"].append(timed(run, "--help")[0])
        median = {name: statistics.median(values) for name, values in times.items()}
        for name, text, other in (
            ("read", "reading every encoded picture", None),
            ("accumulator", "... by TensorBoard's EventAccumulator", "read"),
            ("floor", "writing the same bytes as files", None),
            ("export", "export --only images, reading included", "floor"),
            ("list", "tb-kernels list", None),
            ("help", "tb-kernels --help", None),
        ):
            ratio = f"   {median[name] / median[other]:.2f} x" if other else ""
            print(f"  {text:42} {median[name]:7.2f} s{ratio}")
        for log in (small, log_dir):
            print(f"  peak memory, {len(open_log(log)):6,} pictures: {peak_of(log, folder / 'out') / 1e6:.0f} MB")  # fmt: skip
            shutil.rmtree(folder / "out")


def run(*arguments):
    """A run of the command line, in a process of its own."""
    program = [sys.executable, "-m", "tb_kernels", *map(str, arguments)]
    subprocess.run(program, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
