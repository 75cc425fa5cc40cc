"""Examples: equal to looking at every place of every input, however they are streamed."""

import copy
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from tb_kernels import ArgumentError, ExampleLogger, find_examples, open_log
from tb_kernels.model.frames import Frames, Side
from tb_kernels.views.best import Best
from tests.helpers import by_scipy
from tests.helpers.models import begin_training
from tests.helpers.oracle import read_entries, read_pictures

L = keras.layers


def whole_numbers(model, seed=0):
    """Small whole weights: sums are exact in any order, and values that are equal are many."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        if keras.backend.is_float_dtype(weight.dtype):
            weight.assign(random.integers(-2, 3, weight.shape))
    return model


def pictures(number, size, seed=1):
    return np.random.default_rng(seed).integers(-2, 3, (number, *size)).astype("float32")


def sequential():
    """Strides, padding and pooling; the activation would hide what is below 0."""
    layers = [L.Conv2D(3, 3, strides=2, padding="same", activation="relu"), L.MaxPooling2D(2, 1), L.Conv2D(4, 2, activation="relu", name="last")]  # fmt: skip
    model = whole_numbers(keras.Sequential([keras.Input((9, 11, 2)), *layers]))
    kernel, bias = model.get_layer("last").get_weights()

    def values_of(x):
        before = keras.Model(model.inputs, model.layers[-2].output)
        return by_scipy.conv(before.predict(x, verbose=0), kernel) + bias

    # Rows and columns are 2 apart, and a field is as long as two of the pooled ones.
    return model, values_of, (9, 11, 2), [(2 * place - 1, 7) for place in range(3)], None


def functional():
    """Two branches that meet, and an input that is no picture."""
    picture, number = keras.Input((7, 6, 1), name="picture"), keras.Input((3,), name="number")
    x = L.Conv2D(3, 3, padding="same", activation="relu", name="one")(picture)
    y = L.Conv2D(3, 3, padding="same", name="two")(x)
    meet = L.Add()([x, y]) + L.Reshape((1, 1, 3))(number)
    model = whole_numbers(keras.Model({"picture": picture, "number": number}, L.Conv2D(2, 1, activation="tanh", name="last")(meet)))  # fmt: skip
    one, two, last = (model.get_layer(name).get_weights() for name in ("one", "two", "last"))

    def values_of(x):
        hidden = np.maximum(by_scipy.conv(x["picture"], one[0], padding="same") + one[1], 0)
        met = hidden + by_scipy.conv(hidden, two[0], padding="same") + two[1]
        met = met + x["number"][:, None, None]
        return by_scipy.conv(met, last[0]) + last[1]

    return model, values_of, (7, 6, 1), [(place - 2, 5) for place in range(7)], (3,)


def subclassed():
    """Attention in the way: all of the input is seen from everywhere."""

    class Attends(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.last = L.Conv2D(2, 3), L.Conv2D(3, 2, name="last")

        def call(self, inputs):
            x = self.first(inputs)
            tokens = keras.ops.reshape(x, (-1, 16, 2))
            # Which of the tokens are looked at depends on all of them.
            largest = keras.ops.max(tokens, axis=1, keepdims=True)
            attended = keras.ops.softmax(tokens * largest, axis=1) > 0.2
            return self.last(keras.ops.reshape(keras.ops.cast(attended, "float32"), (-1, 4, 4, 2)))

    model = Attends()
    model(np.zeros((1, 6, 6, 1), "float32"))
    whole_numbers(model)
    first, last = model.first.get_weights(), model.last.get_weights()

    def values_of(x):
        tokens = (by_scipy.conv(x, first[0]) + first[1]).reshape(-1, 16, 2)
        scores = np.exp((tokens * tokens.max(axis=1, keepdims=True)).astype("float64"))
        attended = scores / scores.sum(axis=1, keepdims=True) > 0.2
        return by_scipy.conv(attended.reshape(-1, 4, 4, 2).astype(float), last[0]) + last[1]

    return model, values_of, (6, 6, 1), [(0, 6)] * 3, None


CASES = {one.__name__: one for one in (sequential, functional, subclassed)}


def brute_force(values, top):
    """Every place of every input, sorted: the input's best, then the inputs."""
    number, rows, columns, kernels = values.shape
    found = []
    for kernel in range(kernels):
        best = []
        for index in range(number):
            map_ = values[index, ..., kernel]
            row, column = min(np.ndindex(rows, columns), key=lambda at: (-map_[at], at))
            best.append((-values[index, row, column, kernel], index, row, column))
        found.append(sorted(best)[:top])
    return np.array(found)


