"""A whole layer as one array: exact where it was stored, from pictures within its error."""

import io
import json
import warnings
import zipfile

import fsspec
import keras
import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event

from tb_kernels import (
    ArgumentError,
    KernelLogger,
    LogError,
    LogWarning,
    open_log,
    read_kernels,
)
from tb_kernels.schema.records import pack_record, read_records
from tests.helpers.kinds import COUNT, KINDS
from tests.helpers.models import two_convolutions
from tests.helpers.oracle import slices_of
from tests.views.test_kernels import weight_of


def layer_of(row):
    """A model of one layer of the table, the layer, and the parts of it that have a number."""
    config, shape, parts = KINDS[row]
    layer = type(config).from_config(config.get_config())
    return keras.Sequential([keras.Input(shape), layer]), layer, parts


def expected_of(kind, weight):
    """All kernels of a weight as the oracle cuts them: (kernels, slices, height, width)."""
    kernels = range(1, 1 + COUNT[kind](weight.shape))
    cut = [slices_of(kind, weight, kernel)[0] for kernel in kernels]
    # The oracle's one-dimensional kernel is one tile, a row for each slice.
    return np.stack([np.concatenate(one)[:, None] if "1D" in kind else one for one in cut])


def flat(values):
    """The depth among the slices, as the oracle has it."""
    return values.reshape(len(values), -1, *values.shape[-2:])


@pytest.mark.parametrize("row", KINDS)
def test_exact_weights_are_the_models(row, tmp_path):
    """Bit for bit, in the order of the kernel numbers; the file has them in Keras' own shape."""
    model, layer, parts = layer_of(row)
    with KernelLogger(tmp_path, weights=True, strict=True) as logger:
        logger.log(model, 2)
    log = open_log(tmp_path)
    with np.load(tmp_path / "kernels/kernels_2.npz") as stored:
        assert stored.files == [number for number, _, _ in parts]
        for number, kind, name in parts:
            weight = weight_of(layer, name)
            assert stored[number].dtype == weight.dtype
            np.testing.assert_array_equal(stored[number], weight)
            np.testing.assert_array_equal(log.arrays("kernels")[number], weight[None])
            found = log.weights(number, 2)
            assert found.exact
            assert found.values.dtype == np.float64
            assert found.values.shape == read_kernels(model)[number].shape
            np.testing.assert_array_equal(flat(found.values), expected_of(kind, weight))
            assert found.numbers.tolist() == list(range(1, 1 + len(found.values)))
            assert found.error.tolist() == [0] * len(found.values)


@pytest.mark.parametrize("row", KINDS)
@pytest.mark.parametrize(
    "style",
    [
        {},
        {"normalize": "kernel"},
        {"normalize": "symmetric", "colormap": "viridis"},
        {"colormap": "jet"},
        {"colormap": "rgb"},
        {"slices": True, "normalize": "kernel", "sheets": True},
        {"kernels": 1, "sheets": True},
    ],
    ids=["layer", "kernel", "viridis", "jet", "rgb", "slices", "sheet"],
)
def test_weights_of_pictures_are_within_their_error(row, style, tmp_path):
    """Of every kind of layer, and no looser than the scale is coarse."""
    model, layer, parts = layer_of(row)
    with KernelLogger(tmp_path, strict=True, **style) as logger:
        logger.log(model, 2)
    log = open_log(tmp_path)
    for number, kind, name in parts:
        found, expected = log.weights(number, 2), expected_of(kind, weight_of(layer, name))
        assert not found.exact
        assert found.values.shape == read_kernels(model)[number].shape
        assert found.numbers.tolist() == list(range(1, 1 + len(expected)))
        off = np.abs(flat(found.values) - expected).max(axis=(1, 2, 3))
        assert (off <= found.error).all()
        of_each = style.get("normalize") == "kernel"
        low, high = expected.min(), expected.max()
        if style.get("normalize") == "symmetric":
            low, high = -np.abs(expected).max(), np.abs(expected).max()
        span = np.ptp(expected, axis=(1, 2, 3)) if of_each else np.full(len(expected), high - low)
        levels = {"viridis": 1, "jet": 2}.get(style.get("colormap"), 0.5)
        assert (found.error <= levels * span / 255 * 1.001 + 1e-7).all()


def first_of(model):
    """The kernels of layer 1 of `two_convolutions`, which has 4 of 3 slices, as float64."""
    return np.moveaxis(np.array(model.layers[0].kernel, np.float64), (3, 2), (0, 1))


