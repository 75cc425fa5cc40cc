"""The server's side of the tab in a real TensorBoard, whatever it is asked and whatever it finds."""

import contextlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlencode, urlsplit

import pytest
import tensorflow as tf
from tensorboard import program
from tensorboard.backend import application
from tensorboard.plugins.core.core_plugin import CorePluginLoader
from werkzeug.test import Client, create_environ, run_wsgi_app

import tb_kernels
from tb_kernels import KernelLogger
from tb_kernels.viewer.plugin import KernelsPlugin
from tests.helpers.absent import without
from tests.helpers.browser import wait_until
from tests.helpers.malformed import BROKEN, malformed
from tests.helpers.models import two_convolutions
from tests.helpers.tensorboard import PLUGIN, asked, fetched, started, status_of

VALID = {"run": ".", "view": "kernels", "key": "1-first/1", "epoch": "1", "part": "0"}


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    """Two epochs of a small model."""
    log_dir = tmp_path_factory.mktemp("plugin") / "logs"
    with KernelLogger(log_dir, strict=True) as logger:
        for epoch in (0, 1):
            logger.log(two_convolutions(), epoch)
    return log_dir


def application_for(log_dir):
    """TensorBoard's own application with the plugin in it, in this process."""
    tensorboard = program.TensorBoard(plugins=[CorePluginLoader(), KernelsPlugin])
    tensorboard.configure(logdir=str(log_dir))
    return application.TensorBoardWSGIApp(tensorboard.flags, tensorboard.plugin_loaders)


@pytest.fixture(scope="module")
def address(log_dir):
    with started("--logdir", log_dir) as address:
        yield address


class Opened:
    """While entered, notes the paths of all files that Python opens, and of directories it lists."""

    def __init__(self):
        self.paths, self._noting = set(), False
        sys.addaudithook(self._note)  # for ever: a hook cannot be taken away

    def _note(self, event, arguments):
        if self._noting and event in ("open", "os.listdir", "os.scandir"):
            self.paths.add(str(arguments[0]))

    def __enter__(self):
        self._noting = True
        return self

    def __exit__(self, *_):
        self._noting = False


def test_what_a_browser_may_keep(log_dir):
    """For a week what never changes, of a version; nothing else."""
    client = Client(application_for(log_dir))
    run = json.loads(client.get(f"/{PLUGIN}log").data)["runs"][0]
    version = run["layers"][0]["versions"][run["layers"][0]["epochs"].index(1)]
    for question in ("layer", "sprite"):
        told = {}
        for asked_for in (VALID, VALID | {"version": version}, VALID | {"version": "older"}):
            answer = client.get(f"/{PLUGIN}{question}", query_string=asked_for)
            told[answer.status_code, answer.headers["Cache-Control"]] = answer.data
        never, week = "no-cache, must-revalidate", "private, max-age=604800"
        assert [*told] == [(200, never), (200, week), (409, never)]
        assert told[200, never] == told[200, week]


@pytest.mark.slow
def test_malformed_requests_are_refused_and_open_nothing_else(log_dir):
    """Of 10,000 none fails, and none opens a file but those of the log and the package."""
    app = application_for(log_dir)
    whole = Client(app).get("/" + PLUGIN + "sprite", query_string=VALID)
    assert (whole.status_code, whole.mimetype) == (200, "image/png")
    seeded, statuses, longest = random.Random(20), Counter(), 0.0
    with Opened() as opened:
        for _ in range(10_000):
            method, target = malformed(seeded, VALID)
            path, _, query = target.partition(b"?")
            environ = create_environ() | {
                "REQUEST_METHOD": method,
                "PATH_INFO": unquote_to_bytes(f"/{PLUGIN}".encode() + path).decode("latin-1"),
                "QUERY_STRING": query.decode("latin-1"),
            }
            start = time.monotonic()
            body, status, _ = run_wsgi_app(app, environ)
            assert b"".join(body) or method == "HEAD", target
            longest = max(longest, time.monotonic() - start)
            assert status[0] in "24", (status, method, target)
            statuses[status] += 1
    assert statuses.keys() == {"200 OK", "404 NOT FOUND", "405 METHOD NOT ALLOWED"}
    assert statuses["404 NOT FOUND"] > 5000
    assert longest < 10
    roots = [log_dir.resolve(), Path(tb_kernels.__file__).resolve().parent]
    paths = {Path(path).resolve() for path in opened.paths}
    assert log_dir in paths
    assert [path for path in paths if not any(path.is_relative_to(one) for one in roots)] == []
    assert Client(app).get("/" + PLUGIN + "sprite", query_string=VALID).data == whole.data


def sent(address, request):
    """The status that TensorBoard answers some bytes with; None if with none, or it hangs up."""
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        try:
            connection.sendall(request)
            # It may have hung up by now.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
            answer = connection.makefile("rb").read()
        except (ConnectionResetError, BrokenPipeError):
            return None
    found = re.match(rb"HTTP/1\.[01] (\d+) ", answer)
    return found and int(found[1])