def cut(picture, top, left, height, width):
    """A part of a picture, NaN outside."""
    around = np.pad(picture.astype("float32"), ((50, 50), (50, 50), (0, 0)), constant_values=np.nan)
    return around[50 + top : 50 + top + height, 50 + left : 50 + left + width]


def mean_of_best(best, everything, values, corners, shape):
    """The formula of the docstring, pixel by pixel."""
    average = values.mean()
    total, weight = np.zeros(shape), np.zeros(shape)
    for (value, index, *_), (top, left) in zip(best, corners, strict=True):
        deviation = cut(everything[int(index)] - everything.mean(axis=0), top, left, *shape[:2])
        inside = np.isfinite(deviation)
        total[inside] += ((-value - average) * deviation)[inside]
        weight += inside * abs(-value - average)
    with np.errstate(invalid="ignore"):
        return total / weight


def with_others(x, other):
    if other is None:
        return x
    numbers = np.random.default_rng(3).integers(-1, 2, (len(x), *other)).astype("float32")
    return {"picture": x, "number": numbers}


@pytest.mark.parametrize("batch_size", [pytest.param(1, marks=pytest.mark.slow), 7, 64])
@pytest.mark.parametrize("case", CASES)
def test_equal_to_brute_force(case, batch_size):
    """Indices, places, values, cut-outs and mean; of equal values the first counts."""
    model, values_of, size, starts, other = CASES[case]()
    x = pictures(40, size)
    x[20:] = x[:20]
    inputs = with_others(x, other)
    values = values_of(inputs)
    found = find_examples(model, inputs, "last", top=12, mean_of=12, batch_size=batch_size)
    fewer = find_examples(model, inputs, "last", mean_of=12, batch_size=batch_size)
    best = brute_force(values, 12)
    assert len(np.unique(best[0, :, 0])) < 12, "the test needs values that are equal"
    np.testing.assert_array_equal(found.indices, best[..., 1])
    np.testing.assert_array_equal(found.positions, best[..., 2:])
    np.testing.assert_allclose(found.values, -best[..., 0], rtol=1e-6)
    assert found.indices.dtype == found.positions.dtype == np.int64
    height, width, channels = found.cutouts.shape[2:]
    assert channels == size[2]
    for kernel, rows in enumerate(best.astype(int)):
        for place, (_, index, row, _) in enumerate(rows):
            top, left = found.corners[kernel, place]
            assert (top, height) == starts[row]
            expected = cut(x[index], top, left, height, width)
            np.testing.assert_array_equal(found.cutouts[kernel, place], expected)
        largest = values[..., kernel].reshape(40, -1).max(axis=1)
        expected = mean_of_best(
            best[kernel], x, largest, found.corners[kernel], found.mean.shape[1:]
        )
        np.testing.assert_allclose(found.mean[kernel], expected, atol=1e-5)
    np.testing.assert_array_equal(fewer.mean, found.mean)
    for one, other in zip(fewer[:5], found[:5], strict=True):
        np.testing.assert_array_equal(one, other[:, :9])


def test_whatever_they_come_in():
    """Arrays, data sets of either kind with batches of any size, with targets or without."""
    model, _, size, _, _ = sequential()
    x = pictures(50, size)
    plain = find_examples(model, x, "last")

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, number):
            part = x[number * 11 : number * 11 + 11]
            return part, np.zeros(len(part))

    dataset = tf.data.Dataset.from_tensor_slices(x)
    for inputs in (
        [x],
        x.astype("float64"),
        dataset.batch(8),
        tf.data.Dataset.zip((dataset, dataset)).batch(17),
        dataset.batch(50).map(lambda one: (one, one[:, 0, 0, 0], one[:, 0, 0, 0])),
        Batches(),
    ):
        for one, other in zip(plain, find_examples(model, inputs, "last"), strict=True):
            np.testing.assert_array_equal(one, other)


