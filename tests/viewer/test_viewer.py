"""What a person sees and does in the viewer, in a real browser, wherever it is shown."""

from pathlib import Path

import keras
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from tb_kernels import KernelLogger, PatternLogger
from tests.helpers.browser import IN_BROWSER, open_viewer, page, tensorboard, viewer_in, wait_until
from tests.helpers.reports import export

pytestmark = IN_BROWSER

EPOCHS = [0, 1, 2, 4]
HTML = "<img src=x onerror=alert(1)>"


class Keep(keras.callbacks.Callback):
    """Keeps the weights of each epoch, as the model has them."""

    def __init__(self):
        super().__init__()
        self.weights = {}

    def on_train_begin(self, logs=None):
        self.keep(0)

    def on_epoch_end(self, epoch, logs=None):
        self.keep(epoch + 1)

    def keep(self, epoch):
        convolutions = [layer for layer in self.model.layers if len(layer.weights[:1]) and "dense" not in layer.name]  # fmt: skip
        self.weights[epoch] = [np.array(layer.kernel, np.float64) for layer in convolutions]


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """A log directory, and the weights by epoch and layer."""
    log_dir = tmp_path_factory.mktemp("viewer") / "logs"
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(12, 3, name="first"),
            keras.layers.Conv2D(5, 3, name="second"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1, name="dense"),
        ]
    )
    model.compile("adam", "mse", run_eagerly=True)
    model.optimizer.learning_rate = 0.02
    x = np.random.default_rng(0).normal(size=(64, 8, 8, 1)).astype("float32")
    keep = Keep()
    callbacks = [
        keras.callbacks.TensorBoard(log_dir),
        keep,
        KernelLogger(log_dir, epochs=EPOCHS),
        PatternLogger(log_dir, epochs=EPOCHS, layers=["first"]),
    ]
    model.fit(x, x.mean((1, 2, 3)), epochs=4, verbose=0, callbacks=callbacks, validation_split=0.25)
    return log_dir, keep.weights


@pytest.fixture(
    scope="module", params=["--load_fast=auto", "--load_fast=false", "page", "notebook"]
)
def address(logged, request, tmp_path_factory):
    """Of TensorBoard, of an exported page, and of a page around what a cell has shown."""
    if request.param.startswith("--"):
        with tensorboard(logged[0], request.param) as address:
            yield address
    elif request.param == "page":
        out = tmp_path_factory.mktemp("page")
        export(logged[0], out, "--only", "page")
        yield f"file://{out}/index.html"
    else:
        cell = tmp_path_factory.mktemp("notebook") / "cell.html"
        cell.write_text(f"<!doctype html><meta charset='utf-8'>{cell_of(logged[0])}")
        yield f"file://{cell}"


def cell_of(log_dir):
    """What `show` leaves in the cell of a notebook."""
    code = f"from tb_kernels import open_log\nopen_log({str(log_dir)!r}).show(height=820)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=60).execute()
    (output,) = notebook.cells[0].outputs
    return output["data"]["text/html"]


@pytest.fixture
def tab(address):
    """A page that fails the test if anything is wrong in it."""
    with page(1400, 900) as tab:
        wrong = []
        tab.on("console", lambda message: ours(message, tab) and wrong.append(message.text))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("request", lambda asked: outside(asked, tab.address) and wrong.append(asked.url))
        tab.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}"))
        tab.address = address
        yield tab
        assert wrong == []


def ours(message, tab):
    """Whether it comes from the viewer, and not from TensorBoard's own page."""
    in_tensorboard = tab.address.startswith("http") and "tb_kernels" not in str(message.location)
    return message.type in ("error", "warning") and not in_tensorboard


def outside(asked, address):
    """Whether the viewer asks for something that is not beside it, or not in it."""
    if asked.url.startswith(("data:", "blob:")):
        return False
    if address.startswith("http"):
        return "plugin_entry" in asked.frame.url and not asked.url.startswith(address.rstrip("/"))
    return asked.url.partition("#")[0] != address


