"""What a browser is answered is what the model's weights are, also of a log that grows."""

import io
import json
import re
import tracemalloc

import keras
import numpy as np
import pytest
from PIL import Image

from tb_kernels import ExampleLogger, KernelLogger, open_log
from tb_kernels.viewer.answers import Answers, UnknownError
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


@pytest.mark.slow
def test_tokens_that_somebody_makes_up_do_not_fill_the_memory(tmp_path, model):
    with KernelLogger(tmp_path, strict=True) as logger:
        logger.log(model, 1)
    log = open_log(tmp_path)
    answers = Answers(lambda: log)
    names = {"run": ".", "view": "kernels", "key": "1-first/1", "epoch": 1}
    asked(answers, "layer", **names)
    tracemalloc.start()
    for number in range(2000):
        asked(answers, "layer", **names, token=f"{number:060000}")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 100e6


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


def test_what_is_asked_for_last_is_kept(tmp_path, model):
    """As many bytes as are allowed: two of these layers, and no third."""
    with KernelLogger(tmp_path, strict=True) as logger:
        for epoch in (1, 2, 3):
            logger.log(model, epoch)
    log, looked = open_log(tmp_path), []
    # Of each sprite as many bytes are reckoned as it has, and 64 KiB.
    answers = Answers(lambda: looked.append(1) or log, most_bytes=2 * ((1 << 16) + 4 * 3 * 9))
    for epoch, read in [(1, True), (2, True), (2, False), (1, False), (3, True), (1, False), (2, True), (1, False), (3, True)]:  # fmt: skip
        looked.clear()
        asked(answers, "layer", run=".", view="kernels", key="1-first/1", epoch=epoch)
        assert bool(looked) == read, (epoch, read)
