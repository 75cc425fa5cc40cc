"""The tab names runs as TensorBoard names them, whatever it was told to show."""

import pickle
import posixpath
import shutil

import pytest

from tb_kernels import KernelLogger, open_log
from tb_kernels.reading.joined_source import JoinedSource
from tb_kernels.reading.opening import read_source
from tests.helpers.browser import wait_until
from tests.helpers.models import two_convolutions
from tests.helpers.tensorboard import PLUGIN, asked, started


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """A directory with two trainings, one of them deeper; and another, which is one."""
    folder = tmp_path_factory.mktemp("logdirs")
    for log_dir in ("several/first", "several/deep/second", "one"):
        with KernelLogger(folder / log_dir, strict=True) as logger:
            logger.log(two_convolutions(), 1)
    return folder


SEVERAL = ["deep/second/kernels", "first/kernels"]
SPECIFIED = "a:{0}/several,b/c:{0}/one,d:{0}/missing"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "named", "below"),
    [
        (["--logdir={0}/several"], SEVERAL, "kernels"),
        (["--logdir={0}/several", "--load_fast=false"], SEVERAL, "kernels"),
        (["--logdir=file://{0}/several"], SEVERAL, "kernels"),
        (["--logdir={0}/one"], ["kernels"], "kernels"),
        (["--logdir={0}/one/kernels"], ["."], "."),
        (
            ["--logdir_spec", SPECIFIED],
            ["b/c/kernels", *(f"a/{one}" for one in SEVERAL)],
            "kernels",
        ),
        (["--logdir_spec={0}/one,{0}/several"], ["kernels", *SEVERAL], "kernels"),
        (["--logdir_spec=a:{0}/one/kernels,b:file://{0}/one/kernels"], ["a", "b"], "."),
    ],
)
def test_runs_are_named_as_tensorboard_names_them(logs, options, named, below):
    """A run of TensorBoard's is a view's folder, unless that itself is the log directory."""
    with started(*(option.format(logs) for option in options)) as address:
        expected = sorted(named)
        wait_until(lambda: sorted(map(posixpath.normpath, asked(address, "data/runs"))) == expected)
        found = asked(address, PLUGIN + "log")["runs"]
        assert sorted(posixpath.normpath(f"{run['name']}/{below}") for run in found) == expected
        for run in found:
            assert [layer["key"] for layer in run["layers"]] == ["1-first/1", "3-second/3"]
            names = {"run": run["name"], "view": "kernels", "key": "1-first/1", "epoch": 1}
            assert asked(address, PLUGIN + "layer", **names)["numbers"] == [1, 2, 3, 4]
            assert asked(address, PLUGIN + "curves", run=run["name"])["kernels"]


def test_of_folders_that_have_one_name_the_last_counts(logs, tmp_path):
    """As in TensorBoard, which warns of it; and a directory that comes later is looked at then."""
    told, later = [], tmp_path / "later"
    names = {str(logs / "several/first"): None, str(later): None}
    log = read_source(JoinedSource("both", names), told.append)
    assert len(told) == 1
    assert f"'{later}' does not exist" in told[0]
    first = open_log(logs / "several/first")
    assert [picture.png for picture in log] == [picture.png for picture in first]
    shutil.copytree(logs / "one", later)
    one = open_log(later)
    fresh = log.grown(pytest.fail)
    for known in (fresh, pickle.loads(pickle.dumps(fresh))):  # noqa: S301 (it is ours)
        assert known.trainings[0].identifier == one.trainings[0].identifier
        assert [picture.png for picture in known] == [picture.png for picture in one]


def test_names_before_a_dot_in_the_alphabet(logs):
    """A log directory called `-a`, one called `+`."""
    names = {str(logs / "several"): "-a", str(logs / "one"): "+"}
    log = read_source(JoinedSource("both", names), pytest.fail)
    assert sorted(log.runs) == ["+", "-a/deep/second", "-a/first"]
