"""Which directories of this machine are looked into, by which names, and which files are read."""

import os
from collections import Counter

import pytest

from tb_kernels import KernelLogger, open_log
from tb_kernels.reading import local_source
from tb_kernels.reading.local_source import LocalSource

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links need a right there")


def run(*folders):
    """Directories with a file that is an event file by its name."""
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "events.tfevents.1").touch()


def names(root, told=None):
    """The folders found; what was told is added to the list, and else there is nothing to tell."""
    tell = pytest.fail if told is None else told.append
    return [one.name for one in LocalSource(str(root), str(root)).folders(tell)]


@pytest.mark.parametrize("link", ["a-latest", "z-latest"])
def test_a_run_keeps_its_name_whatever_is_linked_to_it(tmp_path, link):
    """Whether the link sorts before or behind it, and wherever in the log directory it lies."""
    run(tmp_path / "logs/run1", tmp_path / "logs/run2/kernels", tmp_path / "logs/0/other")
    (tmp_path / f"logs/{link}").symlink_to("run2")
    (tmp_path / f"logs/0/{link}").symlink_to(tmp_path / "logs/run2/kernels")
    assert names(tmp_path / "logs") == ["0/other", "run1", "run2/kernels"]


def test_a_log_directory_that_is_a_link(tmp_path):
    """Its runs are found, those that are linked inside too."""
    run(tmp_path / "real/run", tmp_path / "else/where")
    (tmp_path / "real/latest").symlink_to("run")
    (tmp_path / "real/other").symlink_to(tmp_path / "else")
    (tmp_path / "logs").symlink_to("real")
    assert names(tmp_path / "logs") == ["run", "other/where"]


def test_each_place_outside_once(tmp_path):
    """By the link that leads to the most of it; links found behind links are followed too."""
    run(tmp_path / "far/a", tmp_path / "far/b/c", tmp_path / "farther")
    (tmp_path / "far/on").symlink_to(tmp_path / "farther")
    (tmp_path / "far/back").symlink_to(tmp_path / "logs")
    (tmp_path / "far/round").symlink_to(tmp_path / "far")
    (tmp_path / "logs").mkdir()
    for link, target in {"0": "far/b", "1": "far/b/c", "all": "far", "up": "."}.items():
        (tmp_path / "logs" / link).symlink_to(tmp_path / target)
    (tmp_path / "logs/nowhere").symlink_to("nothing")
    (tmp_path / "logs/itself").symlink_to("itself")
    assert names(tmp_path / "logs") == ["all/a", "all/b/c", "all/on"]


def test_the_limit_is_told(tmp_path, monkeypatch):
    """Of directories and of links, also where these lead to no new place."""
    monkeypatch.setattr(local_source, "_MOST_DIRECTORIES", 10)
    limit = "only the first 10 directories are looked into"
    run(tmp_path / "logs/run", *(tmp_path / f"far/{number}" for number in range(20)))
    (tmp_path / "logs/far").symlink_to(tmp_path / "far")
    told = []
    assert names(tmp_path / "logs", told)[0] == "run"
    assert told == [limit]

    for number in range(20):
        (tmp_path / f"logs/run/{number}").symlink_to(tmp_path / "logs/run")
    told = []
    names(tmp_path / "logs", told)
    assert told == [limit]


def test_what_cannot_be_looked_into_is_told(tmp_path, monkeypatch):
    """By the path that was given, whatever the working directory is."""
    run(tmp_path / "run", tmp_path / "closed")
    (tmp_path / "closed").chmod(0)
    if os.access(tmp_path / "closed", os.R_OK):
        pytest.skip("root may look everywhere")
    monkeypatch.chdir(tmp_path.parent)
    told = []
    assert names(tmp_path.name, told) == ["run"]
    assert told == [f"{tmp_path.name}/closed: left out, Permission denied"]


def test_a_file_that_has_grown_and_comes_in_the_place_of_the_first(tmp_path, model):
    """As rsync copies a log that is written elsewhere."""
    place = tmp_path / "copied/kernels"
    place.mkdir(parents=True)
    log = None
    with KernelLogger(tmp_path / "logs", strict=True) as logger:
        for epoch in (1, 2):
            logger.log(model, epoch)
            logger.flush()
            (events,) = (tmp_path / "logs/kernels").glob("*tfevents*")
            (tmp_path / "arrived").write_bytes(events.read_bytes())
            (tmp_path / "arrived").rename(place / events.name)
            log = log.refreshed() if log else open_log(tmp_path / "copied")
            assert {picture.address.epoch for picture in log if picture.png} == set(log.epochs)
    assert log.epochs == [1, 2]


@pytest.mark.parametrize("root", ["logs", "logs/kernels"])
def test_folders_of_pictures_are_not_looked_through(tmp_path, monkeypatch, root):
    """Of a layer's files none is of interest; where a folder lies in it, what is below is found."""
    view = tmp_path / "logs/kernels"
    run(view, view / "2-has/a/run", tmp_path / "logs/kernels2/1-conv2d", view / "other")
    for folder in (view / "1-conv2d", view / "2-has"):
        folder.mkdir(exist_ok=True)
        (folder / "1_1_1.png").touch()
    for number in range(2, 9):
        (view / "1-conv2d" / f"1_{number}_1.png").touch()
    met = Counter()
    scan = os.scandir

    class Watched:
        def __init__(self, path):
            self.path, self.entries = os.fspath(path), scan(path)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.entries.close()

        def __iter__(self):
            return self

        def __next__(self):
            met[self.path] += 1
            return next(self.entries)

    monkeypatch.setattr(os, "scandir", Watched)
    found = names(tmp_path / root)
    below = (tmp_path / root).joinpath
    assert {below(name).resolve() for name in found} == {
        folder
        for folder in (view, view / "2-has/a/run", tmp_path / "logs/kernels2/1-conv2d", view / "other")
        if folder.is_relative_to(tmp_path / root)
    }  # fmt: skip
    assert met[str(view / "2-has")] > 1
    assert met[str(view / "1-conv2d")] == 1


def test_events_in_a_folder_of_a_layers_name(tmp_path):
    """Somebody has moved them there: no picture lies there, and they are found."""
    run(tmp_path / "kernels", tmp_path / "kernels/1-conv2d")
    assert names(tmp_path) == ["kernels", "kernels/1-conv2d"]


def test_a_layers_name_without_a_view(tmp_path):
    """It is a folder as any other, and may hold events itself."""
    run(tmp_path / "1-conv2d", tmp_path / "runs/1-conv2d", tmp_path / "kernels/1-conv2d")
    assert names(tmp_path) == ["1-conv2d", "kernels/1-conv2d", "runs/1-conv2d"]
