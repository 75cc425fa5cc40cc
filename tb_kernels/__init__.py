"""Watch a convolutional network learn: pictures of it on disk and in TensorBoard.

The way of the data, a folder for each step:

    schema/    what those who write and those who read agree on: names, the index
    model/     a Keras model → what is inside it
    drawing/   arrays → pictures
    views/     inside → arrays, and what is drawn of them
    writing/   pictures → files and events, in the background
    loggers/   the Keras callbacks: when, and where to
    reading/   a log → pictures, weights, arrays, curves
    figures/   what was read → figures of matplotlib
    report/    figures → a folder, a page
    viewer/    what was read → answers for a browser
    commands/  the command line, which `cli` begins

Each imports only from those above it, and from `arguments` (what the user gave,
checked), `errors` and `wording`.

Importing this package imports neither TensorFlow nor Keras; the first use of a
logger or of a function on models does. Reading a log never does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tb_kernels.errors import ArgumentError, LogError, LogWarning, WriteError
    from tb_kernels.loggers.activations import ActivationLogger
    from tb_kernels.loggers.examples import ExampleLogger
    from tb_kernels.loggers.expanded import ExpansionLogger
    from tb_kernels.loggers.gradients import GradientLogger
    from tb_kernels.loggers.heatmaps import HeatmapLogger
    from tb_kernels.loggers.kernels import KernelLogger
    from tb_kernels.loggers.patterns import PatternLogger
    from tb_kernels.reading.health import LayerHealth
    from tb_kernels.reading.log import Log
    from tb_kernels.reading.opening import open_log
    from tb_kernels.reading.picture import Picture
    from tb_kernels.reading.ranking import Ranked
    from tb_kernels.reading.weights import LayerWeights
    from tb_kernels.schema.naming import Address
    from tb_kernels.views.activations import compute_activations
    from tb_kernels.views.examples import find_examples
    from tb_kernels.views.expanded import expand_kernels
    from tb_kernels.views.gradients import compute_gradients
    from tb_kernels.views.heatmaps import compute_heatmaps
    from tb_kernels.views.kernels import read_kernels
    from tb_kernels.views.patterns import synthesize_patterns

__all__ = [
    "ActivationLogger",
    "Address",
    "ArgumentError",
    "ExampleLogger",
    "ExpansionLogger",
    "GradientLogger",
    "HeatmapLogger",
    "KernelLogger",
    "LayerHealth",
    "LayerWeights",
    "Log",
    "LogError",
    "LogWarning",
    "PatternLogger",
    "Picture",
    "Ranked",
    "WriteError",
    "__version__",
    "compute_activations",
    "compute_gradients",
    "compute_heatmaps",
    "expand_kernels",
    "find_examples",
    "open_log",
    "read_kernels",
    "synthesize_patterns",
]

__version__ = "0.1.0"

_HOMES = {
    "ActivationLogger": "tb_kernels.loggers.activations",
    "Address": "tb_kernels.schema.naming",
    "ArgumentError": "tb_kernels.errors",
    "ExampleLogger": "tb_kernels.loggers.examples",
    "ExpansionLogger": "tb_kernels.loggers.expanded",
    "GradientLogger": "tb_kernels.loggers.gradients",
    "HeatmapLogger": "tb_kernels.loggers.heatmaps",
    "KernelLogger": "tb_kernels.loggers.kernels",
    "LayerHealth": "tb_kernels.reading.health",
    "LayerWeights": "tb_kernels.reading.weights",
    "Log": "tb_kernels.reading.log",
    "LogError": "tb_kernels.errors",
    "LogWarning": "tb_kernels.errors",
    "PatternLogger": "tb_kernels.loggers.patterns",
    "Picture": "tb_kernels.reading.picture",
    "Ranked": "tb_kernels.reading.ranking",
    "WriteError": "tb_kernels.errors",
    "compute_activations": "tb_kernels.views.activations",
    "compute_gradients": "tb_kernels.views.gradients",
    "compute_heatmaps": "tb_kernels.views.heatmaps",
    "expand_kernels": "tb_kernels.views.expanded",
    "find_examples": "tb_kernels.views.examples",
    "open_log": "tb_kernels.reading.opening",
    "read_kernels": "tb_kernels.views.kernels",
    "synthesize_patterns": "tb_kernels.views.patterns",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
