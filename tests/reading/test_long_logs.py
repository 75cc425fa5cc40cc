"""A log of more than is verified when it is opened: its pictures are not read, and checked later."""

import errno
import functools
import io
import json
import operator
import re
import shutil
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from matplotlib.text import Text

from tb_kernels import KernelLogger, LogError, LogWarning, open_log
from tb_kernels.cli import main
from tb_kernels.reading.catalog import CHECKED
from tb_kernels.reading.log_dirs import source_of
from tb_kernels.reading.opening import read_log
from tb_kernels.reading.summaries import read_placed
from tb_kernels.schema.places import pack_places
from tb_kernels.schema.records import pack_record, read_records
from tb_kernels.viewer.answers import Answers, ChangedError
from tb_kernels.viewer.live import LiveLog
from tests.helpers.models import fit, sixteen_pictures, two_convolutions
from tests.helpers.rewritten import rewrite, rewrite_events

EPOCHS = range(7)


@functools.cache
def model_at(epoch):
    model = keras.Sequential([keras.Input((32, 32, 80)), keras.layers.Conv2D(200, 32, name="many")])
    shape = model.layers[0].kernel.shape
    model.layers[0].kernel.assign(np.random.default_rng(epoch).normal(size=shape))
    return model


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """Some 100 MB, of noise."""
    log_dir = tmp_path_factory.mktemp("long")
    with KernelLogger(log_dir, scale=1, sheets=False, strict=True) as logger:
        for epoch in EPOCHS:
            logger.log(model_at(epoch), epoch)
    return log_dir


@pytest.fixture
def copied(long, tmp_path):
    """Its event file in a directory of its own, to be spoiled."""
    shutil.copytree(long, tmp_path / "log", ignore=shutil.ignore_patterns("*.png"))
    return tmp_path / "log"


def events_of(log_dir):
    (path,) = (log_dir / "kernels").glob("*tfevents*")
    return path


def spoil(log_dir, wanted, replace):
    """Replaces what is found in the event file behind all that is verified."""
    path = events_of(log_dir)
    data = path.read_bytes()
    place = data.index(wanted, CHECKED + (1 << 20))
    path.write_bytes(data[:place] + replace + data[place + len(wanted) :])


@functools.cache
def kernels_at(epoch):
    """In the order in which pictures have them: kernels, input channels, height, width."""
    return model_at(epoch).layers[0].kernel.numpy().transpose(3, 2, 0, 1)


def is_right(picture):
    _, number, epoch = picture.address
    kernels = kernels_at(epoch)
    return np.abs(picture.weights() - kernels[number - 1]).max() <= np.ptp(kernels) / 510 * 1.001


def bytes_read():
    """By this process so far, from files and memory of the system alike."""
    return int(re.search(r"rchar: (\d+)", Path("/proc/self/io").read_text())[1])


def test_pictures_are_not_read(long):
    """Little more than what is verified; nothing at all if nothing was added since."""
    size = events_of(long).stat().st_size
    assert size > CHECKED + (20 << 20)
    before = bytes_read()
    log = open_log(long)
    assert bytes_read() - before < CHECKED + (4 << 20)
    assert len(log) == 200 * len(EPOCHS)
    before = bytes_read()
    assert log.refreshed() is log
    assert bytes_read() - before < 100_000


def test_all_are_what_was_logged(long):
    """Each picture is its file, whether or not the place alone was looked at; so are weights."""
    for picture in open_log(long):
        assert picture.png == (long / "kernels" / f"{picture.tag}.png").read_bytes()
    for epoch in EPOCHS:
        wanted = kernels_at(epoch)
        values = open_log(long).weights("many", epoch).values
        assert np.abs(values - wanted).max() <= np.ptp(wanted) / 510 * 1.001


