"""Expanded weights: exact where the network is linear, by stated rules where it is not."""

import keras
import numpy as np
import pytest

from tb_kernels import ArgumentError, ExpansionLogger, expand_kernels, open_log
from tests.helpers import by_scipy
from tests.helpers.models import begin_training
from tests.helpers.oracle import read_entries, read_pictures

L = keras.layers


def fill(model, seed=0):
    """Weights that are all different, and batch statistics as a training leaves them."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        name = weight.path.rsplit("/", 1)[-1]
        low, high = (0.5, 2) if name in ("moving_variance", "gamma") else (-1, 1)
        if keras.backend.is_float_dtype(weight.dtype):
            weight.assign(random.uniform(low, high, weight.shape))
    return model


def forward(layers):
    """The layers' values, computed with SciPy; the last one's before its activation."""

    def values_of(x):
        for layer in layers:
            x = _one(layer, x)
        return x

    return values_of


def _one(layer, x):
    weights = [np.array(weight, float) for weight in layer.weights]
    if isinstance(layer, L.BatchNormalization):
        return by_scipy.normalized(x, *weights, layer.epsilon)
    if isinstance(layer, L.AveragePooling2D | L.MaxPooling2D):
        return by_scipy.average_pool(x, layer.pool_size, layer.strides, layer.padding)
    if isinstance(layer, L.Conv2DTranspose):
        return by_scipy.transposed(x, weights[0], layer.strides, layer.padding) + weights[1]
    how = layer.strides, layer.padding, layer.dilation_rate
    if isinstance(layer, L.DepthwiseConv2D):
        return by_scipy.depthwise(x, weights[0], *how) + weights[1]
    if isinstance(layer, L.SeparableConv2D):
        return by_scipy.conv(by_scipy.depthwise(x, weights[0], *how), weights[1]) + weights[2]
    return by_scipy.conv(x, weights[0], *how, layer.groups) + weights[1]


NETWORKS = {
    "two": [L.Conv2D(4, 3), L.Conv2D(3, (2, 3))],
    "three, padded, with ReLU": [L.Conv2D(4, 3, padding="same", activation="relu") for _ in "123"],
    "strides": [L.Conv2D(3, 3, strides=2, padding="same"), L.Conv2D(4, 3, strides=(1, 2), padding="same")],
    "dilation": [L.Conv2D(3, 3, dilation_rate=2), L.Conv2D(2, 2, dilation_rate=(1, 3))],
    "groups": [L.Conv2D(4, 3, groups=2), L.Conv2D(6, 2, groups=2, activation="elu")],
    "depthwise": [L.DepthwiseConv2D(3, depth_multiplier=2), L.Conv2D(3, 1), L.DepthwiseConv2D(2)],
    "separable": [L.SeparableConv2D(4, 3, padding="same"), L.SeparableConv2D(3, 2)],
    "transposed": [L.Conv2D(3, 3), L.Conv2DTranspose(2, 3, strides=1), L.Conv2D(2, 2)],
    "transposed by two": [L.Conv2D(3, 3, strides=2), L.Conv2DTranspose(2, 3, strides=2), L.Conv2D(2, 1)],
    "average pooling": [L.Conv2D(3, 3), L.AveragePooling2D(2), L.Conv2D(3, 2)],
    "max pooling": [L.Conv2D(3, 2), L.MaxPooling2D(3, 2, padding="same"), L.Conv2D(3, 2)],
    "batch normalization": [L.Conv2D(3, 3), L.BatchNormalization(), L.Conv2D(3, 2), L.BatchNormalization(), L.Conv2D(2, 1)],
}  # fmt: skip


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_linear_network_is_multiplied_exactly(kind):
    """Down to the picture, in the field's own size: equal to the composition by SciPy."""
    layers = [layer.__class__.from_config(layer.get_config()) for layer in NETWORKS[kind]]
    model = fill(keras.Sequential([keras.Input((20, 20, 2)), *layers]))
    found = expand_kernels(model, len(layers))
    for kernel, picture in enumerate(found):
        expected = by_scipy.seen(forward(layers), 20, 2, kernel)
        assert picture.shape == expected.shape
        np.testing.assert_allclose(picture, expected, atol=1e-5 * np.abs(expected).max(), rtol=0)


