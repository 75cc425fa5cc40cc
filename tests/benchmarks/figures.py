"""The figures of a report, of VGG16 at two epochs: python -m tests.benchmarks.figures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# A layer of 256 kernels of 256 slices, and its strips alone.
STRIPS = ("--layers", "9", "--only", "strips")


def export(log_dir, folder, *options):
    """Seconds of the command, processor seconds, peak memory in bytes, and the figures drawn."""
    program = [sys.executable, "-m", "tb_kernels", "export", log_dir, folder, *options]
    begin = time.perf_counter()
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0
    seconds = time.perf_counter() - begin
    figures = sum(
        path.suffix in (".png", ".gif") and path.relative_to(folder).parts[0] != "images"
        for path in folder.rglob("*")
    )
    shutil.rmtree(folder)
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, figures


def main():
    with tempfile.TemporaryDirectory() as folder:
        log_dir, out = Path(folder) / "vgg16", Path(folder) / "out"
        command = [sys.executable, "-m", "tests.helpers.large_log", log_dir, "vgg16", "2"]
        subprocess.run(command, check=True, capture_output=True)
        some, _, _, few = export(log_dir, out, *STRIPS)
        all_of_them, _, _, many = export(log_dir, out, *STRIPS, "--top", "all")
        each = (all_of_them - some) / (many - few)
        seconds, processor, peak, figures = export(log_dir, out)
    print(f"VGG16 at two epochs, {os.cpu_count()} cores")
    print(f"  export, {figures} figures and the page    {seconds:6.1f} s")
    print(f"  … of processor time                 {processor:6.1f} s")
    print(f"  … peak memory of a process          {peak / 1e6:6.0f} MB")
    print(f"  --top all, each strip more          {each * 1e3:6.0f} ms")


if __name__ == "__main__":
    main()