def test_a_spoiled_picture_is_refused(copied, long):
    """Alone, when it is asked for; what else is in its record is right."""
    png = (long / "kernels/1-many/1_7_5.png").read_bytes()
    spoil_picture(copied, png)
    log = open_log(copied)
    assert len(log) == 200 * len(EPOCHS)
    for ask in ("png", "pixels", "weights", "tiles", "redraw"):
        with pytest.raises(LogError, match="kernels/1-many/1_7_5: damaged in the event file"):
            operator.attrgetter(ask)(log.picture("1_7_5"))()
    assert is_right(log.picture("1_8_5"))


def spoil_picture(log_dir, png):
    spoil(log_dir, png, png[:5000] + bytes([png[5000] ^ 1]) + png[5001:])


@pytest.fixture
def damaged(copied, long):
    """With one picture of its last epoch spoiled."""
    spoil_picture(copied, (long / "kernels/1-many/1_7_6.png").read_bytes())
    return copied


def test_what_is_measured_leaves_a_damaged_record_out(damaged, long):
    """It is read whole then, as a short log is: the other kernels have the numbers they had."""
    log, intact = open_log(damaged), open_log(long)
    with pytest.warns(LogWarning, match="damaged in 1 place"):
        ranked = log.rank()
    wanted = {one.kernel: one.value for one in intact.rank()}
    lost = {one.kernel for one in ranked if np.isnan(one.value)}
    assert 7 in lost
    assert len(lost) < 100
    assert all(one.value == wanted[one.kernel] for one in ranked if one.kernel not in lost)
    # It is not read, nor warned of, again.
    (health,) = log.health()
    assert (health.epoch, health.kernels) == (6, 200 - len(lost))
    assert not lost & {*log.weights("many", 6).numbers.tolist()}
    drawn, six = log.select(kernels=7), intact.select(kernels=7, epochs=range(6))
    sizes = [one.figure("strip").get_size_inches().tolist() for one in (drawn, six)]
    assert sizes[0] == sizes[1]


def test_verified(damaged, long):
    """The same selection without what is damaged; a log that was read whole is itself."""
    log = open_log(damaged).select(kernels=[7, 200], epochs=[4, 5, 6])
    with pytest.warns(LogWarning, match="damaged in 1 place"):
        found = log.verified()
    wanted = ["1_7_4", "1_7_5", "1_200_4", "1_200_5", "1_200_6"]
    assert [str(one.address) for one in found] == wanted
    assert found.narrowed
    assert 200 * 6 < len(found.whole) < 200 * 7
    assert found.verified() is found
    assert all(one.png == (long / "kernels" / f"{one.tag}.png").read_bytes() for one in found)


