"""The page of a report, and report.md."""

import re
from urllib.parse import unquote

import pytest

from tb_kernels import KernelLogger, open_log
from tests.benchmarks.ways import seeds_network
from tests.helpers.browser import NEEDS_CHROMIUM, page
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
def test_the_page_in_a_browser(log_dir, tmp_path):
    """Every picture is on it, whole, without any request; nothing sticks out, narrow or wide."""
    export(log_dir, tmp_path, "--only", "page", "--normalize", "epoch")
    for width in (400, 1400):
        with page(width, 900) as tab:
            requests = []
            tab.on("request", lambda request, into=requests: into.append(request.url))
            tab.goto(f"file://{tmp_path}/index.html")
            tab.evaluate("document.querySelectorAll('img').forEach(one => one.loading = 'eager')")
            tab.wait_for_function("[...document.images].every(one => one.complete)")
            assert {url.partition(":")[0] for url in requests} <= {"file", "data"}
            assert sum(url.startswith("file") for url in requests) == 1
            assert tab.evaluate("[...document.images].every(one => one.naturalWidth > 0)")
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            log = open_log(log_dir)
            told = tab.locator("td code").all_text_contents()
            assert sorted(told) == sorted(str(one.address) for one in log)
    source = tab_pictures((tmp_path / "index.html").read_text())
    for picture in log:
        assert picture.png in source[str(picture.address)]


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

    monkeypatch.setattr(written_page, "_MOST_BYTES", 3000)
    monkeypatch.setattr(written_page, "_MOST_COLUMNS", 2)
    export(log_dir, tmp_path, "--views", "kernels", "--only", "page")
    html = (tmp_path / "index.html").read_text()
    assert re.search(r"Here are the first \d of 6 kernels and 2 of 3 epochs", html)
    assert "2_1_0<" in html
    assert "2_1_1<" not in html
    assert "2_6_0<" not in html
