"""What a browser is answered is what the model's weights are, also of a log that grows."""

import io
import json
import re

import keras
import numpy as np
import pytest
from PIL import Image

from tb_kernels import ExampleLogger, KernelLogger, LogWarning, open_log
from tb_kernels.drawing import png
from tb_kernels.reading.opening import read_log
from tb_kernels.schema.records import read_records
from tb_kernels.viewer.answers import Answers, ChangedError, UnknownError
from tb_kernels.viewer.overview import overview_of
from tb_kernels.viewer.runs import runs_of
from tb_kernels.writing.disk import Disk
from tb_kernels.writing.events import EventFile, image_value, text_value
from tests.helpers.models import fit, sixteen_pictures, two_convolutions
from tests.helpers.rewritten import rewrite


def asked(answers, question, **parameters):
    return answers.answer(question, {name: str(value) for name, value in parameters.items()}).body


def test_levels_are_those_of_the_weights_and_a_grown_log_has_the_new_epoch(tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(5, 3, name="first")])
    layer = model.layers[0]
    log, weights = None, {}
    with KernelLogger(tmp_path, strict=True) as logger:
        for epoch in (1, 2):
            weights[epoch] = np.random.default_rng(epoch).normal(size=layer.kernel.shape)
            layer.kernel.assign(weights[epoch])
            logger.log(model, epoch)
            logger.flush()
            log = open_log(tmp_path) if log is None else log.refreshed()
            assert log.epochs == list(range(1, epoch + 1))
    log = log.refreshed()
    assert log.refreshed() is log
    fresh = open_log(tmp_path)
    assert [one.tag for one in log] == [one.tag for one in fresh]
    assert all(one.png == other.png for one, other in zip(log, fresh, strict=True))
    answers = Answers(lambda: log)
    (run,) = json.loads(asked(answers, "log"))["runs"]
    assert run["epochs"] == [1, 2]
    key = run["layers"][0]["key"]
    for epoch, weight in weights.items():
        names = {"run": ".", "view": "kernels", "key": key, "epoch": epoch}
        told = json.loads(asked(answers, "layer", **names))
        assert (told["mode"], told["window"], told["finite"]) == ("levels", [3, 3, 3], True)
        ((low, high),) = told["limits"]
        pixels = np.asarray(Image.open(io.BytesIO(asked(answers, "sprite", part=0, **names))))
        read = low + pixels.ravel()[: weight.size] / 255 * (high - low)
        expected = weight.transpose(3, 2, 0, 1).ravel()
        assert np.abs(read - expected).max() <= (high - low) / 510 * 1.001
    # Of all epochs, to the last bit; another's pictures have no part in it.
    found = [(float(one.min()), float(one.max())) for one in (weights[1].astype("f4"), weights[2].astype("f4"))]  # fmt: skip
    lows, highs = zip(*found, strict=True)
    for some, wanted in [(log, [min(lows), max(highs)]), (log.select(epochs=1), list(found[0]))]:
        told = asked(Answers(lambda some=some: some), "range", run=".", view="kernels", key=key)
        assert json.loads(told) == {"range": wanted}
    with pytest.raises(UnknownError, match="layer '2'"):
        asked(answers, "range", run=".", view="kernels", key="2")
    with pytest.raises(UnknownError, match="epoch 7"):
        asked(answers, "layer", run=".", view="kernels", key=key, epoch=7)


def only_layer(answers):
    """The only one of the only run, and the names that a question needs."""
    (run,) = json.loads(asked(answers, "log"))["runs"]
    (layer,) = run["layers"]
    return layer, {"run": run["name"], "view": layer["view"], "key": layer["key"]}


