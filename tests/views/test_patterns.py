"""Patterns: against the Keras example's recipe and NumPy's Fourier transform, and what is refused."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from examples import digits
from tb_kernels import ArgumentError, PatternLogger, open_log, synthesize_patterns
from tests.helpers.models import begin_training
from tests.helpers.oracle import read_entries, read_index, read_pictures, read_png

L = keras.layers


def published_recipe(feature, shape, kernel, steps):
    """That of "Visualizing what convnets learn": uniform noise, normalised gradients times 10."""
    random = np.random.default_rng(kernel)
    image = tf.constant((random.uniform(size=(1, *shape)) - 0.5) * 0.25, tf.float32)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            tape.watch(image)
            maps = feature(image)
            edge = 2 if maps.shape[1] > 4 else 0
            side = [slice(edge, size - edge) for size in maps.shape[1:3]]
            excitation = tf.reduce_mean(maps[:, side[0], side[1], kernel - 1])
        image += 10 * tf.math.l2_normalize(tape.gradient(excitation, image))
    return image[0].numpy()


def excitations(feature, images):
    """The mean of each image's own map, at zero mean and unit deviation."""
    images = [(image - image.mean()) / image.std() for image in images]
    maps = np.asarray(feature(np.stack(images)))
    return np.array([maps[k, ..., k].mean() for k in range(len(images))])


def trained():
    """The example's network after three epochs."""
    keras.utils.set_random_seed(0)
    (x, y), _ = digits.load("digits")
    model = digits.build(x.shape[1:])
    model.fit(x, y, epochs=3, verbose=0)
    return model


def untrained():
    """A small network of VGG's kind for pictures of 40 x 40."""
    keras.utils.set_random_seed(0)
    layers = [keras.Input((40, 40, 3))]
    for filters in (8, 8, "pool", 16, 16, "pool"):
        layers.append(L.MaxPooling2D() if filters == "pool" else L.Conv2D(filters, 3, padding="same", activation="relu"))  # fmt: skip
    return keras.Sequential(
        [*layers, L.Conv2D(24, 3, padding="same", activation="relu", name="last")]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "layer", "input_ranges"),
    [
        (trained, 1, [(0, 1)]),
        (trained, 3, [(0, 1), (-1, 1)]),
        (untrained, "last", [(0, 1), (-1, 1), (0, 255)]),
    ],
)
def test_excites_as_much_as_the_published_recipe(build, layer, input_ranges):
    """Nine kernels of ten at least 0.9 times, after equal steps.

    Left out are kernels that no input excites: neither the recipe's picture nor ours.
    The recipe itself, begun twice from different noise, agrees with itself less often.
    """
    model = build()
    target = model.layers[layer - 1] if isinstance(layer, int) else model.get_layer(layer)
    feature = keras.Model(model.inputs, target.output)
    shape = model.input_shape[1:]
    kernels = range(1, min(64, target.filters) + 1)
    theirs = excitations(feature, [published_recipe(feature, shape, k, 30) for k in kernels])
    for input_range in input_ranges:
        found = synthesize_patterns(model, layer, kernels, 30, input_range=input_range)
        ours = excitations(feature, found)
        alive = (theirs > 0) | (ours > 0)
        assert alive.sum() >= 16
        assert np.mean(ours[alive] >= 0.9 * theirs[alive]) >= 0.9


def test_repeatable_whatever_else_is_asked_for():
    """The same seed gives the same pictures; another seed others; order is kept."""
    model = untrained()
    found = synthesize_patterns(model, "last", [3, 1, 20], 4, seed=1)
    assert found.shape == (3, 40, 40, 3)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, synthesize_patterns(model, "last", [3, 1, 20], 4, seed=1))
    alone = synthesize_patterns(model, "last", 1, 4, seed=1)
    np.testing.assert_allclose(found[1], alone[0], atol=1e-3)
    assert np.abs(found - synthesize_patterns(model, "last", [3, 1, 20], 4, seed=2)).max() > 0.1
    assert synthesize_patterns(model, "last", steps=1).shape[0] == 16


