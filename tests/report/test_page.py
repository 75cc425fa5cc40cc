"""The page of a report, and report.md."""

import re
from urllib.parse import unquote

import pytest

from tb_kernels import KernelLogger, open_log
from tb_kernels.figures.scale import Scale
from tests.benchmarks.ways import seeds_network
from tests.helpers.browser import NEEDS_CHROMIUM, page, wait_until
from tests.helpers.reports import export


def test_the_page_shows_sheets_and_scales_of_kernels(tmp_path):
    """The scale above a column is that of the kernels below it; a sheet alone is shown, too."""
    model = seeds_network((8, 8, 1))
    with KernelLogger(tmp_path / "logs", kernels=[2], normalize="kernel", sheets=True) as logger:
        logger.log(model, 1)
    export(tmp_path / "logs", tmp_path / "out", "--layers", 1, "--only", "page")
    low, high = open_log(tmp_path / "logs").picture("1_2_1").legend.limits.at(0)
    html = (tmp_path / "out/index.html").read_text()
    ends = f"{low:.4g} … {high:.4g}".replace("-", "\N{MINUS SIGN}")
    assert f"<small>{ends}</small>" in html
    export(tmp_path / "logs", tmp_path / "sheet", "--layers", 1, "--kernels", 0, "--only", "page")
    assert "<code>1_0_1</code>" in (tmp_path / "sheet/index.html").read_text()


@pytest.mark.parametrize(
    ("normalize", "colormap", "told"),
    [
        ("layer", None, "one scale for all epochs of a layer; colours as logged, from low to high"),
        ("symmetric", "RdBu_r", "one scale for all epochs of a layer, symmetric; colour map RdBu_r, from low to high"),
        ("kernel", None, "one scale for all epochs of a kernel; colours as logged, from low to high"),
        ((-0.5, 2), None, "one scale for all epochs of a layer, -0.5 to 2; colours as logged, from low to high"),
        ("epoch", None, "each epoch on the scale that it was logged on; colours as logged, from low to high"),
    ],
)  # fmt: skip
def test_the_scale_is_told(normalize, colormap, told):
    assert Scale.checked(normalize, colormap).told == told


@pytest.mark.slow
def test_the_report_names_what_is_there(log_dir, tmp_path):
    """Every link of report.md leads to a file; all figures are in it."""
    export(log_dir, tmp_path)
    text = (tmp_path / "report.md").read_text()
    targets = [unquote(target) for target in re.findall(r"\]\(([^)]+)\)", text)]
    assert all((tmp_path / target).is_file() for target in targets)
    assert {target.split("/")[0] for target in targets} == {"index.html", "curves", "sheets", "contexts", "animations", "strips"}  # fmt: skip
    export(log_dir, tmp_path / "together", "--together", "--only", "strips,page")
    assert "](strips/1-first/1_1.png)" in (tmp_path / "together/report.md").read_text()
    alone = export(log_dir, tmp_path / "alone", "--only", "page")
    assert alone == {"index.html", "report.md"}
    assert "](s" not in (tmp_path / "alone/report.md").read_text()


@pytest.mark.slow
@pytest.mark.browser
@NEEDS_CHROMIUM
@pytest.mark.parametrize("width", [400, 1400])
def test_the_page_without_scripts(log_dir, tmp_path, width):
    """Every picture is on it, whole, without any request; nothing sticks out, narrow or wide."""
    export(log_dir, tmp_path, "--only", "page", "--normalize", "epoch")
    with page(width, 900, scripts=False) as tab:
        requests = []
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(f"file://{tmp_path}/index.html")
        wait_until(lambda: tab.locator("td img").first.is_visible())
        assert not tab.locator("#viewer").is_visible()
        assert {url.partition(":")[0] for url in requests} <= {"file", "data"}
        assert sum(url.startswith("file") for url in requests) == 1
        # The right edge of what is drawn, with no script to ask.
        assert max(box["x"] + box["width"] for box in map(box_of, tab.locator("main, header, .sheet, .table").all())) <= width  # fmt: skip
        log = open_log(log_dir)
        told = tab.locator("td code").all_text_contents()
        assert sorted(told) == sorted(str(one.address) for one in log)
    source = tab_pictures((tmp_path / "index.html").read_text())
    for picture in log:
        assert picture.png in source[str(picture.address)]


def box_of(locator):
    return locator.bounding_box()


@pytest.mark.slow
@pytest.mark.browser
@NEEDS_CHROMIUM
def test_the_page_with_scripts(log_dir, tmp_path):
    """The viewer stands above the sheets; links stay in sight, and lead past it; all of it prints."""
    export(log_dir, tmp_path, "--only", "page")
    with page(1400, 900) as tab:
        tab.goto(f"file://{tmp_path}/index.html")
        tab.locator("#viewer button.kernel").first.wait_for()
        assert "epoch" in tab.locator(".told").inner_text()
        assert tab.locator(".table").count() == 0
        tab.locator(".contents a").last.click()
        wait_until(lambda: tab.locator("main section").last.bounding_box()["y"] < 450)
        assert tab.locator(".contents").bounding_box()["y"] == 0
        assert tab.locator(".told").inner_text()
        facts = dict(zip(tab.locator("dt").all_inner_texts(), tab.locator("dd").all_inner_texts(), strict=True))  # fmt: skip
        assert facts["Command"] == f"tb-kernels export {log_dir} {tmp_path} --only page"
        assert facts["Colours"].startswith("one scale for all epochs of a layer")
        tab.emulate_media(media="print")
        assert not tab.locator("#viewer").is_visible()
        assert not tab.locator(".contents").is_visible()
        assert all(sheet.is_visible() for sheet in tab.locator(".sheet").all())


def tab_pictures(html):
    """The PNG files embedded in the page, by their address."""
    import base64

    found = {}
    for data, address in re.findall(r'src="data:image/png;base64,([^"]+)" alt="([^"]+)"', html):
        found.setdefault(address, []).append(base64.b64decode(data.replace("&#43;", "+")))
    return found


def test_a_page_of_a_large_log_says_what_it_leaves_out(log_dir, tmp_path, monkeypatch):
    """It holds some of the kernels and epochs, and says how many."""
    from tb_kernels.report import page as written_page
    from tb_kernels.report import table

    monkeypatch.setattr(written_page, "_MOST_BYTES", 3000)
    monkeypatch.setattr(table, "_MOST_BYTES", 3000)
    monkeypatch.setattr(table, "_MOST_COLUMNS", 2)
    export(log_dir, tmp_path, "--views", "kernels", "--only", "page")
    html = (tmp_path / "index.html").read_text()
    assert re.search(r"Here are the first \d of 6 kernels and the first 2 of 3 epochs", html)
    assert re.search(r"The viewer has the first \d kernels of each layer; a selection shows", html)
    assert "2_1_1<" in html
    assert "2_1_2<" not in html
    assert "2_6_0<" not in html
