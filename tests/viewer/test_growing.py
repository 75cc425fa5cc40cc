"""The tab of a log that grows while it is looked at, and of two trainings."""

import time

import keras
import numpy as np
import pytest

from tb_kernels import KernelLogger
from tests.helpers.browser import IN_BROWSER, open_viewer, page, tensorboard, viewer_in, wait_until

pytestmark = IN_BROWSER


@pytest.fixture
def model():
    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(6, 3, name="first")])


def logged(model, log_dir, epoch, scale):
    """Logs kernels of random weights, which are returned."""
    kernel = model.get_layer("first").kernel
    weights = np.random.default_rng(epoch).normal(scale=scale, size=kernel.shape)
    kernel.assign(weights)
    with KernelLogger(log_dir, strict=True) as logger:
        logger.log(model, epoch)
    return weights


def test_a_new_epoch_and_another_training(model, tmp_path):
    """The epoch is there after one reload; the other training stands beside, on the same scale."""
    weights = {run: logged(model, tmp_path / run, 1, scale) for run, scale in (("one", 1), ("two", 3))}  # fmt: skip
    with tensorboard(tmp_path) as address, page(1400, 900) as tab:
        frame = open_viewer(tab, address)
        stops = frame.locator(".chart text.stop")
        assert stops.all_text_contents() == ["1"]
        frame.locator("select[data-name=compare]").select_option("r:two")
        wait_until(lambda: frame.locator(".faces").inner_text().startswith("two, epoch 1"))
        frame.locator('button.kernel[data-number="2"]').click()
        # Three faces: the other, itself, the difference.
        box = frame.locator(".panel .portrait").bounding_box()
        frame.locator(".panel .portrait").hover(position={"x": box["width"] / 18, "y": box["height"] / 6})  # fmt: skip
        where, said = frame.locator(".panel .readout").inner_text().rsplit(": ", 1)
        assert where == "two, epoch 1 · row 1, column 1"
        read = float(said.replace("\N{MINUS SIGN}", "-"))
        half_a_level = np.ptp(weights["two"]) / 510
        assert read == pytest.approx(weights["two"][0, 0, 0, 1], abs=half_a_level + 1e-3)
        logged(model, tmp_path / "one", 2, 1)
        tab.reload()
        frame = viewer_in(tab)
        assert frame.locator(".chart text.stop").all_text_contents() == ["1", "2"]


def test_an_epoch_that_is_logged_anew_while_it_is_looked_at(model, tmp_path):
    """Its old pictures are asked for, and the new ones are shown, without a reload."""
    kernel = model.get_layer("first").kernel

    def highest(frame):
        return float(frame.locator(".colourbar .end").nth(1).inner_text())

    with KernelLogger(tmp_path, strict=True) as logger, tensorboard(tmp_path) as address, page(1400, 900) as tab:  # fmt: skip
        for epoch in range(1, 10):
            logger.log(model, epoch)
        logger.flush()
        frame = open_viewer(tab, address)
        frame.locator("select[data-name=scale]").select_option("epoch")
        # What lies beside it is fetched ahead, the fifth is not.
        frame.locator(".chart text.stop", has_text="1").click()
        assert highest(frame) == pytest.approx(kernel.numpy().max(), rel=1e-3)
        kernel.assign(kernel.numpy() * 50)
        logger.log(model, 5)
        logger.flush()
        # The server looks once a second.
        time.sleep(1.1)
        requests = []
        tab.on("request", lambda one: requests.append(one.url.rpartition("/")[2].partition("?")[0]))
        frame.locator(".chart text.stop", has_text="5").click()
        began = time.monotonic()
        wait_until(lambda: highest(frame) == pytest.approx(kernel.numpy().max(), rel=1e-3))
        # It asks for all that is new each half a minute, too.
        assert time.monotonic() - began < 15
        assert not frame.locator(".over").is_visible()
        # Of the log once or twice, whatever has met the change, and of its curves as often.
        assert 1 <= requests.count("log") <= 2
        assert 1 <= requests.count("curves") <= 2


def test_a_training_that_was_superseded(model, tmp_path):
    """It can be chosen, and compared with, behind the one that began anew in its directory."""
    model.compile("sgd", "mse")
    x, y = np.ones((2, 8, 8, 1), "float32"), np.ones((2, 6, 6, 6), "float32")
    kernel = model.get_layer("first").kernel
    highest = []
    for epochs in (2, 1):
        kernel.assign(kernel.numpy() * 3)
        logger = KernelLogger(tmp_path, epochs="last", strict=True)
        model.fit(x, y, epochs=epochs, verbose=0, callbacks=[logger])
        highest.append(kernel.numpy().max())
    with tensorboard(tmp_path) as address, page(1400, 900) as tab:
        frame = open_viewer(tab, address)
        ends = frame.locator(".colourbar .end")

        def shows(wanted):
            return float(ends.nth(1).inner_text()) == pytest.approx(wanted, rel=1e-3)

        wait_until(lambda: shows(highest[1]))
        runs = frame.locator("select[data-name=run]")
        now, before = runs.locator("option").all_inner_texts()
        assert before.startswith(f"{now}, training of 20")
        frame.locator("select[data-name=compare]").select_option(label=before)
        wait_until(lambda: frame.locator(".faces").inner_text().startswith(f"{before}, epoch 2"))
        frame.locator("select[data-name=compare]").select_option("")
        runs.select_option(label=before)
        wait_until(lambda: shows(highest[0]))
        assert frame.locator(".chart text.stop").all_text_contents() == ["2"]