def test_whatever_is_asked_is_asked_again(damaged):
    """Names that can be gone through once, and which kernels of a grid changed most."""
    log = open_log(damaged)
    with pytest.warns(LogWarning, match="damaged in 1 place"):
        grid = log.figure("grid", top=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = [one.kernel for one in log.rank(layers=iter(["many"]), top=3)]
        assert log.health(layers=iter(["many"])) == log.health()
    told = {text.get_text() for text in grid.findobj(Text)}
    assert first != [1, 2, 3]
    assert {str(kernel) for kernel in first} <= told


def test_where_nothing_is_left(damaged):
    """The picture that is damaged is told, not that there is nothing."""
    with (
        pytest.warns(LogWarning, match="damaged in 1 place"),
        pytest.raises(LogError, match="1_7_6: damaged"),
    ):
        open_log(damaged).select(kernels=7, epochs=6).figure()


@pytest.mark.parametrize("change", ["come", "gone"])
def test_a_training_is_the_same_when_all_is_read(tmp_path, damaged, change):
    """Though the files of another run, begun before, have come or gone meanwhile."""
    logs, spare = tmp_path / "logs", tmp_path / "spare"
    with KernelLogger(spare, strict=True) as logger:
        logger.log(small_model(), 1)
    rewrite_events(events_of(spare), lambda event: setattr(event, "wall_time", 1.0))
    shutil.copytree(damaged, logs / "b")
    fit(two_convolutions(), sixteen_pictures(), KernelLogger(logs / "b", strict=True))
    if change == "gone":
        shutil.copytree(spare, logs / "a")
    log = open_log(logs)
    first, _ = [one for one in log.trainings if one.run == "b"]
    before = first.log.select(runs="b")
    assert len(before) == 200 * len(EPOCHS)
    if change == "gone":
        shutil.rmtree(logs / "a")
    else:
        shutil.copytree(spare, logs / "a")
    with pytest.warns(LogWarning, match="damaged in 1 place"):
        after = before.verified()
    assert 200 * 6 < len(after) < 200 * 7
    assert all(is_right(picture) for picture in after.select(kernels=[1, 200]))
    # Neither it nor the whole log is read once more.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(first.log.select(runs="b").verified()) == len(after)
        assert len(log.verified().select(runs="b")) == len(log.select(runs="b")) < 100


def test_all_is_read_once_while_a_log_grows(copied, long):
    """Whoever asks, of whichever state; what came since is read in addition."""
    spoil_picture(copied, (long / "kernels/1-many/1_7_5.png").read_bytes())
    path = events_of(copied)
    data = path.read_bytes()
    *_, last = read_records(io.BytesIO(data), len(data))
    path.write_bytes(data[: last.offset - 12])
    log = open_log(copied)
    with path.open("ab") as stream:
        stream.write(data[last.offset - 12 :])
    grown = log.refreshed()
    with pytest.warns(LogWarning, match="damaged in 1 place"):
        whole = log.verified()
    assert len(grown) >= len(log) > len(whole)
    before = bytes_read()
    again = grown.verified()
    assert len(grown) - len(again) == len(log) - len(whole)
    assert len(grown.refreshed()) == len(again)
    assert bytes_read() - before < 1_000_000


def test_what_cannot_be_read_whole_stays_as_it_is(damaged, monkeypatch):
    """A disk that fails: the picture is refused, and no other is lost for it."""
    live = LiveLog(lambda: source_of(damaged))
    answers = Answers(live)
    (run,) = json.loads(answers.answer("log", {}).body)["runs"]
    names = {"run": run["name"], "view": "kernels", "key": run["layers"][0]["key"]}
    source = live()._catalog.source
    opened = source.open

    class Failing:
        """Whose sector at 80 MB cannot be read."""

        def __init__(self, stream):
            self.stream, self.seek = stream, stream.seek

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.stream.close()

        def read(self, size):
            begin = self.stream.tell()
            if begin < 80_000_000 < begin + size:
                raise OSError(errno.EIO, "Input/output error")
            return self.stream.read(size)

    monkeypatch.setattr(source, "open", lambda *asked: Failing(opened(*asked)))
    with pytest.raises(LogError, match=r"not all can be read: kernels/.*Input/output error"):
        answers.answer("layer", names | {"epoch": "6"})
    assert len(live()) == 200 * len(EPOCHS)
    assert answers.answer("layer", names | {"epoch": "5"}).body


def test_a_damaged_copy_does_not_hide_an_older_one(copied, long):
    """An epoch was logged twice, and the second time is damaged."""
    path, png = events_of(copied), (long / "kernels/1-many/1_7_6.png").read_bytes()
    data = path.read_bytes()
    *_, last = [one for one in read_records(io.BytesIO(data), len(data)) if png in one.data]
    place = data.index(png) - last.offset + len(data) + 12 + 5000
    data += data[last.offset - 12 : last.end]
    path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    log = open_log(copied)
    with pytest.raises(LogError, match="1_7_6: damaged"):
        log.picture("1_7_6").pixels()
    with pytest.warns(LogWarning, match="whole records are used"):
        assert log.verified().picture("1_7_6").png == png
    assert log.rank(top=5) == open_log(long).rank(top=5)


def test_the_viewer_of_a_damaged_log(damaged):
    """Whoever was told of all is told that there are others now, and at once which."""
    answers = Answers(LiveLog(lambda: source_of(damaged)))

    def names():
        (run,) = json.loads(answers.answer("log", {}).body)["runs"]
        (layer,) = run["layers"]
        version = layer["versions"][layer["epochs"].index(6)]
        return {"run": run["name"], "view": "kernels", "key": layer["key"], "epoch": "6", "version": version}  # fmt: skip

    with pytest.raises(ChangedError, match="other pictures than before of layer '1' at epoch 6"):
        answers.answer("layer", names())
    with pytest.raises(ChangedError, match="nothing of layer '1' at epoch 9"):
        answers.answer("layer", names() | {"epoch": "9"})
    told = json.loads(answers.answer("layer", names()).body)
    assert 100 < len(told["numbers"]) < 200
    assert 7 not in told["numbers"]
    assert answers.answer("sprite", names() | {"part": "0"}).kind == "image/png"


def test_a_log_that_is_looked_at_goes_on_without_what_is_damaged(damaged):
    """Once that is known."""
    live = LiveLog(lambda: source_of(damaged))
    log = live()
    assert len(log) == 200 * len(EPOCHS)
    log.verified()
    assert len(live()) == len(log.verified()) < len(log)
    assert live() is live()


def test_a_report_of_a_damaged_log(damaged, tmp_path, capsys):
    """Is made of what is whole."""
    wanted = ["export", str(damaged), str(tmp_path / "out"), "--kernels", "7", "--only", "images,strips"]  # fmt: skip
    assert main(wanted) == 0
    assert "damaged in 1 place" in "".join(capsys.readouterr())
    images = sorted(path.name for path in (tmp_path / "out/images").rglob("*.png"))
    assert images == [f"1_7_{epoch}.png" for epoch in range(6)]


def test_a_spoiled_index_is_told(copied):
    """Its pictures are left out when the log is opened, as with any record that is damaged."""
    spoil(copied, b'"many"', b'"manY"')
    with pytest.warns(LogWarning, match="damaged in 1 place"):
        log = open_log(copied)
    assert 0 < 200 * len(EPOCHS) - len(log) < 200


def test_a_spoiled_tag_is_told(copied):
    """It tells the epoch: no picture is shown at another than its own."""
    path = events_of(copied)
    data = path.read_bytes()
    place = data.index(b"index/5", CHECKED + (1 << 20))
    path.write_bytes(data[:place] + b"index/6" + data[place + 7 :])
    with pytest.warns(LogWarning, match="damaged in 1 place"):
        log = open_log(copied)
    assert 0 < 200 * len(EPOCHS) - len(log) < 200
    assert all(is_right(picture) for picture in log.select(epochs=[5, 6]))


def test_a_record_that_lacks_its_end(copied, long):
    """A stretch of the file is gone: those behind it are found all the same."""
    path = events_of(copied)
    data = path.read_bytes()
    place = data.index(b"IDAT", CHECKED + (1 << 20))
    path.write_bytes(data[:place] + data[place + 100_000 :])
    with pytest.warns(LogWarning, match="damaged in 1 place"):
        log = open_log(copied)
    right, refused = 0, 0
    for picture in log:
        try:
            assert picture.png == (long / "kernels" / f"{picture.tag}.png").read_bytes()
            right += 1
        except LogError:
            refused += 1
    assert right >= 200 * (len(EPOCHS) - 1)
    assert refused < 200


@functools.cache
def small_model():
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(40, 3, name="few")])
    shape = model.layers[0].kernel.shape
    model.layers[0].kernel.assign(np.random.default_rng(0).normal(size=shape))
    return model