def test_in_another_order():
    """The same inputs where no values are equal, under their new numbers."""
    model, _, size, _, _ = sequential()
    random = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(random.normal(size=weight.shape))
    x = random.normal(size=(40, *size)).astype("float32")
    order = random.permutation(40)
    found, other = (find_examples(model, one, "last", top=5) for one in (x, x[order]))
    np.testing.assert_array_equal(order[other.indices], found.indices)
    np.testing.assert_allclose(other.cutouts, found.cutouts)
    np.testing.assert_allclose(other.mean, found.mean, atol=1e-5)


def test_of_a_linear_kernel_it_is_what_the_data_make_of_its_weights():
    """Covariance times weights, in proportion (Haufe et al. 2014), if all inputs are in the mean."""
    model = keras.Sequential([keras.Input((4, 4, 2)), L.Conv2D(3, 4, name="last")])
    random = np.random.default_rng(0)
    x = (random.normal(size=(300, 32)) @ random.normal(size=(32, 32))).reshape(-1, 4, 4, 2)
    found = find_examples(model, x.astype("float32"), 1, mean_of=300)
    weights = np.array(model.layers[0].kernel).reshape(32, 3)
    seen = np.cov(x.reshape(-1, 32).T) @ weights
    for kernel in range(3):
        pattern = found.mean[kernel].ravel()
        assert np.corrcoef(pattern, seen[:, kernel])[0, 1] > 0.99999
        values = x.reshape(-1, 32) @ weights[:, kernel]
        scale = np.abs(values - values.mean()).sum() / (len(x) - 1)
        np.testing.assert_allclose(pattern * scale, seen[:, kernel], rtol=1e-3, atol=1e-2)


def test_fewer_inputs_than_asked_for_and_some_kernels():
    """As many examples as there are inputs; kernels in the order asked for."""
    model, _, size, _, _ = sequential()
    x = pictures(3, size)
    every = find_examples(model, x, "last")
    some = find_examples(model, x, "last", kernels=[4, 2], top=2)
    assert every.indices.shape == (4, 3)
    for one, other in zip(every[:5], some[:5], strict=True):
        np.testing.assert_array_equal(one[[3, 1], :2], other)


def test_pictures_without_channels_and_of_another_type():
    """Keras adds the axis; bytes are cut as they are."""
    model = whole_numbers(keras.Sequential([keras.Input((8, 8, 1)), L.Conv2D(2, 3)]))
    x = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1)).astype("uint8")
    found = find_examples(model, x, 1)
    for inputs in (x[..., 0], x.astype("float32")):
        for one, other in zip(found, find_examples(model, inputs, 1), strict=True):
            np.testing.assert_array_equal(one, other)
    index, (top, left) = found.indices[0, 0], found.corners[0, 0]
    np.testing.assert_array_equal(found.cutouts[0, 0], x[index, top : top + 3, left : left + 3])


def test_what_is_no_number_comes_last():
    """An input that the model makes nothing of is no example before all others are."""
    model = whole_numbers(keras.Sequential([keras.Input((8, 8, 1)), L.Conv2D(2, 8, name="last")]))
    x = pictures(12, (8, 8, 1))
    without = find_examples(model, np.delete(x, 4, axis=0), "last", top=11)
    x[4] = np.nan
    found = find_examples(model, x, "last", top=12)
    assert (found.indices[:, -1] == 4).all()
    assert (found.values[:, -1] == -np.inf).all()
    np.testing.assert_array_equal(found.values[:, :-1], without.values)
    np.testing.assert_allclose(found.mean, without.mean, atol=1e-6)


