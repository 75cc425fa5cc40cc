"""What was logged is read back: every picture, byte for byte, and what stands beside it."""

import io
import itertools
import pickle
import shutil
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import keras
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary

from tb_kernels import (
    ArgumentError,
    KernelLogger,
    LogError,
    LogWarning,
    open_log,
)
from tb_kernels.drawing import png
from tb_kernels.reading import arrays as reading_arrays
from tb_kernels.schema.records import pack_record
from tb_kernels.schema.training import HIGHEST, TRAINING_TAG, Training
from tb_kernels.writing.disk import Disk
from tb_kernels.writing.events import EventFile, image_value, text_value
from tests.helpers.models import train
from tests.helpers.oracle import read_png, read_scalars

VIEWS = ["kernels", "activations", "gradients", "patterns", "heatmaps"]


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    """Two trainings below one directory."""
    log_dir = tmp_path_factory.mktemp("reading") / "logs"
    train(log_dir / "a", 1)
    train(log_dir / "b", 2)
    return log_dir


def files_of(log_dir):
    """Every picture's file, by its path without ending."""
    return {str(path.relative_to(log_dir).with_suffix("")): path for path in log_dir.rglob("*.png")}


def path_of(picture):
    return f"{picture.run}/{picture.view}/{picture.tag}"


def test_every_picture_is_the_file_beside_it(log_dir):
    """The same names, each once, the same bytes; pixels as Pillow decodes the file."""
    files = files_of(log_dir)
    log = open_log(log_dir)
    assert sorted(map(path_of, log)) == sorted(files)
    assert len(log) == len(files) == 2 * (36 * 3 + 21 + 12)
    for picture in log:
        file = files[path_of(picture)]
        assert picture.png == picture._repr_png_() == file.read_bytes()
        pixels = read_png(file)
        assert np.array_equal(picture.pixels(), pixels)
        assert (picture.height, picture.width) == pixels.shape[:2]


def test_pictures_come_in_order(log_dir):
    """Of runs, views, layers, kernels and epochs, numbers by their value."""
    names = [path_of(picture) for picture in open_log(log_dir).select(runs="a", views="kernels")]
    layers = [(1, "first", 4), (2, "second", 6)]
    assert names == [
        f"a/kernels/{layer}-{name}/{layer}_{kernel}_{epoch}"
        for layer, name, kernels in layers
        for kernel in range(kernels + 1)
        for epoch in range(3)
    ]


def test_the_png_files_are_not_needed(log_dir, tmp_path):
    """A log without them gives the same bytes."""
    ignore = shutil.ignore_patterns("*.png")
    shutil.copytree(log_dir, tmp_path / "copy", ignore=ignore)
    assert not files_of(tmp_path / "copy")
    copied = {path_of(picture): picture.png for picture in open_log(tmp_path / "copy")}
    assert copied == {name: file.read_bytes() for name, file in files_of(log_dir).items()}


def test_what_there_is(log_dir):
    """Runs, views, epochs and layers; in words, and as a picture for notebooks."""
    log = open_log(log_dir)
    assert (log.runs, log.views, log.epochs) == (["a", "b"], VIEWS, [0, 1, 2])
    layer = log.select(runs="b", views="gradients").layers[1]
    told = (layer.run, layer.view, layer.number, layer.name, layer.group, layer.sheets)
    assert told == ("b", "gradients", "2", "second", "2-second", True)
    assert (layer.kernels, layer.epochs, layer.pictures) == ([1, 2, 3, 4, 5, 6], [0, 1, 2], 21)
    pixels = read_png(log_dir / "b/gradients/2-second/2_1_1.png")
    assert layer.size == pixels.shape[::-1]
    files = (log_dir / "b/gradients/2-second").glob("*.png")
    assert layer.bytes == sum(path.stat().st_size for path in files)
    assert "runs a, b" in repr(log)
    assert "layers 1, 2" in repr(log)