def moved(model, by=0.25):
    """The same model with other weights."""
    for layer in (model.layers[0], model.layers[2]):
        layer.kernel.assign(np.array(layer.kernel) * 2 + by)
    return model


def is_of_pictures(found, expected):
    """Not exact, and right within the error that it tells."""
    off = np.abs(found.values - expected[found.numbers - 1]).max(axis=(1, 2, 3))
    return not found.exact and 0 < found.error.max() < 0.01 and (off <= found.error).all()


@pytest.mark.parametrize("type_", ["float16", "bfloat16", "float64", "mixed_bfloat16"])
def test_precision(type_, tmp_path, capsys):
    """Each is kept as it is; what NumPy lacks as float32, which has all of its values, and told."""
    model = keras.Sequential([keras.Input((9, 9, 3)), keras.layers.Conv2D(5, 3, dtype=type_)])
    if type_ == "float64":
        # Of which float32 would keep nothing.
        model.layers[0].kernel.assign(
            1 + 1e-12 * np.random.default_rng(0).normal(size=(3, 3, 3, 5))
        )
    with KernelLogger(tmp_path, weights=True, strict=True) as logger:
        logger.log(model, 1)
    kernel = np.array(model.layers[0].kernel).astype(np.float64)
    stored = {"bfloat16": "float32", "mixed_bfloat16": "float32"}.get(type_, type_)
    with np.load(tmp_path / "kernels/kernels_1.npz") as file:
        assert file["1"].dtype == stored
        np.testing.assert_array_equal(file["1"].astype(np.float64), kernel)
    found = open_log(tmp_path).weights(1, 1)
    assert found.exact
    np.testing.assert_array_equal(found.values, np.moveaxis(kernel, (3, 2), (0, 1)))
    told = "(bfloat16 weights are stored as float32, without loss)"
    assert (told in capsys.readouterr().out) == (type_ == "bfloat16")