def test_an_epoch_that_is_logged_anew_is_another(tmp_path, model):
    """Whoever asks for the pictures that were there before is told, and is given no others."""
    kernel = model.layers[0].kernel
    with KernelLogger(tmp_path, layers=1, strict=True) as logger:
        for epoch in (1, 2):
            logger.log(model, epoch)
        logger.flush()
        log = open_log(tmp_path)
        answers = Answers(lambda: log)
        before, names = only_layer(answers)
        one, two = ({"epoch": epoch, "version": before["versions"][epoch - 1]} for epoch in (1, 2))
        assert answers.answer("layer", names | {"epoch": "1"}).lasting is False
        kept = asked(answers, "layer", **names, **one)
        asked(answers, "layer", **names, **two)
        kernel.assign(kernel.numpy() * 3)
        logger.log(model, 2)
    log = log.refreshed()
    assert asked(answers, "layer", **names, **one) == kept
    for question in ("layer", "sprite"):
        with pytest.raises(
            ChangedError, match="other pictures than before of layer '1' at epoch 2"
        ):
            asked(answers, question, **names, **two, part=0)
    after, _ = only_layer(answers)
    assert after["versions"][0] == before["versions"][0] != after["versions"][1]
    told = asked(answers, "layer", **names, epoch=2, version=after["versions"][1])
    low, high = json.loads(told)["limits"][0]
    assert (low, high) == pytest.approx((kernel.numpy().min(), kernel.numpy().max()))


def test_a_layer_that_is_being_written_is_another_when_it_is_whole(tmp_path):
    """Its kernels come in several records."""
    model = keras.Sequential([keras.Input((32, 32, 40)), keras.layers.Conv2D(200, 32, name="many")])
    with KernelLogger(tmp_path / "whole", scale=1, strict=True) as logger:
        logger.log(model, 1)
    (path,) = (tmp_path / "whole/kernels").glob("*tfevents*")
    data = path.read_bytes()
    ends = [record.end for record in read_records(io.BytesIO(data), len(data))]
    (tmp_path / "part/kernels").mkdir(parents=True)
    seen = {}
    for end in ends:
        (tmp_path / "part/kernels" / path.name).write_bytes(data[:end])
        log = open_log(tmp_path / "part")
        if len(log):
            answers = Answers(lambda log=log: log)
            layer, names = only_layer(answers)
            version, number = layer["versions"][0], layer["kernels"]
            told = json.loads(asked(answers, "layer", **names, epoch=1, version=version))
            assert len(told["numbers"]) == number
            assert seen.setdefault(version, number) == number
    assert [*seen.values()] == sorted(set(seen.values()))
    assert len(seen) > 2
    assert max(seen.values()) == 200


def test_versions_are_the_same_whoever_reads(tmp_path, model):
    """Opened at once, or as the log has grown, or without what is not verified."""
    with KernelLogger(tmp_path, strict=True) as logger:
        logger.log(model, 1)
        logger.flush()
        grown = open_log(tmp_path)
        logger.log(model, 2)
    grown = grown.refreshed()
    found = [
        overview_of(log, runs_of(log, earlier=True))
        for log in (grown, open_log(tmp_path), read_log(tmp_path, print, 0))
    ]
    versions = [layer["versions"] for layer in found[0]["runs"][0]["layers"]]
    assert len({one for layer in versions for one in layer}) == 4
    assert found[1] == found[0] == found[2]


def test_what_has_no_range(tmp_path, model):
    """Inputs, and maps that lie over them, stand for no weights; a sheet alone has one."""
    inputs = np.random.default_rng(0).random((12, 8, 8, 3)).astype("f4")
    with ExampleLogger(tmp_path, inputs, strict=True) as logger:
        logger.log(model, 1)
    with KernelLogger(tmp_path, kernels=1, sheets=True, strict=True) as logger:
        logger.log(model, 1)
    log = open_log(tmp_path)
    ranges = {}
    for view in log.views:
        for layer in log.select(views=view).layers:
            key = f"{layer.group}/{layer.number}"
            told = asked(Answers(lambda: log), "range", run=".", view=view, key=key)
            ranges.setdefault(view, []).append(json.loads(told)["range"])
    assert set(map(str, ranges["examples"])) == {"None"}
    sheets = log.select(views="kernels", kernels=0)
    (layer, *_) = sheets.layers
    told = asked(Answers(lambda: sheets), "range", run=".", view="kernels", key=f"{layer.group}/{layer.number}")  # fmt: skip
    weights = model.layers[0].get_weights()[0]
    assert json.loads(told)["range"] == [float(weights.min()), float(weights.max())]