def test_nothing_is_traced_again(tmp_path):
    """One trace for further kernels, a smaller last batch, and further epochs."""
    traces = []

    class Notes(L.Layer):
        def call(self, inputs):
            traces.append(1)
            return inputs

    model = keras.Sequential([keras.Input((40, 40, 3)), Notes(), *untrained().layers])
    traces.clear()
    synthesize_patterns(model, "last", 1, 2)
    # In the loop, and with the finished pictures.
    assert len(traces) == 2
    synthesize_patterns(model, "last", range(1, 24), 2)
    assert len(traces) == 4
    with PatternLogger(tmp_path, steps=2) as logger:
        for epoch in range(1, 5):
            logger.log(model, epoch)
    # One more to find the last convolution.
    assert len(traces) == 7


def test_patterns_follow_the_weights(tmp_path):
    """A later epoch shows the model as it is then, though nothing is traced again."""
    model = untrained()
    with PatternLogger(tmp_path, kernels=2, steps=2, scale=1) as logger:
        logger.log(model, 1)
        model.layers[0].kernel.assign(-model.layers[0].kernel)
        logger.log(model, 2)
    for epoch, sign in ((1, -1), (2, 1)):
        if sign == -1:
            model.layers[0].kernel.assign(-model.layers[0].kernel)
        expected = synthesize_patterns(model, "last", 2, 2)[0]
        if sign == -1:
            model.layers[0].kernel.assign(-model.layers[0].kernel)
        (path,) = (tmp_path / "patterns").rglob(f"7_2_{epoch}.png")
        assert np.abs(read_png(path) - 255 * expected).max() <= 1


def test_fourier_pictures_are_those_of_the_published_parametrisation():
    """The start, made with NumPy's transform and the published matrix, and the way up."""
    from tb_kernels.views.recipes import Fourier

    recipe = Fourier((12, 10, 3), 0.5)
    parameters = recipe.start(np.random.default_rng(0))
    assert parameters.shape == (2, 3, 12, 6)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(12), np.fft.rfftfreq(10), indexing="ij"))
    scale = np.sqrt(12 * 10) / np.maximum(frequency, 1 / 12)
    pixels = np.fft.irfft2((parameters[0] + 1j * parameters[1]) * scale, s=(12, 10)) / 4
    matrix = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
    matrix /= np.max(np.linalg.norm(matrix, axis=0))
    expected = 1 / (1 + np.exp(-(pixels.transpose(1, 2, 0) @ matrix.T)))
    np.testing.assert_allclose(recipe.picture(tf.constant(parameters[None]))[0], expected, atol=1e-5)  # fmt: skip


def pictures_seen(method, size, steps, **options):
    """What the model sees at every step, and at the end."""
    seen = []

    class Sees(L.Layer):
        def call(self, inputs):
            tf.py_function(lambda one: seen.append(one.numpy()), [inputs[0, ..., 0]], [])
            return inputs

    model = keras.Sequential([keras.Input((*size, 1)), Sees(), L.Conv2D(1, 1, kernel_initializer="zeros")])  # fmt: skip
    synthesize_patterns(model, 2, 1, steps, method, **options)
    return seen[-1 - steps :]


def shifts_seen(method, size, steps):
    """How far from its place the model sees the picture at every step.

    A kernel of zeros moves nothing but the contrast, so that it is always the same picture, seen
    in its place at the end.
    """
    seen = pictures_seen(method, size, steps)
    seen = [(one - one.mean()) / one.std() for one in seen]
    around = [(down, right) for down in range(-8, 9) for right in range(-8, 9)]
    rolled = np.stack([np.roll(seen[-1], shift, (0, 1)) for shift in around])
    alike = [np.flatnonzero(np.abs(rolled - one).max(axis=(1, 2)) < 1e-3) for one in seen[:-1]]
    return [around[place] for (place,) in alike]


def test_pictures_move_at_every_step_while_frequencies_climb():
    """Up to a sixteenth of the longer side, up, down, left and right, each as far as that."""
    for size, most in (((20, 32), 2), ((48, 17), 3)):
        found = shifts_seen("fourier", size, 60)
        for along in zip(*found, strict=True):
            assert set(along) == set(range(-most, most + 1))
        assert len(set(found)) > 4 * most


def test_pixels_climb_around_zero_where_the_model_takes_it():
    """At either end of its range too; else around the middle of the range."""
    for low, high, middle in ((0, 1, 0), (-4, 0, 0), (-1, 3, 0), (2, 4, 3)):  # fmt: skip
        *climbing, _ = pictures_seen("ascent", (20, 32), 3, input_range=(low, high))
        for one in climbing[1:]:
            assert one.mean() == pytest.approx(middle, abs=1e-4)


