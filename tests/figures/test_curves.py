"""Figures of curves: what is drawn, judged by matplotlib's own artists after drawing."""

import io
import itertools

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text
from PIL import Image
from scipy.optimize import isotonic_regression

from tb_kernels import KernelLogger, open_log
from tb_kernels.errors import ArgumentError
from tb_kernels.figures.curves import build_curves, curve_figures, curves_figure, draw_curves
from tb_kernels.figures.line_labels import LineLabels, apart, fitted
from tb_kernels.figures.saving import plain_style
from tb_kernels.reading.curves import Curve
from tb_kernels.schema.naming import FINAL
from tests.helpers.oracle import read_scalars
from tests.helpers.reports import export

NORM = "kernels kernel_norm"


def layers(number, epochs, seed=0):
    """Curves of so many layers from epoch 0 on, called as those of a residual network."""
    random = np.random.default_rng(seed)
    steps = np.arange(-1, epochs)
    return {
        f"{place}-conv{place % 5}_block{place % 7}_2_conv": Curve(
            steps, random.uniform(0.5, 3) + 0.02 * random.random(len(steps)).cumsum()
        )
        for place in range(2, 2 + number)
    }


def curve(*values, first=0):
    """A curve with a point at each step from the first on."""
    return Curve(np.arange(first, first + len(values)), np.array(values, float))


def drawn(name, lines, logged=(0, 1), **options):
    """The figure after it was drawn, and its axes."""
    with plain_style():
        figure = build_curves(name, lines, list(logged), **options)
        FigureCanvasAgg(figure).draw()
    (axes,) = figure.axes
    return figure, axes


def labels_of(figure):
    """The names at the ends of the lines, as they are read."""
    (labels,) = figure.findobj(LineLabels)
    return labels.texts


def lines_of(axes):
    """The curves that were drawn; what marks an epoch has two points at one place."""
    return [line for line in axes.lines if not line.get_label().startswith("_child")]


def texts_of(figure):
    """Every text that is seen, by what it says."""
    (axes,) = figure.axes
    seen = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        for minor in (False, True):
            ticks = axis.get_minor_ticks() if minor else axis.get_major_ticks()
            for tick in ticks:
                if not low <= tick.get_loc() <= high:
                    seen = [text for text in seen if text not in (tick.label1, tick.label2)]
    return [(text.get_text(), text.get_window_extent()) for text in seen]