def opened(tab, dark=False):
    """The viewer's frame, with kernels on its wall."""
    if tab.address.startswith("http"):
        return open_viewer(tab, tab.address, dark=dark)
    tab.emulate_media(color_scheme="dark" if dark else "light")
    tab.goto(tab.address)
    return viewer_in(tab)


def go_to(frame, epoch):
    """Steps with the keys to an epoch."""
    frame.locator(".chart").focus()
    for _ in EPOCHS:
        frame.page.keyboard.press("ArrowLeft")
    for _ in range(EPOCHS.index(epoch)):
        frame.page.keyboard.press("ArrowRight")
    wait_until(lambda: told(frame).startswith(f"epoch {epoch}"))
    settled(frame)


def told(frame):
    return frame.locator(".told").inner_text()


def settled(frame):
    frame.page.wait_for_timeout(300)
    wait_until(lambda: frame.locator(".wall[aria-busy]").count() == 0)


def numbers(frame):
    return [int(text) for text in frame.locator("button.kernel .label b").all_inner_texts()]


def colours(frame, number, face=0, faces=1):
    """The colours in the middle of the squares of a kernel of 3 x 3 weights with one slice."""
    return np.array(
        frame.locator(f'button.kernel[data-number="{number}"]').evaluate(
            """(button, [face, faces]) => {
                const canvas = button.parentElement.querySelector("canvas");
                const dots = devicePixelRatio, scale = canvas.height / 3;
                const between = Math.max(2, Math.round(4 * dots));
                const left = Math.round(parseFloat(button.style.left) * dots) + face * (3 * scale + between);
                const context = canvas.getContext("2d");
                const of = (x, y) => [...context.getImageData(left + (x + 0.5) * scale, (y + 0.5) * scale, 1, 1).data].slice(0, 3);
                return [0, 1, 2].map((y) => [0, 1, 2].map((x) => of(x, y)));
            }""",
            [face, faces],
        )
    )


def near(frame, number, weights, low, high):
    """Whether the greys are those of the weights, within one level."""
    expected = (weights - low) / (high - low) * 255
    return np.abs(colours(frame, number) - expected[..., None]).max() <= 1.01


def test_wall_time_and_scale(tab, logged):
    """The colour of every square is that of the model's weight on the scale that is stated."""
    _, weights = logged
    frame = opened(tab)
    assert numbers(frame) == list(range(1, 13))
    all_epochs = np.stack([weights[epoch][0] for epoch in EPOCHS])
    for epoch in (0, 2):
        go_to(frame, epoch)
        for number in (1, 7, 12):
            now = weights[epoch][0][:, :, 0, number - 1]
            assert near(frame, number, now, all_epochs.min(), all_epochs.max())
    ends = frame.locator(".colourbar .end").first.inner_text()
    assert float(ends.replace("\N{MINUS SIGN}", "-")) == pytest.approx(all_epochs.min(), rel=1e-3)

    now = weights[2][0]
    choose(frame, "scale", "epoch")
    assert near(frame, 7, now[:, :, 0, 6], now.min(), now.max())
    choose(frame, "scale", "kernel")
    assert near(frame, 7, now[:, :, 0, 6], now[..., 6].min(), now[..., 6].max())
    choose(frame, "scale", "symmetric")
    reach = np.abs(all_epochs).max()
    assert near(frame, 7, now[:, :, 0, 6], -reach, reach)
    choose(frame, "colours", "diverging")
    red_minus_blue = colours(frame, 7)[..., 0] - colours(frame, 7)[..., 2]
    clear = np.abs(now[:, :, 0, 6]) > reach / 10
    assert (np.sign(red_minus_blue) == np.sign(now[:, :, 0, 6]))[clear].all()


def choose(frame, name, value):
    frame.locator(f"select[data-name={name}]").select_option(value)
    settled(frame)


