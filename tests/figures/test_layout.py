"""Figures of every size hold together: all that is in them can be seen, and nothing meets another."""

import keras
import numpy as np
import pytest
from PIL import Image

from tb_kernels import ActivationLogger, KernelLogger, open_log
from tb_kernels.errors import LogError
from tb_kernels.figures.paper import Paper
from tb_kernels.figures.saving import pixels_of
from tb_kernels.figures.texts import families, text_font
from tests.helpers.figures import check_layout, pictures_of

L = keras.layers
LONG = "n" * 300
NAMES = {
    "long": LONG,
    "words": "a_layer_ " * 33,
    "chinese": "卷积层" * 20,
    "arabic": "طبقة الالتفاف" * 4,
    "dollars": "$x_1$ and $y$",
    "macro": r"\frac{1}{2} $\frac$",
    "signs": "a_b^c%#&{}~",
}
# Shape of the input, and a layer, of every size that a kernel may have.
SIZES = {
    "one": ((8, 8, 1), L.Conv2D(1, 3)),
    "three": ((8, 8, 3), L.Conv2D(3, 3)),
    "single": ((8, 8, 4), L.Conv2D(5, 1)),
    "seven": ((8, 8, 3), L.Conv2D(5, 7)),
    "flat": ((8, 3), L.Conv1D(5, 5)),
    "solid": ((5, 5, 5, 2), L.Conv3D(4, 3)),
    "deep": ((8, 8, 512), L.Conv2D(2, 3)),
}
KERNELS = {name: layer.filters for name, (_, layer) in SIZES.items()}

RUNS = ["r" * 200 + "/" + "s" * 100, "卷积" * 30, "طبقة", "$x_1$", r"\frac $\frac$"]