def test_of_the_size_of_the_field_not_of_the_picture():
    """Also where the model's own picture is smaller, and padded."""
    layers = [L.Conv2D(3, 3, padding="same"), L.MaxPooling2D(), L.Conv2D(4, 3, padding="same"), L.Flatten(), L.Dense(2)]  # fmt: skip
    model = fill(keras.Sequential([keras.Input((8, 8, 1)), *layers]))
    found = expand_kernels(model, 3)
    assert found.shape == (4, 8, 8, 1)
    for kernel, picture in enumerate(found):
        expected = by_scipy.seen(forward(layers[:3]), 20, 1, kernel)
        np.testing.assert_allclose(picture, expected, atol=1e-5 * np.abs(expected).max(), rtol=0)


def slopes(function):
    """An activation's slope at 0 by differences."""
    ends = np.array(function(np.array([-1e-2, 1e-2], "float32")))
    return float(ends[1] - ends[0]) / 2e-2


@pytest.mark.parametrize(
    ("activation", "slope"),
    [
        *((name, 1) for name in ("relu", "relu6", "leaky_relu", "elu", "selu", "softplus")),
        *((name, None) for name in ("sigmoid", "hard_sigmoid", "tanh", "silu", "gelu", "mish")),
    ],
)
@pytest.mark.parametrize("as_layer", [False, True], ids=["attribute", "layer"])
def test_activations(activation, slope, as_layer):
    """As identity; those that are bounded or gated by their slope at 0."""
    if slope is None:
        slope = slopes(keras.activations.get(activation))
    plain = [keras.Input((9, 9, 2)), L.Conv2D(3, 3), L.Conv2D(2, 3)]
    behind = [L.Activation(activation)] if as_layer else []
    own = None if as_layer else activation
    bent = [plain[0], L.Conv2D(3, 3, activation=own), *behind, L.Conv2D(2, 3, activation=own)]
    linear = fill(keras.Sequential(plain))
    model = keras.Sequential(bent)
    model.set_weights(linear.get_weights())
    expected = expand_kernels(linear, 2) * slope
    found = expand_kernels(model, len(model.layers))
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max(), rtol=0)


@pytest.mark.parametrize("of", ["layers", "operations"])
def test_a_gate_is_open_as_for_zero(of):
    """Squeeze and excitation: half open, and nothing is seen through it."""
    inputs = keras.Input((12, 12, 2))
    x = L.Conv2D(4, 3, activation="relu")(inputs)
    gate = L.Conv2D(4, 1, activation="sigmoid")(L.GlobalAveragePooling2D(keepdims=True)(x))
    gated = L.Multiply()([x, gate]) if of == "layers" else x * gate
    model = fill(keras.Model(inputs, L.Conv2D(2, 3)(gated)))
    first, last = model.layers[1], model.layers[-1]
    plain = keras.Sequential([keras.Input((12, 12, 2)), L.Conv2D(4, 3), L.Conv2D(2, 3)])
    plain.set_weights([*first.get_weights(), *last.get_weights()])
    expected = expand_kernels(plain, 2) / 2
    found = expand_kernels(model, last.name)
    assert found.shape == (2, 5, 5, 2)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max(), rtol=0)


def test_normalizations():
    """What learned factors do; a layer's along the channels is centred; deviations are left out."""
    random = np.random.default_rng(1)
    gamma = random.uniform(0.5, 2, 4)
    kernel, last = random.normal(size=(3, 3, 2, 4)), random.normal(size=(1, 1, 4, 1))
    centring = np.eye(4) - 1 / 4
    for norm, factors in (
        (L.LayerNormalization(), centring @ np.diag(gamma)),
        (L.GroupNormalization(2), np.diag(gamma)),
    ):
        model = keras.Sequential([keras.Input((6, 6, 2)), L.Conv2D(4, 3), norm, L.Conv2D(1, 1)])
        model.layers[0].set_weights([kernel, np.zeros(4)])
        norm.set_weights([gamma, random.normal(size=4)])
        model.layers[2].set_weights([last, np.zeros(1)])
        expected = kernel @ factors @ last[0, 0]
        np.testing.assert_allclose(expand_kernels(model, 3)[0], expected[..., 0], atol=1e-5)