def test_curve_keys_and_play(tab):
    """A click on the curve goes to the nearest logged epoch; space plays to the end."""
    frame = opened(tab)
    chart = frame.locator(".chart")
    box = chart.bounding_box()
    chart.click(position={"x": box["width"] / 2, "y": 20})
    wait_until(lambda: told(frame).startswith("epoch 2"))
    assert "train" in told(frame)
    assert "validation" in told(frame)
    assert chart.get_attribute("aria-valuetext").startswith("epoch 2")
    chart.focus()
    tab.keyboard.press("Space")
    wait_until(lambda: told(frame).startswith("epoch 4"))


def test_order_hide_and_find(tab, logged):
    """The order is that of the model's weights; what changed less is hidden; a number is found."""
    _, weights = logged
    frame = opened(tab)
    go_to(frame, 4)
    change = np.linalg.norm((weights[4][0] - weights[0][0]).reshape(-1, 12), axis=0)
    step = np.linalg.norm((weights[4][0] - weights[2][0]).reshape(-1, 12), axis=0)
    size = np.linalg.norm(weights[4][0].reshape(-1, 12), axis=0)
    for order, values in (("change", change), ("step", step), ("norm", size)):
        choose(frame, "order", order)
        shown_values = values[np.array(numbers(frame)) - 1]
        assert (np.diff(shown_values) <= 0.01 * values.max()).all()
    middle = float(np.sort(change)[5:7].mean())
    frame.locator("input[data-name=hide]").evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }",
        middle,
    )
    settled(frame)
    assert set(numbers(frame)) == set((np.flatnonzero(change > middle) + 1).tolist())
    found = numbers(frame)[2]
    frame.locator("input[data-name=find]").fill(str(found))
    tab.keyboard.press("Enter")
    wait_until(lambda: frame.locator(".panel h2").inner_text() == f"1_{found}")


def test_compare(tab, logged):
    """Two epochs stand side by side, and their difference around zero."""
    _, weights = logged
    frame = opened(tab)
    go_to(frame, 4)
    choose(frame, "compare", "e:0")
    assert frame.locator(".faces").inner_text().split("|")[0].strip() == "epoch 0"
    difference = (weights[4][0] - weights[0][0])[:, :, 0]
    drawn = colours(frame, 3, 2, 3)
    clear = np.abs(difference[..., 2]) > np.abs(difference).max() / 10
    assert (np.sign(drawn[..., 0] - drawn[..., 2]) == np.sign(difference[..., 2]))[clear].all()
    low = min(weights[epoch][0].min() for epoch in EPOCHS)
    high = max(weights[epoch][0].max() for epoch in EPOCHS)
    for face, epoch in ((0, 0), (1, 4)):
        expected = (weights[epoch][0][:, :, 0, 2] - low) / (high - low) * 255
        assert np.abs(colours(frame, 3, face, 3)[..., 0] - expected).max() <= 1.01


def test_one_kernel(tab, logged):
    """Its epochs, the weight under the pointer, the same address in other views; enlarged."""
    _, weights = logged
    frame = opened(tab)
    go_to(frame, 2)
    frame.locator('button.kernel[data-number="6"]').click()
    wait_until(lambda: frame.locator(".panel h2").inner_text() == "1_6")
    assert frame.locator(".strip button span").all_inner_texts() == [str(e) for e in EPOCHS]
    wait_until(lambda: frame.locator(".views button b").all_inner_texts() == ["patterns"])
    half_a_level = (weights[2][0].max() - weights[2][0].min()) / 510
    box = frame.locator(".panel .portrait").bounding_box()
    for y, x in ((0, 0), (1, 2), (2, 1)):
        frame.locator(".panel .portrait").hover(
            position={"x": (x + 0.5) * box["width"] / 3, "y": (y + 0.5) * box["height"] / 3}
        )
        said = frame.locator(".panel .readout").inner_text()
        assert f"row {y + 1}, column {x + 1}" in said
        read = float(said.rsplit(": ", 1)[1].replace("\N{MINUS SIGN}", "-"))
        assert read == pytest.approx(weights[2][0][y, x, 0, 5], abs=half_a_level + 1e-3 * abs(read))
    tab.keyboard.press("e")
    frame.locator("dialog.enlarged[open]").wait_for()
    tab.keyboard.press("Escape")
    with tab.expect_download() as download:
        frame.locator("text=Download strip").click()
    assert download.value.suggested_filename == "kernels_1_6.png"
    frame.locator(".strip button").last.click()
    wait_until(lambda: told(frame).startswith("epoch 4"))