def test_pixels_climb_where_they_are():
    """Without jitter."""
    assert shifts_seen("ascent", (20, 32), 5) == [(0, 0)] * 5


def test_adam_is_that_of_keras():
    """Five steps of the same gradients, upwards."""
    from tb_kernels.views.recipes import Fourier

    recipe = Fourier((8, 8, 1), 0.5)
    start = recipe.start(np.random.default_rng(0))
    variable, optimizer = keras.Variable(start[None]), keras.optimizers.Adam(0.05, epsilon=1e-8)
    parameters = tf.constant(start[None])
    state = recipe.state(parameters)
    for number in range(5):
        gradient = tf.constant(np.random.default_rng(number).normal(size=start[None].shape), tf.float32)  # fmt: skip
        optimizer.apply([-gradient], [variable])
        parameters, state = recipe.step(tf.constant(number), 5, parameters, gradient, state)
    np.testing.assert_allclose(parameters, variable.numpy(), atol=1e-5)


def test_fourier_climbs_within_the_range():
    """It excites its kernels more the longer it climbs, with pictures that the model can take."""
    model = untrained()
    feature = keras.Model(model.inputs, model.layers[-1].output)

    def excited(steps):
        found = synthesize_patterns(model, "last", range(1, 9), steps, "fourier", (-1, 1))
        assert found.min() >= 0
        assert found.max() <= 1
        maps = np.asarray(feature(2 * found - 1))
        return np.array([maps[k, ..., k].mean() for k in range(8)])

    early, late = excited(1), excited(40)
    assert np.mean(late > 2 * early + 1e-3) >= 0.8


def test_silent_kernels_are_woken():
    """A ReLU that gives nothing has no gradient; what goes into it has."""
    model = keras.Sequential([keras.Input((12, 12, 1)), L.Conv2D(2, 3, activation="relu")])
    kernel = np.ones((3, 3, 1, 2), "float32")
    model.layers[0].set_weights([kernel, np.array([-1.0, -1.0], "float32")])
    assert np.asarray(model(np.full((1, 12, 12, 1), 0.05))).max() == 0
    pictures = synthesize_patterns(model, 1, [1, 2], 30, input_range=(-1, 1))
    assert np.asarray(model(2 * pictures - 1)).max() > 1


@pytest.mark.parametrize(
    "layer",
    [
        lambda: L.Conv2D(6, 3, strides=2, padding="same", use_bias=False, activation="tanh"),
        lambda: L.Conv2D(6, 3, groups=3),
        lambda: L.Conv2D(6, 3, activation="softmax"),
        lambda: L.Conv2D(6, 3, dilation_rate=2),
        lambda: L.SeparableConv2D(6, 3),
        lambda: L.DepthwiseConv2D(3, depth_multiplier=2),
        lambda: L.Conv2DTranspose(6, 3),
        lambda: L.BatchNormalization(),
    ],
)
def test_layers_of_every_kind_climb(layer):
    """What is computed of them alone equals what the whole layer gives."""
    from tb_kernels.model.activations import Activations
    from tb_kernels.views.objectives import Excitation

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((11, 11, 3)), layer()])
    images = tf.constant(np.random.default_rng(0).normal(size=(2, 11, 11, 3)), tf.float32)
    excitation = Excitation(model.layers[0], tf.constant([2, 0]), channels_first=False)
    found = excitation.of_call(Activations(model), model.layers[0].call, (images,), {}).climbed
    maps = np.asarray(model(images))
    inner = maps[:, 2:-2, 2:-2] if maps.shape[1] > 8 else maps
    np.testing.assert_allclose(found, [inner[0, ..., 2].mean(), inner[1, ..., 0].mean()], atol=1e-5)
    assert excitation.count == maps.shape[-1]


def test_logger_draws_the_first_sixteen_of_the_last_convolution(tmp_path):
    """Pictures of the pattern's pixels, a sheet of them, an index that knows all kernels."""
    model = untrained()
    with PatternLogger(tmp_path, steps=2, sheets=True, scale=1) as logger:
        logger.log(model, 3)
    run = tmp_path / "patterns"
    assert {path.stem for path in run.rglob("*.png")} == {f"7_{k}_3" for k in range(17)}
    expected = synthesize_patterns(model, "last", steps=2)
    for kernel in (1, 16):
        picture = read_png(run / f"7-last/7_{kernel}_3.png")
        assert np.abs(picture - 255 * expected[kernel - 1]).max() <= 1
    sheet = read_png(run / "7-last/7_0_3.png")
    assert sheet.shape == (4 * 40 + 3, 4 * 40 + 3, 3)
    np.testing.assert_array_equal(sheet[41 : 41 + 40, :40], read_png(run / "7-last/7_5_3.png"))
    (entry,) = read_index(run)[3]["layers"]
    assert (entry["kernels"], entry["drawn"], entry["axes"]) == (24, list(range(1, 17)), "ohwi")
    (value,) = [value for _, value in read_pictures(run) if value.tag == "7-last/7_2_3"]
    assert "pattern 2 of 24, epoch 3." in value.metadata.summary_description