def test_one_picture(log_dir):
    """Asked for by its address, view and run; an error says where it is."""
    log = open_log(log_dir)
    picture = log.picture("2_6_1", view="gradients", run="b")
    assert (picture.run, picture.view, str(picture.address)) == ("b", "gradients", "2_6_1")
    assert (picture.group, picture.layer_name) == ("2-second", "second")
    with pytest.raises(
        ArgumentError,
        match=r"2 pictures 1_1_1 of 'kernels' in .*: 1-first of run 'a', 1-first of run 'b'",
    ):
        log.picture("1_1_1")
    with pytest.raises(ArgumentError, match=r"no picture 3_1_1 of 'kernels' and run 'a'"):
        log.picture("3_1_1", run="a")
    with pytest.raises(ArgumentError, match=r"there is one in patterns of a"):
        log.select(views="patterns").picture("2_1_1", run="a")
    with pytest.raises(ArgumentError, match=r"address: not an address: '1_6'"):
        log.picture("1_6")


def test_layers_are_equal_by_what_there_is_of_them(log_dir):
    """Read twice they are the same; those of two runs are not."""
    once, again = open_log(log_dir).layers, open_log(log_dir).layers
    assert once == again
    assert all(one != other for one, other in itertools.combinations(once, 2))


def test_a_run_may_have_any_name(model, tmp_path):
    """Also one that stands before the log directory's own, a point."""
    for name in ("-x", "+1", "(copy)", "z"):
        with KernelLogger(tmp_path / name, kernels=[1]) as logger:
            logger.log(model, 1)
    log = open_log(tmp_path)
    assert {picture.run for picture in log} == {"-x", "+1", "(copy)", "z"}
    assert {picture.view for picture in log} == {"kernels"}


