"""Makes the pictures of the README from a run of the example.

    python examples/digits.py --views all --log-dir /tmp/digits
    python docs/make_images.py /tmp/digits

It takes matplotlib, and Chromium with Playwright for the screenshots (the extra `test`).
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from PIL import Image

from tests.browser.server import open_time_series, page, tensorboard

IMAGES = Path(__file__).parent / "images"
EPOCHS = (0, 1, 6, 10)

# The view, the pictures of each row by group and address without epoch, the figure's height.
FIGURES = {
    "kernels": ([("1-conv2d", "1_6"), ("3-conv2d_1", "3_2")], 4.5),
    "activations": ([("1-conv2d", "1_6"), ("3-conv2d_1", "3_2")], 1.9),
    "gradients": ([("1-conv2d", "1_6"), ("3-conv2d_1", "3_2")], 4.5),
    "patterns": ([("3-conv2d_1", "3_0")], 2.4),
    "heatmaps": ([("3-conv2d_1", "3_0")], 2.4),
}


def draw(log_dir: Path, view: str) -> None:
    """A row per picture, a column per epoch, each with its address."""
    rows, height = FIGURES[view]
    figure, grid = plt.subplots(
        len(rows), len(EPOCHS), figsize=(8, height), dpi=150, layout="constrained", squeeze=False
    )
    for axes_row, (group, picture) in zip(grid, rows, strict=True):
        for axes, epoch in zip(axes_row, EPOCHS, strict=True):
            address = f"{picture}_{epoch}"
            pixels = Image.open(log_dir / view / group / f"{address}.png")
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axes.set_title(address, fontfamily="monospace", fontsize=11)
            axes.set_axis_off()
    figure.savefig(IMAGES / f"{view}.png")
    plt.close(figure)


def shoot_kernels(log_dir: Path) -> None:
    """Time Series with the README's filter, of a log of kernels."""
    with tensorboard(log_dir) as address, page(1900, 860) as tab:
        open_time_series(tab, address, "(^|/)1_6_|epoch_loss")
        found = tab.locator("metrics-filtered-view")
        found.locator("image-card img").nth(3).wait_for()
        found.locator("scalar-card line-chart").wait_for()
        tab.wait_for_timeout(3000)  # until the chart is drawn
        tab.screenshot(path=IMAGES / "tensorboard.png")


def shoot_views(log_dir: Path) -> None:
    """Time Series with one filter in all views."""
    with tensorboard(log_dir) as address, page(1900, 860) as tab:
        open_time_series(tab, address, "(^|/)3_2_10$")
        tab.locator("metrics-filtered-view image-card img").nth(4).wait_for()
        tab.wait_for_timeout(1000)
        tab.screenshot(path=IMAGES / "views.png")


def main() -> None:
    """Makes all; a second argument is a log of kernels alone, for its screenshot."""
    IMAGES.mkdir(exist_ok=True)
    for view in FIGURES:
        draw(Path(sys.argv[1]), view)
    shoot_views(Path(sys.argv[1]))
    if len(sys.argv) > 2:
        shoot_kernels(Path(sys.argv[2]))


if __name__ == "__main__":
    main()