def written(log_dir, layers, epochs):
    """A log of a model with these layers beside each other, `(name, shape, layer)`."""
    inputs = [keras.Input(shape) for _, shape, _ in layers]
    outputs = [layer(given) for (_, _, layer), given in zip(layers, inputs, strict=True)]
    for name, _, layer in layers:
        layer.name = name
    model = keras.Model(inputs, outputs)
    with KernelLogger(log_dir) as logger:
        for epoch in epochs:
            random = np.random.default_rng(epoch)
            for _, _, layer in layers:
                layer.kernel.assign(random.normal(scale=1 + epoch, size=layer.kernel.shape))
            logger.log(model, epoch)
    return open_log(log_dir)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Layers of every size, and with every name, at three epochs."""
    layers = [(name, *size) for name, size in SIZES.items()]
    layers += [(name, (8, 8, 1), L.Conv2D(4, 3)) for name in NAMES.values()]
    return written(tmp_path_factory.mktemp("layout") / "logs", layers, (1, 2, 5))


@pytest.fixture(scope="module")
def long_log(tmp_path_factory):
    """A layer of four kernels at 60 epochs."""
    layers = [("c", (8, 8, 1), L.Conv2D(4, 3))]
    return written(tmp_path_factory.mktemp("long") / "logs", layers, range(60))


@pytest.fixture(scope="module")
def large_log(tmp_path_factory):
    """A layer of 512 kernels, of three slices each, at two epochs."""
    layers = [("c", (8, 8, 3), L.Conv2D(512, 3))]
    return written(tmp_path_factory.mktemp("large") / "logs", layers, (0, 1))


def layer_of(log, name):
    """What was logged of the layer that has exactly this name."""
    return log.select(layers=[one.number for one in log.layers if one.name == name])


def figures_of(log, kernels, epochs):
    """For each kind the selection of a layer that it is drawn of, and how many pictures it has."""
    return {
        "strip": (log.select(kernels=1), epochs),
        "sheet": (log.select(epochs="last"), kernels),
        "grid": (log, kernels * epochs),
        "difference": (log, 3 * kernels),
    }


@pytest.mark.skipif(families() == ["DejaVu Sans"], reason="no font with such letters is installed")
def test_letters_that_the_first_font_lacks(log):
    """Of 漢 and 字, each has its own look; of letters that no font has, all are boxes."""

    def drawn(title):
        figure = layer_of(log, "three").select(epochs=1).figure("sheet")
        figure.axes[0].set_title(title, font=text_font(8), loc="left")
        return pixels_of(figure)

    assert not np.array_equal(drawn("漢"), drawn("字"))
    assert np.array_equal(drawn("\U00012000"), drawn("\U00012001"))


PAPERS = [(None, 150), ("85mm", 300), ("170mm", 96)]


@pytest.mark.parametrize("kind", ["strip", "sheet", "grid", "difference"])
@pytest.mark.parametrize("size", SIZES)
def test_kernels_of_every_size(log, size, kind):
    """On every paper."""
    own = layer_of(log, size)
    chosen, pictures = figures_of(own, KERNELS[size], 3)[kind]
    for width, dpi in PAPERS:
        check_layout(chosen.figure(kind, width=width, dpi=dpi), pictures)


@pytest.mark.parametrize("kind", ["sheet", "grid", "difference"])
@pytest.mark.parametrize("name", NAMES)
def test_layers_of_every_name(log, name, kind):
    """A name is never taken for a formula, and a long one is cut or goes on in the next line."""
    own = layer_of(log, NAMES[name])
    chosen, pictures = figures_of(own, 4, 3)[kind]
    for width, dpi in ((None, 150), ("85mm", 96)):
        figure = chosen.figure(kind, width=width, dpi=dpi)
        check_layout(figure, pictures)
        title = figure.axes[0].get_title(loc="left").replace("\n", "").replace(" ", "")
        assert NAMES[name].replace(" ", "")[:20] in title


@pytest.mark.parametrize("size", ["one", "three", "single", "seven", "deep"])
def test_a_kernel_in_its_context(log, size):
    """Its strongest slices and the title, which says how many there are, on every paper."""
    own = layer_of(log, size).select(kernels=1, epochs="last")
    for width, dpi in PAPERS:
        figure = own.figure("context", width=width, dpi=dpi)
        number = len(pictures_of(figure))
        check_layout(figure, number)
        assert number >= min(SIZES[size][0][-1], 2)


@pytest.fixture(scope="module")
def runs_log(tmp_path_factory):
    """The same layer in trainings of every name."""
    root = tmp_path_factory.mktemp("runs")
    for run in ("short", *RUNS):
        written(root / run, [("c", (8, 8, 1), L.Conv2D(3, 3))], (1, 2))
    return open_log(root)


@pytest.mark.parametrize("kind", ["runs", "difference"])
@pytest.mark.parametrize("name", RUNS)
def test_runs_of_every_name(runs_log, name, kind):
    """In the labels of rows, in lines that leave room for the kernels."""
    log = runs_log.select(runs=["short", name])
    for width, dpi in ((None, 150), ("85mm", 96)):
        figure = log.figure(kind, width=width, dpi=dpi)
        check_layout(figure, 12 if kind == "runs" else 9)
        if kind == "runs":
            labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
            assert any(name[:4] in label.replace("\n", "") for label in labels)


def test_names_of_runs_that_are_cut(tmp_path):
    """At the beginning of a row 24 letters stand whole, of more the first 23."""
    for run in ("a" * 24, "b" * 25):
        written(tmp_path / run, [("c", (8, 8, 1), L.Conv2D(1, 3))], [1])
    figure = open_log(tmp_path).figure("runs")
    labels = [label.get_text().replace("\n", "") for label in figure.axes[0].get_yticklabels()]
    assert [label.removeprefix("1, ") for label in labels] == ["a" * 24, f"{'b' * 23}…"]


def test_a_strip_of_sixty_epochs(long_log):
    """It goes on below."""
    for width, dpi in PAPERS:
        check_layout(long_log.select(kernels=1).figure("strip", width=width, dpi=dpi), 60)


@pytest.mark.parametrize("scale", [None, 3])
def test_as_many_stand_in_a_row_as_fit(long_log, scale):
    """However many there are: of one picture more no row is shorter."""
    across = set()
    for number in (57, 58, 59, 60):
        chosen = long_log.select(kernels=1, epochs=range(number))
        figure = chosen.figure("strip", direction="across", scale=scale)
        across.add(len(set(pictures_of(figure)[:, 0].tolist())))
    assert len(across) == 1 < max(across) < 57


@pytest.mark.parametrize("width", ["85mm", "170mm"])
def test_a_row_that_does_not_fit(long_log, width):
    """It is refused in words: how much it takes, and how much it has."""
    with pytest.raises(LogError, match=r"a row of 60 pictures takes [0-9]+ mm") as caught:
        long_log.figure("grid", width=width, direction="across")
    takes, room = (int(text.split()[-1]) for text in str(caught.value).split(" mm")[:2])
    assert room < int(width[:-2]) < takes


@pytest.mark.slow
def test_a_grid_of_sixty_epochs(long_log):
    """In rows, and in columns where the paper is as wide as they need."""
    check_layout(long_log.figure("grid", direction="across"), 240)
    for width, dpi in PAPERS:
        check_layout(long_log.figure("grid", width=width, dpi=dpi, direction="down"), 240)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "width"),
    [("sheet", None), ("sheet", "85mm"), ("grid", "85mm"), ("difference", "170mm")],
)
def test_five_hundred_kernels(large_log, kind, width):
    """Those in the last rows are as large as all others."""
    chosen, pictures = figures_of(large_log, 512, 2)[kind]
    figure = chosen.figure(kind, width=width, dpi=96)
    check_layout(figure, pictures)
    boxes = pictures_of(figure)
    sizes = {(round(right - left), round(top - bottom)) for left, bottom, right, top in boxes}
    assert len(sizes) == 1


@pytest.mark.parametrize("kind", ["strip", "sheet", "grid", "difference"])
def test_between_kernels_a_transparent_figure_is_transparent(log, tmp_path, kind):
    """And nowhere else: each kernel is as opaque as on white."""
    chosen, pictures = figures_of(layer_of(log, "three"), 3, 3)[kind]
    figure = chosen.figure(kind, width="85mm", dpi=150, background="transparent")
    check_layout(figure, pictures)
    boxes = pictures_of(figure)
    figure.savefig(tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as image:
        assert image.mode == "RGBA"
        alpha = np.asarray(image)[..., 3]
    for left, bottom, right, top in np.rint(boxes).astype(int):
        rows = slice(len(alpha) - top, len(alpha) - bottom)
        assert (alpha[rows, left:right] == 255).all()
        assert not alpha[rows][:, [left - 2, left - 1, right, right + 1]].any()
    assert (alpha == 0).mean() > 0.2
    corners = alpha[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert not corners.any()


@pytest.fixture(scope="module")
def views_log(tmp_path_factory):
    """Kernels at epochs 1 and 2, activations at 2 and 3."""
    keras.utils.set_random_seed(1)
    log_dir = tmp_path_factory.mktemp("views")
    layers = [L.Conv2D(2, 3, activation="relu"), L.Conv2D(2, 3)]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    x = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    with KernelLogger(log_dir) as kernels, ActivationLogger(log_dir, x) as activations:
        kernels.log(model, 1)
        kernels.log(model, 2)
        activations.log(model, 2)
        activations.log(model, 3)
    return open_log(log_dir)


@pytest.mark.parametrize(("epochs", "pictures"), [([1, 2, 3], 4), ([1, 3], 2), ([2], 2)])
def test_views(views_log, epochs, pictures):
    """Also where columns are widest in different rows: together they fit the paper."""
    chosen = views_log.select(kernels="2_1", epochs=epochs)
    for width, dpi in (*PAPERS, ("50mm", 150)):
        check_layout(chosen.figure("views", width=width, dpi=dpi), pictures)


def test_what_does_not_hold_together_is_found(log):
    """What these tests look with sees a text over a picture, at the edge or too small, and pictures that touch."""
    chosen = layer_of(log, "three").select(epochs="last")

    def spoiled(spoil):
        figure = chosen.figure(width="85mm")
        check_layout(figure, 3)
        spoil(figure)
        with pytest.raises(AssertionError):
            check_layout(figure, 3)

    def over(figure):
        left, bottom, right, top = pictures_of(figure)[0] / np.tile(figure.bbox.size, 2)
        figure.text((left + right) / 2, (bottom + top) / 2, "over")

    spoiled(over)
    spoiled(lambda figure: figure.text(0.99, 0.99, "beyond"))
    spoiled(lambda figure: figure.axes[0].texts[0].set_fontsize(5.9))
    spoiled(lambda figure: figure.axes[0].texts[0].set_position(figure.axes[0].texts[1].get_position()))  # fmt: skip
    spoiled(lambda figure: figure.axes[1].set_position(figure.axes[0].get_position()))
    spoiled(lambda figure: figure.axes[0].images[0].get_array()[10, :, 3].fill(255))
    spoiled(lambda figure: figure.set_size_inches(3, 1))


@pytest.mark.parametrize(("width", "across"), [(None, 9), ("80mm", 9), ("60mm", 5), ("40mm", 5)])
def test_a_grid_goes_on_below_where_the_paper_is_narrow(trained, width, across):
    """Nine kernels, each in eight millimetres at least, in rows as long as each other."""
    figure = trained[0].select(layers="second").figure("grid", width=width)
    check_layout(figure, 9 * 3)
    lefts, tops = pictures_of(figure)[:, 0], pictures_of(figure)[:, 3]
    assert len(set(lefts.tolist())) == across
    assert len(set(tops.tolist())) == 3 * (1 if across == 9 else 2)


def test_points_of_print():
    """72 of them are an inch; a line has one pixel at least."""
    paper = Paper(dpi=150)
    assert [paper.pixels(points) for points in (36, 360, 0.01)] == [75, 750, 1]
