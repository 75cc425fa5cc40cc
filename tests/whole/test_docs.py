"""README and docs/ are true: code and commands run, keywords, messages and links are the real ones."""

import ast
import inspect
import re
import shlex
import shutil
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import tb_kernels
from tb_kernels import (
    ActivationLogger,
    ArgumentError,
    ExampleLogger,
    ExpansionLogger,
    GradientLogger,
    HeatmapLogger,
    KernelLogger,
    PatternLogger,
)
from tb_kernels.cli import main
from tb_kernels.commands.export import command as export_command
from tb_kernels.figures.figure import KINDS, draw_figure
from tb_kernels.figures.manner import Manner
from tb_kernels.figures.saving import pixels_of
from tb_kernels.writing.disk import SILENT_SECONDS
from tests.benchmarks.ways import seeds_network
from tests.helpers.project import ROOT

README = (ROOT / "README.md").read_text()
# What they say is run; of how the package is built, only the links are followed.
PAGES = {page.name: page.read_text() for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}  # fmt: skip
INSIDE = {"architecture.md"}
TOLD = "\n".join(text for name, text in PAGES.items() if name not in INSIDE)


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TOLD, re.DOTALL)


def without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text):
    """What GitHub makes of a page's titles; of two that are alike the second ends in -1."""
    found, seen = set(), Counter()
    for title in re.findall(r"^#+ (.+)", without_code(text), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found


@pytest.fixture
def classifier():
    """A small network of the kind that the pages speak of."""
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


def is_of_figures(code):
    """Whether a block needs the log of the example, which is made below."""
    return ".figure(" in code or '"active"' in code


@pytest.mark.filterwarnings("ignore:epochs .* asked for and not reached")
@pytest.mark.parametrize("code", [one for one in blocks("python") if not is_of_figures(one)])
def test_code_blocks_run(code, classifier, data, tmp_path, monkeypatch):
    """Each Python block runs as it stands, given a model and data, and does what it is for."""
    monkeypatch.chdir(tmp_path)
    x, y = data[0], np.arange(16) % 3
    if "open_log(" in code:
        logged = [KernelLogger("logs"), GradientLogger("logs", x, y)]
        curves = keras.callbacks.TensorBoard("logs")
        classifier.fit(x, y, epochs=2, verbose=0, callbacks=[curves, *logged])
    names = {"model": classifier, "x": x, "y": y, "x_val": x, "y_val": y, "train_one_epoch": lambda model: None}  # fmt: skip
    exec(code, names)  # noqa: S102
    for name in re.findall(r"(\w+Logger)\(", code):
        assert list(tmp_path.glob(f"logs/{getattr(tb_kernels, name).view}/*/*_1_1.png"))
    if "weights()" in code:
        assert names["weights"].shape == (3, 3, 3)
        assert len(names["values"]) == 2
    if "log.weights(" in code:
        assert names["layer"].values.shape == (4, 3, 3, 3)
        assert names["layer"].exact == ("weights=True" in code)
    if "log.arrays(" in code:
        assert names["over_epochs"].shape == (2, 3, 3, 3, 4)
    for value in re.findall(r"^(\w+) = (?:read|compute|synthesize)", code, re.MULTILINE):
        arrays = names[value].values() if isinstance(names[value], dict) else [names[value]]
        assert all(array.size for array in arrays)


def moved(model, epoch, seed=1):
    """Moves each kernel in a direction of its own, some much farther than others."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            shape = layer.kernel.shape
            far = rng.permutation(np.arange(1, shape[-1] + 1)) / shape[-1]
            layer.kernel.assign_add(0.02 * epoch * far * rng.normal(size=shape))


def log_epochs(model, *loggers, seed=1):
    """Logs the model before, and as it moves on."""
    first = model.get_weights()
    for epoch in (0, 1, 6, 10):
        model.set_weights(first)
        moved(model, epoch, seed)
        for logger in loggers:
            logger.log(model, epoch)
    for logger in loggers:
        logger.close()
    model.set_weights(first)


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """A folder with the logs that the pages speak of, and checkpoints of the example's network."""
    folder = tmp_path_factory.mktemp("readme")
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    model = seeds_network((8, 8, 1))
    log_epochs(model, KernelLogger(folder / "logs"))
    inputs = np.random.default_rng(0).random((4, 8, 8, 1), np.float32)
    log_epochs(model, KernelLogger(folder / "active"), ActivationLogger(folder / "active", inputs))
    for seed, name in enumerate(("adam", "rmsprop")):
        log_epochs(model, KernelLogger(folder / "runs" / name), seed=seed)
    (folder / "checkpoints").mkdir()
    for epoch in (1, 2):
        model.save(folder / "checkpoints" / f"model-{epoch:02d}.keras")
    keras.backend.clear_session()
    log_epochs(seeds_network((8, 8, 3)), KernelLogger(folder / "photos"))
    return folder


@pytest.fixture
def example(logged, tmp_path, monkeypatch):
    """A copy of it, to be written to; the working directory."""
    folder = tmp_path / "readme"
    # The event files are enough.
    shutil.copytree(logged, folder, ignore=shutil.ignore_patterns("*.png"))
    monkeypatch.chdir(folder)
    return folder


def commands(text):
    """Its lines that run tb-kernels."""
    found = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    return [line for block in found for line in block.splitlines() if "tb-kernels" in line]


def run(line):
    _, *words = shlex.split(line)
    arguments = [str(path) for word in words for path in (sorted(Path().glob(word)) or [word])]
    assert main(arguments) == 0
    return arguments


def below(line):
    """The tables that the pages show below a command."""
    shown = [text.split(f"{line}\n```\n\n```\n") for text in PAGES.values()]
    return [one[1].split("```")[0].splitlines() for one in shown if len(one) == 2]


@pytest.mark.parametrize("line", dict.fromkeys(commands(TOLD)))
def test_commands_run(line, example, capsys):
    """Each tb-kernels line does what it says; the table after `list` is the real one."""
    arguments = run(line)
    told = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    if arguments[0] == "list":
        ((first, *table),) = below(line)
        assert told[1:] == table
        assert first.startswith("384 pictures, ")
    elif arguments[0] in ("rank", "health"):
        # The network of the page was trained: its heading and columns are these, its numbers not.
        (shown,) = below(line)
        assert [row.split() for row in told[:2]] == [row.split() for row in shown[:2]]
        assert [row.split()[:2] for row in told[2:]] == [row.split()[:2] for row in shown[2 : len(told)]]  # fmt: skip
    elif "--only" in arguments:
        # That part and no other, with figures in it.
        (part,) = (example / arguments[2]).iterdir()
        assert part.name == arguments[arguments.index("--only") + 1]
        assert list(part.rglob("*.png"))
    elif arguments[0] == "export":
        folders = {f"{path.name}{'/' if path.is_dir() else ''}" for path in (example / "report").iterdir()}  # fmt: skip
        table = PAGES["report.md"].split("| in `report/` | what |")[1].split("\n\n")[0]
        assert folders == set(re.findall(r"^\| `([^`]+)`", table, re.MULTILINE))


@pytest.mark.parametrize("line", re.findall(r"`(tb-kernels [^`]+)`", without_code(README)))
def test_commands_within_the_text_run(line, example, capsys):
    """What the README names in passing can be typed as it stands."""
    run(line)
    assert len(capsys.readouterr().out.splitlines()) > 2


@pytest.mark.parametrize("code", [one for one in blocks("python") if is_of_figures(one)])
def test_figures_of_the_pages_are_drawn(code, example):
    """Each block runs as it stands, and saves what it says, as wide as it says."""
    names = {}
    exec(code, names)  # noqa: S102
    for name in re.findall(r'savefig\("(\S+?)"\)', code):
        start = {"png": b"\x89PNG", "pdf": b"%PDF"}[name[-3:]]
        assert Path(name).read_bytes().startswith(start)
    assert isinstance(names.get("figure", Figure()), Figure)
    for width, unit in re.findall(r'width="(\d+)(mm|in)"', code):
        wide = float(width) / (25.4 if unit == "mm" else 1)
        saved = [names["figure"]] if "figure" in names else []
        widths = [one.get_size_inches()[0] for one in saved] + [
            Image.open(one).width / 150 for one in re.findall(r'savefig\("(\S+png)"\)', code)
        ]
        assert any(abs(one - wide) < 0.01 for one in widths)


JOBS = {
    job.splitlines()[0]: job
    for job in README.split("\n## How do I…\n")[1].split("\n## ")[0].split("\n### … ")[1:]
}
TWICE = [title for title, job in JOBS.items() if "tb-kernels export" in job]


@pytest.mark.parametrize("title", TWICE)
def test_command_and_python_draw_the_same(title, example):
    """What the lines of Python draw is, pixel by pixel, what the command has saved."""
    job = JOBS[title]
    (line,) = commands(job)
    out = run(line)[2]
    made = [np.asarray(Image.open(path).convert("RGB")) for path in Path(out).rglob("*.png")]
    (code,) = re.findall(r"```python\n(.*?)```", job, re.DOTALL)
    names = {}
    exec(code, names)  # noqa: S102
    drawn = [np.asarray(Image.open(path).convert("RGB")) for path in sorted(Path().glob("*.png"))]
    drawn += [pixels_of(names["figure"])] if "figure" in names else []
    same = [any(np.array_equal(one, other) for other in made) for one in drawn]
    # Of "difference.png" and "epochs.png", runs beside each other, the command makes the first.
    assert same == ([True, False] if "epochs.png" in code else [True] * len(drawn))
    assert drawn


def test_jobs_take_three_lines():
    """Each job of the README is a command, or at most three statements behind the import."""
    assert len(JOBS) > 8
    for title, job in JOBS.items():
        (code,) = re.findall(r"```python\n(.*?)```", job, re.DOTALL)
        first, *statements = ast.parse(code).body
        assert isinstance(first, ast.ImportFrom), title
        assert 1 <= len(statements) <= 3, title


def test_six_that_changed_most(logged, monkeypatch):
    """The paper's figure shows, in order, the kernels that the weights of the model say."""
    monkeypatch.chdir(logged)
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    model = seeds_network((8, 8, 1))
    first = model.layers[2].get_weights()[0]
    moved(model, 10)
    change = np.linalg.norm((model.layers[2].get_weights()[0] - first).reshape(-1, 64), axis=0)
    layer = tb_kernels.open_log("logs").select(layers=3)
    figure = layer.figure("grid", order="change", top=6)
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert labels == [str(one + 1) for one in np.argsort(-change)[:6]]


def rows(page, title, column=0):
    """What stands as code in a column of the first table of a section."""
    section = PAGES[page].split(f"\n## {title}\n")[1].split("\n## ")[0]
    table = re.search(r"^\|.*?\n\n", section, re.DOTALL | re.MULTILINE)[0].strip()
    return [re.findall(r"`\W*([\w-]+)\W*`", line.split("|")[column + 1]) for line in table.splitlines()[2:]]  # fmt: skip


def test_all_kinds_of_figures_are_told():
    """Every kind stands in the table, and no other."""
    told = [name for row in rows("figures.md", "Kinds") for name in row]
    assert sorted(told) == sorted({*KINDS, "curves"})


def test_all_options_of_figures_are_told():
    """Every option stands in the table, in Python and at the command line, and no other."""
    own = {*inspect.signature(draw_figure).parameters, *inspect.signature(Manner.checked).parameters}  # fmt: skip
    told = [name for row in rows("figures.md", "Options") for name in row]
    assert sorted(told) == sorted(own - {"log", "kind", "options"})
    choosing = {"runs", "views", "layers", "kernels", "epochs", "only", "together"}
    have = {option.opts[0].lstrip("-") for option in export_command.params} - {"log_dir", "out_dir"}
    told = [name.lstrip("-") for row in rows("figures.md", "Options", 1) for name in row]
    assert sorted(told) == sorted(have - choosing)
    assert all(f"`--{name}`" in TOLD for name in choosing)


def test_table_of_keywords_is_complete():
    """Every keyword of the logger stands in the table, in order, and no other."""
    told = re.findall(
        r"^\| `(\w+)` \|",
        PAGES["keywords.md"].split("# Keywords")[1].split("\n## ")[0],
        re.MULTILINE,
    )
    assert told == [
        name for name in inspect.signature(KernelLogger).parameters if name != "log_dir"
    ]


@pytest.mark.parametrize(
    ("title", "logger"),
    [
        ("Expanded kernels", ExpansionLogger),
        ("Examples", ExampleLogger),
        ("Activations", ActivationLogger),
        ("Gradients", GradientLogger),
        ("Patterns", PatternLogger),
        ("Heatmaps", HeatmapLogger),
    ],
)
def test_every_view_tells_its_own_keywords(title, logger):
    """What the table of the first logger does not have stands in the view's section."""
    section = PAGES["views.md"].split(f"\n## {title}")[1].split("\n#")[0]
    common = set(inspect.signature(KernelLogger).parameters)
    own = inspect.signature(logger).parameters
    assert common - set(own) <= {"slices", "statistics", "weights"}
    for name in set(own) - common:
        assert re.search(rf"`{name}\b", section), name
    usual = inspect.signature(KernelLogger).parameters
    for name in common & set(own) - {"log_dir"}:
        default = own[name].default
        if default != usual[name].default:
            shown = f'"{default}"' if isinstance(default, str) else default
            assert f"{name}={shown}" in section, name
    default = own["normalize"].default
    if isinstance(default, str):
        assert f'`normalize="{default}"` is the default' in section


def test_error_message_is_the_real_one(data, tmp_path):
    """The error that the keywords' page shows is what is raised."""
    layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(1, 3, name="conv2d"), keras.layers.Conv2D(1, 3, name="conv2d_1")]  # fmt: skip
    model = keras.Sequential(layers, name="sequential")
    with pytest.raises(ArgumentError) as told:
        KernelLogger(tmp_path, layers=["conv9"]).log(model, 1)
    assert f"ArgumentError: {told.value}" in PAGES["keywords.md"]