def test_what_a_kernel_adds_up(tab, logged):
    """Its slices of the largest norm, each with the filter of the layer before that makes it."""
    _, weights = logged
    frame = opened(tab)
    frame.locator(".layer-list button").nth(1).click()
    wait_until(lambda: numbers(frame) == [1, 2, 3, 4, 5])
    go_to(frame, 4)
    frame.locator('button.kernel[data-number="2"]').click()
    norms = np.linalg.norm(weights[4][1][..., 1].reshape(9, 12), axis=0)
    strongest = (np.argsort(-norms)[:6] + 1).tolist()
    wait_until(lambda: frame.locator(".context > div > span").count() == 6)
    told = [text.split(": ") for text in frame.locator(".context > div > span").all_inner_texts()]
    assert sorted(int(channel) for channel, _ in told) == sorted(strongest)
    half_a_level = np.ptp(weights[4][1]) / 510
    for channel, norm in told:
        assert float(norm) == pytest.approx(norms[int(channel) - 1], abs=3 * half_a_level + 1e-3)
    makers = frame.locator(".context button span").all_inner_texts()
    assert makers == [f"1_{channel}" for channel, _ in told]
    frame.locator(".context button").first.click()
    wait_until(lambda: frame.locator(".panel h2").inner_text() == makers[0])


def test_dark_and_text(tab, tmp_path):
    """It is dark where the page around it is; a name with HTML is text."""
    # TensorFlow takes no such name, other writers of the same files may.
    tab.route("**/tb_kernels/log", lambda route: route.fulfill(json=renamed(route.fetch().json())))
    if tab.address.endswith("index.html"):
        (tmp_path / "other-index.html").write_text(page_renamed(tab.address))
        tab.address = f"file://{tmp_path}/other-index.html"
    frame = opened(tab, dark=True)
    wait_until(lambda: frame.locator(".tb-kernels").get_attribute("data-theme") == "dark")
    named = HTML if not tab.address.endswith("cell.html") else "second"
    assert frame.locator(".layer-name").all_inner_texts() == ["first", named]
    assert frame.locator(".layer-list img").count() == 0
    frame.locator(".layer-list button").nth(1).click()
    wait_until(lambda: frame.locator(".wall h1").inner_text() == named)


def renamed(log):
    for layer in log["runs"][0]["layers"]:
        layer["name"] = layer["name"].replace("second", HTML)
    return log


def page_renamed(address):
    html = Path(address.removeprefix("file://")).read_text()
    assert '"name": "second"' in html
    return html.replace('"name": "second"', f'"name": "{HTML}"'.replace("<", "\\u003c"))


def test_a_reload_keeps_the_place(tab):
    """In TensorBoard by what the browser keeps, in a page of its own by the address; not in a cell."""
    frame = opened(tab)
    frame.locator(".layer-list button").nth(1).click()
    wait_until(lambda: numbers(frame) == [1, 2, 3, 4, 5])
    go_to(frame, 1)
    choose(frame, "order", "norm")
    tab.reload()
    frame = viewer_in(tab)
    kept = not tab.address.endswith("cell.html")
    wait_until(lambda: told(frame).startswith("epoch 1" if kept else "epoch 4"))
    assert frame.locator(".wall h1").inner_text() == ("second" if kept else "first")
    assert frame.locator("select[data-name=order]").input_value() == ("norm" if kept else "number")


@pytest.mark.parametrize("width", [800, 400])
def test_narrow(tab, width):
    """On narrow pages nothing lies beside the page; layers become a list to choose from."""
    tab.set_viewport_size({"width": width, "height": 700})
    frame = opened(tab)
    assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert frame.locator(".layers > select").is_visible() == (width == 400)
    frame.locator("button.kernel").first.click()
    wait_until(lambda: frame.locator(".panel h2").inner_text() == "1_1")