def test_the_range_of_epochs_that_have_only_a_sheet(tmp_path, model):
    """Counts beside that of epochs that have kernels."""
    kernel = model.layers[0].kernel
    kernel.assign(np.clip(kernel.numpy(), -0.1, 0.1))
    with KernelLogger(tmp_path, layers=1, sheets=True, strict=True) as logger:
        logger.log(model, 1)
        kernel.assign(kernel.numpy() * 3)
        logger.log(model, 2)

    def drop_kernels(summary):
        kept = [one for one in summary.value if not re.search("_[1-9][0-9]*_2$", one.tag)]
        del summary.value[:]
        summary.value.extend(kept)

    (path,) = (tmp_path / "kernels").glob("*tfevents*")
    rewrite(path, drop_kernels)
    log = open_log(tmp_path)
    (layer,) = log.layers
    assert [len(log.of_layer(layer, epoch)) for epoch in (1, 2)] == [5, 1]
    told = asked(Answers(lambda: log), "range", run=".", view="kernels", key=f"{layer.group}/{layer.number}")  # fmt: skip
    weights = kernel.numpy()
    assert json.loads(told)["range"] == [float(weights.min()), float(weights.max())]


def test_what_is_asked_for_last_is_kept(tmp_path, model, monkeypatch):
    """As many bytes as are allowed: two of these layers, and no third."""
    with KernelLogger(tmp_path, strict=True) as logger:
        for epoch in (1, 2, 3):
            logger.log(model, epoch)
    log, looked = open_log(tmp_path), []
    source = log._catalog.source
    read_some = source.read
    monkeypatch.setattr(source, "read", lambda *asked: looked.append(1) or read_some(*asked))
    # Of each sprite as many bytes are reckoned as it has, and 64 KiB.
    answers = Answers(lambda: log, most_bytes=2 * ((1 << 16) + 4 * 3 * 9))
    for epoch, read in [(1, True), (2, True), (2, False), (1, False), (3, True), (1, False), (2, True), (1, False), (3, True)]:  # fmt: skip
        looked.clear()
        asked(answers, "layer", run=".", view="kernels", key="1-first/1", epoch=epoch)
        assert bool(looked) == read, (epoch, read)


def test_pictures_without_an_index_are_shown_as_they_are(tmp_path):
    """Of any size, on white; in red, green and blue."""
    model = keras.Sequential([keras.Input((9, 9, 1)), keras.layers.Conv2D(2, (4, 6))])
    with KernelLogger(tmp_path, scale=1, strict=True) as logger:
        logger.log(model, 1)
    (path,) = (tmp_path / "kernels").glob("*tfevents*")
    rewrite(path, lambda summary: summary.value.pop(0))
    with pytest.warns(LogWarning, match="without the index"):
        log = open_log(tmp_path)
    answers = Answers(lambda: log)
    _, names = only_layer(answers)
    told = json.loads(asked(answers, "layer", **names, epoch=1))
    assert (told["mode"], told["numbers"], told["limits"]) == ("pictures", [1, 2], None)
    assert told["columns"] == 1
    _, height, width = told["window"]
    image = Image.open(io.BytesIO(asked(answers, "sprite", **names, epoch=1, part=0)))
    pixels = np.asarray(image).reshape(-1, 3)[: 2 * height * width].reshape(2, height, width, 3)
    for picture, shown in zip(log, pixels, strict=True):
        assert (shown == picture.pixels()[..., None]).all()