def test_wrong_arguments():
    """Each by its name, with what would do."""
    model, _, size, _, _ = sequential()
    x = pictures(4, size)
    dense = keras.Sequential([keras.Input((4,)), L.Dense(2, name="dense")])
    sizes = tf.data.Dataset.from_generator(
        lambda: (x[:, : 9 - number] for number in range(2)),
        output_signature=tf.TensorSpec((None, None, 11, 2)),
    )
    free = keras.Sequential([keras.Input((None, None, 2)), L.Conv2D(2, 3, name="last")])

    class Endless(keras.utils.PyDataset):
        def __getitem__(self, number):
            return x

    for wanted, told in (
        ((model, x, "nothing"), "layer: no layer 'nothing'"),
        ((dense, np.zeros((3, 4)), "dense"), "layer: layer 1 'dense' .* gives no maps"),
        ((model, x[..., :1], "last"), r"inputs: model .* takes shape \(None, 9, 11, 2\)"),
        ((model, x[0], "last"), "lacks the axis of the inputs"),
        ((model, None, "last"), "inputs: expected an array"),
        ((model, iter([x]), "last"), "list_iterator, which can be read only once; expected arrays"),
        ((model, tf.data.Dataset.from_tensors(x).repeat(), "last"), r"has no end; .* \.take\(n\)"),
        ((model, tf.data.Dataset.from_tensors(x).take(0), "last"), "the dataset is empty"),
        ((model, Endless(), "last"), "the PyDataset has no length; expected one with __len__"),
        (
            (free, sizes, "last"),
            r"expected pictures of one size, got \(9, 11, 2\) and \(8, 11, 2\)",
        ),
        ((model, x, "last", [7]), "kernels: layer 'last' has 4 kernels; got 7"),
        ((model, x, "last", None, 0), "top: expected a whole number from 1, got 0"),
    ):
        with pytest.raises(ArgumentError, match=told):
            find_examples(*wanted)
    with pytest.raises(ArgumentError, match="mean_of: expected a whole number from 1"):
        find_examples(model, x, "last", mean_of=None)


def trained():
    layers = [L.Conv2D(4, 3, padding="same", activation="relu", name="one"), L.MaxPooling2D(), L.Conv2D(5, 3, activation="relu", name="two"), L.Flatten(), L.Dense(3)]  # fmt: skip
    keras.utils.set_random_seed(2)
    model = keras.Sequential([keras.Input((12, 12, 3)), *layers])
    model.compile("sgd", "mse")
    return model


def colours(number=30):
    return np.random.default_rng(3).uniform(-1, 2, (number, 12, 12, 3)).astype("float32")


def test_logger_draws_and_stores_them(tmp_path):
    """What the function gives, in the picture to half a level; white outside; the mean's zero grey."""
    model, x = trained(), colours()
    with ExampleLogger(tmp_path, x, layers=["one", "two"], kernels=[2, 3], top=4, sheets=True) as logger:  # fmt: skip
        logger.log(model, 1)
    log = open_log(tmp_path)
    assert {str(one.address) for one in log} == {f"{layer}_{kernel}_1" for layer in (1, 3) for kernel in (0, 2, 3)}  # fmt: skip
    arrays, low, high = log.arrays("examples"), x.min(), x.max()
    for number, layer, name in (("1", "one", "1-one"), ("3", "two", "3-two")):
        found = find_examples(model, x, layer, kernels=[2, 3], top=4)
        for field in ("indices", "positions", "values", "corners", "mean"):
            np.testing.assert_array_equal(arrays[f"{name}/{field}"][0], getattr(found, field))
        sheet = log.picture(f"{number}_0_1", view="examples").weights()
        for place, kernel in enumerate((2, 3)):
            picture = log.picture(f"{number}_{kernel}_1", view="examples")
            weights = np.moveaxis(picture.weights(), 0, -1)
            cutouts, mean = found.cutouts[place], found.mean[place]
            expected = np.where(np.isnan(cutouts), high, cutouts)
            assert np.abs(weights[:-1] - expected).max() <= (high - low) / 510 * 1.001
            reach = np.nanmax(np.abs(mean))
            assert np.nanmax(np.abs(weights[-1] - mean)) <= reach / 255 * 1.001
            np.testing.assert_allclose(sheet[place], picture.weights())
            pixels, (height, width) = picture.pixels(), cutouts.shape[1:3]
            scale, gap = picture.legend.layout.scale, picture.legend.layout.gap
            assert gap >= 4
            for example, outside in enumerate(np.isnan(cutouts).any(axis=-1)):
                # Four examples and their mean, in two rows.
                row, column = divmod(example, 3)
                top, left = row * (height * scale + gap), column * (width * scale + gap)
                tile = pixels[top : top + height * scale, left : left + width * scale]
                assert (tile[::scale, ::scale][outside] == 255).all()
            best = f"Examples: inputs[{found.indices[place, 0]}] {found.values[place, 0]:.4g} at "
            assert best in description(tmp_path, picture.tag)
            assert f"black {-reach:.4g}, white {reach:.4g}." in description(tmp_path, picture.tag)
    entries = [one for _, one in read_entries(tmp_path / "examples") if one["number"] == "3"]
    assert all(one["indices"] == found.indices.tolist() for one in entries)
    assert all(one["positions"] == found.positions.tolist() for one in entries)


