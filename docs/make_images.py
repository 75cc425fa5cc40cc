"""Makes the pictures of README and docs/ from runs of the example.

    python examples/digits.py --views all --log-dir /tmp/digits
    python examples/digits.py --log-dir logs
    python examples/digits.py --log-dir runs/adam
    python examples/digits.py --log-dir runs/rmsprop --optimizer rmsprop
    python docs/make_images.py /tmp/digits logs runs

The screenshots take Chromium and Playwright (the extra `test`).
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from tb_kernels import Log, open_log
from tb_kernels.drawing import png
from tb_kernels.figures.paper import DPI
from tb_kernels.figures.saving import pixels_of
from tests.helpers.browser import open_time_series, open_viewer, page, tensorboard

ROOT = Path(__file__).absolute().parent.parent
IMAGES = ROOT / "docs/images"

# By name, figures that stand below each other: what is selected, and what `figure` is told.
FIGURES: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {
    "expanded": [
        ({"views": "expanded", "kernels": range(1, 13)}, {"kind": "grid", "width": "8in"})
    ],
    "kernels": [({"views": "kernels", "kernels": kernel}, {}) for kernel in ("1_6", "3_2")],
    "epochs": [
        ({"views": "kernels", "kernels": "3_2"}, {"normalize": how}) for how in ("layer", "epoch")
    ],
    "examples": [({"views": "examples", "kernels": [2, 8]}, {"kind": "grid", "direction": "down"})],
    "context": [({"views": "kernels", "kernels": "3_6", "epochs": 10}, {"kind": "context"})],
    "activations": [({"views": "activations", "kernels": kernel}, {}) for kernel in ("1_6", "3_2")],
    "gradients": [({"views": "gradients", "kernels": kernel}, {}) for kernel in ("1_6", "3_2")],
    "patterns": [
        ({"views": "patterns", "kernels": range(1, 13)}, {"kind": "grid", "width": "8in"})
    ],
    "heatmaps": [({"views": "heatmaps", "kernels": range(1, 10)}, {"kind": "grid"})],
}

# By name, what the README's commands make; the first folder says which command.
EXPORTED = {
    "1_6": "figures/strips/kernels/1-conv2d/1_6.png",
    "3_2": "figures/strips/kernels/3-conv2d/3_2.png",
    "six": "paper/grids/kernels/3-conv2d.png",
    "slide": "slide/grids/kernels/1-conv2d.png",
    "difference": "compare/differences/adam/kernels/1-conv2d.png",
}


def draw(log: Log, name: str) -> None:
    """Figures as `Log.figure` draws them, the first at the top."""
    drawn = [
        pixels_of(log.select(**selection).figure(**options)) for selection, options in FIGURES[name]
    ]
    (IMAGES / f"{name}.png").write_bytes(png.encode(_stacked(drawn), DPI))


def _stacked(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    wide = max(one.shape[1] for one in pictures)
    fill = [((0, 0), (0, wide - one.shape[1]), (0, 0)) for one in pictures]
    filled = [np.pad(one, by, constant_values=255) for one, by in zip(pictures, fill, strict=True)]
    return np.concatenate(filled)


def export(logs: Path, runs: Path) -> None:
    """What the README's commands make, run as they stand there."""
    lines = re.findall(r"bin/(tb-kernels export .+)", (ROOT / "README.md").read_text())
    commands = {line.split()[3]: shlex.split(line)[1:] for line in lines}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "logs").symlink_to(logs)
        (folder / "runs").symlink_to(runs)
        for made in ("report", *dict.fromkeys(path.split("/")[0] for path in EXPORTED.values())):
            command = [sys.executable, "-m", "tb_kernels", *commands[made]]
            subprocess.run(command, check=True, cwd=folder)
        for image, path in EXPORTED.items():
            shutil.copy(folder / path, IMAGES / f"{image}.png")
        with page(1300, 900) as tab:
            tab.goto(f"file://{folder}/report/index.html")
            tab.wait_for_timeout(1000)
            tab.screenshot(path=IMAGES / "page.png")


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


def shoot_viewer(log_dir: Path) -> None:
    """The Kernels tab with a kernel that is open, light and dark, on wide and narrow pages."""
    with tensorboard(log_dir) as address:
        for width in (1400, 800, 400):
            for theme in ("light", "dark"):
                with page(width, 860) as tab:
                    frame = open_viewer(tab, address, dark=theme == "dark")
                    frame.locator("select[data-name=view]").select_option("expanded")
                    frame.locator("[aria-current=true] >> text=conv2d_1").wait_for(state="attached")
                    if width > 400:
                        frame.locator('button.kernel[data-number="6"]').click()
                        frame.locator(".views button canvas").nth(4).wait_for()
                    tab.wait_for_timeout(1500)
                    tab.screenshot(path=IMAGES / f"viewer-{width}-{theme}.png")


def main() -> None:
    """Makes all, from a log of all views, a log of kernels alone, and two trainings."""
    IMAGES.mkdir(exist_ok=True)
    views, kernels, runs = (Path(path).absolute() for path in sys.argv[1:4])
    log = open_log(views)
    for name in FIGURES:
        draw(log, name)
    export(kernels, runs)
    shoot_viewer(views)
    shoot_views(views)
    shoot_kernels(kernels)


if __name__ == "__main__":
    main()
