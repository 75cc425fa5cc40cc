"""Whatever befalls a directory, every weight read back is one real model's at that epoch.

Trainings write into one directory, in turn and at once; their writers are killed, files cut and
deleted, the disk full, the clock set back, files of version 0.1.0 among them. Between any two
steps all of it is read.
"""

import contextlib
import itertools
import os
import shutil
import subprocess
import warnings
from weakref import WeakValueDictionary

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tb_kernels import KernelLogger, LogError, LogWarning, open_log
from tb_kernels.writing import events, opening
from tests.helpers.format_1 import rewrite

SHAPE = (3, 3, 2, 4)

STYLES = [
    {},
    {"normalize": "kernel", "sheets": True},
    {"normalize": "symmetric", "slices": True},
    {"normalize": "kernel", "slices": True, "colormap": "viridis"},
    {"kernels": [2, 4], "sheets": True, "normalize": "kernel"},
    {"normalize": (-40_000, 40_000), "colormap": "viridis"},
]


class Process:
    """A training, with all that a process has for itself: its worker, its hand, its clock."""

    def __init__(self, log_dir, seed, style, clock):
        self.log_dir, self.clock, self.style = log_dir, clock, STYLES[style]
        self.random = np.random.default_rng(seed)
        self.scale = 10.0 ** (seed % 5)
        self.model = keras.Sequential([keras.Input((8, 8, 2)), keras.layers.Conv2D(4, 3, name="c")])
        self.known = {name: WeakValueDictionary() for name in ("_disks", "_workers", "_writers")}
        self.logger = KernelLogger(log_dir, scale=1, statistics=False, **self.style)

    @contextlib.contextmanager
    def at_work(self):
        """Everything in here happens in it."""
        with pytest.MonkeyPatch.context() as patch:
            for name, known in self.known.items():
                patch.setattr(opening, name, known)
            patch.setattr(events.time, "time", lambda: self.clock)
            yield

    def log(self, epoch, truth, *, flush):
        """Logs weights that no other training has; they are true from now on."""
        kernel = self.random.normal(size=SHAPE).astype("float32") * self.scale
        truth.setdefault(epoch, []).append((kernel, self.style.get("normalize", "layer")))
        self.model.layers[0].kernel.assign(kernel)
        self.clock += 1
        with self.at_work():
            self.logger.log(self.model, epoch)
            if flush:
                self.logger.flush()

    def kill_hand(self):
        """At whatever it is."""
        with self.at_work():
            session = self.logger._recorder._session
            hand = session and session._writer._disk._hand
            if hand is not None and not hand.ended:
                hand._process.kill()

    def end(self):
        with self.at_work():
            self.logger.close()


def limits(kernel, normalize):
    """Low and high of every weight of a layer."""
    if normalize == "kernel":
        return kernel.min((0, 1, 2), keepdims=True), kernel.max((0, 1, 2), keepdims=True)
    if normalize == "symmetric":
        most = np.abs(kernel).max()
        return -most, most
    return (kernel.min(), kernel.max()) if normalize == "layer" else normalize


def arranged(kernel, picture, slices):
    """What a picture stands for, as `weights` gives it."""
    kernels = kernel.transpose(3, 2, 0, 1)
    number = picture.address.kernel
    if number == 0:
        return kernels
    if slices:
        place, filter_ = divmod(number - 1, 4)
        return kernels[filter_, place][None]
    return kernels[number - 1]


def is_true(picture, weights, truth):
    """Whether some model had these weights at the epoch, to half a level of its own scale."""
    for kernel, normalize in truth.get(picture.address.epoch, ()):
        if picture.address.kernel == 0 and normalize == "kernel":
            # A sheet has one scale, so that its kernels can be compared.
            normalize = "layer"
        low, high = (np.broadcast_to(end, SHAPE).astype(float) for end in limits(kernel, normalize))
        for slices in (False, True):
            if picture.address.kernel > 4 and not slices:
                continue
            expected, below, above = (arranged(of, picture, slices) for of in (kernel, low, high))
            # In viridis neighbours of equal colour cost another half.
            within = (above - below) / 510 * 2.01
            if weights.shape == expected.shape and (np.abs(weights - expected) <= within).all():
                return True
    return False