def residual(side=10):
    """Two branches that meet, one of them through a layer of one's own that is linear."""

    class Twice(L.Layer):
        def call(self, inputs):
            return 2 * inputs

    inputs = keras.Input((side, side, 2))
    x = L.Conv2D(3, 3, padding="same", activation="relu", name="one")(inputs)
    y = Twice(name="twice")(L.Conv2D(3, 3, padding="same", name="two")(x))
    z = L.Concatenate()([L.Add(name="sum")([x, y]), L.UpSampling2D()(L.MaxPooling2D()(x))])
    return fill(keras.Model(inputs, L.Conv2D(2, 3, name="last")(z)))


def test_from_another_layer():
    """From there the weights in between; all the way is the product of both ways."""
    model = residual()
    whole, part = expand_kernels(model, "two"), expand_kernels(model, "two", source="one")
    assert part.shape == (3, 3, 3, 3)
    np.testing.assert_allclose(part, np.moveaxis(model.get_layer("two").kernel, -1, 0), atol=1e-6)
    one = np.array(model.get_layer("one").kernel)
    for kernel in range(3):
        product = np.zeros((5, 5, 2))
        for row, column in np.ndindex(3, 3):
            product[row : row + 3, column : column + 3] += one @ part[kernel, row, column]
        np.testing.assert_allclose(whole[kernel], product, atol=1e-5)


def test_branches_meet():
    """Sums add, a concatenation is seen through both parts, upsampling spreads."""
    model = residual(20)
    copy = keras.models.clone_model(
        model,
        clone_function=lambda one: (
            L.AveragePooling2D(2, name=one.name)
            if isinstance(one, L.MaxPooling2D)
            else L.Conv2D.from_config(one.get_config() | {"activation": "linear"})
            if isinstance(one, L.Conv2D)
            else one.__class__.from_config(one.get_config())
        ),
    )
    copy.set_weights(model.get_weights())

    def values_of(x):
        return copy.predict(x.astype("float32"), verbose=0).astype(float)

    found = expand_kernels(model, "last")
    places = np.eye(800).reshape(800, 20, 20, 2)
    values = values_of(np.concatenate([np.zeros((1, 20, 20, 2)), places]))
    change = (values[1:] - values[:1]).reshape(20, 20, 2, *values.shape[1:])
    # What a pooled value is spread to depends on where in its window it lies.
    phases = [change[:, :, :, row, column] for row in (8, 9) for column in (8, 9)]
    for kernel, picture in enumerate(found):
        size = picture.shape
        windows = [np.lib.stride_tricks.sliding_window_view(one[..., kernel], size) for one in phases]  # fmt: skip
        apart = [np.abs(one - picture).max(axis=(-3, -2, -1)).min() for one in windows]
        assert min(apart) < 1e-4 * np.abs(picture).max()


def test_what_has_no_rule_is_named():
    """Attention, an activation of one's own, a product of two maps; not where it is aside."""

    class Squared(L.Layer):
        def call(self, inputs):
            return inputs**2

    def model_of(middle):
        inputs = keras.Input((8, 8, 2))
        x = L.Conv2D(3, 3, name="first")(inputs)
        return fill(keras.Model(inputs, L.Conv2D(2, 3, name="last")(middle(x))))

    def product(x):
        return L.Multiply(name="both")([x, L.Conv2D(3, 1)(x)])

    for middle, told in (
        (Squared(name="squared"), "Squared 'squared'"),
        (L.Conv2D(3, 1, activation=lambda x: x**2, name="bent"), "Conv2D 'bent'"),
        (product, "Multiply 'both'"),
        (lambda x: keras.ops.square(x), "Square 'square"),
        (L.Activation("softmax", name="soft"), "Activation 'soft'"),
    ):
        with pytest.raises(ArgumentError, match=f"layer: {told}.* has no rule; expected linearize="):  # fmt: skip
            expand_kernels(model_of(middle), "last")
        model = model_of(middle)
        assert expand_kernels(model, "first").shape == (3, 3, 3, 2)
    stands = {Squared: lambda x: 3 * x}
    squared = model_of(Squared(name="squared"))
    plain = model_of(L.Rescaling(3.0))
    expected = expand_kernels(plain, "last")
    for key in (Squared, "squared", 3):
        found = expand_kernels(squared, "last", linearize={key: stands[Squared]})
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    # Behind it nothing is asked of it.
    assert expand_kernels(squared, "last", source="squared").shape == (2, 3, 3, 3)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"layer": "dense"}, "layer: layer 6 'dense' .* gives no maps"),
        ({"layer": "nothing"}, "layer: no layer 'nothing'"),
        ({"layer": "one", "source": "two"}, "source: layer 3 'two' is not on the way to layer 1"),
        ({"layer": "two", "kernels": [1, 9]}, "kernels: layer 'two' has 3 kernels; got 9"),
        ({"layer": "two", "linearize": [1]}, "linearize: expected a dict"),
    ],
)
def test_wrong_arguments(wanted, told):
    """Each by its name, with what would do."""
    layers = [L.Conv2D(2, 3, name="one"), L.ReLU(), L.Conv2D(3, 3, name="two"), L.Flatten(), L.Dropout(0.5), L.Dense(2, name="dense")]  # fmt: skip
    model = keras.Sequential([keras.Input((8, 8, 1)), *layers])
    with pytest.raises(ArgumentError, match=told):
        expand_kernels(model, **wanted)