def test_ci_runs_the_test_command_of_the_readme():
    """The line that .ci/run takes out of the README is the whole command."""
    (command,) = [line for line in README.splitlines() if "bin/pytest" in line]
    assert command.startswith("python3 -m venv .venv && ")
    assert "grep -m 1 'bin/pytest' README.md" in (ROOT / ".ci/run").read_text()


def linking():
    """The pages with links, those for whoever builds on the package among them."""
    return [page for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))] if page.exists()]  # fmt: skip


@pytest.mark.parametrize("page", linking(), ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    """Pictures and files that a page names are in the repository, and so are titles."""
    text = page.read_text()
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", without_code(text)):
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.is_relative_to(ROOT), link
        assert path.is_file(), link
        assert not anchor or anchor in anchors(path.read_text()), link
    for module in re.findall(r"python -m (tests[\w.]*)", text):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module


@pytest.mark.parametrize("page", linking(), ids=lambda page: page.name)
def test_every_file_named_is_there(page):
    """A map of the code that leads to a file which has moved is worse than none."""
    named = re.findall(r"`((?:tb_kernels|tests|examples|docs)/[\w./<>-]*)`", page.read_text())
    assert len(named) > 30 or page.name not in ("architecture.md", "CONTRIBUTING.md")
    for path in named:
        assert "<" in path or (ROOT / path).exists(), path


def test_anchors_are_those_of_github():
    """Marks of code and punctuation go, spaces become dashes; what looks like a title in code is none."""
    text = "# Keywords\n\n## Without `fit`\n\n### 1-D, 2-D: a_b\n\n```\n# no title\n```\n\n## Keywords\n"
    assert anchors(text) == {"keywords", "without-fit", "1-d-2-d-a_b", "keywords-1"}


def test_every_page_is_reached_from_the_readme():
    """A page of docs/ that the README does not name is one that nobody finds."""
    for name in PAGES.keys() - {"README.md"}:
        assert f"](docs/{name}" in README, name


def test_speed_of_the_readme_is_that_of_the_tables():
    """Its few numbers stand among all those that were measured."""
    section = README.split("## How fast")[1].split("\n## ")[0]
    times = re.findall(r"[\d.]+ m?s\b", section)
    assert len(times) == 6
    for time in times:
        assert f" {time} |" in PAGES["speed.md"], time


@pytest.mark.parametrize(
    ("page", "title"),
    [("README.md", "What to look at in TensorBoard"), ("names.md", "In TensorBoard")],
)
def test_tag_filters_of_the_pages(page, title):
    """The filters find what the pages say they find."""
    section = PAGES[page].split(f"\n## {title}\n")[1].split("\n## ")[0]
    tags = [f"1-conv2d/1_{k}_{e}" for k in (1, 6, 16) for e in (1, 6, 10)] + ["epoch_loss"]
    filters = re.findall(r"`([^`\n]*(?:\(\^\|/\)|\\d)[^`\n]*)`", section)

    def find(pattern):
        return [tag for tag in tags if re.search(pattern, tag)]

    one, with_loss, epoch = filters
    assert find(one) == ["1-conv2d/1_6_1", "1-conv2d/1_6_6", "1-conv2d/1_6_10"]
    assert find(with_loss) == [*find(one), "epoch_loss"]
    assert find(epoch) == ["1-conv2d/1_1_10", "1-conv2d/1_6_10", "1-conv2d/1_16_10"]


def test_when_a_disk_is_told_of():
    """As soon as the pages say."""
    assert f"told after {SILENT_SECONDS:g} s" in PAGES["reliability.md"]