def description(log_dir, tag):
    (found,) = [value.metadata.summary_description for _, value in read_pictures(log_dir / "examples") if value.tag == tag]  # fmt: skip
    return found


@pytest.mark.parametrize(
    ("normalize", "colormap"),
    [("kernel", "rgb"), ("standard", "gray"), ("symmetric", "viridis"), ("first", "rgb"), ((0, 1), "viridis")],
)  # fmt: skip
def test_every_scale_and_colour_map(tmp_path, normalize, colormap):
    """Mean and examples come back on each, and what lies outside does not count."""
    model, x = trained(), colours()
    options = {"kernels": [1, 5], "top": 3, "layers": "two", "scale": 1, "columns": 2}
    with ExampleLogger(tmp_path, x, normalize=normalize, colormap=colormap, **options) as logger:
        logger.log(model, 1)
    found = find_examples(model, x, "two", kernels=[1, 5], top=3)
    for place, kernel in enumerate((1, 5)):
        picture = open_log(tmp_path).picture(f"3_{kernel}_1", view="examples")
        weights, (low, high) = np.moveaxis(picture.weights(), 0, -1), picture.legend.limits
        cutouts, mean = found.cutouts[place], found.mean[place]
        if normalize == "kernel":
            assert (low, high) == (np.nanmin(cutouts), np.nanmax(cutouts))
        inside = np.isfinite(cutouts) & np.isfinite(weights[:-1])
        assert inside.sum() > 100
        apart = np.abs(weights[:-1] - np.clip(cutouts, low, high))[inside]
        step = 510 if colormap != "viridis" else 255
        assert apart.max() <= (high - low) / step * 1.001
        assert np.nanmax(np.abs(weights[-1] - mean)) <= np.nanmax(np.abs(mean)) / step * 2.001


def test_of_fewer_inputs_the_rest_is_white(tmp_path):
    """Where nobody knew at the start how many there are."""
    x = colours(2)
    dataset = tf.data.Dataset.from_tensor_slices(x).filter(lambda one: True).batch(1)
    with ExampleLogger(tmp_path, dataset, kernels=[1], top=4, scale=1, layers="two") as logger:
        logger.log(trained(), 1)
    picture = open_log(tmp_path).picture("3_1_1", view="examples")
    layout = picture.legend.layout
    begin = 2 * (layout.width + layout.gap)
    assert layout.tiles == 5
    assert (picture.pixels()[:, begin : begin + 2 * layout.width] == 255).all()
    assert not (picture.pixels()[:, : layout.width] == 255).all()