def test_epochs_of_a_training(model, data, tmp_path):
    """Before it, of each epoch asked for, the last and as it is left: the weights of that moment."""
    seen = {}

    class Record(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen[0] = first_of(self.model)

        def on_epoch_end(self, epoch, logs=None):
            seen[epoch + 1] = first_of(self.model)

        def on_train_end(self, logs=None):
            self.model.layers[0].kernel.assign(np.zeros((3, 3, 3, 4)))

    logger = KernelLogger(tmp_path, epochs=[0, 1, "last", "final"], weights=True)
    model.fit(*data, epochs=3, verbose=0, callbacks=[logger, Record()])
    names = sorted(path.name for path in (tmp_path / "kernels").glob("*.npz"))
    assert names == ["kernels_0.npz", "kernels_1.npz", "kernels_3.npz", "kernels_final.npz"]
    log = open_log(tmp_path)
    for epoch in (0, 1, 3):
        assert log.weights("first", epoch).exact
        np.testing.assert_array_equal(log.weights("first", epoch).values, seen[epoch])
    np.testing.assert_array_equal(log.weights(1, "last").values, seen[3])
    assert not np.array_equal(seen[3], seen[1])
    assert log.weights(1, "final").exact
    assert not log.weights(1, "final").values.any()


def test_some_kernels(model, tmp_path):
    """The file has the whole layer; a layer without these kernels is not drawn, and not stored."""
    with KernelLogger(tmp_path / "exact", kernels=[2, 5], weights=True) as logger:
        logger.log(model, 1)
    with KernelLogger(tmp_path / "one", layers="first", kernels=2, weights=True) as logger:
        logger.log(model, 1)
    log = open_log(tmp_path)
    found = log.weights(1, 1, run="exact")
    np.testing.assert_array_equal(found.values, first_of(model))
    assert found.numbers.tolist() == [1, 2, 3, 4]
    assert list(log.arrays("kernels", run="exact")) == ["1", "3"]
    assert list(log.arrays("kernels", run="one")) == ["1"]
    chosen = log.select(runs="exact", kernels=5).weights("second", 1)
    assert chosen.exact
    assert len(chosen.values) == 6


def test_from_pictures_of_some_kernels(model, tmp_path):
    """Those that have a picture, whatever of them is selected."""
    with KernelLogger(tmp_path, kernels=[2, 4]) as logger:
        logger.log(model, 1)
    log = open_log(tmp_path)
    assert log.weights(1, 1).numbers.tolist() == [2, 4]
    assert is_of_pictures(log.weights(1, 1), first_of(model))
    assert log.select(kernels=2).weights(1, 1).numbers.tolist() == [2, 4]


def test_slices_of_no_whole_kernel(model, tmp_path):
    """Kernels of which every slice is drawn are there; a layer that has none is refused."""
    # Of the first layer's 4 kernels all three slices of kernel 2, of others one or none.
    with KernelLogger(tmp_path, slices=True, kernels=[2, 6, 10, 3]) as logger:
        logger.log(model, 1)
    log = open_log(tmp_path)
    assert log.weights(1, 1).numbers.tolist() == [2]
    assert is_of_pictures(log.weights(1, 1), first_of(model))
    with pytest.raises(LogError) as error:
        log.weights("second", 1)
    assert str(error.value) == (
        "no kernel of layer 3 of kernels at epoch 1 has pictures of all its 4 slices; expected "
        "exact weights, of KernelLogger(weights=True), or a log without kernels="
    )


@pytest.mark.parametrize("normalize", ["first", "standard", (-0.1, 0.1)])
def test_a_scale_that_clips(model, tmp_path, normalize):
    """The error is infinite for a kernel that may be clipped, and holds for every other."""
    kernel = np.linspace(-0.05, 0.05, 108).reshape(3, 3, 3, 4)
    kernel[..., 1] *= 0.5
    with KernelLogger(tmp_path, normalize=normalize) as logger:
        for epoch in (1, 2):
            model.layers[0].kernel.assign(kernel)
            logger.log(model, epoch)
            kernel[1, 1, 1, 2] = 3.0
    found, expected = open_log(tmp_path).weights(1, 2), first_of(model)
    off = np.abs(found.values - expected).max(axis=(1, 2, 3))
    assert off[2] > 1
    assert np.isinf(found.error[2])
    assert (off <= found.error).all()
    assert found.error[1] < 0.01


def test_what_is_not_finite(model, tmp_path):
    """Stays as it is where it was stored, and is not a number from pictures."""
    kernel = np.array(model.layers[0].kernel)
    kernel[0, 1, 2, 3], kernel[2, 2, 0, 1] = -np.inf, np.nan
    model.layers[0].kernel.assign(kernel)
    for folder, exact in (("exact", True), ("pictures", False)):
        with pytest.warns(LogWarning, match="not finite"), KernelLogger(tmp_path / folder, weights=exact) as logger:  # fmt: skip
            logger.log(model, 1)
    log, expected = open_log(tmp_path), first_of(model)
    assert log.weights(1, 1, run="exact").exact
    np.testing.assert_array_equal(log.weights(1, 1, run="exact").values, expected)
    shown = log.weights(1, 1, run="pictures")
    lost = ~np.isfinite(expected)
    np.testing.assert_array_equal(np.isnan(shown.values), lost)
    off = np.where(lost, 0, np.abs(shown.values - expected))
    assert (off.max(axis=(1, 2, 3)) <= shown.error).all()


def test_two_trainings_in_one_directory(tmp_path):
    """Each has its own; a file that the other has written is not taken for it."""
    once, again = two_convolutions(), moved(two_convolutions())
    with KernelLogger(tmp_path, weights=True) as logger:
        logger.log(once, 1)
    old = (tmp_path / "kernels/kernels_1.npz").read_bytes()
    with KernelLogger(tmp_path, weights=True) as logger:
        logger.log(again, 1)
    log = open_log(tmp_path)
    assert log.weights(1, 1).exact
    np.testing.assert_array_equal(log.weights(1, 1).values, first_of(again))
    assert is_of_pictures(log.trainings[0].log.weights(1, 1), first_of(once))
    (tmp_path / "kernels/kernels_1.npz").write_bytes(old)
    assert is_of_pictures(log.weights(1, 1), first_of(again))
    before = log.trainings[0].log.weights(1, 1)
    assert before.exact
    np.testing.assert_array_equal(before.values, first_of(once))


def test_a_later_training_without_exact_weights(tmp_path):
    """The file that an earlier one has left is not taken for its own."""
    once, again = two_convolutions(), moved(two_convolutions())
    for model, weights in ((once, True), (again, False)):
        with KernelLogger(tmp_path, weights=weights) as logger:
            logger.log(model, 1)
    assert is_of_pictures(open_log(tmp_path).weights(1, 1), first_of(again))


def test_two_loggers_of_a_training(model, tmp_path):
    """Stand in one file; what only one of them stores is exact, the rest from pictures."""
    with (
        KernelLogger(tmp_path / "both", layers="first", weights=True) as one,
        KernelLogger(tmp_path / "both", layers="second", weights=True) as other,
        KernelLogger(tmp_path / "one", layers="first", weights=True) as first,
        KernelLogger(tmp_path / "one", layers="second") as second,
    ):
        for logger in (one, other, first, second):
            logger.log(model, 1)
    log = open_log(tmp_path)
    exact = {(run, layer): log.weights(layer, 1, run=run).exact for run in log.runs for layer in (1, 3)}  # fmt: skip
    assert exact == {("both", 1): True, ("both", 3): True, ("one", 1): True, ("one", 3): False}


@pytest.mark.parametrize("style", [{}, {"normalize": "kernel"}, {"normalize": "symmetric", "sheets": True}])  # fmt: skip
def test_pictures_that_were_drawn_later(model, tmp_path, style):
    """A logger of the same training has drawn the epoch anew, of other weights: these count."""
    with KernelLogger(tmp_path, weights=True, **style) as one, KernelLogger(tmp_path, **style) as other:  # fmt: skip
        one.log(model, 1)
        one.flush()
        assert open_log(tmp_path).weights(1, 1).exact
        other.log(moved(model), 1)
    with pytest.warns(
        LogWarning, match=r"kernels_1.npz has weights for layer 1 that are not those"
    ):
        assert is_of_pictures(open_log(tmp_path).weights(1, 1), first_of(model))


def test_a_damaged_file(model, tmp_path):
    """Whichever byte is wrong or missing: exact, or the pictures; never another number."""
    with KernelLogger(tmp_path, layers="first", weights=True) as logger:
        logger.log(model, 1)
    path, expected, log = tmp_path / "kernels/kernels_1.npz", first_of(model), open_log(tmp_path)
    whole = path.read_bytes()
    damaged = [whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :] for place in range(len(whole))]  # fmt: skip
    damaged += [whole[:length] for length in range(0, len(whole), 7)]
    exact = told = 0
    for data in damaged:
        path.write_bytes(data)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = log.weights(1, 1)
        texts = [str(one.message) for one in caught if one.category is LogWarning]
        if found.exact:
            exact += 1
            np.testing.assert_array_equal(found.values, expected)
            assert not texts
        else:
            assert is_of_pictures(found, expected)
            told += len(texts)
            end = "the weights of layer 1 of kernels at epoch 1 are taken from its pictures"
            assert all(text.endswith(end) and "kernels_1.npz" in text for text in texts)
    # What nobody reads may be wrong, such as a date. The 16 letters that name the training may become
    # those of another, whole or cut, and the 5 of the array's name those of one nobody asked for.
    assert told > len(damaged) * 0.7
    assert len(damaged) - exact - told <= 16 + 16 / 7 + 5 + 1