@pytest.mark.slow
def test_tensorboard_refuses_malformed_requests_over_a_socket_and_goes_on(address):
    before, seeded, statuses = asked(address, PLUGIN + "log"), random.Random(21), Counter()
    for _ in range(100):
        method, target = malformed(seeded, VALID)
        line = method.encode() + f" /{PLUGIN}".encode() + target + b" HTTP/1.1\r\n"
        statuses[sent(address, line + b"Host: localhost\r\nConnection: close\r\n\r\n")] += 1
    assert statuses.keys() <= {200, 400, 404, 405, 414}
    assert statuses[404] > 30
    for request in BROKEN:
        assert sent(address, request) in (None, 200, 400, 404, 405, 414, 431), request[:80]
    assert asked(address, PLUGIN + "log") == before


@pytest.mark.slow
@pytest.mark.parametrize("loader", ["--load_fast=auto", "--load_fast=false"])
def test_a_tensorboard_without_tensorflow_shows_the_tab_of_a_log_that_has_kernels(
    log_dir, loader, tmp_path
):
    bare = without(tmp_path / "bare", "tensorflow", "keras", "matplotlib")
    command = [sys.executable, "-c", "import tensorflow"]
    done = subprocess.run(command, env=os.environ | bare, capture_output=True, text=True)
    assert "No module named 'tensorflow'" in done.stderr
    with started("--logdir", log_dir, loader, **bare) as address:
        wait_until(lambda: asked(address, "data/plugins_listing")["tb_kernels"]["enabled"])
        (run,) = asked(address, PLUGIN + "log")["runs"]
        assert run["epochs"] == [0, 1]
        assert asked(address, PLUGIN + "layer", **VALID)["window"] == [3, 3, 3]
        assert asked(address, PLUGIN + "curves", run=".").keys() == {"kernels"}
        for path in ("index.js", "sprite?" + urlencode(VALID)):
            assert fetched(address, PLUGIN + path)


@pytest.mark.slow
@pytest.mark.parametrize("loader", ["--load_fast=auto", "--load_fast=false"])
def test_the_tab_is_not_shown_of_a_log_without_kernels(loader, tmp_path):
    log = tf.summary.create_file_writer(str(tmp_path))
    with log.as_default():
        tf.summary.scalar("loss", 1.0, step=0)
    log.close()
    with started("--logdir", tmp_path, loader) as address:
        wait_until(lambda: asked(address, "data/plugins_listing")["scalars"]["enabled"])
        listed = asked(address, "data/plugins_listing")["tb_kernels"]
        assert (listed["enabled"], listed["tab_name"]) == (False, "Kernels")


def gone(log_dir, events):
    shutil.rmtree(log_dir)


def no_directory(log_dir, events):
    shutil.rmtree(log_dir)
    log_dir.write_text("here was a log")


def cut_off(log_dir, events):
    events.write_bytes(events.read_bytes()[:2000])


def overwritten(log_dir, events):
    events.write_bytes(random.Random(1).randbytes(events.stat().st_size))


def no_file(log_dir, events):
    events.unlink()
    events.mkdir()


def endless(log_dir, events):
    events.unlink()
    events.symlink_to(events.name)


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [gone, no_directory, cut_off, overwritten, no_file, endless])
def test_a_log_that_turns_unreadable_is_refused_and_read_again_once_it_is_mended(
    log_dir, spoil, tmp_path
):
    place = tmp_path / "logs"
    shutil.copytree(log_dir, place)
    client = Client(application_for(place))
    before = [client.get(f"/{path}") for path in all_questions()]
    assert [answer.status_code for answer in before] == [200] * 4
    (events,) = place.glob("kernels/*tfevents*")
    spoil(place, events)
    time.sleep(1.1)  # until it is looked at again
    told = [client.get(f"/{path}").status_code for path in all_questions(epoch=0)]
    assert set(told) <= {200, 404}
    assert told[-2:] == [404, 404]
    if place.is_file():
        place.unlink()
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(log_dir, place)
    time.sleep(1.1)
    again = [client.get(f"/{path}").data for path in all_questions()]
    assert again == [answer.data for answer in before]


@pytest.mark.slow
def test_tensorboard_starts_and_goes_on_where_our_own_code_fails(log_dir, tmp_path):
    """Packages are missing, as of an environment that was installed by halves."""
    broken = without(tmp_path / "broken", "isal", "google_crc32c", "click", "rich", "jinja2")
    with started("--logdir", log_dir, **broken) as address:
        assert [status_of(address, path) for path in all_questions()] == [500] * 4
        assert status_of(address, PLUGIN + "index.js") == 200
        wait_until(lambda: asked(address, "data/plugins_listing")["images"]["enabled"])
        assert "kernels" in asked(address, "data/runs")


def all_questions(epoch=1):
    """Paths of what is asked; of an epoch that nobody has asked for nothing is kept."""
    one = urlencode(VALID | {"epoch": epoch})
    return [PLUGIN + path for path in ("log", "curves?run=.", f"layer?{one}", f"sprite?{one}")]
