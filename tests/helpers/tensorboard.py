"""A real TensorBoard, asked as a browser asks it."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

PLUGIN = "data/plugin/tb_kernels/"


@contextlib.contextmanager
def started(*options, **environment):
    """Starts TensorBoard on a free port; gives its address, which ends with a slash."""
    command = [sys.executable, "-m", "tensorboard.main", *map(str, options), "--port", "0"]
    with tempfile.TemporaryDirectory() as folder:
        # To a file: who writes much to a pipe that nobody reads stands still.
        told = Path(folder) / "told"
        with (
            told.open("w") as stream,
            subprocess.Popen(command, stderr=stream, env=os.environ | environment) as process,
        ):
            try:
                while not (found := re.search(r"http://\S+/", told.read_text())):
                    assert process.poll() is None, told.read_text()
                    time.sleep(0.005)
                yield found[0]
            finally:
                process.kill()


def asked(address, path, **parameters):
    """What TensorBoard answers in JSON."""
    return json.loads(fetched(address, f"{path}?{urllib.parse.urlencode(parameters)}"))


def fetched(address, path):
    """What TensorBoard answers, if it is not an error."""
    with urllib.request.urlopen(address + path, timeout=60) as answer:  # noqa: S310 (it is ours)
        return answer.read()


def status_of(address, path):
    """The status that TensorBoard answers with."""
    try:
        fetched(address, path)
    except urllib.error.HTTPError as error:
        return error.code
    return 200