@pytest.mark.parametrize(
    "array", [np.zeros((3, 3, 4, 3), "f4"), np.zeros((3, 3, 3, 4), "i4"), np.zeros(5)]
)
def test_a_file_of_something_else(model, tmp_path, array):
    """Under the name of the same training, but of no such layer."""
    with KernelLogger(tmp_path, weights=True) as logger:
        logger.log(model, 1)
    path = tmp_path / "kernels/kernels_1.npz"
    with zipfile.ZipFile(path) as file:
        comment = file.comment
    np.savez(path, **{"1": array})
    with zipfile.ZipFile(path, "a") as file:
        file.comment = comment
    with pytest.warns(
        LogWarning, match=r"kernels_1.npz has \w+ of shape .* for layer 1, its pictures"
    ):
        assert is_of_pictures(open_log(tmp_path).weights(1, 1), first_of(model))


@pytest.mark.parametrize("wrong", [{"axes": "xwio"}, {"axes": "wwio"}, {"tile": [3, 1]}])
def test_an_index_of_something_else(model, tmp_path, wrong):
    """Anybody may have written it: refused in words, whether or not there are exact weights."""
    with KernelLogger(tmp_path, layers="first", weights=True, strict=True) as logger:
        logger.log(model, 1)
    (path,) = (tmp_path / "kernels").glob("*tfevents*")
    data = path.read_bytes()
    records = read_records(io.BytesIO(data), len(data))
    written = [Event.FromString(one.data) for one in records]
    for value in (value for event in written for value in event.summary.value):
        if value.tag == "index/1":
            index = json.loads(value.tensor.string_val[0])
            index["layers"] = [entry | wrong for entry in index["layers"]]
            value.tensor.string_val[0] = json.dumps(index).encode()
    path.write_bytes(b"".join(pack_record(event.SerializeToString()) for event in written))
    log = open_log(tmp_path)
    (tmp_path / "kernels/kernels_1.npz").rename(tmp_path / "kernels_1.npz")
    with pytest.raises(LogError, match="index"):
        open_log(tmp_path).weights(1, 1)
    (tmp_path / "kernels_1.npz").rename(tmp_path / "kernels/kernels_1.npz")
    if "axes" in wrong:
        with pytest.warns(LogWarning, match="in the index are not those of a kernel"), pytest.raises(LogError):  # fmt: skip
            log.weights(1, 1)


