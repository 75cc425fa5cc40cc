"""Makes the pictures of README and docs/ from a run of the example.

    python examples/digits.py --views all --log-dir /tmp/digits
    python examples/digits.py --log-dir logs
    python docs/make_images.py /tmp/digits logs

The screenshots take Chromium and Playwright (the extra `test`).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tb_kernels import Log, Picture, open_log
from tb_kernels.report.grids import Cell, draw_grid
from tests.helpers.browser import open_time_series, page, tensorboard

IMAGES = Path(__file__).parent / "images"
EPOCHS = (0, 1, 6, 10)

# A row for each of these: view, layer and kernel, 0 being the layer's sheet, and how many times as
# large as logged.
FIGURES = {
    "expanded": (("kernels", "1_6", 2), ("expanded", "3_0", 3)),
    "examples": (("examples", "3_2", 1), ("examples", "3_8", 1)),
    "kernels": (("kernels", "1_6", 2), ("kernels", "3_2", 2)),
    "activations": (("activations", "1_6", 2), ("activations", "3_2", 2)),
    "gradients": (("gradients", "1_6", 2), ("gradients", "3_2", 2)),
    "patterns": (("patterns", "3_0", 2),),
    "heatmaps": (("heatmaps", "3_0", 2),),
}

# Whose pictures are wide: a row per epoch, a column per kernel.
WIDE = ("examples",)

# The figures of docs/report.md, by the command that it shows.
REPORT = ["--kernels", "1_6,3_2", "--epochs", "1,6,10", "--columns", "32", "--only", "strips"]


def draw(log: Log, name: str) -> None:
    """A row per kernel and a column per epoch, or the other way round, each with its address."""

    def cell(picture: Picture, times: int) -> Cell:
        return Cell.of(picture, str(picture.address), times * picture.legend.layout.scale)

    rows = [
        [cell(log.picture(f"{kernel}_{epoch}", view=view), times) for epoch in EPOCHS]
        for view, kernel, times in FIGURES[name]
    ]
    if name in WIDE:
        rows = [list(column) for column in zip(*rows, strict=True)]
    (IMAGES / f"{name}.png").write_bytes(draw_grid(rows).encode("png"))


def export(log_dir: Path) -> None:
    """Two strips as the command of docs/report.md makes them, and the page of all kernels."""
    with tempfile.TemporaryDirectory() as folder:
        # From beside it: the page is titled with the path as it was given.
        command = [sys.executable, "-m", "tb_kernels", "export", log_dir.name, folder]
        subprocess.run([*command, *REPORT], check=True, cwd=log_dir.parent)
        for strip in ("1-conv2d/1_6.png", "3-conv2d/3_2.png"):
            shutil.copy(Path(folder, "strips/kernels", strip), IMAGES)
        subprocess.run([*command, "--only", "page"], check=True, cwd=log_dir.parent)
        with page(1300, 900) as tab:
            tab.goto(f"file://{folder}/index.html")
            tab.wait_for_timeout(1000)
            tab.screenshot(path=IMAGES / "page.png")


def export_context(log_dir: Path) -> None:
    """A kernel beside what makes its input channels."""
    with tempfile.TemporaryDirectory() as folder:
        choice = ["--only", "contexts", "--kernels", "3_6", "--views", "kernels"]
        command = [sys.executable, "-m", "tb_kernels", "export", log_dir, folder, *choice]
        subprocess.run(command, check=True)
        shutil.copy(Path(folder, "contexts/3-conv2d/3_6_10.png"), IMAGES / "context.png")


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
        tab.locator("metrics-filtered-view image-card img").nth(6).wait_for()
        tab.wait_for_timeout(1000)
        tab.screenshot(path=IMAGES / "views.png")


def main() -> None:
    """Makes all, from a log of all views and a log of kernels alone."""
    IMAGES.mkdir(exist_ok=True)
    views, kernels = (Path(path).absolute() for path in sys.argv[1:3])
    log = open_log(views)
    for name in FIGURES:
        draw(log, name)
    export(kernels)
    export_context(views)
    shoot_views(views)
    shoot_kernels(kernels)


if __name__ == "__main__":
    main()
