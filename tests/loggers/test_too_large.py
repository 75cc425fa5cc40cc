"""Pictures that no reader would take: they are not drawn, the others are, and it is told."""

import keras
import numpy as np
import pytest

from tb_kernels import ActivationLogger, ArgumentError, KernelLogger, LogWarning, open_log
from tb_kernels.drawing import bounds
from tests.helpers.models import fit
from tests.helpers.oracle import pictures, read_png

L = keras.layers


@pytest.mark.slow
@pytest.mark.parametrize(("colormap", "drawn"), [("gray", True), ("viridis", False)])
def test_sheets_of_noise(tmp_path, colormap, drawn):
    """64 feature maps of 512 x 512 are read back as they were drawn, or not drawn at all."""
    noise = np.random.default_rng(0).uniform(-1, 1, (1, 512, 512, 8)).astype("float32")
    model = keras.Sequential([keras.Input(noise.shape[1:]), L.Conv2D(64, 1, name="c")])
    logger = ActivationLogger(
        tmp_path, noise, layers="c", kernels=[64], sheets=True, colormap=colormap
    )  # fmt: skip
    if drawn:
        with logger:
            logger.log(model, 1)
    else:
        with pytest.warns(LogWarning, match=r"the sheet of layer 1 'c', 8,207 x 2,051 pix"), logger:
            logger.log(model, 1)
    log = open_log(tmp_path)
    expected = ["1_0_1", "1_64_1"] if drawn else ["1_64_1"]
    assert [str(picture.address) for picture in log] == expected
    for picture in log:
        path = tmp_path / f"activations/1-c/{picture.address}.png"
        assert np.array_equal(picture.pixels(), read_png(path))
    maps = np.moveaxis(log.arrays("activations")["1-c"][0][0], -1, 0)[:, None].astype("float32")
    (low,), (high,) = (np.atleast_1d(limit) for limit in log.picture("1_64_1", view="activations").legend.limits)  # fmt: skip
    found = log.picture("1_64_1", view="activations").weights()
    assert np.abs(found - maps[63].clip(low, high)).max() < (high - low) / 255
    if drawn:
        sheet = log.picture("1_0_1", view="activations").weights()
        assert np.array_equal(sheet[63], found)


def fits(monkeypatch, size):
    """Pictures of more bytes are too large."""
    monkeypatch.setattr(bounds, "LARGEST", size + (1 << 20))


def test_a_sheet_too_large_costs_no_other(model, data, tmp_path, monkeypatch):
    """It is told when training begins, once; scales are lowered before anything is left out."""
    fits(monkeypatch, 400)
    with pytest.warns(LogWarning) as told:
        fit(model, data, KernelLogger(tmp_path, sheets=True))
    (line,) = [str(one.message) for one in told if one.category is LogWarning]
    assert line.startswith(
        f"not drawn in {tmp_path / 'kernels'}, being too large to be read back: "
    )
    assert "the sheet of layer 3 'second', 11 x 23 pixels; the other pictures are." in line
    first = {f"1_{kernel}_{epoch}" for kernel in range(5) for epoch in (1, 2, 3)}
    assert pictures(tmp_path) == first | {f"3_{kernel}_{epoch}" for kernel in range(1, 7) for epoch in (1, 2, 3)}  # fmt: skip
    kernel = np.array(model.layers[2].kernel)
    found = open_log(tmp_path).picture("3_2_3").weights()
    assert np.abs(found - np.moveaxis(kernel[..., 1], -1, 0)).max() <= np.ptp(kernel) / 255


def test_kernels_too_large_cost_no_other_layer(tmp_path, monkeypatch, capsys):
    """The layer is left out; what is counted is what comes."""
    fits(monkeypatch, 300)
    model = keras.Sequential([keras.Input((9, 9, 3)), L.Conv2D(4, 3), L.Conv2D(6, 5, name="b")])
    logger = KernelLogger(tmp_path)
    with pytest.warns(LogWarning, match="the kernels of layer 2 'b', 23 x 5 pixels;"):
        logger.log(model, 1)
    logger.log(model, 2)
    logger.close()
    assert "1 layer, 4 kernels: 4 pictures" in capsys.readouterr().out
    log = open_log(tmp_path)
    assert [str(one.address) for one in log] == [f"1_{k}_{e}" for k in range(1, 5) for e in (1, 2)]
    assert log.picture("1_4_2").weights().shape == (3, 3, 3)


def test_nothing_that_could_be_read(model, data, tmp_path, monkeypatch):
    """That is an error before the first step."""
    fits(monkeypatch, 1)
    with pytest.raises(ArgumentError, match="model: of 'two' nothing can be drawn that could be"):
        fit(model, data, KernelLogger(tmp_path))
    assert not pictures(tmp_path)
