"""What a browser is answered is what the model's weights are, also of a log that grows."""

import io
import json
import tracemalloc

import keras
import numpy as np
import pytest
from PIL import Image

from tb_kernels import KernelLogger, open_log
from tb_kernels.viewer.answers import Answers, UnknownError


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
