"""What a person sees of all five views: one filter in each, beside its curves."""

import subprocess
import sys

import pytest

from tests.helpers.browser import (
    IN_BROWSER,
    open_time_series,
    page,
    tensorboard,
    titles,
    wait_until,
)
from tests.helpers.oracle import read_scalars
from tests.helpers.project import ROOT

pytestmark = IN_BROWSER

VIEWS = {"activations", "examples", "expanded", "gradients", "heatmaps", "kernels", "patterns"}


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    """The log of two epochs of the example with all views."""
    log_dir = tmp_path_factory.mktemp("views") / "logs"
    options = ["--views", "all", "--epochs", "2", "--log-epochs", "0,1,2", "--log-dir", log_dir]
    command = [sys.executable, ROOT / "examples/digits.py", *options]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    for view in VIEWS:
        assert f"pictures in {log_dir / view}, such as" in done.stdout
    return log_dir


@pytest.mark.parametrize("loader", ["--load_fast=auto", "--load_fast=false"])
def test_one_address_in_all_views(log_dir, loader):
    """Seven cards of one address, one for each run; the layer's curves are there too."""
    with tensorboard(log_dir, loader) as address, page(1900, 1400) as tab:
        open_time_series(tab, address, "(^|/)3_2_2$")
        cards = tab.locator("metrics-filtered-view image-card")
        wait_until(lambda: cards.count() == 7)
        wait_until(lambda: titles(cards.locator(".tag")) == ["3-conv2d/3_2_2"] * 7)
        texts = cards.all_inner_texts()
        assert {view for view in VIEWS if any(view in text for text in texts)} == VIEWS
        tab.locator("metrics-filtered-view image-card img").nth(6).wait_for()

        open_time_series(tab, address, "3-conv2d/(kernel|relative|gradient)_")
        curves = tab.locator("metrics-filtered-view scalar-card")
        wait_until(lambda: curves.count() == 3)
        curves.nth(2).locator("line-chart").wait_for()


def test_curves_stand_at_the_steps_of_the_loss(log_dir):
    """Epochs 0, 1 and 2 are the steps -1, 0 and 1."""
    kernels, gradients = (read_scalars(log_dir / view) for view in ("kernels", "gradients"))
    assert sorted(kernels["3-conv2d/kernel_norm"]) == [-1, 0, 1]
    assert sorted(kernels["3-conv2d/relative_change"]) == [0, 1]
    assert sorted(gradients["7-dense/gradient_norm"]) == [-1, 0, 1]