def drop_one(summary):
    del summary.value[1]


def turn_round(summary):
    values = [summary.value[0], *list(summary.value)[:0:-1]]
    del summary.value[:]
    summary.value.extend(values)


@pytest.mark.parametrize("change", [drop_one, turn_round])
def test_a_file_that_somebody_has_rewritten(tmp_path, change):
    """Without a picture, or in another order: those that are not in their places are found."""
    with KernelLogger(tmp_path, sheets=False, strict=True) as logger:
        logger.log(small_model(), 1)
    rewrite(events_of(tmp_path), change)
    log = open_log(tmp_path)
    assert len(log) == 40 - (change is drop_one)
    kernels = small_model().layers[0].kernel.numpy().transpose(3, 2, 0, 1)
    for picture in log:
        assert np.abs(picture.weights() - kernels[picture.address.kernel - 1]).max() < 0.02


def test_a_long_log_that_somebody_has_rewritten(copied):
    """Pictures behind what is verified are not in their places: all is read, and they are found."""
    rewrite(events_of(copied), turn_round)
    log = open_log(copied)
    with pytest.raises(LogError, match="damaged"):
        log.picture("1_200_6").pixels()
    assert len(log.verified()) == len(log)
    assert all(is_right(picture) for picture in log.verified().select(epochs=6))