def test_a_file_that_cannot_be_written(model, tmp_path):
    """Is told as lost, and costs no picture."""
    (tmp_path / "kernels/kernels_1.npz").mkdir(parents=True)
    with pytest.warns(LogWarning, match="1 array file"), KernelLogger(tmp_path, weights=True) as logger:  # fmt: skip
        logger.log(model, 1)
    log = open_log(tmp_path)
    assert len(log) == 10
    assert is_of_pictures(log.weights(1, 1), first_of(model))


def test_by_default_nothing_is_stored(model, tmp_path):
    """Only the pictures."""
    with KernelLogger(tmp_path) as logger:
        logger.log(model, 1)
    assert not list(tmp_path.rglob("*.npz"))


def test_one_layer_of_one_run_at_one_epoch(model, tmp_path):
    """What stands for none or for several is refused; the error says what there is."""
    layers = [keras.Input((8, 8, 3)), keras.layers.SeparableConv2D(4, 3, name="both")]
    for run, one in {"a": model, "b": model, "c": keras.Sequential(layers)}.items():
        with KernelLogger(tmp_path / run) as logger:
            for epoch in (1, 2):
                logger.log(one, epoch)
    log = open_log(tmp_path)
    assert log.weights("1-2", 2).values.shape == (4, 3, 1, 1)
    for wanted, told in [
        (("first", 1, None), f"layer: expected one layer, 'first' stands for 2 layers in '{tmp_path}': 1 first of run 'a', 1 first of run 'b'; say which with run="),
        (("both", 1, None), f"layer: expected one layer, 'both' stands for 2 layers in '{tmp_path}': 1-1 both of run 'c', 1-2 both of run 'c'; say which with its own number"),
        (("conv9", 1, "a"), f"layers: no layer 'conv9' in '{tmp_path}', as far as runs and views were chosen; there are first (1), second (3)"),
        (("first", 3, "a"), f"epochs: no picture of epoch 3 in '{tmp_path}', as far as others were chosen; there are 1-2"),
        (("first", [1, 2], "a"), "epoch: expected one epoch, [1, 2] stands for 1, 2"),
        (("first", 1, "d"), f"runs: no run 'd' in '{tmp_path}'; it has a, b, c"),
    ]:  # fmt: skip
        layer, epoch, run = wanted
        with pytest.raises(ArgumentError) as error:
            log.weights(layer, epoch, run=run)
        assert str(error.value) == told


def test_a_log_from_afar(model, tmp_path):
    """The same as here, by its ranges."""
    with KernelLogger(tmp_path, weights=True) as logger:
        logger.log(model, 1)
    memory = fsspec.filesystem("memory")
    memory.put(str(tmp_path) + "/", "/exact/logs/", recursive=True)
    try:
        found = open_log("memory://exact/logs").weights(1, 1)
    finally:
        memory.rm("/exact", recursive=True)
    assert found.exact
    np.testing.assert_array_equal(found.values, first_of(model))


def test_it_shows_itself_in_a_line(model, tmp_path):
    """Its shape, and which it is."""
    for folder, exact in (("exact", True), ("pictures", False)):
        with KernelLogger(tmp_path / folder, weights=exact, normalize=(-1, 1)) as logger:
            logger.log(model, 1)
    log = open_log(tmp_path)
    assert repr(log.weights(1, 1, run="exact")) == "<LayerWeights (4, 3, 3, 3), exact>"
    assert repr(log.weights(1, 1, run="pictures")) == "<LayerWeights (4, 3, 3, 3), within 0.00392>"
