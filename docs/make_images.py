"""Makes the pictures of the README from a run of the example.

    python examples/digits.py --log-dir /tmp/digits
    python docs/make_images.py /tmp/digits

It takes matplotlib, and Chromium with Playwright for the screenshot (the extra `test`).
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
ROWS = (("1-conv2d", "1_6"), ("3-conv2d_1", "3_2"))


def draw_kernels(log_dir: Path) -> None:
    """A row per kernel, a column per epoch, each with its address."""
    figure, grid = plt.subplots(
        len(ROWS), len(EPOCHS), figsize=(8, 4.5), dpi=150, layout="constrained"
    )
    for axes_row, (group, kernel) in zip(grid, ROWS, strict=True):
        for axes, epoch in zip(axes_row, EPOCHS, strict=True):
            address = f"{kernel}_{epoch}"
            picture = Image.open(log_dir / "kernels" / group / f"{address}.png")
            axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axes.set_title(address, fontfamily="monospace", fontsize=11)
            axes.set_axis_off()
    figure.savefig(IMAGES / "kernels.png")


def shoot_tensorboard(log_dir: Path) -> None:
    """Time Series with the README's filter."""
    with tensorboard(log_dir) as address, page(1900, 860) as tab:
        open_time_series(tab, address, "(^|/)1_6_|epoch_loss")
        found = tab.locator("metrics-filtered-view")
        found.locator("image-card img").nth(3).wait_for()
        found.locator("scalar-card line-chart").wait_for()
        tab.wait_for_timeout(3000)  # until the chart is drawn
        tab.screenshot(path=IMAGES / "tensorboard.png")


def main() -> None:
    """Makes both."""
    IMAGES.mkdir(exist_ok=True)
    draw_kernels(Path(sys.argv[1]))
    shoot_tensorboard(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