def claim(summary, layer, numbers, size):
    """Makes the places tell something else of a summary."""
    index, *pictures = summary.value
    values = type(summary)(value=pictures).SerializeToString()
    pngs = [one.tensor.string_val[2] for one in pictures]
    index.metadata.plugin_data.content = pack_places(
        index.tag.encode() + index.tensor.string_val[0],
        layer,
        values,
        dict(zip(numbers, pngs, strict=True)),
        size,
    )


def test_places_that_lie_of_a_size(tmp_path):
    """A picture is not what its index says: it is refused before anybody makes room for it."""
    with KernelLogger(tmp_path, sheets=False, strict=True) as logger:
        logger.log(small_model(), 1)
    rewrite(events_of(tmp_path), lambda one: claim(one, "1-few/1", range(1, 41), (8, 8)))
    log = open_log(tmp_path)
    picture = log.picture("1_1_1")
    assert (picture.width, picture.height) == (8, 8)
    with pytest.raises(LogError, match="damaged"):
        picture.pixels()
    with pytest.raises(LogError, match="damaged"):
        log.weights("few", 1)


@pytest.mark.parametrize(("layer", "first"), [("1-few/2", 1), ("few", 1), ("", 1), ("1-few/1", 10**9 - 1)])  # fmt: skip
def test_places_of_what_has_no_address(tmp_path, layer, first):
    """A tag that nobody has, a number of ten digits: read as if there were no places."""
    with KernelLogger(tmp_path, sheets=False, strict=True) as logger:
        logger.log(small_model(), 1)
    rewrite(events_of(tmp_path), lambda one: claim(one, layer, range(first, first + 40), (8, 8)))
    log = open_log(tmp_path)
    assert {picture.address.kernel for picture in log} == set(range(1, 41))
    assert log.picture("1_1_1").width > 8


def test_places_of_other_kernels(tmp_path):
    """Of which the index itself does not tell: pixels can be had, weights cannot."""
    with KernelLogger(tmp_path, sheets=False, strict=True) as logger:
        logger.log(small_model(), 1)
    size = open_log(tmp_path).picture("1_1_1")
    size = size.width, size.height
    rewrite(events_of(tmp_path), lambda one: claim(one, "1-few/1", range(41, 81), size))
    picture = open_log(tmp_path).picture("1_50_1")
    assert picture.pixels().shape == size[::-1]
    with pytest.raises(LogError, match="does not tell of 1_50_1"):
        picture.weights()


def test_a_log_that_grows_is_read_on(long, tmp_path):
    """What was added is verified, however long the log is."""
    (tmp_path / "kernels").mkdir()
    whole = events_of(long).read_bytes()
    path = tmp_path / "kernels" / events_of(long).name
    data = io.BytesIO(whole)
    *_, one, two = [found for found in read_records(data, len(whole)) if found.length > 1_000_000]
    path.write_bytes(whole[: one.offset - 12])
    log = open_log(tmp_path)
    with path.open("ab") as stream:
        stream.write(whole[one.offset - 12 : two.end - 100])
        stream.write(bytes([whole[two.end - 100] ^ 1]) + whole[two.end - 99 : two.end])
    with pytest.warns(LogWarning, match="ends within a record"):
        grown = log.refreshed()
    assert len(log) < len(grown) < len(open_log(long))