def test_selecting(log_dir):
    """By any of the five, alone and together."""
    log = open_log(log_dir)

    def chosen(**wanted):
        return [path_of(picture) for picture in log.select(**wanted)]

    some = {"runs": "a", "views": "kernels"}
    first = [f"a/kernels/1-first/1_2_{epoch}" for epoch in range(3)]
    assert chosen(**some, layers="first", kernels=2) == first
    assert chosen(**some, layers=1, kernels=[2]) == first
    assert chosen(**some, layers="1-first", kernels=[2]) == first
    assert chosen(**some, kernels="1_2") == chosen(**some, kernels=["first_2"]) == first
    assert chosen(**some, kernels=[5]) == [f"a/kernels/2-second/2_5_{e}" for e in range(3)]
    assert chosen(**some, kernels=["1_2", 5], epochs=["last", 0]) == [
        *(f"a/kernels/1-first/1_2_{epoch}" for epoch in (0, 2)),
        *(f"a/kernels/2-second/2_5_{epoch}" for epoch in (0, 2)),
    ]
    assert chosen(**some, kernels=0, epochs=1) == [
        "a/kernels/1-first/1_0_1",
        "a/kernels/2-second/2_0_1",
    ]
    assert len(log.select(kernels=1).select(runs="b")) == len(log.select(kernels=1, runs="b")) > 0


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"runs": "c"}, "runs: no run 'c' in '{}'; it has a, b"),
        ({"views": ["kernels", "x"]}, f"views: no view 'x' in '{{}}'; it has {', '.join(sorted(VIEWS))}"),
        ({"layers": "conv9"}, "layers: no layer 'conv9' in '{}', as far as runs and views were chosen; there are first (1), second (2)"),
        ({"layers": 7}, "layers: no layer 7 in '{}', as far as runs and views were chosen; there are first (1), second (2)"),
        ({"layers": []}, "layers: an empty list selects nothing; expected a list such as ['conv2d_3', 3, '2-5'], or None for the default"),
        ({"views": "kernels", "kernels": 7}, "kernels: no picture of kernel 7 in '{}', as far as others were chosen; there are 0-6"),
        ({"kernels": "x"}, "kernels: expected kernel numbers, 0 for sheets, or texts such as '3_2', got 'x'"),
        ({"epochs": [1, 5]}, "epochs: no picture of epoch 5 in '{}', as far as others were chosen; there are 0-2"),
        ({"epochs": "first"}, "epochs: expected whole numbers from 0, 'last' or 'final', got 'first'"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused(log_dir, wanted, told):
    """The error names the argument and says what there is."""
    with pytest.raises(ArgumentError) as error:
        open_log(log_dir).select(**wanted)
    assert str(error.value) == told.format(log_dir)


def test_arrays_over_epochs(log_dir):
    """Gradients and activations over epochs, the array behind them, equal to the files."""
    log = open_log(log_dir)
    for view in ("gradients", "activations", "heatmaps"):
        arrays = log.arrays(view, run="b")
        files = [np.load(log_dir / f"b/{view}/{view}_{epoch}.npz") for epoch in range(3)]
        assert arrays.epochs == [0, 1, 2]
        assert list(arrays) == files[0].files
        for key in arrays:
            assert np.array_equal(arrays[key], np.stack([file[key] for file in files]))
    last = log.select(runs="b", epochs=[1, 2]).arrays(view="gradients")
    assert last.epochs == [1, 2]
    assert last["small/first/kernel"].shape == (2, 3, 3, 3, 4)
    with pytest.raises(ArgumentError, match="found a, b; say which with run="):
        log.arrays("gradients")
    with pytest.raises(ArgumentError, match="found none"):
        log.arrays("kernels", run="a")
    with pytest.raises(KeyError, match="there are small/first/kernel"):
        last["nothing"]


def test_curves(log_dir):
    """The same points as TensorFlow reads."""
    log = open_log(log_dir)
    curves = log.scalars(run="a")
    assert set(curves) == {"train", "validation", "kernels", "gradients"}
    for writer, by_tag in curves.items():
        points = {tag: dict(zip(*map(np.ndarray.tolist, curve), strict=True)) for tag, curve in by_tag.items()}  # fmt: skip
        assert points == read_scalars(log_dir / "a" / writer) != {}
    assert log.select(runs="b").scalars()["train"].keys() == curves["train"].keys()
    # Of a view that was not chosen, however it is called, nothing; of the others all.
    assert set(log.select(runs="a", views="kernels").scalars()) == {
        "kernels",
        "train",
        "validation",
    }
    with pytest.raises(ArgumentError, match=r"expected one of those with curves .* a, b; got None"):
        log.scalars()


def test_a_view_alone_is_a_log(log_dir):
    """Also the directory of a training, or of one view in it, can be opened."""
    log = open_log(log_dir / "a")
    assert (log.runs, log.views) == (["."], VIEWS)
    assert log.picture("1_1_1").png == (log_dir / "a/kernels/1-first/1_1_1.png").read_bytes()
    alone = open_log(log_dir / "a" / "patterns")
    assert (alone.runs, alone.views) == (["."], ["patterns"])


def test_a_log_from_afar(log_dir):
    """What TensorBoard reads by itself can be opened too: here, fsspec's file system in memory."""
    memory = fsspec.filesystem("memory")
    memory.put(str(log_dir) + "/", "/far/logs/", recursive=True)
    near, far = open_log(log_dir), open_log("memory://far/logs")
    try:
        assert [path_of(one) for one in far] == [path_of(one) for one in near]
        assert [one.png for one in far] == [one.png for one in near]
        arrays = far.arrays("gradients", run="a")
        assert np.array_equal(
            arrays["small/first/bias"], near.arrays("gradients", run="a")["small/first/bias"]
        )
        with pytest.raises(ArgumentError, match="'memory://far/nothing' does not exist"):
            open_log("memory://far/nothing")
    finally:
        memory.rm("/far", recursive=True)
    with pytest.raises(LogError, match="cannot read 'nowhere://x'"):
        open_log("nowhere://x")


class _Counted(MemoryFileSystem):
    """A file system that notes how many bytes are read of it."""

    protocol = "counted"
    read = 0

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.replace("counted://", "memory://"))

    def _open(self, path, mode="rb", **options):
        file = super()._open(path, mode, **options)

        class Counting(io.BytesIO):
            def read(self, size=-1):
                data = super().read(size)
                _Counted.read += len(data)
                return data

        return Counting(file.getvalue()) if mode == "rb" else file