def test_nothing_changes_in_the_model():
    """Neither weights nor what it gives, nor the layers' own functions."""
    model = residual()
    x = np.random.default_rng(0).normal(size=(2, 10, 10, 2)).astype("float32")
    before = model.predict(x, verbose=0), [dict(vars(layer)) for layer in model.layers]
    expand_kernels(model, "last")
    assert np.array_equal(model.predict(x, verbose=0), before[0])
    for layer, attributes in zip(model.layers, before[1], strict=True):
        assert vars(layer).get("call") is attributes.get("call")
        assert vars(layer).get("activation") is attributes.get("activation")


def trained(activation="relu"):
    layers = [L.Conv2D(4, 3, activation=activation, name="one"), L.MaxPooling2D(), L.Conv2D(5, 3, activation="relu", name="two"), L.Flatten(), L.Dense(3)]  # fmt: skip
    model = fill(keras.Sequential([keras.Input((12, 12, 1)), *layers]))
    model.compile("sgd", "mse")
    return model


def pictures_of(count=20):
    return np.random.default_rng(3).normal(size=(count, 12, 12, 1)).astype("float32")


def test_logger_draws_and_stores_them(tmp_path):
    """At each epoch what the function gives, in the picture to half a level; zero is mid-grey."""
    model, found = trained(), {}
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: found.update({epoch + 1: expand_kernels(model, "two")})
    )
    logger = ExpansionLogger(tmp_path, epochs=[1, 2], sheets=True)
    model.optimizer.learning_rate = 1e-4
    model.fit(pictures_of(), np.zeros((20, 3)), epochs=2, verbose=0, callbacks=[logger, keep])
    log = open_log(tmp_path)
    assert {str(one.address) for one in log} == {f"3_{kernel}_{epoch}" for kernel in range(6) for epoch in (1, 2)}  # fmt: skip
    arrays = log.arrays("expanded")
    assert list(arrays) == ["3-two"]
    for epoch, stored in zip(arrays.epochs, arrays["3-two"], strict=True):
        np.testing.assert_allclose(stored, found[epoch], atol=1e-5 * np.abs(stored).max())
        largest = np.abs(stored).max()
        for kernel in range(5):
            picture = log.picture(f"3_{kernel + 1}_{epoch}", view="expanded")
            weights = np.moveaxis(picture.weights(), 0, -1)
            assert np.abs(weights - stored[kernel]).max() <= largest / 255 * 1.001
            level = picture.pixels().reshape(-1)[0]
            assert abs(level - (127.5 + 127.5 * stored[kernel, 0, 0, 0] / largest)) <= 1


