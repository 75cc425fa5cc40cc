"""What of a log is put into a page with the viewer, and the one script that shows it."""

import base64
import json
import re
from html import unescape
from urllib.parse import parse_qsl

import pytest

from tb_kernels import KernelLogger, open_log
from tb_kernels.reading.choice import thin_out
from tb_kernels.viewer import bundle, frame
from tb_kernels.viewer.answers import Answers
from tb_kernels.viewer.embedding import embedded, fitting
from tests.benchmarks.ways import seeds_network


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Two layers at twelve epochs."""
    log_dir = tmp_path_factory.mktemp("embedding")
    with KernelLogger(log_dir) as logger:
        for epoch in range(1, 13):
            logger.log(seeds_network((8, 8, 1)), epoch)
    return open_log(log_dir)


def answers_in(html):
    # Text in a script ends where it says so: a name with an angle in it does not.
    assert html.count("</script>") == 2
    (text,) = re.findall(r'<script type="application/json" id="answers">(.*?)</script>', html, re.DOTALL)  # fmt: skip
    return json.loads(text)


def test_a_page_holds_every_answer(log):
    """Those of the server, for each layer and epoch."""
    answers, found = Answers(lambda: log), answers_in("".join(embedded(log)))
    assert {asked.partition("?")[0] for asked in found} == {
        "log",
        "curves",
        "range",
        "layer",
        "sprite",
    }
    assert sum(asked.startswith("layer") for asked in found) == 2 * 12
    for asked, held in found.items():
        question, _, query = asked.partition("?")
        body = answers.answer(question, dict(parse_qsl(query))).body
        if question == "sprite":
            assert base64.b64decode(held.removeprefix("data:image/png;base64,")) == body
        else:
            assert held == json.loads(body)


def test_what_cannot_be_answered_is_told(log, tmp_path):
    """A broken picture's layer has a reason in place of its pictures."""
    with KernelLogger(tmp_path) as logger:
        logger.log(seeds_network((8, 8, 1)), 1)
    broken = open_log(tmp_path)
    (events,) = tmp_path.rglob("events.out.*")
    data = events.read_bytes()
    at = data.index(b"\x89PNG")
    events.write_bytes(data[: at + 40] + b"\0" * 20 + data[at + 60 :])
    found = answers_in("".join(embedded(broken)))
    assert [held["error"] for held in found.values() if "error" in held]


def test_of_a_large_log_a_part(log):
    """First epochs are left out, the first and the last stay; then kernels."""
    assert fitting(log, 10**9) == (log, "")
    size = sum(layer.bytes for layer in log.layers)
    fewer, told = fitting(log, size * 0.76)
    assert (fewer.epochs[0], fewer.epochs[-1], len(fewer.epochs)) == (1, 12, 9)
    assert fewer.layers[0].kernels == log.layers[0].kernels
    assert told == "9 of 12 epochs"
    least, told = fitting(log, 1)
    assert [layer.kernels for layer in least.layers] == [[1], [1]]
    assert told == "the first 1 kernels of each layer and 8 of 12 epochs"


def test_what_is_thinned_out():
    """As evenly as can be, with both ends."""
    assert thin_out([1, 2, 3], 3) == [1, 2, 3]
    assert thin_out(range(11), 3) == [0, 5, 10]
    assert thin_out(range(10), 4) == [0, 3, 6, 9]


def test_a_notebook_is_shown_a_frame(log):
    """It can reach nothing around it, its page runs one script, and says what it shows."""
    html = log.select(layers=1)._repr_html_()
    (page,) = re.findall(r'srcdoc="([^"]*)"', html)
    assert 'sandbox="allow-scripts allow-downloads allow-modals"' in html
    assert "epochs 1-12" in html
    assert bundle.policy() in unescape(unescape(page))
    assert len(answers_in(unescape(page))["log"]["runs"][0]["layers"]) == 1


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"start": 'import { a } from "./b.js";\n', "b": 'import { c } from "./start.js";\nexport const a = 1;\n'}, "need each other: start -> b -> start"),
        ({"start": 'import a from "./b.js";\n'}, "import a from"),
        ({"start": "export default 1;\n"}, "export default 1"),
        ({"start": 'const a = "</script>";\n'}, "</script"),
    ],
)  # fmt: skip
def test_modules_that_cannot_stand_in_a_page(monkeypatch, files, why):
    """They are refused when the page is made, not found out by whoever opens it."""
    monkeypatch.setattr(bundle, "_read", lambda name: files[name.removesuffix(".js")])
    with pytest.raises(ValueError, match=re.escape(why)):
        bundle.script.__wrapped__()


def test_a_cell_tells_what_it_leaves_out(log, monkeypatch):
    """Where it does, above the frame; and nothing of the kind where all is in it."""
    assert "here are" not in log._repr_html_()
    monkeypatch.setattr(frame, "_MOST_BYTES", 1000)
    told, _, _ = log._repr_html_().partition("<iframe")
    assert "; here are the first 1 kernels of each layer and 8 of 12 epochs, log.select" in told


def test_nothing_is_left_out_of_many_epochs(tmp_path):
    """Of three hundred, all of which a page has room for."""
    with KernelLogger(tmp_path, kernels=[1], layers=[1]) as logger:
        model = seeds_network((8, 8, 1))
        for epoch in range(1, 301):
            logger.log(model, epoch)
    log = open_log(tmp_path)
    same, left_out = fitting(log, 10**9)
    assert (len(same), left_out) == (300, "")