def test_a_layer_is_another_when_its_index_comes(tmp_path):
    """Version 0.1.0 wrote it behind the pictures: they had no weights before."""
    kernels = np.random.default_rng(0).random((8, 8)).astype("f4")
    data = png.encode(np.rint(kernels * 255).astype(np.uint8)[..., None])
    entry = {
        "number": "1", "name": "c", "group": "1-c", "kind": "Conv2D", "shape": [8, 8, 1, 1],
        "axes": "hwio", "kernels": 1, "slices": 1, "tile": [8, 8], "pictures": "kernels",
        "drawn": [1], "normalize": "layer", "low": 0.0, "high": 1.0, "scale": 1, "columns": 1,
        "gap": 1, "stacked": False, "colormap": "gray", "sheet": None,
    }  # fmt: skip
    events = EventFile(tmp_path / "kernels", Disk())
    events.append([image_value("1-c/1_1_1", data, 8, 8, "", "")], 1)
    with pytest.warns(LogWarning, match="without the index"):
        log = open_log(tmp_path)
    answers = Answers(lambda: log)
    before, names = only_layer(answers)
    assert json.loads(asked(answers, "layer", **names, epoch=1))["mode"] == "pictures"
    events.append([text_value("index/1", json.dumps({"format": 1, "layers": [entry]}))], 1)
    log = log.refreshed()
    assert only_layer(answers)[0]["versions"] != before["versions"]
    assert json.loads(asked(answers, "layer", **names, epoch=1))["mode"] == "levels"


def test_trainings_that_were_superseded_can_be_chosen(tmp_path):
    """One that began anew hides those before; one that went on is part of what is shown."""
    model, data = two_convolutions(), sixteen_pictures()
    kernel = model.layers[0].kernel
    limits = {}
    for name, logged, options in [
        ("first", [0, 1, 2], {"epochs": 2}),
        ("anew", [0, 1], {"epochs": 1}),
        ("went on", [2, 3], {"epochs": 3, "initial_epoch": 1}),
    ]:
        kernel.assign(kernel.numpy() * 3)
        logger = KernelLogger(tmp_path, layers=1, epochs=logged, strict=True)
        fit(model, data, logger, **options)
        limits[name] = float(kernel.numpy().min()), float(kernel.numpy().max())
    log = open_log(tmp_path)
    answers = Answers(lambda: log)
    now, before = json.loads(asked(answers, "log"))["runs"]
    assert (now["name"], now["epochs"]) == (".", [0, 1, 2, 3])
    assert re.fullmatch(r"\.@[0-9a-f]{16}", before["name"])
    assert re.fullmatch(re.escape(now["label"]) + r", training of \d{4}-\d\d-\d\d \d\d:\d\d", before["label"])  # fmt: skip
    assert before["epochs"] == [0, 1, 2]
    for run, epoch, wanted in ((now, 3, "went on"), (now, 1, "anew"), (before, 2, "first")):
        (layer,) = run["layers"]
        names = {"run": run["name"], "view": "kernels", "key": layer["key"]}
        version = layer["versions"][layer["epochs"].index(epoch)]
        told = json.loads(asked(answers, "layer", **names, epoch=epoch, version=version))
        assert told["limits"] == [list(limits[wanted])]
        assert asked(answers, "sprite", **names, epoch=epoch, version=version, part=0)
        assert json.loads(asked(answers, "range", **names))["range"][0] <= limits[wanted][0]
    steps = [
        json.loads(asked(answers, "curves", run=run["name"]))["kernels"]["1-first/kernel_norm"]["epochs"]
        for run in (now, before)
    ]  # fmt: skip
    assert steps == [[0, 1, 2, 3], [0, 1, 2]]
    with pytest.raises(UnknownError, match="no run"):
        asked(answers, "curves", run=".@0123456789abcdef")
    # A page holds what is shown.
    assert log._repr_html_().count(before["name"]) == 0