def test_a_record_that_is_cut_off_before_one_that_is_being_written(long, tmp_path):
    """The first claims to go on where the second stands, which is read when it is whole."""
    (tmp_path / "kernels").mkdir()
    whole = events_of(long).read_bytes()
    path = tmp_path / "kernels" / events_of(long).name
    found = [one for one in read_records(io.BytesIO(whole), len(whole)) if one.length > 1_000_000]
    one, two = found[-2:]
    second = whole[two.offset - 12 : two.end]
    path.write_bytes(whole[: one.end - 500_000] + second[:-100_000])
    with pytest.warns(LogWarning, match="ends within a record"):
        log = open_log(tmp_path)
    with path.open("ab") as stream:
        stream.write(second[-100_000:])
    with pytest.warns(LogWarning, match="damaged in 1 place"):
        grown, fresh = log.refreshed(), open_log(tmp_path)
    assert [picture.tag for picture in grown] == [picture.tag for picture in fresh]
    assert len(grown) > len(log)


@pytest.mark.parametrize("name", ["few", "a_b_c", "1_2_3"])
def test_places_of_every_name(tmp_path, name):
    """A layer's name may look like an address; its pictures are found without being read."""
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name=name)])
    with KernelLogger(tmp_path, strict=True) as logger:
        logger.log(model, 1)
    data = events_of(tmp_path).read_bytes()
    found = map(read_placed, read_records(io.BytesIO(data), len(data)))
    ((_, _, pictures),) = filter(None, found)
    assert (pictures.group, pictures.layer, pictures.epoch) == (f"1-{name}", "1", 1)


@pytest.fixture
def twice(tmp_path):
    """Two runs of one epoch; in the first it was logged twice, and the newer is damaged."""
    model = keras.Sequential([keras.Input((16, 16, 40)), keras.layers.Conv2D(60, 8, name="some")])
    for run in ("a", "b"):
        with KernelLogger(tmp_path / run, strict=True, scale=1) as logger:
            logger.log(model, 1)
    path = events_of(tmp_path / "a")
    data = path.read_bytes()
    (last,) = [one for one in read_records(io.BytesIO(data), len(data)) if b"IDAT" in one.data]
    again = bytearray(data[last.offset - 12 : last.end])
    again[len(again) // 2] ^= 1
    path.write_bytes(data + again + data[last.end :] + pack_record(b""))
    return tmp_path


def test_a_page_of_a_damaged_log_holds_what_is_whole(twice):
    """It cannot ask anew, as TensorBoard's tab does."""
    log = read_log(twice, print, 0)
    page = log._repr_html_()
    assert page.count("data:image/png;base64") == 2
    assert "other pictures" not in page
    (picture,) = [one for one in log.verified() if one.run == "a" and one.address.kernel == 30]
    assert picture.pixels().shape


def test_a_run_that_cannot_be_looked_at_is_not_lost(twice, monkeypatch):
    """All is not read anew while one of its files does not say how large it is."""
    log = read_log(twice, print, 0)
    size = log._catalog.source.size

    def failing(folder, file):
        if folder.name.startswith("b"):
            raise OSError(errno.EIO, "Input/output error")
        return size(folder, file)

    monkeypatch.setattr(log._catalog.source, "size", failing)
    with pytest.raises(LogError, match=r"not all can be read: b/kernels/.*Input/output error"):
        log.verified()
    monkeypatch.undo()
    assert len(log.verified()) == len(log) == 120


def test_a_training_that_has_lost_its_newest_file(twice):
    """What was there before it is still there."""
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(40, 3, name="few")])
    path = events_of(twice / "a")
    with KernelLogger(twice / "a", strict=True) as logger:
        logger.log(model, 2)
    (newest,) = set((twice / "a/kernels").glob("*tfevents*")) - {path}
    log = read_log(twice, print, 0)
    *_, training = [one for one in log.trainings if one.run == "a"]
    before = training.log.select(runs="a")
    newest.unlink()
    assert {one.layer_name for one in before.verified()} == {"some"}