def read(log_dir, truth):
    """How many pictures gave true weights; any other that gives weights is an error."""
    right = 0
    if not log_dir.exists():
        return 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LogWarning)
        for picture in open_log(log_dir):
            try:
                weights = picture.weights()
            except LogError:
                continue
            assert is_true(picture, weights, truth), (picture, weights)
            right += 1
    return right


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small disk where that can be had."""
    path = tmp_path_factory.mktemp("histories") / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(path)]
    mounted = not subprocess.run(mount, capture_output=True, check=False).returncode
    yield path, mounted
    if mounted:
        subprocess.run(["umount", "-l", str(path)], check=True)


STEP = st.one_of(
    st.tuples(st.just("begin"), st.integers(0, 99), st.integers(0, len(STYLES) - 1), st.integers(-3, 3)),
    st.tuples(st.just("log"), st.integers(0, 9), st.integers(1, 3), st.booleans()),
    st.tuples(st.just("log"), st.integers(0, 9), st.integers(1, 3), st.booleans()),
    st.tuples(st.just("old"), st.integers(0, 99), st.integers(0, len(STYLES) - 1), st.floats(0, 1)),
    st.tuples(st.just("kill"), st.integers(0, 9)),
    st.tuples(st.just("cut"), st.integers(0, 9), st.floats(0, 1)),
    st.tuples(st.just("delete"), st.integers(0, 9)),
    st.tuples(st.just("fill"), st.integers(0, 4000)),
    st.tuples(st.just("empty")),
    st.tuples(st.just("end"), st.integers(0, 9)),
)  # fmt: skip


class History:
    """What befell a directory so far."""

    def __init__(self, disk, mounted):
        self.disk, self.mounted = disk, mounted
        self.log_dir = disk / "logs"
        self.truth, self.running, self.serial = {}, [], itertools.count()

    def step(self, what, *how):
        getattr(self, what)(*how)

    def begin(self, seed, style, clock):
        seed = seed * 1000 + next(self.serial)
        self.running.append(Process(self.log_dir, seed, style, 1.7e9 + clock * 1000))

    def log(self, which, epoch, flush):
        if self.running:
            self.running[which % len(self.running)].log(epoch, self.truth, flush=flush)

    def old(self, seed, style, cut):
        """A training of version 0.1.0 that was cut off somewhere."""
        other = self.disk.parent / f"{self.disk.name}-{next(self.serial)}"
        process = Process(other, seed * 1000 + next(self.serial), style, 1.6e9)
        for epoch in (1, 2, 1):
            process.log(epoch, self.truth, flush=True)
        process.end()
        (path,) = (other / "kernels").glob("events*")
        rewrite(path)
        data = path.read_bytes()
        target = self.log_dir / "kernels" / f"events.out.tfevents.1600000000.h.{next(self.serial)}"
        with contextlib.suppress(OSError):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data[: len(data) - int(cut**3 * len(data))])
        shutil.rmtree(other)

    def kill(self, which):
        if self.running:
            self.running[which % len(self.running)].kill_hand()

    def files(self):
        return sorted(self.log_dir.glob("kernels/events*"))

    def cut(self, which, share):
        if files := self.files():
            path = files[which % len(files)]
            os.truncate(path, int(path.stat().st_size * share))

    def delete(self, which):
        if files := self.files():
            files[which % len(files)].unlink(missing_ok=True)

    def fill(self, free):
        """Of the disk so many bytes are left."""
        if self.mounted:
            room = os.statvfs(self.disk)
            with contextlib.suppress(OSError), (self.disk / "filler").open("wb") as file:
                file.write(bytes(max(0, room.f_bavail * room.f_frsize - free)))

    def empty(self):
        (self.disk / "filler").unlink(missing_ok=True)

    def end(self, which):
        if self.running:
            self.running.pop(which % len(self.running)).end()


COUNTED = {"histories": 0, "right": 0}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::tb_kernels.LogWarning")
@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, min_size=5, max_size=14))
def test_weights_are_one_models_or_none(folder, steps):
    """At every moment, also while it is written."""
    disk, mounted = folder
    history = History(disk, mounted)
    history.begin(0, 0, 0)
    try:
        for step in steps:
            history.step(*step)
            COUNTED["right"] += read(history.log_dir, history.truth)
        while history.running:
            history.end(0)
        COUNTED["right"] += read(history.log_dir, history.truth)
    finally:
        while history.running:
            history.end(0)
        for path in disk.iterdir():
            shutil.rmtree(path, ignore_errors=True)
            path.unlink(missing_ok=True) if path.is_file() else None
    COUNTED["histories"] += 1


@pytest.mark.slow
def test_histories_had_something_to_read():
    """Many thousands of pictures were read and right: the test above is not one of refusals."""
    if COUNTED["histories"]:
        assert COUNTED["right"] > 20 * COUNTED["histories"]