def test_what_cannot_work_is_refused_before_the_first_step(tmp_path):
    """And leaves no directory behind."""
    dense = keras.Sequential([keras.Input((4,)), L.Dense(2)])
    x = colours()
    for model, options, told in (
        (dense, {"inputs": np.zeros((3, 4))}, "has no convolution layers"),
        (trained(), {"inputs": x[:, :, :9]}, r"takes shape \(None, 12, 12, 3\)"),
        (trained(), {"inputs": x, "layers": 5}, "layer 5 'dense.*' .* gives no maps"),
        (trained(), {"inputs": x, "kernels": 77}, r"kernels: no layer .* has any of .* \[77\]"),
        (trained(), {}, "inputs: expected an array"),
    ):
        with pytest.raises(ArgumentError, match=told):
            begin_training(ExampleLogger(tmp_path / "logs", **options), model)
    assert not (tmp_path / "logs").exists()


def test_memory_does_not_grow_with_the_inputs():
    """What is kept are copies of cut-outs, as many as are asked for, however many inputs came."""
    place = Side(np.arange(3, dtype=np.int64), 4, 6)
    frames = Frames(place, place, 2, known=True)
    random = np.random.default_rng(0)
    best, held = Best(frames, kernels=3, most=5), []
    for _ in range(40):
        batch = random.normal(size=(7, 6, 6, 2)).astype("float32")
        best.add(batch, random.normal(size=(7, 3)).astype("float32"), random.integers(0, 9, (7, 3)))
        parts = [part for kernel in best._parts for part in kernel]
        assert all(part.base is None for part in parts)
        arrays = [one for one in vars(best).values() if isinstance(one, np.ndarray)]
        held.append(sum(one.nbytes for one in (*parts, *arrays)))
    assert held[0] == held[-1] == max(held)


def test_the_size_told_is_that_of_what_is_stored(tmp_path):
    """Of the layers and kernels chosen, and of no more examples than there are inputs."""
    for number, options in ((30, {}), (5, {"kernels": [1, 3]}), (30, {"top": 2, "layers": "two"})):
        logger = ExampleLogger(tmp_path, colours(number), **({"layers": ["one", "two"]} | options))
        view = logger._look_at(trained())
        assert view.size_beside == sum(one.nbytes for one in view.capture().beside.values()) > 0


def test_nothing_is_traced_again(tmp_path):
    """Over epochs the pass is traced at most twice, for whole batches and for the last one."""
    view = ExampleLogger(tmp_path, colours(50), layers=["one", "two"])._look_at(trained())
    view.capture()
    run = view._search._run
    assert run.experimental_get_tracing_count() <= 2
    for _ in range(3):
        view.capture()
    assert run.experimental_get_tracing_count() <= 2


def test_it_says_how_far_it_is_where_that_takes_a_while(tmp_path, capsys):
    """Once it has taken two seconds, with a model that is slow; and nothing where it is not."""

    class Slow(keras.utils.PyDataset):
        seconds = 0.0

        def __len__(self):
            return 3

        def __getitem__(self, number):
            time.sleep(self.seconds)
            return colours(5)

    model, slow = trained(), Slow()
    with ExampleLogger(tmp_path, slow) as logger:
        logger.log(model, 1)
        assert "looking for" not in capsys.readouterr().out
        slow.seconds = 1.1
        logger.log(model, 2)
    told = [line for line in capsys.readouterr().out.splitlines() if "looking for" in line]
    assert told == ["tb_kernels: looking for examples: 10 inputs after 2 s"]


def test_of_whole_inputs_it_says_so(tmp_path, capsys):
    """In the line at the start of training."""
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, L.Conv2D(2, 3)(L.Conv2D(2, (15, 15), padding="same")(inputs)))
    with ExampleLogger(tmp_path, colours()[:, :8, :8], kernels=1) as logger:
        logger.log(model, 1)
    told = "(whole inputs: 1 layer whose receptive fields are longer, or not known)"
    assert told in capsys.readouterr().out


def test_a_logger_can_be_copied(tmp_path):
    """As tuners do, also with a data set, of which there is one copy."""
    dataset = tf.data.Dataset.from_tensor_slices(colours()).batch(8)
    logger = copy.deepcopy(ExampleLogger(tmp_path, dataset, kernels=1))
    with logger:
        logger.log(trained(), 1)
    assert [str(one.address) for one in open_log(tmp_path)] == ["3_1_1"]
