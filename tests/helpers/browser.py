"""A real TensorBoard and a real browser to look at it with."""

import contextlib
import os
import shutil
import time

import pytest
from playwright.sync_api import sync_playwright

from tests.helpers.tensorboard import started

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)  # fmt: skip

# CI must see the tests that need it; elsewhere nobody is made to install a browser.
NEEDS_CHROMIUM = pytest.mark.skipif(
    not CHROMIUM and "CI" not in os.environ, reason="Chromium is not installed"
)
IN_BROWSER = [pytest.mark.slow, pytest.mark.browser, NEEDS_CHROMIUM]


def tensorboard(log_dir, *options):
    """Starts TensorBoard on a free port; gives its address."""
    return started("--logdir", log_dir, *options)


@contextlib.contextmanager
def page(width=1600, height=1000, *, scripts=True):
    """A page of a headless Chromium."""
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        size = {"width": width, "height": height}
        yield browser.new_page(viewport=size, java_script_enabled=scripts)
        browser.close()


def open_time_series(page, address, tag_filter=""):
    """Shows Time Series in light colours, its settings closed, filtered by tag."""
    page.goto(f"{address}?darkMode=false#timeseries")
    page.locator("card-view").first.wait_for()
    page.locator("button:has-text('Settings')").first.click()
    page.locator("tb-filter-input[placeholder^='Filter tags'] input").fill(tag_filter)
    page.keyboard.press("Escape")  # closes the list of completions


def open_images(page, address, tag_filter=""):
    """Shows the Images tab, filtered by tag."""
    page.goto(f"{address}?darkMode=false#images")
    page.locator("tf-image-loader img").first.wait_for()
    page.locator("tf-tag-filterer input").first.fill(tag_filter)


def open_viewer(page, address, *, dark=False):
    """Shows the Kernels tab of TensorBoard; its frame, with kernels on its wall."""
    page.goto(f"{address}?darkMode={str(dark).lower()}#tb_kernels")
    return viewer_in(page)


def viewer_in(page):
    """The frame that has the viewer in it, once that shows kernels."""
    # The list of frames is brought up to date only while Playwright waits.
    wait_until(lambda: page.wait_for_timeout(100) or frames_of_viewer(page))
    (frame,) = frames_of_viewer(page)
    frame.locator("button.kernel").first.wait_for()
    return frame


def frames_of_viewer(page):
    return [frame for frame in page.frames if frame.locator(".tb-kernels").count()]


def wait_until(check):
    """Asks again until it holds, as a person would look again."""
    deadline = time.monotonic() + 60
    while not check() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert check()


def titles(cards):
    """What stands as the title of each card, in order."""
    return [text.replace("\n", "").strip() for text in cards.all_inner_texts()]