def test_logger_selects_layers_and_kernels(tmp_path):
    """Two layers; a layer without a kernel of that number is passed over."""
    with PatternLogger(tmp_path, layers=[1, "last"], kernels=[2, 20], steps=1, size=20) as logger:
        logger.log(untrained(), 1)
    found = {path.stem for path in (tmp_path / "patterns").rglob("*.png")}
    assert found == {"1_2_1", "7_2_1", "7_20_1"}


def test_what_is_refused(tmp_path):
    """Each before the first step, by an error that says what would do."""
    model = untrained()

    def refused(match, model=model, layer="last", **options):
        with pytest.raises(ArgumentError, match=match):
            synthesize_patterns(model, layer, **options)

    refused("method: unknown 'magic'; expected one of 'ascent', 'fourier'", method="magic")
    refused("steps: expected a whole number from 1, got 0", steps=0)
    refused("seed: expected a whole number from 0, got -1", seed=-1)
    refused(r"input_range: expected a pair", input_range=3)
    refused(r"size: expected height and width.* got \(1, 2, 3, 4\)", size=(1, 2, 3, 4))
    refused("kernels: layer 'last' has 24 kernels; got 25", kernels=[1, 25])
    refused("layer: no layer 'lost'", layer="lost")
    with pytest.raises(ArgumentError, match=r"kernels: no layer .* numbers \[99\]"):
        begin_training(PatternLogger(tmp_path, kernels=99), model)
    two = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    joined = keras.Model(two, L.Conv2D(2, 3, name="last")(L.Concatenate()(two)), name="pair")
    refused("model: 'pair' takes .* expected one input of pictures", model=joined)
    late = keras.Sequential([keras.Input((8, 8, 3)), L.Flatten(), L.Dense(4), L.Reshape((2, 2, 1)), L.Conv2D(2, 2, name="last")], name="late")  # fmt: skip
    assert synthesize_patterns(late, "last", steps=1).shape == (2, 8, 8, 3)
    refused(r"layer: cannot climb from pictures of \(9, 9, 3\) to layer 4 'last' .*Input 0", model=late, size=9)  # fmt: skip


def test_channels_first():
    """Pictures have their channels last, whatever the model wants."""
    model = keras.Sequential([keras.Input((3, 12, 16)), L.Conv2D(4, 3, data_format="channels_first", name="last")])  # fmt: skip
    found = synthesize_patterns(model, "last", [1, 2], 3, seed=3)
    assert found.shape == (2, 12, 16, 3)
    twin = keras.Sequential([keras.Input((12, 16, 3)), L.Conv2D(4, 3, name="last")])
    twin.set_weights(model.get_weights())
    np.testing.assert_allclose(found, synthesize_patterns(twin, "last", [1, 2], 3, seed=3), atol=1e-4)  # fmt: skip


def test_kernels_in_any_form():
    """Numbers of NumPy, what can be gone through only once; all of a layer of fewer than sixteen."""
    for kernels in (5, 6):
        few = keras.Sequential([keras.Input((8, 8, 1)), L.Conv2D(kernels, 3, name="few")])
        assert len(synthesize_patterns(few, "few", steps=1)) == kernels
    model = untrained()
    expected = synthesize_patterns(model, "last", [2, 5], 1)
    np.testing.assert_array_equal(synthesize_patterns(model, "last", (k for k in (2, 5)), 1), expected)  # fmt: skip
    np.testing.assert_allclose(synthesize_patterns(model, "last", np.int64(2), 1)[0], expected[0], atol=1e-5)  # fmt: skip


