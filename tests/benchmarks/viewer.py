"""The Kernels tab beside the Images tab, on VGG16 at ten epochs: python -m tests.benchmarks.viewer."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tests.helpers.browser import page, tensorboard, viewer_in

ROUNDS = 3

# In the frame: does something, and waits until the wall is drawn again; milliseconds.
UNTIL_DRAWN = """async ([deed, argument]) => {
    const frames = () => new Promise(requestAnimationFrame);
    const wall = document.querySelector(".wall");
    // What is in the picture itself, wherever it is told before.
    const drawn = () => wall.querySelector(".rows canvas")?.toDataURL();
    const before = drawn(), began = performance.now();
    if (deed === "layer") document.querySelectorAll(".layer-list button")[argument].click();
    else document.querySelector(".chart").dispatchEvent(new KeyboardEvent("keydown", { key: argument, bubbles: true }));
    while (drawn() === before || wall.hasAttribute("aria-busy")) await frames();
    await frames();
    return performance.now() - began;
}"""

# Scrolls up and down the wall for three seconds; frames a second.
SCROLLING = """async () => {
    const scroller = document.querySelector(".scroller");
    let frames = 0, by = 60;
    const began = performance.now();
    while (performance.now() - began < 3000) {
        const before = scroller.scrollTop;
        scroller.scrollTop += by;
        if (scroller.scrollTop === before) by = -by;
        await new Promise(requestAnimationFrame);
        frames++;
    }
    return frames / (performance.now() - began) * 1000;
}"""


def write_log(log_dir, epochs=10):
    """The kernels of VGG16 with weights that move a little."""
    import keras
    import numpy as np

    from tb_kernels import KernelLogger

    model = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
    random = np.random.default_rng(0)
    with KernelLogger(log_dir) as logger:
        for epoch in range(1, epochs + 1):
            for layer in model.layers:
                if hasattr(layer, "kernel"):
                    layer.kernel.assign_add(random.normal(scale=0.01, size=layer.kernel.shape))
            logger.log(model, epoch)


def seconds_to_pictures(address, name):
    """From the click on a tab of an open TensorBoard until it shows its first picture."""
    with page(1400, 900) as tab:
        tab.goto(f"{address}#scalars")
        chosen = tab.get_by_role("tab", name=name)
        chosen.wait_for()
        tab.wait_for_timeout(2000)
        pictures = tab.locator("tf-image-loader img")
        if name == "Kernels":
            pictures = tab.frame_locator("iframe").locator("button.kernel")
        began = time.perf_counter()
        chosen.click()
        pictures.first.wait_for(timeout=120_000)
        return time.perf_counter() - began


def walk(address):
    """Milliseconds of a layer and of an epoch, frames a second, bytes of the page's heap."""
    with page(1400, 900) as tab:
        tab.goto(f"{address}#tb_kernels")
        frame = viewer_in(tab)
        last = frame.locator(".layer-list button").count() - 1
        layer = frame.evaluate(UNTIL_DRAWN, ["layer", last])
        tab.wait_for_timeout(4000)
        epochs = []
        for _ in range(4):
            epochs.append(frame.evaluate(UNTIL_DRAWN, ["key", "ArrowLeft"]))
            tab.wait_for_timeout(1500)
        rate = frame.evaluate(SCROLLING)
        session = tab.context.new_cdp_session(tab)
        session.send("HeapProfiler.collectGarbage")
        heap = session.send("Runtime.getHeapUsage")["usedSize"]
        return layer, statistics.median(epochs), rate, heap


def report(log_dir):
    """Prints the table."""
    walls, images, walks = [], [], []
    with tensorboard(log_dir) as address:
        # Once for nothing: until TensorBoard has read all of it.
        for name in ("Images", "Kernels"):
            seconds_to_pictures(address, name)
        for _ in range(ROUNDS):
            images.append(seconds_to_pictures(address, "Images"))
            walls.append(seconds_to_pictures(address, "Kernels"))
            walks.append(walk(address))
    wall, image = statistics.median(walls), statistics.median(images)
    layer, epoch, rate, heap = (statistics.median(one) for one in zip(*walks, strict=True))
    print("\n| | Kernels | Images |\n| --- | --- | --- |")
    print(
        f"| first picture after the click on the tab | {wall:.2f} s | {image:.2f} s ({image / wall:.1f} x) |"
    )
    print(f"| a layer of 512 kernels after the click | {layer:.0f} ms | |")
    print(f"| another epoch of it | {epoch:.0f} ms | |")
    print(f"| frames a second while scrolling | {rate:.0f} | |")
    print(f"| heap of the page | {heap / 1e6:.0f} MB | |")


def main():
    """On a log that is given, or one of its own."""
    if sys.argv[1:]:
        report(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_log(folder)
        report(Path(folder))


if __name__ == "__main__":
    main()
