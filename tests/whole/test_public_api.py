"""What users import, and what importing it costs."""

import json
import subprocess
import sys

import pytest

import tb_kernels
from tests.helpers.project import HEAVY


def modules_after(statement):
    """The modules a fresh interpreter has loaded after a statement."""
    program = f"import sys, json; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_public_names():
    """These names and no others; each can be had, and dir() tells them."""
    assert tb_kernels.__all__ == [
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
    for name in tb_kernels.__all__:
        assert getattr(tb_kernels, name).__doc__
        assert name in dir(tb_kernels)
    with pytest.raises(AttributeError, match="no attribute 'KernelLoger'"):
        tb_kernels.KernelLoger  # noqa: B018


@pytest.mark.parametrize(
    "statement",
    [
        "import tb_kernels",
        "import tb_kernels.cli",
        "import tb_kernels.writing.writer, tb_kernels.writing.events, tb_kernels.schema.index",
        "import tb_kernels.drawing.layer_pictures, tb_kernels.drawing.overlays, tb_kernels.drawing.statistics",
        "from tb_kernels import Log, Picture, open_log",
        "import tb_kernels.commands.list, tb_kernels.commands.export, tb_kernels.commands.log",
        "import tb_kernels.commands.rank, tb_kernels.commands.health",
        "from tb_kernels import Address, ArgumentError",
    ],
)
def test_light_imports(statement):
    """The package, the command and what handles logs import nothing heavy."""
    assert not modules_after(statement) & HEAVY


@pytest.mark.slow
def test_the_light_import_test_can_fail():
    """The loggers do import Keras, and the check above would see it."""
    assert "keras" in modules_after("from tb_kernels import KernelLogger")


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "tb_kernels", *arguments], capture_output=True, text=True, check=False)  # fmt: skip


def test_command():
    """Help and version answer; wrong usage exits with 2 and says so."""
    assert "KernelLogger" in run("--help").stdout
    assert run("--version").stdout == f"tb-kernels {tb_kernels.__version__}\n"
    assert run().returncode == 0
    wrong = run("--no-such-option")
    assert wrong.returncode == 2
    (line,) = wrong.stderr.splitlines()
    assert "--no-such-option" in line
    assert line.endswith("(see tb-kernels --help)")