def test_of_a_log_from_afar_only_what_is_asked_for_is_fetched(log_dir, tmp_path):
    """A picture costs its bytes, an array of many its own and no others, a stream what it reads."""
    fsspec.register_implementation("counted", _Counted, clobber=True)
    far = _Counted()
    shutil.copytree(log_dir / "a" / "kernels", tmp_path / "kernels")
    arrays = {name: np.full((1 << 20,), value, np.float32) for value, name in enumerate("abcde")}
    np.savez(tmp_path / "kernels" / "kernels_1.npz", **arrays)
    far.put(str(tmp_path) + "/", "/far/logs/", recursive=True)

    def cost_of(function):
        before = _Counted.read
        return function(), _Counted.read - before

    try:
        events = sum(path.stat().st_size for path in tmp_path.rglob("*tfevents*"))
        log, cost = cost_of(lambda: open_log("counted://far/logs"))
        # The newest index is read again, which a log begins with.
        assert events <= cost < events * 1.5
        picture = log.picture("2_6_1")
        png, cost = cost_of(lambda: picture.png)
        assert cost == len(png) == picture.file_size
        stored = log.arrays("kernels")
        array, cost = cost_of(lambda: stored["c"])
        assert np.array_equal(array[0], arrays["c"])
        assert cost < array.nbytes * 1.9
        assert not list(Path(tempfile.gettempdir()).glob("tb_kernels-*"))
    finally:
        far.rm("/far", recursive=True)