def test_a_layer_without_the_number_is_passed_over_on_sheets_too(tmp_path):
    """The first layer has eight kernels; every layer of a name is drawn."""
    inner = [keras.Sequential([keras.Input((9, 9, 3)), L.Conv2D(3, 1, name="same")]) for _ in "ab"]
    model = keras.Sequential([keras.Input((9, 9, 3)), *inner, L.Conv2D(9, 3, name="wide")])
    with PatternLogger(tmp_path, layers=["same", "wide"], kernels=[2, 7], steps=1, sheets=True) as logger:  # fmt: skip
        logger.log(model, 1)
    found = {path.stem for path in (tmp_path / "patterns").rglob("*.png")}
    assert found == {"1-1_0_1", "1-1_2_1", "2-1_0_1", "2-1_2_1", "3_0_1", "3_2_1", "3_7_1"}
    with PatternLogger(tmp_path / "b", layers=["same", "wide"], kernels=7, steps=1, sheets=True) as logger:  # fmt: skip
        logger.log(model, 1)
    assert {path.stem for path in (tmp_path / "b").rglob("*.png")} == {"3_0_1", "3_7_1"}


def test_the_quicker_pooling_is_tensorflows():
    """Its values and its gradients, also where the window does not fit."""
    from tb_kernels.model.pooling import quick_pooling

    random = np.random.default_rng(0)
    for layer, *size in (
        (L.MaxPooling2D(), 12, 12),
        (L.MaxPooling2D((3, 2)), 12, 12),
        (L.MaxPooling2D(5), 12, 12),
        (L.MaxPooling2D(3, 2), 12, 12),
        # What fits along one side alone, and sides whose binary digits have none in common.
        (L.MaxPooling2D((3, 2)), 8, 12),
        (L.MaxPooling2D((2, 3)), 12, 8),
        (L.MaxPooling2D(3), 8, 8),
        (L.MaxPooling2D(2), 7, 5),
        (L.MaxPooling2D(3, padding="same"), 8, 8),
    ):
        images = tf.constant(random.normal(size=(2, *size, 3)), tf.float32)
        model = keras.Sequential([keras.Input((*size, 3)), layer])
        results = []
        for quick in (False, True):
            with tf.GradientTape() as tape:
                tape.watch(images)
                if quick:
                    with quick_pooling(model):
                        pooled = model(images)
                else:
                    pooled = model(images)
                total = tf.reduce_sum(tf.square(pooled))
            results.append((pooled.numpy(), tape.gradient(total, images).numpy()))
        np.testing.assert_array_equal(*[values for values, _ in results])
        np.testing.assert_allclose(*[gradients for _, gradients in results], rtol=1e-5)


@pytest.mark.parametrize(
    ("window", "size", "dtype"),
    [
        ((2, 2), (4, 6), "float32"),
        ((2, 3), (6, 6), "float32"),
        ((4, 6), (4, 6), "float32"),
        ((2, 2), (4, 6), "float16"),
        ((2, 2), (4, 6), "float64"),
    ],
)
def test_of_equal_values_all_are_climbed(window, size, dtype):
    """Where windows of float32 stand side by side the quicker pooling is in the place of Keras'."""
    from tb_kernels.model.pooling import quick_pooling

    model = keras.Sequential([keras.Input((*size, 1), dtype=dtype), L.MaxPooling2D(window, dtype=dtype)])  # fmt: skip
    images = tf.ones((1, *size, 1), dtype)
    windows = size[0] // window[0] * (size[1] // window[1])
    for pooling, climbed in (
        (quick_pooling(model), size[0] * size[1] if dtype == "float32" else windows),
        (contextlib.nullcontext(), windows),
    ):
        with tf.GradientTape() as tape, pooling:
            tape.watch(images)
            total = tf.reduce_sum(model(images))
        assert tf.math.count_nonzero(tape.gradient(total, images)) == climbed


KINDS = {
    "plain": lambda: [L.Conv2D(8, 3, activation="relu", name="last")],
    "groups": lambda: [L.Conv2D(8, 3, groups=2, activation="relu", name="last")],
    "separable": lambda: [L.SeparableConv2D(8, 3, activation="relu", name="last")],
    "transposed": lambda: [L.Conv2DTranspose(8, 3, activation="relu", name="last")],
    "object": lambda: [L.Conv2D(8, 3, activation=L.ReLU(), name="last")],
    "normalised": lambda: [L.Conv2D(8, 3), L.BatchNormalization(), L.ReLU(name="last")],
    "normalised after": lambda: [L.Conv2D(8, 3, activation="relu"), L.BatchNormalization(beta_initializer="ones", name="last")],
    "activation": lambda: [L.Conv2D(8, 3), L.Activation("relu", name="last")],
    "pooled": lambda: [L.Conv2D(8, 3, activation="relu"), L.MaxPooling2D(name="last")],
    "block": lambda: [keras.Sequential([L.Conv2D(8, 3), L.ReLU()], name="last")],
    "of our own": lambda: [L.Conv2D(8, 3, activation=lambda x: keras.ops.clip(x, 0, 2) - 1, name="last")],
}  # fmt: skip


