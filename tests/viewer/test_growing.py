"""The tab of a log that grows while it is looked at, and of two trainings."""

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
