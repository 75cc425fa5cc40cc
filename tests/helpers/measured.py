"""What reading a stranger's files takes, in a process of its own."""

import os
import subprocess
import sys
from typing import NamedTuple

# Beside four times the bytes that are read.
ALLOWANCE = 200e6

_PROGRAM = """
import sys, warnings
from pathlib import Path
import numpy
from tb_kernels import LogError, open_log
warnings.simplefilter("ignore")
def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
def attempt(function):
    try:
        return function()
    except LogError as error:
        return error
before, log_dir = peak(), sys.argv[1]
try:
    {}
except LogError as error:
    print("LogError:", error)
print(peak() - before)
"""


class Taken(NamedTuple):
    """The processor's seconds, which no other process takes part in, its peak of memory above that of the imports, and what it printed."""

    seconds: float
    memory: int
    printed: str


def reading(log_dir, statement):
    """Runs a statement about `log_dir`; its memory is within what is promised."""
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(statement), log_dir],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    after = os.times()
    seconds = (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
    assert done.returncode == 0, done.stderr[-2000:]
    *printed, memory = done.stdout.splitlines()
    taken = Taken(seconds, int(memory), "\n".join(printed))
    found = (path.stat() for path in log_dir.rglob("*") if path.is_file())
    # Of a file with holes, what there is beside these.
    size = sum(min(one.st_size, one.st_blocks * 512) for one in found)
    assert taken.memory <= 4 * size + ALLOWANCE, (
        f"{taken.memory / 1e6:,.0f} MB of {size / 1e6:,.0f}"
    )
    return taken