def test_linearity_is_the_correlation_with_the_real_value(tmp_path):
    """Over inputs and places, of the values before the activation; told, and in the index."""
    model, inputs = trained(), pictures_of()
    first, _, last = model.layers[:3]
    weights = [np.array(one) for one in first.weights]
    hidden = by_scipy.conv(inputs, weights[0]) + weights[1]
    real = keras.ops.max_pool(np.maximum(hidden, 0).astype("float32"), 2)
    line = by_scipy.average_pool(hidden, (2, 2), (2, 2))
    kernel = np.array(last.kernel)
    values = [by_scipy.conv(np.array(one, float), kernel) for one in (real, line)]
    with ExpansionLogger(tmp_path, inputs, kernels=[1, 3]) as logger:
        logger.log(model, 1)
    for number in (1, 3):
        expected = np.corrcoef(*(one[..., number - 1].ravel() for one in values))[0, 1]
        picture = open_log(tmp_path).picture(f"3_{number}_1", view="expanded")
        assert f"Linearity {expected:.2f}." in description(tmp_path, picture.tag)
    (entry,) = [one for _, one in read_entries(tmp_path / "expanded")]
    expected = [np.corrcoef(*(one[..., k].ravel() for one in values))[0, 1] for k in (0, 2)]
    np.testing.assert_allclose(entry["linearities"], expected, atol=1e-4)


def description(log_dir, tag):
    (found,) = [value.metadata.summary_description for _, value in read_pictures(log_dir / "expanded") if value.tag == tag]  # fmt: skip
    return found


def test_of_a_linear_network_linearity_is_one(tmp_path):
    """All the way, and from a source on."""
    model = trained("linear")
    model.layers[1].__class__ = L.AveragePooling2D
    for options in ({}, {"source": "one"}):
        with ExpansionLogger(tmp_path, pictures_of(), **options) as logger:
            logger.log(model, 1)
        for _, entry in read_entries(tmp_path / "expanded"):
            np.testing.assert_allclose(entry["linearities"], 1, atol=1e-5)


def test_what_cannot_work_is_refused_before_the_first_step(tmp_path):
    """And leaves no directory behind."""
    dense = keras.Sequential([keras.Input((4,)), L.Dense(2)])
    inputs = keras.Input((8, 8, 1))
    attention = keras.Model(inputs, L.Conv2D(2, 3, name="last")(L.Activation("softmax")(L.Conv2D(2, 1)(inputs))))  # fmt: skip
    for model, options, told in (
        (dense, {}, "has no convolution layers"),
        (
            attention,
            {},
            "Activation 'activation.*', on the way to layer 4, is not linear and has no rule",
        ),
        (trained(), {"layers": "one", "source": "two"}, "source: layer 3 'two' is not on the way"),
        (trained(), {"inputs": pictures_of()[0]}, "lacks the axis of the inputs"),
        (trained(), {"kernels": [77]}, r"kernels: no layer .* has any of the numbers \[77\]"),
    ):
        with pytest.raises(ArgumentError, match=told):
            begin_training(ExpansionLogger(tmp_path / "logs", **options), model)
    assert not (tmp_path / "logs").exists()


def test_nothing_is_traced_again(tmp_path):
    """Over epochs each layer is compiled once."""
    model = trained()
    view = ExpansionLogger(tmp_path, pictures_of(), layers=["one", "two"])._look_at(model)
    traced = [(one._slopes, one._compare) for one in view.sources]
    view.capture()
    before = [compare.experimental_get_tracing_count() for _, compare in traced]
    for _ in range(3):
        view.capture()
    assert [compare.experimental_get_tracing_count() for _, compare in traced] == before == [1, 1]
    # Of what was traced for pictures of any number nothing can be traced again.
    assert not any(hasattr(slopes, "experimental_get_tracing_count") for slopes, _ in traced)


def test_a_training_is_traced_once(tmp_path):
    """Python sees the model in the first epoch, when all is compiled, and in no later one."""
    calls, seen = [], []

    class Seen(L.Layer):
        def call(self, inputs):
            calls.append(1)
            return inputs

    layers = [L.Conv2D(3, 3, activation="relu"), Seen(), L.Conv2D(2, 3, name="last"), L.Flatten(), L.Dense(3)]  # fmt: skip
    model = fill(keras.Sequential([keras.Input((12, 12, 1)), *layers]))
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 1e-4
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(len(calls)))
    logger = ExpansionLogger(tmp_path, pictures_of(), epochs=[1, 2, 3, 4])
    model.fit(pictures_of(), np.zeros((20, 3)), epochs=4, verbose=0, callbacks=[logger, note])
    assert open_log(tmp_path).arrays("expanded").epochs == [1, 2, 3, 4]
    assert seen[0] > 0
    assert len(set(seen)) == 1
