"""The speed tables of the README: python -m tests.benchmarks."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from tests.benchmarks import memory, patterns, training, views, writing

keras.config.disable_interactive_logging()
for network in ("seeds", "vgg16"):
    writing.report(network, writing.measure(network))
    memory.report(network)
training.report()
views.report()
patterns.report()
