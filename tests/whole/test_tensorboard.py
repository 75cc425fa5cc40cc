"""What a person sees in TensorBoard after the example: order, titles, sharp pixels, losses."""

import io
import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tests.helpers.browser import (
    IN_BROWSER,
    open_images,
    open_time_series,
    page,
    tensorboard,
    titles,
    wait_until,
)
from tests.helpers.oracle import read_png
from tests.helpers.project import ROOT

pytestmark = IN_BROWSER


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The example's log, its output and the seconds it took."""
    log_dir = tmp_path_factory.mktemp("example") / "logs"
    begin = time.monotonic()
    command = [sys.executable, ROOT / "examples/digits.py", "--log-dir", log_dir]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return log_dir, done.stdout, time.monotonic() - begin


def test_example(example):
    """Accurate above 97 %, under a minute; the seeds' pictures exist; it says what comes next."""
    log_dir, output, seconds = example
    assert float(re.search(r"Test accuracy: ([\d.]+)%", output)[1]) > 97
    assert seconds < 60
    for address in ("1_6_1", "1_6_6", "1_6_10"):
        assert read_png(log_dir / f"kernels/1-conv2d/{address}.png").shape == (129, 129)
    for address in ("3_2_1", "3_2_6", "3_2_10"):
        assert read_png(log_dir / f"kernels/3-conv2d/{address}.png").shape == (131, 131)
    assert f"384 pictures in {log_dir / 'kernels'}" in output
    assert f"tensorboard --logdir {log_dir}" in output
    assert (log_dir / "history.csv").read_text().count("\n") == 11  # none ended the run early


def test_example_without_network(tmp_path):
    """A data set that cannot be downloaded is a clear error and no traceback."""
    command = [sys.executable, ROOT / "examples/digits.py", "--dataset", "cifar10"]
    nowhere = {"https_proxy": "http://127.0.0.1:9", "KERAS_HOME": str(tmp_path)}
    done = subprocess.run(
        [*command, "--log-dir", tmp_path], capture_output=True, text=True, check=False,
        env={**os.environ, **nowhere},
    )  # fmt: skip
    assert done.returncode == 1
    assert "--dataset cifar10 is downloaded by Keras, and that failed" in done.stderr
    assert "use --dataset digits" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("loader", ["--load_fast=auto", "--load_fast=false"])
def test_time_series(example, loader):
    """Groups stand in network order beside the losses; the filter shows one kernel's epochs."""
    log_dir, *_ = example
    with tensorboard(log_dir, loader) as address, page() as tab:
        open_time_series(tab, address)
        groups = tab.locator(".group-title")
        wait_until(lambda: "epoch_loss" in groups.all_inner_texts())
        names = [name for name in groups.all_inner_texts() if name != "Pinned"]
        assert names[:2] == ["1-conv2d", "3-conv2d"]

        open_time_series(tab, address, "(^|/)1_6_|epoch_loss")
        found = tab.locator("metrics-filtered-view")
        expected = [f"1-conv2d/1_6_{epoch}" for epoch in (0, 1, 6, 10)] + ["epoch_loss"]
        wait_until(lambda: titles(found.locator(".tag")) == expected)
        found.locator("scalar-card line-chart").wait_for()
        image = found.locator("image-card img").last
        assert image.evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"


@pytest.mark.parametrize("loader", ["--load_fast=auto", "--load_fast=false"])
def test_images(example, loader):
    """Cards are titled by the bare address, and show the pixels of the file, sharp."""
    log_dir, *_ = example
    with tensorboard(log_dir, loader) as address, page() as tab:
        open_images(tab, address, "(^|/)1_6_")
        found = tab.locator("tf-category-paginated-view").first
        expected = ["1_6_0", "1_6_1", "1_6_6", "1_6_10"]
        wait_until(lambda: titles(found.locator("[itemprop=name]")) == expected)
        image = found.locator("tf-image-loader img").nth(3)
        assert image.evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"
        source = image.get_attribute("src")
        shown = tab.request.get(f"{address.rstrip('/')}/{source}").body()
        assert shown == (log_dir / "kernels/1-conv2d/1_6_10.png").read_bytes()

        # On the screen each weight is one flat square: the middle of each has its level.
        image.scroll_into_view_if_needed()
        screen = np.asarray(Image.open(io.BytesIO(image.screenshot())).convert("L")).astype(int)
        drawn = read_png(log_dir / "kernels/1-conv2d/1_6_10.png").astype(int)
        height, width = screen.shape
        for y in range(3):
            for x in range(3):
                middle_y, middle_x = height * (2 * y + 1) // 6, width * (2 * x + 1) // 6
                square = screen[
                    middle_y - height // 8 : middle_y + height // 8,
                    middle_x - width // 8 : middle_x + width // 8,
                ]
                assert np.abs(square - drawn[21 + 43 * y, 21 + 43 * x]).max() <= 1