def reluctant(kind, reaches):
    """A model of eight random kernels, each with the bias that leaves it so much of its reach.

    A kernel's reach is the largest value before its bias that any picture of pixels from 0 to 1
    gives: linear in the pixels, it is the sum of the positive weights.

    Returns:
        The model, and a function of a picture for each kernel: the values before the activation.
    """
    keras.utils.set_random_seed(5)
    model = keras.Sequential([keras.Input((16, 16, 4)), *KINDS[kind]()])
    layers = model._flatten_layers()
    (convolution,) = (one for one in layers if hasattr(one, "kernel_size"))
    shifted = convolution
    if kind == "normalised":
        shifted = model.layers[1]
        shifted.moving_mean.assign(np.linspace(-0.2, 0.2, 8))
        shifted.moving_variance.assign(np.linspace(0.5, 2, 8))

    def maps(pictures):
        own, convolution.activation = convolution.activation, keras.activations.linear
        values = convolution(tf.convert_to_tensor(pictures))
        convolution.activation = own
        values = values if shifted is convolution else shifted(values)
        return tf.stack([values[number % len(pictures), ..., number] for number in range(8)])

    pictures = tf.zeros((1, 16, 16, 4))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(pictures)
        center = maps(pictures)[:, 8, 8]
    weights = tape.jacobian(center, pictures, experimental_use_pfor=False)
    reach = np.maximum(weights, 0).sum(axis=(1, 2, 3, 4))
    bias = shifted.beta if kind == "normalised" else shifted.bias
    bias.assign((np.array(reaches) - 1) * reach - center.numpy())
    return model, maps


@pytest.mark.parametrize("kind", KINDS)
def test_kernels_silent_at_the_start_are_woken_whatever_their_activation(kind):
    """Frequencies climb to what excites each kernel that any picture can excite.

    Compared are values before the activation, with those of the same pixels shuffled and of the
    start. To the last kernel even the best picture there is gives less than nothing.
    """
    model, maps = reluctant(kind, [0.7, 0.4, 0.6, 0.5, 0.9, 0.55, 0.45, -0.02])
    found = synthesize_patterns(model, "last", range(1, 9), 60, "fourier")
    random = np.random.default_rng(0)
    shuffled = [random.permutation(one.reshape(-1, 4)).reshape(one.shape) for one in found]
    reached, by_chance, start = (
        np.array(maps(one))[:7] for one in (found, np.stack(shuffled), np.full_like(found, 0.5))
    )
    assert (start.max(axis=(1, 2)) < 0).sum() >= 3
    assert (reached.max(axis=(1, 2)) > 0).all()
    assert (reached.max(axis=(1, 2)) > start.max(axis=(1, 2)) + 0.1).all()
    excited, by_chance = (np.maximum(one, 0).mean(axis=(1, 2)) for one in (reached, by_chance))
    assert (excited > 1.2 * by_chance).all()
    np.testing.assert_array_equal(found[7], np.full((16, 16, 4), 0.5, "float32"))


@pytest.mark.parametrize("method", ["ascent", "fourier"])
@pytest.mark.parametrize("kind", ["plain", "separable", "normalised", "weightless"])
def test_a_kernel_that_nothing_excites_is_uniformly_grey(kind, method):
    """Whether its bias or its weights are the reason; the kernel beside it is as ever."""
    name = "plain" if kind == "weightless" else kind
    model, _ = reluctant(name, [-99, *[0.9] * 7])
    if kind == "weightless":
        kernel, bias = model.layers[0].get_weights()
        kernel[..., 0] = 0
        model.layers[0].set_weights([kernel, np.abs(bias)])
    found = synthesize_patterns(model, "last", [1, 2], 10, method)
    np.testing.assert_array_equal(found[0], np.full((16, 16, 4), 0.5, "float32"))
    assert found[1].std() > 0.05