def assert_legible(figure):
    """No text hides another, and all are within the figure."""
    boxes = texts_of(figure)
    assert len(boxes) > 4
    for text, box in boxes:
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1, text
        assert 0 <= box.y0 < box.y1 <= figure.bbox.y1, text
    for (one, first), (other, second) in itertools.combinations(boxes, 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        along = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert across <= 0 or along <= 0, (one, other)


@pytest.mark.parametrize("epochs", [1, 60])
@pytest.mark.parametrize("number", [1, 3, 12])
def test_each_line_is_named_at_its_end(number, epochs):
    """In its colour, in the order in which the lines end, none over another or over the edge."""
    lines = layers(number, epochs)
    figure, axes = drawn(NORM, lines, (0, 1, epochs))
    assert_legible(figure)
    labels = labels_of(figure)
    assert [text.get_text() for text in labels] == list(lines)
    assert [line.get_label() for line in lines_of(axes)] == list(lines)
    colors = [to_hex(line.get_color()) for line in lines_of(axes)]
    assert [to_hex(text.get_color()) for text in labels] == colors
    assert len(set(colors)) == number
    heights = [text.get_window_extent().y0 for text in labels]
    ends = [lines[text.get_text()].values[-1] for text in labels]
    assert np.array_equal(np.argsort(heights), np.argsort(ends))
    assert min(text.get_window_extent().x0 for text in labels) > axes.bbox.x1


@pytest.mark.parametrize("epochs", [1, 60])
@pytest.mark.parametrize("number", [13, 50])
def test_of_many_layers_the_largest_are_named_and_the_rest_is_grey(number, epochs):
    """The eight that end highest; that there are more is said in the figure."""
    lines = layers(number, epochs)
    figure, axes = drawn(NORM, lines)
    assert_legible(figure)
    highest = sorted(lines, key=lambda name: -lines[name].values[-1])[:8]
    assert {text.get_text() for text in labels_of(figure)} == set(highest)
    told = f"8 of {number} layers named, the largest at their last epoch; the rest grey"
    assert told in [text for text, _ in texts_of(figure)]
    for line in lines_of(axes):
        grey = np.ptp(to_rgb(line.get_color())) < 0.1
        assert grey == (line.get_label() not in highest)
    assert len(lines_of(axes)) == number


def test_twelve_layers_have_no_note():
    """Where all are named nothing is said of others."""
    figure, _ = drawn(NORM, layers(12, 2))
    assert not any("named" in text for text, _ in texts_of(figure))


def test_labels_stay_apart_when_the_figure_is_changed():
    """Also at another size and other limits: they are placed when it is drawn."""
    figure, axes = drawn(NORM, layers(12, 5))
    figure.set_size_inches(5, 3)
    axes.set_ylim(0, 30)
    figure.canvas.draw()
    assert_legible(figure)


@pytest.mark.parametrize(
    ("values", "scale", "note"),
    [
        ([1, 99], "linear", ""),
        ([0.001, 0.11], "log", "(logarithmic)"),
        ([1, 100], "linear", ""),
        ([0, 0.001, 1], "symlog", "(logarithmic, linear below 0.001)"),
        ([0, 1e-30, 1], "symlog", "(logarithmic, linear below 1e-12)"),
        ([1e-30, 1e-3, 1], "symlog", "(logarithmic, linear below 1e-12)"),
        ([1e-300, 1e200], "symlog", "(logarithmic, linear below 1e+188)"),
        ([0, 1e-320, 1e-310], "linear", ""),
        ([1e-200, 1e300], "linear", ""),
        ([0, 1, 50], "linear", ""),
        ([-1, 0.001, 1], "linear", ""),
        ([0, 0], "linear", ""),
        ([-5, -0.001], "linear", ""),
        ([1, np.nan, np.inf, 1000], "log", "(logarithmic)"),
        ([np.nan, np.inf, -np.inf], "linear", ""),
    ],
)
def test_the_axis_fits_the_values(values, scale, note):
    """Logarithmic from two orders of magnitude on, and it says so; gaps count for nothing."""
    figure, axes = drawn("loss", {"train": curve(*values)})
    assert axes.get_yscale() == scale
    assert axes.get_ylabel() == "\n".join(["loss", note] if note else ["loss"])
    assert_legible(figure)
    low, high = axes.get_ylim()
    assert all(low <= value <= high for value in values if np.isfinite(value))
    (line,) = lines_of(axes)
    finite = [value if np.isfinite(value) else np.nan for value in values]
    assert np.array_equal(line.get_ydata(), finite, equal_nan=True)


def test_the_range_is_that_of_all_layers():
    """Each alone would fit on a linear axis."""
    _, axes = drawn(NORM, {"1-a": curve(1, 2), "2-b": curve(0.001, 0.002)})
    assert axes.get_yscale() == "log"


def test_markers_stand_at_the_logged_epochs():
    """Where the line has a point there; the others and the model as it ends are lines across."""
    lines = {"train": curve(5, 4, 3, 2, 1), "validation": curve(6, np.nan, 4, 3, 2)}
    _, axes = drawn("loss", lines, [0, 1, 3, FINAL])
    for line in lines_of(axes):
        marked = np.asarray(line.get_xdata())[line.get_markevery()]
        assert marked.tolist() == [1, 3, 5]
        assert line.get_marker() not in ("", "None", None)
    marks = [line for line in axes.lines if line not in lines_of(axes)]
    assert [line.get_xdata()[0] for line in marks] == [0, 1, 3, 5]
    assert [line.get_linestyle() for line in marks] == ["--", "--", "--", "-"]
    assert axes.get_xlabel() == "epoch (dashed: logged; 0: before training; solid: final)"


def test_a_point_between_gaps_is_seen():
    """It has no neighbour to draw a line to."""
    _, axes = drawn("loss", {"train": curve(np.nan, 2, np.inf, 3, 4, np.nan)}, [])
    (line,) = lines_of(axes)
    assert np.asarray(line.get_xdata())[line.get_markevery()].tolist() == [2]
    assert axes.get_xlabel() == "epoch"


def test_names_of_any_length_and_script():
    """Cut in the middle where they are too long, which is seen; dollars are dollars."""
    lines = {
        "1-" + "y" * 300: curve(1, 2),
        "2-" + "カーネル" * 75: curve(1, 2.01),
        "3-свёртка_слой": curve(1, 2.02),
        "4-$\\bad{$": curve(1, 2.03),
        "5-never": curve(np.nan, np.nan),
        "6-a\nb\x1b": curve(1, 1.5),
    }
    figure, _ = drawn(NORM, lines)
    assert_legible(figure)
    first, second, *others = [text.get_text() for text in labels_of(figure)]
    for text, start, end in ((first, "1-yyyy", "yyyy"), (second, "2-カー", "ル")):
        assert text.startswith(start)
        assert "…" in text
        assert text.endswith(end)
    assert others == ["3-свёртка_слой", "4-$\\bad{$", "5-never (never finite)", "6-a\\nb\\x1b"]
    figure, axes = drawn("x$y_" * 75, {"train": curve(1, 2), "validation": curve(1, 2)})
    assert_legible(figure)
    for text in (figure.get_suptitle(), axes.get_ylabel()):
        assert text.startswith("x$y x$y")
        assert "…" in text


@pytest.mark.parametrize(
    ("name", "lines", "title", "label"),
    [
        ("loss", {"train": curve(1)}, "loss", "loss"),
        ("learning_rate", {"train": curve(1)}, "learning rate", "learning rate"),
        (NORM, {"1-a": curve(1)}, "kernels: norm", "mean norm of a layer's kernels"),
        (
            "kernels relative_change",
            {"1-a": curve(1, 2), "2-b": curve(1)},
            "kernels: relative change per epoch",
            "change of the weights / their norm",
        ),
        (
            "kernels relative_change",
            {"1-a": Curve(np.array([4, 8]), np.array([1.0, 2.0]))},
            "kernels: relative change since the epoch measured before",
            "change of the weights / their norm",
        ),
        (
            "gradients gradient_norm",
            {"1-a": curve(1)},
            "gradients: norm",
            "norm of a layer's gradient",
        ),
        ("strange a_number", {"1-a": curve(1)}, "strange: a number", "a number"),
    ],
)
def test_titles_and_axes_in_words(name, lines, title, label):
    """What it is and what is counted; of a loop that leaves out epochs nothing is per epoch."""
    figure, axes = drawn(name, lines)
    assert figure.get_suptitle() == title
    assert axes.get_ylabel() == label
    assert_legible(figure)


def lightness(color):
    """Relative luminance as WCAG 2 defines it."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in to_rgb(color)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@pytest.mark.parametrize(("dark", "page"), [(False, "#ffffff"), (True, "#16181c")])
def test_colours_are_seen_on_their_page_and_in_grey(dark, page):
    """A contrast of 3.8 to the page; lighter from line to line, so that print keeps their order."""
    _, axes = drawn(NORM, layers(12, 3), dark=dark)
    colors = [line.get_color() for line in lines_of(axes)]
    ground = lightness(page)
    for color in colors:
        low, high = sorted((lightness(color), ground))
        assert (high + 0.05) / (low + 0.05) > 3.8
    steps = np.diff([lightness(color) for color in colors])
    assert (steps < 0).all() if dark else (steps > 0).all()


def test_unless_it_is_for_a_dark_page_it_is_on_white():
    """Dark letters, also where nobody says what it is for."""
    png = draw_curves(NORM, layers(3, 4), [0, 1], format="png")
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA")).astype(int)
    assert pixels[0, 0].tolist() == [255] * 4
    assert pixels[..., :3].min() < 100
    dark = draw_curves(NORM, layers(3, 4), [0, 1], format="png", dark=True)
    letters = []
    for data in (png, dark):
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).max(axis=-1)
        letters.append((pixels < 40).sum())
    assert letters[0] > 1000
    assert letters[1] == 0


@pytest.mark.parametrize("format_", ["png", "pdf", "svg"])
def test_equal_curves_give_equal_bytes(format_):
    """Whatever the user's style is; other curves give others."""
    lines = layers(13, 4)
    first = draw_curves(NORM, lines, [0, 1], format=format_)
    with mpl.rc_context({"font.size": 20, "lines.marker": "x", "axes.grid": True}):
        assert draw_curves(NORM, lines, [0, 1], format=format_) == first
    assert draw_curves(NORM, layers(13, 4, seed=1), [0, 1], format=format_) != first


def test_letters_of_a_pdf_are_truetype():
    """Publishers refuse Type 3; also letters of other scripts and those of an axis's powers."""
    lines = {"1-свёртка": curve(1e-6, 1), "2-漢字": curve(1, 2)}
    content = draw_curves(NORM, lines, [0, 1], format="pdf")
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


@given(
    st.lists(st.floats(0, 100) | st.sampled_from([10.0, 50.0]), min_size=1, max_size=12),
    st.floats(0.5, 8),
)
def test_places_stand_apart_as_near_as_can_be(wanted, height):
    """As SciPy's isotonic regression of what they want, within the limits, and in their order."""
    places = apart(wanted, height, 0, 100)
    order = sorted(range(len(wanted)), key=lambda place: (wanted[place], -place))
    steps = height * np.arange(len(wanted))
    best = isotonic_regression(np.array(wanted)[order] - steps).x
    best = np.clip(best, height / 2, 100 - height / 2 - steps[-1]) + steps
    assert places[order] == pytest.approx(best, abs=1e-6)
    assert (np.diff(places[order]) >= height - 1e-6).all()
    assert places.min() >= height / 2 - 1e-6
    assert places.max() <= 100 - height / 2 + 1e-6


def test_places_that_do_not_fit_stand_around_the_middle():
    """Still apart, the first uppermost."""
    assert apart([5, 5, 5], 10, 0, 10).tolist() == [15, 5, -5]
    assert apart([], 10, 0, 10).tolist() == []


@pytest.mark.parametrize("letter", ["i", "W", "$", "я"])
def test_a_text_is_cut_no_more_than_it_must(letter):
    """By its drawn width, at a resolution where letters are rounded to whole pixels."""
    figure, _ = drawn("loss", {"train": curve(1, 2)})

    def width(text):
        shown = figure.text(0, 0, text, fontsize=9, parse_math=False)
        return shown.get_window_extent().width / figure.dpi * 72

    cut = fitted(letter * 300, 9, 100)
    assert 75 < width(cut) <= 100
    assert cut.count(letter) == len(cut) - 1
    assert fitted(letter * 3, 9, 100) == letter * 3


@pytest.fixture(scope="module")
def deep_log(tmp_path_factory):
    """Eleven convolutions, logged before training and after epochs 1 and 2."""
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), *(keras.layers.Conv2D(2, 1, name=f"c{n}") for n in range(11))]
    )
    log_dir = tmp_path_factory.mktemp("deep") / "logs"
    with KernelLogger(log_dir) as logger:
        for epoch in range(3):
            logger.log(model, epoch)
            for layer in model.layers:
                layer.kernel.assign(1.1 * layer.kernel)
    with KernelLogger(log_dir.parent / "one", layers=3) as logger:
        logger.log(model, 0)
    return log_dir