def test_reading_needs_neither_tensorflow_nor_matplotlib(log_dir):
    """Opening a log, its pixels and its weights."""
    program = (
        "import sys; from tb_kernels import open_log; log = open_log(sys.argv[1]);"
        "p = log.picture('1_1_1', run='a'); p.weights(), p.redraw(5), log.arrays('gradients', run='a'), log.weights(1, 1, run='a');"
        "print({'tensorflow', 'keras', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program, log_dir], capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout == "set()\n"


def test_no_such_log(tmp_path):
    """A missing directory is an error, an empty one an empty log."""
    with pytest.raises(ArgumentError, match=r"log_dir: .* does not exist; expected the directory"):
        open_log(tmp_path / "nothing")
    (tmp_path / "file").touch()
    with pytest.raises(ArgumentError, match="is a file"):
        open_log(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    empty = open_log(tmp_path / "empty")
    assert (len(empty), empty.runs, empty.epochs, empty.layers) == (0, [], [], [])
    assert "no pictures" in repr(empty)
    assert empty.scalars() == {}


def test_links_are_followed_once(log_dir, tmp_path):
    """Trainings may be linked together for a comparison; a circle of links ends."""
    (tmp_path / "one").symlink_to(log_dir / "a")
    (tmp_path / "circle").symlink_to(tmp_path)
    assert open_log(tmp_path).runs == ["one"]


def test_damage_is_told_and_the_rest_is_there(log_dir, tmp_path):
    """A wrong byte costs one record; a file cut off or still growing gives what is whole."""
    shutil.copytree(log_dir / "a" / "kernels", tmp_path / "kernels")
    (events,) = (tmp_path / "kernels").glob("*tfevents*")
    content = events.read_bytes()
    everything = len(open_log(tmp_path))

    broken = bytearray(content)
    broken[len(content) // 2] ^= 1
    events.write_bytes(bytes(broken))
    with pytest.warns(LogWarning, match=r"damaged in 1 place; its \d+ whole records are used"):
        log = open_log(tmp_path)
    assert everything - 8 < len(log) < everything

    events.write_bytes(content[:-10])
    with pytest.warns(LogWarning, match=r"kernels/events\S+: ends within a record, cut off or"):
        assert len(open_log(tmp_path)) == everything

    events.write_bytes(b"no events " * 1000)
    with pytest.warns(LogWarning, match="left out, it has no whole record of an event file"):
        assert len(open_log(tmp_path)) == 0


def test_a_file_that_has_become_shorter(log_dir, tmp_path):
    """A log that is deleted meanwhile gives an error of ours, not of Python."""
    shutil.copytree(log_dir / "a" / "kernels", tmp_path / "kernels")
    log = open_log(tmp_path)
    (events,) = (tmp_path / "kernels").glob("*tfevents*")
    events.write_bytes(b"")
    with pytest.raises(LogError, match="has become shorter since it was opened"):
        log.picture("1_1_1").pixels()
    log = open_log(log_dir / "b")
    other = log.picture("1_1_1")
    files = other._catalog.files
    files[:] = [(folder, "gone") for folder, _ in files]
    with pytest.raises(LogError, match="cannot read kernels/gone"):
        other.png  # noqa: B018


def test_the_newest_counts(model, tmp_path):
    """A second training into the same directory replaces pictures of the same name."""
    for _ in range(2):
        with KernelLogger(tmp_path, epochs=[1]) as logger:
            logger.log(model, 1)
        model.layers[0].kernel.assign(model.layers[0].kernel * 2)
    log = open_log(tmp_path)
    assert len(list((tmp_path / "kernels").glob("*tfevents*"))) == 2
    assert len(log) == 10
    for picture in log:
        assert picture.png == (tmp_path / "kernels" / f"{picture.tag}.png").read_bytes()


def test_views_give_their_arrays_back(log_dir):
    """Feature maps and gradients, sheets stacked or not, equal the arrays beside them."""
    log = open_log(log_dir / "a")
    activations, gradients = log.arrays("activations"), log.arrays("gradients")
    for picture in log.select(views=["activations", "gradients"]):
        _, kernel, epoch = picture.address
        legend = picture.legend
        low, high = (np.asarray(end) for end in legend.limits)
        if picture.view == "activations":
            maps = np.moveaxis(activations[picture.group][epoch], -1, 0)  # (channels, inputs, h, w)
        else:
            weight = gradients[f"small/{picture.layer_name}/kernel"][epoch]
            maps = weight.transpose(3, 2, 0, 1)
        expected = maps if kernel == 0 else maps[kernel - 1]
        if kernel == 0 and low.ndim:
            low, high = low[:, None, None, None], high[:, None, None, None]
        found = picture.weights()
        assert found.shape == expected.shape
        clipped = np.clip(expected, low, high)
        assert (np.abs(found - clipped) <= (high - low) / 510 * 1.001).all()


def test_what_gives_no_weights_says_so(log_dir, tmp_path):
    """A heatmap over its input; a picture without an index; a picture of another layout."""
    log = open_log(log_dir / "a")
    with pytest.raises(LogError, match=r"heatmaps/2-second/2_1_1: weights: a heatmap .* arrays"):
        log.picture("2_1_1", view="heatmaps").weights()
    picture = log.picture("1_1_1")
    with pytest.raises(LogError, match="a picture of 10 x 10 pixels does not fit its index"):
        picture.legend.weights(np.zeros((10, 10), np.uint8))
    (tmp_path / "kernels").mkdir()
    events = EventFile(tmp_path / "kernels", Disk())
    height, width = picture.pixels().shape
    events.append([image_value(picture.tag, picture.png, width, height, "", "")], 0)
    with pytest.warns(LogWarning, match="kernels: 1 picture without the index that belongs to it"):
        alone = open_log(tmp_path).picture("1_1_1")
    with pytest.raises(LogError, match=r"1_1_1: no index was written with it, .* its pixels are"):
        alone.weights()
    np.testing.assert_array_equal(alone.pixels(), picture.pixels())
    assert alone.layer_name == "first"


def test_many_threads_read_the_right_pictures(log_dir):
    """Of one log at once."""
    pictures = list(open_log(log_dir))
    expected = [picture.png for picture in pictures]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            assert list(pool.map(lambda one: one.png, pictures)) == expected


def test_a_list_of_any_kind_selects(log_dir):
    """An iterator, a set, a range."""
    log = open_log(log_dir).select(runs=iter(["a"]), views={"kernels"}, layers=iter(["first"]))
    assert [len(log), len(log.select(epochs=range(2), kernels=(1, 2)))] == [15, 4]
    assert len(log.select(epochs=[range(1, 99)], kernels=[range(3, 9)])) == 4
    with pytest.raises(ArgumentError, match=r"no picture of epoch 5-9 in"):
        log.select(epochs=[range(5, 10)])


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ([range(0, 10, 2)], [0, 2]),
        ([range(1, 10, 2)], [1]),
        ([range(9, -1, -1)], [0, 1, 2]),
        ([range(10, 0, -2)], [2]),
        ([range(-4, 10**30, 2)], [0, 2]),
        (range(0, 3, 2), [0, 2]),
        (range(2, -1, -2), [0, 2]),
        ([range(1, 10**12, 3), "last"], [1, 2]),
    ],
)
def test_a_range_keeps_its_step(log_dir, asked, found):
    """In either direction, however long; for epochs and for kernels."""
    log = open_log(log_dir).select(runs="a", views="kernels", layers=2)
    assert log.select(epochs=asked).epochs == found
    numbers = [one for one in asked if one != "last"]
    if len(numbers) == len(asked):
        few = log.select(kernels=range(3))
        assert few.select(kernels=asked).layers[0].kernels == [one for one in found if one]


def test_ranges_of_nothing_are_refused(log_dir):
    """Alone and in a list, as an empty list is; and one that meets nothing says its step."""
    log = open_log(log_dir)
    for empty in (range(5, 5), [range(5, 5)], [1, range(1, 5, -1)]):
        for argument in ("epochs", "kernels"):
            with pytest.raises(ArgumentError, match=f"{argument}: an empty list selects nothing"):
                log.select(**{argument: empty})
    with pytest.raises(ArgumentError, match=r"epochs: no picture of epoch range\(5, 10, 2\) in"):
        log.select(epochs=[range(5, 10, 2)])


def test_the_last_epoch_is_that_of_each_training(model, tmp_path):
    """One training was longer than the other."""
    for run, last in (("a", 2), ("b", 3)):
        with KernelLogger(tmp_path / run) as logger:
            for epoch in range(1, last + 1):
                logger.log(model, epoch)
    log = open_log(tmp_path).select(epochs="last", kernels="1_1")
    assert [(one.run, one.address.epoch) for one in log] == [("a", 2), ("b", 3)]


def test_arrays_can_be_copied(log_dir):
    """Also after they were read: a copy opens its files itself."""
    arrays = open_log(log_dir).arrays("gradients", run="a")
    name = next(iter(arrays))
    twin = pickle.loads(pickle.dumps(arrays))  # noqa: S301
    np.testing.assert_array_equal(twin[name], arrays[name])


def test_what_is_in_arrays_is_known_without_reading_them(log_dir):
    """`in` looks at the names alone."""
    arrays = open_log(log_dir).arrays("gradients", run="a")
    assert "small/first/kernel" in arrays
    assert "nothing" not in arrays
    assert len(arrays) == len(list(arrays)) == 6


def test_many_event_files_are_not_all_held_open(model, tmp_path):
    """A directory of hundreds of runs is read with a few files open."""
    with KernelLogger(tmp_path / "0") as logger:
        logger.log(model, 1)
    for run in range(1, 60):
        shutil.copytree(tmp_path / "0", tmp_path / str(run))
    log = open_log(tmp_path)
    assert log.runs == [str(run) for run in range(60)]
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert sum(len(picture.png) for picture in log) > 0
    assert len(list(Path("/proc/self/fd").iterdir())) - before <= 32


def test_a_path_that_no_file_can_have():
    """Is refused in words, as one that does not exist."""
    with pytest.raises(ArgumentError, match=r"log_dir: cannot use .*too long"):
        open_log("a" * 300)


def test_types_that_do_not_go_together(tmp_path):
    """Arrays of times at one epoch and of numbers at another."""
    (tmp_path / "heatmaps").mkdir()
    for epoch, kind in ((1, "M8[s]"), (2, "f8")):
        np.savez(tmp_path / f"heatmaps/heatmaps_{epoch}.npz", a=np.zeros(3, kind))
    with pytest.raises(LogError, match="'a' has types that do not go together: datetime64"):
        open_log(tmp_path).arrays("heatmaps")["a"]


def test_a_number_as_high_as_can_be(model, tmp_path):
    """Of a stranger's file: what comes later is still shown."""
    training = Training(HIGHEST, "stranger", 0.0, 1)
    name = "events.out.tfevents.1.host.1.0"
    (tmp_path / "kernels").mkdir()
    value = text_value(TRAINING_TAG, training.to_json())
    event = Event(wall_time=1.0, step=-1, summary=Summary(value=[value]))
    (tmp_path / "kernels" / name).write_bytes(pack_record(event.SerializeToString()))
    with KernelLogger(tmp_path) as logger:
        logger.log(model, 1)
    log = open_log(tmp_path)
    assert len(log) == 10
    assert len(log.trainings) == 2


def test_very_long_names(tmp_path):
    """Are told by their beginning, and every picture can be read."""
    layer = keras.layers.Conv2D(700, 1, name="x" * 9000)
    model = keras.Sequential([keras.Input((4, 4, 1)), layer])
    with KernelLogger(tmp_path, strict=True) as logger:
        logger.log(model, 1)
    assert len(open_log(tmp_path)) == 700
    assert (tmp_path / "kernels").stat()
    (events,) = (tmp_path / "kernels").glob("events*")
    assert events.stat().st_size < 2_000_000


@pytest.mark.parametrize("front", ["", "1-first/", "kernels/", "kernels/1-first/", "a/kernels/1-first/"])  # fmt: skip
@pytest.mark.parametrize("end", ["", ".png"])
def test_a_picture_by_its_tag_or_file(log_dir, front, end):
    """As TensorBoard shows it, with the view or the run in front too, or the path of its file."""
    log = open_log(log_dir)
    run = None if front.startswith("a/") else "a"
    picture = log.picture(f"{front}1_2_1{end}", run=run)
    assert picture.png == (log_dir / "a/kernels/1-first/1_2_1.png").read_bytes()
    assert log.picture(picture.tag, run="a").png == picture.png


def test_every_picture_is_found_by_the_path_of_its_file(log_dir):
    """Of all runs and views; and no other is."""
    log = open_log(log_dir)
    for picture in log:
        path = f"{picture.run}/{picture.view}/{picture.tag}"
        found = log.picture(path)
        assert (found.run, found.view, found.address) == (picture.run, picture.view, picture.address)  # fmt: skip
        assert found.png == (log_dir / f"{path}.png").read_bytes()


@pytest.mark.parametrize(
    ("asked", "options", "told"),
    [
        ("1-frist/1_2_1", {}, "address: no picture 1-frist/1_2_1 of 'kernels' and run 'a' in {log!r}; did you mean '1-first/1_2_1'?"),
        ("1-conv2d/1_2_1", {}, "address: no picture 1-conv2d/1_2_1 of 'kernels' and run 'a' in {log!r}; there is 1-first/1_2_1"),
        ("1_9_1", {}, "address: no picture 1_9_1 of 'kernels' and run 'a' in {log!r}; of layer 1 there are kernels 1-4 and epochs 0-2"),
        ("1-first/1_2_7", {}, "of layer 1 there are kernels 1-4 and epochs 0-2"),
        ("1_1_1", {"view": "patern"}, "; did you mean 'patterns'?"),
        ("first/1_2_1", {}, "address: not an address: 'first/1_2_1'; expected <layer>_<kernel>_<epoch> such as 1_6_10, or a tag such as 1-conv2d/1_6_10, perhaps with its view in front"),
        ("2-first/1_2_1", {}, "address: not an address: '2-first/1_2_1'; expected"),
        ("kernels/1_2", {}, "address: not an address: '1_2'; expected <layer>_<kernel>_<epoch>"),
        ("kernels/1_2_1", {"view": "gradients"}, "view: 'kernels/1_2_1' is of view 'kernels'; expected the same, or none beside it, got 'gradients'"),
        ("b/kernels/1_2_1", {}, "run: 'b/kernels/1_2_1' is of run 'b'; expected the same, or none beside it, got 'a'"),
        (3, {}, "address: expected a text such as '1_6_10', or an Address, got 3"),
    ],
)  # fmt: skip
def test_a_wrong_tag_is_answered_with_what_is_close(log_dir, asked, options, told):
    """In one sentence."""
    with pytest.raises(ArgumentError) as error:
        open_log(log_dir).picture(asked, **{"run": "a", **options})
    assert told.format(log=str(log_dir)) in str(error.value)


def test_what_is_no_kernel_is_not_called_one(log_dir):
    """The second number of a heatmap's address counts inputs."""
    log = open_log(log_dir).select(runs="a")
    for views, noun in (("heatmaps", "input"), ("activations", "feature map"), ("kernels", "kernel"), (["kernels", "heatmaps"], "kernel")):  # fmt: skip
        with pytest.raises(ArgumentError, match=f"kernels: no picture of {noun} 99 in"):
            log.select(views=views).select(kernels=[99])
    with pytest.raises(ArgumentError, match="of layer 2 there are inputs 1-3 and epochs 0-2"):
        log.picture("2_9_1", view="heatmaps")


def test_close_misses(log_dir):
    """Names that are much alike are offered; others, and those of other numbers alone, are not."""
    log = open_log(log_dir)
    for choice, told in (
        ({"views": "kernel"}, "did you mean 'kernels'?"),
        ({"views": "GRADIENTS"}, "did you mean 'gradients'?"),
        ({"views": "xyz"}, None),
        ({"layers": "frist"}, "did you mean 'first'?"),
        ({"layers": "3-second"}, "did you mean 'second'?"),
        ({"layers": "second_2"}, "did you mean 'second'?"),
        ({"layers": "3-2"}, None),
        ({"layers": 9}, None),
        ({"layers": "1-2"}, "a dash leads into a layer: 1-2 is layer 2 inside layer 1; for layers 1 to 2 say 1,2, in Python [1, 2]"),
        ({"layers": "7-9"}, "a dash leads into a layer: 7-9 is layer 9 inside layer 7"),
    ):  # fmt: skip
        with pytest.raises(ArgumentError) as error:
            log.select(**choice)
        ends = str(error.value).endswith(told) if told else not str(error.value).endswith("?")
        assert ends, str(error.value)


def test_arrays_of_many_epochs_take_what_their_files_do(tmp_path, monkeypatch):
    """However many they are: of stored ones each has as many bytes as its file."""
    monkeypatch.setattr(reading_arrays, "_BESIDE", 1000)
    (tmp_path / "heatmaps").mkdir()
    for epoch in range(1, 6):
        np.savez(tmp_path / f"heatmaps/heatmaps_{epoch}.npz", a=np.full(10_000, epoch, np.uint8))
    assert open_log(tmp_path).arrays("heatmaps")["a"][:, 0].tolist() == [1, 2, 3, 4, 5]
    np.savez_compressed(tmp_path / "heatmaps/heatmaps_6.npz", a=np.zeros(100_000, np.uint8))
    with pytest.raises(LogError, match="takes too much"):
        open_log(tmp_path).arrays("heatmaps")["a"]


@pytest.mark.parametrize("size", [(0, 8), (8, 0)])
def test_a_picture_without_an_extent_is_none(tmp_path, size):
    """It is told, and left out."""
    good = png.encode(np.zeros((8, 8, 1), np.uint8))
    bad = good[:16] + struct.pack(">II", *size) + good[24:]
    events = EventFile(tmp_path / "kernels", Disk())
    for number, data in ((1, good), (2, bad)):
        events.append([image_value(f"1-c/1_{number}_1", data, 8, 8, "", "")], 1)
    with pytest.warns(LogWarning) as told:
        log = open_log(tmp_path)
    assert [picture.address.kernel for picture in log] == [1]
    assert any("1 image of other names or broken left out" in str(one.message) for one in told)


def test_a_run_of_another_name(log_dir):
    """What is close is named."""
    with pytest.raises(ArgumentError, match=r"there is one in .*; did you mean 'a'"):
        open_log(log_dir).picture("2_6_1", view="gradients", run="aa")