@pytest.mark.parametrize("activation", ["elu", "gelu", "sigmoid", "silu", "softplus", "tanh"])
def test_what_a_smooth_activation_all_but_silences_is_woken(activation):
    """Far from zero its slope is too slight to climb by; where it gives nothing at all it is grey."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((12, 12, 1)), L.Conv2D(3, 3, activation=activation)])
    kernel = np.asarray(model.layers[0].kernel)[:, :, 0]
    model.layers[0].bias.assign([-16, -1000, 16] - 50 * kernel.sum(axis=(0, 1)))
    found = synthesize_patterns(model, 1, [1, 2, 3], 60, "fourier", (0, 100))
    model.layers[0].activation = None
    for number, grey in ((0, -16), (2, 16)):
        values = np.asarray(model(100 * found[number : number + 1]))[0, ..., number]
        assert values.max() > grey + 10
    np.testing.assert_array_equal(found[1], np.full((12, 12, 1), 0.5, "float32"))


def test_a_kernel_that_is_not_finite_is_drawn_as_such_and_not_as_dead(tmp_path, capsys):
    """Red, with a warning; no picture would tell whether it could be excited."""
    model = keras.Sequential([keras.Input((12, 12, 1)), L.Conv2D(1, 3, activation="relu")])
    model.layers[0].kernel.assign(np.full((3, 3, 1, 1), np.nan))
    keras.config.enable_interactive_logging()
    logger = PatternLogger(tmp_path, steps=2, scale=1)
    logger.log(model, 1)
    with pytest.warns(UserWarning, match="not finite is drawn red"):
        logger.close()
    (path,) = (tmp_path / "patterns").rglob("*.png")
    assert (read_png(path) == (255, 0, 0)).all()
    assert "nothing excites" not in capsys.readouterr().out
    ((_, entry),) = read_entries(tmp_path / "patterns")
    assert entry["excitations"] == [None]


def test_what_falls_all_the_way_is_no_silent_kernel():
    """Where less in gives more out, a picture that excites is one of less."""
    model = keras.Sequential([keras.Input((8, 8, 1)), L.Conv2D(1, 1, use_bias=False), L.Lambda(lambda x: -x, name="last")])  # fmt: skip
    model.layers[0].set_weights([np.ones((1, 1, 1, 1), "float32")])
    assert synthesize_patterns(model, "last", 1, 60, "fourier").mean() < 0.3


@pytest.mark.parametrize(("method", "low", "high"), [("ascent", -1, 1), ("fourier", 0, 255)])
def test_excitation_stands_in_description_and_index(tmp_path, capsys, method, low, high):
    """It is the mean of the kernel's map when the model is given the pattern as it is shown."""
    model, _ = reluctant("plain", [0.9, -1e6, 0.9, 0.9, -1e6, 0.9, 0.9, 0.9])
    keras.config.enable_interactive_logging()
    kernels = [1, 2, 4, 5]
    with PatternLogger(tmp_path, kernels=kernels, method=method, input_range=(low, high), steps=8, sheets=True) as logger:  # fmt: skip
        logger.log(model, 1)
        logger.log(model, 2)
    found = synthesize_patterns(model, "last", kernels, 8, method, (low, high))
    maps = np.asarray(model(low + (high - low) * found))
    expected = [maps[row, ..., kernel - 1].mean() for row, kernel in enumerate(kernels)]
    assert expected[1] == expected[3] == 0 < min(expected[0], expected[2])
    entries = [entry for epoch, entry in read_entries(tmp_path / "patterns") if epoch == 2]
    assert {entry["pictures"] for entry in entries} == {"kernels", "sheet"}
    for entry in entries:
        np.testing.assert_allclose(entry["excitations"], expected, rtol=1e-3)
    told = {value.tag: value.metadata.summary_description for _, value in read_pictures(tmp_path / "patterns")}  # fmt: skip
    assert float(told["1-last/1_4_2"].split("Excitation ")[1].rstrip(".")) == pytest.approx(expected[2], rel=1e-3)  # fmt: skip
    assert told["1-last/1_2_2"].endswith(
        "Excitation 0: nothing was found that excites this kernel."
    )
    assert "xcitation" not in told["1-last/1_0_2"]
    assert capsys.readouterr().out.count("kernels 2, 5 of layer 1 'last' at epoch 1") == 1
    for picture in open_log(tmp_path).select(epochs=2):
        assert picture.weights() is not None
