"""The tables of docs/speed.md: python -m tests.benchmarks."""

import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from tests.benchmarks import memory, writing

keras.config.disable_interactive_logging()
for network in ("seeds", "vgg16"):
    writing.report(network, writing.measure(network))
    memory.report(network)
sys.stdout.flush()
# Each in a process of its own, as a training is: Python's garbage collection takes longer the
# more there is to look through.
for part in ("training", "views", "patterns", "expanded", "reading", "figures", "tab_start"):
    subprocess.run([sys.executable, "-m", f"tests.benchmarks.{part}"], check=True)