def test_layers_stand_in_network_order(deep_log):
    """2 before 10, which as texts are the other way round; the values are those TensorFlow reads."""
    norms = {one.name: one for one in curve_figures(open_log(deep_log), ".")}[NORM]
    assert list(norms.lines) == [f"{number}-c{number - 1}" for number in range(1, 12)]
    _, axes = drawn(*norms)
    points = read_scalars(deep_log / "kernels")
    for line, name in zip(lines_of(axes), norms.lines, strict=True):
        assert line.get_label() == name
        found = dict(zip(line.get_xdata() - 1, line.get_ydata(), strict=True))
        assert found == points[f"{name}/kernel_norm"]


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        ({"layers": 10}, ["10-c9"]),
        ({"layers": ["c2", "c0"]}, ["1-c0", "3-c2"]),
        ({"kernels": "1_2"}, ["1-c0"]),
        ({"views": "kernels"}, [f"{number}-c{number - 1}" for number in range(1, 12)]),
        ({"epochs": 1}, [f"{number}-c{number - 1}" for number in range(1, 12)]),
    ],
)
def test_a_choice_of_layers_narrows_the_statistics(deep_log, chosen, left):
    """Layer 1 is not layer 10; views and epochs choose no layers."""
    figures = curve_figures(open_log(deep_log).select(**chosen), ".")
    assert [(one.name, list(one.lines)) for one in figures] == [
        (NORM, left),
        ("kernels relative_change", left),
    ]


