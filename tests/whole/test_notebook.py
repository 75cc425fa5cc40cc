"""The notebook of the examples runs from top to bottom, and shows what it says."""

import base64
import contextlib
import copy
import io
import os
import re
import sys
import urllib.request
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from tb_kernels import open_log
from tests.helpers.project import ROOT

NOTEBOOK = ROOT / "examples/digits.ipynb"


@contextlib.contextmanager
def executed(folder):
    """The notebook with its outputs, run in a folder; and run once more."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    # Its commands are those of this environment.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}})
    environment = os.environ | {"PATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with client.setup_kernel(env=environment):
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
        once = copy.deepcopy(notebook)
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
        # Inside, since with the kernel its TensorBoard ends.
        yield once, notebook


def outputs(notebook, kind):
    """What the cells have put out in one form."""
    return [
        output.data[kind]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if kind in output.get("data", {})
    ]


def pixels(encoded):
    """Of a picture in the output of a cell."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"))


def printed(notebook):
    """All that the cells have printed."""
    return "".join(
        one.get("text", "") for cell in notebook.cells for one in cell.get("outputs", ())
    )


@pytest.mark.slow
def test_it_shows_what_it_says(tmp_path):
    """Run in an empty folder, and once more; here in one test, since each run trains a network."""
    with executed(tmp_path) as (once, again):
        check_outputs(once, tmp_path)
        check_tensorboard(once)
        check_second_training(once, again, tmp_path)


def check_outputs(notebook, folder):
    """The viewer with all layers and epochs, a kernel, four figures; the gradients' shapes."""
    pages = outputs(notebook, "text/html")
    layers = open_log(folder / "logs").layers
    (viewer,) = [page for page in pages if "sandbox=" in page]
    assert viewer.count("data:image/png;base64") == sum(len(layer.epochs) for layer in layers)
    assert len(outputs(notebook, "image/png")) == 5
    assert (folder / "kernel.pdf").read_bytes().startswith(b"%PDF")
    text = printed(notebook)
    assert "(129, 129)" in text
    assert re.findall(r"epoch +(\d+): \S+/kernel \(3, 3, 1, 32\)", text) == ["0", "1", "6", "10"]
    assert "kernels      1      conv2d" in text
    assert (folder / "report/strips/kernels/1-conv2d/1_6.png").is_file()


def check_tensorboard(notebook):
    """The cell that shows TensorBoard has started one, which answers."""
    (frame,) = [page for page in outputs(notebook, "text/html") if "tensorboard-frame" in page]
    port = re.search(r"const port = (\d+)|port=?[\":= ]+(\d{4,5})", frame)
    number = next(filter(None, port.groups()))
    with urllib.request.urlopen(
        f"http://localhost:{number}/data/environment", timeout=30
    ) as answer:
        assert answer.status == 200


def check_second_training(once, again, folder):
    """It shows the same, in the same places: of the second training, as is said when it starts."""
    assert "holds" not in printed(once)
    assert "kernels holds 384 pictures from" in printed(again)
    # Keras calls them conv2d_2 and conv2d_3 by now.
    groups = {path.name for path in (folder / "logs/kernels").iterdir() if path.is_dir()}
    assert groups == {"1-conv2d", "3-conv2d"}
    assert "kernels      1      conv2d_2" in printed(again)
    assert len(outputs(again, "image/png")) == 5
    # Below their titles, which have the names: 7 mm at 150 pixels to the inch.
    for one, other in zip(*(outputs(run, "image/png") for run in (once, again)), strict=True):
        assert np.array_equal(pixels(one)[42:], pixels(other)[42:])
    assert outputs(once, "image/png")[:2] == outputs(again, "image/png")[:2]
    log = open_log(folder / "logs")
    assert len(log.select(views="kernels")) == 384
    assert len({str(picture.address) for picture in log.select(views="kernels")}) == 384


def test_it_is_kept_without_outputs():
    """What is in the repository has no outputs of somebody's machine."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
