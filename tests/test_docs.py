"""The README is true: its code runs, its keywords and messages exist, its commands are the ones."""

import inspect
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from tb_kernels import (
    ActivationLogger,
    ArgumentError,
    GradientLogger,
    HeatmapLogger,
    KernelLogger,
    PatternLogger,
)

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def classifier():
    """A small network of the kind that the README speaks of."""
    layers = [
        keras.Input((8, 8, 3)),
        keras.layers.Conv2D(4, 3, name="conv2d"),
        keras.layers.Conv2D(6, 3, activation="relu", name="conv2d_1"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(3, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


@pytest.mark.filterwarnings("ignore:epochs .* asked for and not reached")
@pytest.mark.parametrize("code", blocks("python"))
def test_code_blocks_run(code, classifier, data, tmp_path, monkeypatch):
    """Each Python block runs as it stands, given a model and data, and does what it is for."""
    monkeypatch.chdir(tmp_path)
    x, y = data[0], np.arange(16) % 3
    names = {"model": classifier, "x": x, "y": y, "x_val": x, "y_val": y, "train_one_epoch": lambda model: None}  # fmt: skip
    exec(code, names)  # noqa: S102
    for view in re.findall(r"(\w+)Logger\(", code):
        assert list(tmp_path.glob(f"logs/{view.lower()}s/*/*_1_1.png"))
    for value in re.findall(r"^(\w+) = (?:read|compute|synthesize)", code, re.MULTILINE):
        arrays = names[value].values() if isinstance(names[value], dict) else [names[value]]
        assert all(array.size for array in arrays)


def test_table_of_keywords_is_complete():
    """Every keyword of the logger stands in the table, in order, and no other."""
    told = re.findall(
        r"^\| `(\w+)` \|", README.split("## Keywords")[1].split("\n## ")[0], re.MULTILINE
    )
    assert told == [
        name for name in inspect.signature(KernelLogger).parameters if name != "log_dir"
    ]


@pytest.mark.parametrize(
    ("title", "logger"),
    [
        ("Activations", ActivationLogger),
        ("Gradients", GradientLogger),
        ("Patterns", PatternLogger),
        ("Heatmaps", HeatmapLogger),
    ],
)
def test_every_view_tells_its_own_keywords(title, logger):
    """What the table of the first logger does not have stands in the view's section."""
    section = README.split(f"### {title}")[1].split("\n#")[0]
    common = set(inspect.signature(KernelLogger).parameters)
    own = inspect.signature(logger).parameters
    assert common - set(own) <= {"slices", "statistics"}
    for name in set(own) - common:
        assert re.search(rf"`{name}\b", section), name
    default = own["normalize"].default
    if isinstance(default, str):
        assert f'`normalize="{default}"` is the default' in section


def test_error_message_is_the_real_one(data, tmp_path):
    """The error that the README shows is what is raised."""
    layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(1, 3, name="conv2d"), keras.layers.Conv2D(1, 3, name="conv2d_1")]  # fmt: skip
    model = keras.Sequential(layers, name="sequential")
    with pytest.raises(ArgumentError) as told:
        KernelLogger(tmp_path, layers=["conv9"]).log(model, 1)
    assert f"ArgumentError: {told.value}" in README


def test_ci_runs_the_test_command_of_the_readme():
    """The line that .ci/run takes out of the README is the whole command."""
    (command,) = [line for line in README.splitlines() if "bin/pytest" in line]
    assert command.startswith("python3 -m venv .venv && ")
    assert "grep -m 1 'bin/pytest' README.md" in (ROOT / ".ci/run").read_text()


def test_every_link_leads_somewhere():
    """Pictures and files that the README names are in the repository."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).is_file(), target
    for module in re.findall(r"python -m (tests[\w.]*)", README):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module


def test_tag_filters_of_the_readme(tmp_path, model):
    """The filters find what the README says they find."""
    tags = [f"1-conv2d/1_{k}_{e}" for k in (1, 6, 16) for e in (1, 6, 10)] + ["epoch_loss"]
    filters = re.findall(r"`([^`\n]*(?:\(\^\|/\)|\\d)[^`\n]*)`", README.split("## Names")[0])

    def find(pattern):
        return [tag for tag in tags if re.search(pattern, tag)]

    one, with_loss, epoch = filters
    assert find(one) == ["1-conv2d/1_6_1", "1-conv2d/1_6_6", "1-conv2d/1_6_10"]
    assert find(with_loss) == [*find(one), "epoch_loss"]
    assert find(epoch) == ["1-conv2d/1_1_10", "1-conv2d/1_6_10", "1-conv2d/1_16_10"]