def test_the_only_layer_with_pictures_can_be_chosen(deep_log):
    """Statistics are of all convolutions, so that is a choice, though no picture is left out."""
    log = open_log(deep_log.parent / "one")
    assert len(curve_figures(log, ".")[0].lines) == 11
    chosen = log.select(layers=3)
    assert len(chosen) == len(log)
    for narrowed in (chosen, chosen.select(epochs=0)):
        assert list(curve_figures(narrowed, ".")[0].lines) == ["3-c2"]
    assert len(curve_figures(chosen.whole, ".")[0].lines) == 11


def test_the_loss_stays_when_layers_are_chosen(log_dir, tmp_path):
    """And of the statistics only those of the layer: also those of gradients."""
    files = export(log_dir, tmp_path, "--layers", "second", "--only", "curves")
    assert files == {f"curves/{name}.png" for name in ("loss", "learning_rate", "kernels-kernel_norm", "kernels-relative_change", "gradients-gradient_norm")}  # fmt: skip
    figures = curve_figures(open_log(log_dir).select(layers="second"), ".")
    assert {line for one in figures[2:] for line in one.lines} == {"2-second"}
    assert list(figures[0].lines) == ["train", "validation"]


def test_a_figure_in_python(log_dir, tmp_path):
    """By name or by file name; it can be changed and saved."""
    log = open_log(log_dir)
    figure = curves_figure(log, "kernels relative_change")
    assert figure.get_suptitle() == "kernels: relative change per epoch"
    figure.axes[0].set_ylim(0, 1)
    figure.savefig(tmp_path / "mine.svg")
    assert curves_figure(log, "gradients-gradient_norm", run=".").get_suptitle() == "gradients: norm"  # fmt: skip
    with pytest.raises(ArgumentError, match=r"name: no curves 'los' in .*; there are loss, "):
        curves_figure(log, "los")
    with pytest.raises(ArgumentError, match=r"run: expected one of those in .*, \.; got 'b'"):
        curves_figure(log, "loss", run="b")


def test_names_are_drawn_beside_the_axes():
    """And are not where somebody hides them."""
    figure = build_curves(NORM, layers(3, 4), [0, 1])
    canvas = FigureCanvasAgg(figure)

    def beside():
        canvas.draw()
        right = int(figure.axes[0].bbox.x1) + 2
        return int((np.asarray(canvas.buffer_rgba())[:, right:, :3].min(axis=-1) < 200).sum())

    assert beside() > 50
    (labels,) = figure.findobj(LineLabels)
    labels.set_visible(False)
    assert beside() == 0
