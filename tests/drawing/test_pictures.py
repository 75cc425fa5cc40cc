"""What a batch says of its pictures: numbers, names, captions, and the index for weights."""

import numpy as np
import pytest

from tb_kernels.drawing import layer_pictures
from tb_kernels.drawing.layer_pictures import LayerPictures, Moment
from tb_kernels.drawing.levels import find_limits, find_nonfinite
from tb_kernels.drawing.style import Style
from tb_kernels.drawing.subjects import Subject
from tb_kernels.schema.axes import Axes
from tests.helpers.oracle import draw, level

RANDOM = np.random.default_rng(1)


def layer_of(shape, *, by_slice=False, kernels=None, normalize="layer", sheets=False, scale=None):
    """The pictures of a Conv2D, a kernel of `shape` (height, width, channels, filters)."""
    style = Style(normalize, "gray", None, scale, True, sheets, None, kernels and frozenset(kernels))  # fmt: skip
    subject = Subject("7", "conv", "conv", "Conv2D", Axes("hwio", shape))
    return LayerPictures(subject, style, by_slice=by_slice)


def drawn(layer, weight, epoch=3, normalize="layer"):
    """What is drawn of it, picture by picture: kernel number, pixels, description, entry."""
    kernels = layer.subject.axes.arrange(weight)
    limits = find_limits(kernels, normalize)
    whole = limits if limits.low.ndim == 0 else find_limits(kernels, "layer")
    moment = Moment(epoch, kernels, find_nonfinite(kernels), limits, whole)
    for batch in layer.draw(moment):
        for number, *one in zip(batch.entry["drawn"], batch.pixels, batch.descriptions, batch.paths, strict=True):  # fmt: skip
            yield number, *one, batch.entry


@pytest.mark.parametrize("normalize", ["layer", "kernel"])
@pytest.mark.parametrize("most", [{"_BATCH_PIXELS": 60_000}, {"_BATCH_PICTURES": 3}])
def test_chosen_pictures_of_more_than_one_batch(monkeypatch, most, normalize):
    """Each is its own kernel, in order, on its own scale."""
    for name, value in most.items():
        monkeypatch.setattr(layer_pictures, name, value)
    weight = RANDOM.normal(size=(3, 3, 2, 20)).astype("float32") * np.arange(1, 21)
    chosen = [2, 3, 5, 8, 11, 13, 17, 20]
    layer = layer_of(weight.shape, kernels=chosen, normalize=normalize)
    found = list(drawn(layer, weight, normalize=normalize))
    assert [number for number, *_ in found] == chosen
    assert len({id(entry) for *_, entry in found}) > 1
    for number, pixels, _, path, entry in found:
        kernel = weight[..., number - 1]
        of = kernel if normalize == "kernel" else weight
        low, high = float(of.min()), float(of.max())
        tiles = [level(kernel[..., slice_], low, high) for slice_ in range(2)]
        assert np.abs(pixels[..., 0] - draw(tiles)).max() <= 1
        assert path == f"7-conv/7_{number}_3"
        place = entry["drawn"].index(number)
        ends = [np.broadcast_to(entry[end], len(entry["drawn"]))[place] for end in ("low", "high")]
        np.testing.assert_allclose(ends, [low, high], rtol=1e-6)


@pytest.mark.parametrize("most", [4_000_000, 60_000])
def test_slices_have_the_scale_of_their_own_kernel(monkeypatch, most):
    """Slice by slice, each kernel's limits come again; also behind the first batch."""
    monkeypatch.setattr(layer_pictures, "_BATCH_PIXELS", most)
    weight = RANDOM.normal(size=(3, 3, 3, 4)).astype("float32") * [1, 10, 100, 1000]
    found = list(drawn(layer_of(weight.shape, by_slice=True, normalize="kernel"), weight, normalize="kernel"))  # fmt: skip
    assert [number for number, *_ in found] == list(range(1, 13))
    for number, pixels, told, *_ in found:
        slice_, kernel = divmod(number - 1, 4)
        low, high = float(weight[..., kernel].min()), float(weight[..., kernel].max())
        expected = draw([level(weight[..., slice_, kernel], low, high)])
        assert np.abs(pixels[..., 0] - expected).max() <= 1
        assert f"kernel {kernel + 1} of 4, slice {slice_ + 1} of 3, epoch 3." in told
        assert f"black {low:.4g}, white {high:.4g}" in told


def test_captions_say_which_kernel_and_which_scale():
    """Of pictures and of the sheet."""
    weight = RANDOM.normal(size=(3, 3, 2, 5)).astype("float32")
    told = {number: text for number, _, text, *_ in drawn(layer_of(weight.shape, sheets=True), weight)}  # fmt: skip
    scale = f"Weights: black {weight.min():.4g}, white {weight.max():.4g}."
    assert told.pop(0) == f"Layer 7 `conv` (Conv2D), all 5 kernels, epoch 3. {scale}"
    assert told == {
        number: f"Layer 7 `conv` (Conv2D), kernel {number} of 5, epoch 3. {scale}"
        for number in range(1, 6)
    }
