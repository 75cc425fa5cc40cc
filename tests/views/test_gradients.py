"""Gradients: against central differences, in batches, as pictures, and what is refused."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from tb_kernels import ArgumentError, GradientLogger, LogWarning, compute_gradients
from tests.helpers.models import begin_training
from tests.helpers.oracle import assert_shows, draw, level, read_pictures, read_png, read_scalars

L = keras.layers


@pytest.fixture
def exact():
    """In float64: convolution, batch norm, L2, two outputs, sample weights; and its data."""
    keras.utils.set_random_seed(4)
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    inputs = keras.Input((6, 6, 2))
    hidden = L.Conv2D(3, 3, kernel_regularizer=keras.regularizers.L2(0.05))(inputs)
    hidden = L.Activation("tanh")(L.BatchNormalization()(hidden))
    hidden = L.Flatten()(L.Dropout(0.5)(hidden))
    outputs = [L.Dense(1, name="a")(hidden), L.Dense(3, activation="softmax", name="b")(hidden)]  # fmt: skip
    model = keras.Model(inputs, outputs)
    model.compile("sgd", ["mse", "sparse_categorical_crossentropy"], loss_weights=[1.0, 0.5])
    random = np.random.default_rng(0)
    batch_norm = model.layers[2]
    batch_norm.moving_mean.assign(random.normal(size=3))
    batch_norm.moving_variance.assign(random.uniform(0.5, 2, 3))
    x = random.normal(size=(7, 6, 6, 2))
    y = [random.normal(size=(7, 1)), random.integers(0, 3, 7)]
    yield model, x, y, [random.uniform(0.2, 2, 7), random.uniform(0.2, 2, 7)]
    keras.config.set_dtype_policy("float32")
    keras.config.set_floatx("float32")


def total_loss(model, x, y, weights):
    """The compiled loss written out in NumPy."""
    values, kinds = (np.asarray(one, np.float64) for one in model(x, training=False))
    square = np.mean(weights[0] * (values - y[0])[:, 0] ** 2)
    cross = -np.mean(weights[1] * np.log(kinds[np.arange(len(x)), y[1]]))
    return square + 0.5 * cross + 0.05 * np.sum(np.square(model.layers[1].kernel))


def test_equal_to_central_differences(exact):
    """Every weight that training moves, five entries of each, of the loss written out."""
    model, x, y, weights = exact
    found = compute_gradients(model, x, y, weights)
    assert list(found) == [variable.path for variable in model.trainable_variables]
    for variable in model.trainable_variables:
        values = np.array(variable)
        for flat in np.linspace(0, values.size - 1, 5).astype(int):
            index = np.unravel_index(flat, values.shape)
            ends = []
            for step in (1e-5, -1e-5):
                moved = values.copy()
                moved[index] += step
                variable.assign(moved)
                ends.append(total_loss(model, x, y, weights))
            variable.assign(values)
            expected = (ends[0] - ends[1]) / 2e-5
            assert found[variable.path][index] == pytest.approx(expected, rel=1e-4, abs=1e-7)


def test_batches_are_the_mean_by_samples(exact):
    """Seven samples in batches of three, the last of one."""
    model, x, y, weights = exact
    whole = compute_gradients(model, x, y, weights)
    for path, gradient in compute_gradients(model, x, y, weights, batch_size=3).items():
        np.testing.assert_allclose(gradient, whole[path], rtol=1e-5, atol=1e-7)


def test_custom_loss_and_dictionaries():
    """compute_loss of one's own, x, y and weights in dictionaries."""

    class Doubled(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return 2 * super().compute_loss(x, y, y_pred, sample_weight)

    inputs = {"a": keras.Input((4,), name="a")}
    random = np.random.default_rng(0)
    x, y = {"a": random.normal(size=(5, 4))}, {"out": random.normal(size=(5, 1))}
    weights = {"out": random.uniform(size=5)}
    dense = L.Dense(1, name="out")
    outputs = {"out": dense(inputs["a"])}
    plain, doubled = keras.Model(inputs, outputs), Doubled(inputs, outputs)
    for model in (plain, doubled):
        model.compile("sgd", {"out": "mse"})
    once, twice = (compute_gradients(model, x, y, weights) for model in (plain, doubled))
    residual = (x["a"] @ np.array(dense.kernel) + np.array(dense.bias) - y["out"]) * weights["out"][:, None]  # fmt: skip
    np.testing.assert_allclose(once["out/kernel"], 2 * x["a"].T @ residual / 5, rtol=1e-4)
    np.testing.assert_allclose(twice["out/kernel"], 2 * once["out/kernel"], rtol=1e-5)


def test_logger_writes_arrays_pictures_and_norms(model, data, tmp_path):
    """All arrays in one file; kernels' gradients drawn like kernels, zero grey; a norm per layer."""
    x, y = data
    run = tmp_path / "gradients"
    model.fit(x, y, epochs=2, verbose=0, callbacks=[GradientLogger(tmp_path, x, y, epochs=[2])])
    expected = compute_gradients(model, x, y)
    with np.load(run / "gradients_2.npz") as stored:
        assert list(stored) == list(expected)
        for path, gradient in stored.items():
            np.testing.assert_allclose(gradient, expected[path], rtol=1e-5, atol=1e-7)
    names = {path.relative_to(run).as_posix() for path in run.rglob("*.png")}
    assert names == {f"1-first/1_{k}_2.png" for k in range(1, 5)} | {f"3-second/3_{k}_2.png" for k in range(1, 7)}  # fmt: skip
    for number, layer in ((1, model.layers[0]), (3, model.layers[2])):
        gradient = expected[layer.kernel.path]
        most = float(np.abs(gradient).max())
        for kernel in range(gradient.shape[-1]):
            tiles = [
                level(gradient[:, :, i, kernel], -most, most) for i in range(gradient.shape[2])
            ]
            assert_shows(read_png(run / f"{number}-{layer.name}/{number}_{kernel + 1}_2.png"), draw(tiles))  # fmt: skip
    curves = read_scalars(run)
    numbered = [(1, model.layers[0]), (3, model.layers[2]), (5, model.layers[4])]
    assert set(curves) == {f"{number}-{layer.name}/gradient_norm" for number, layer in numbered}
    for number, layer in numbered:
        parts = [expected[variable.path].ravel() for variable in layer.trainable_variables]
        norm = np.linalg.norm(np.concatenate(parts).astype(float))
        assert curves[f"{number}-{layer.name}/gradient_norm"] == {1: pytest.approx(norm, rel=1e-5)}
    (value,) = [value for _, value in read_pictures(run) if value.tag == "3-second/3_2_2"]
    assert "kernel 2 of 6, epoch 2. Gradients: black -" in value.metadata.summary_description


def test_frozen_layers_have_no_gradient(model, data, tmp_path):
    """What is not trained is neither in the file nor drawn; asked for by name it is refused."""
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    with GradientLogger(tmp_path, *data) as logger:
        logger.log(model, 1)
    assert {path.parent.name for path in (tmp_path / "gradients").rglob("*.png")} == {"3-second"}
    with pytest.raises(ArgumentError, match=r"layers: layer 'first' .* has no trainable kernel; these have: second"):  # fmt: skip
        begin_training(GradientLogger(tmp_path, *data, layers="first"), model)
    model.trainable = False
    model.compile("sgd", "mse")
    with pytest.raises(ArgumentError, match="no convolution with a trainable kernel"):
        begin_training(GradientLogger(tmp_path, *data), model)


def test_what_is_refused(model, data, tmp_path):
    """Each by an error that says what would do, before the first step."""
    x, y = data
    with pytest.raises(ArgumentError, match=r"y: expected 16 samples as in x, got shapes \(9, 1\)"):
        GradientLogger(tmp_path, x, y[:9])
    with pytest.raises(ArgumentError, match=r"y: expected 9 samples as in x, got shapes \(16, 1\)"):
        GradientLogger(tmp_path, x[:9], y)
    with pytest.raises(ArgumentError, match=r"y: expected an array.* got None"):
        GradientLogger(tmp_path, x)
    with pytest.raises(ArgumentError, match="sample_weight: expected 16 samples"):
        GradientLogger(tmp_path, x, y, np.ones(3))
    with pytest.raises(ArgumentError, match="batch_size: expected a whole number from 1, got 0"):
        GradientLogger(tmp_path, x, y, batch_size=0)
    with pytest.raises(ArgumentError, match=r"x: model 'two' cannot take shapes \(16, 4, 8, 3\)"):
        model.fit(x, y, verbose=0, callbacks=[GradientLogger(tmp_path, x[:, :4], y)])
    bare = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(1, 3)], name="bare")
    with pytest.raises(ArgumentError, match=r"model: 'bare' is not compiled.*model.compile"):
        compute_gradients(bare, x, y)
    bare.compile("sgd")
    with pytest.raises(ArgumentError, match="model: 'bare' is compiled without a loss"):
        compute_gradients(bare, x, y)


def test_targets_are_blamed_for_what_they_are(model, data):
    """Not the samples."""
    x, _ = data
    classes = keras.Sequential([keras.Input((8, 8, 3)), L.Flatten(), L.Dense(3, activation="softmax")], name="kinds")  # fmt: skip
    classes.compile("sgd", "categorical_crossentropy")
    with pytest.raises(ArgumentError, match=r"y: the loss of model 'kinds' cannot take targets \(16, 7\) for outputs \(16, 3\)"):  # fmt: skip
        compute_gradients(classes, x, np.ones((16, 7)))


def test_a_dataset_brings_its_targets(model, data):
    """Its first batch, with weights."""
    x, y = data
    weights = np.linspace(0, 1, 16)
    dataset = tf.data.Dataset.from_tensor_slices((x, y, weights)).batch(5)
    expected = compute_gradients(model, x[:5], y[:5], weights[:5])
    for path, gradient in compute_gradients(model, dataset).items():
        np.testing.assert_allclose(gradient, expected[path], rtol=1e-5, atol=1e-7)


def test_a_loss_scale_that_overflows_is_lowered():
    """In half precision the gradient is there where training would skip its step."""
    keras.utils.set_random_seed(0)
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(4, 3), L.GlobalAveragePooling2D(), L.Dense(1)])  # fmt: skip
    finally:
        keras.mixed_precision.set_global_policy("float32")
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(8, 8, 8, 3)).astype("float32")
    for gradient in compute_gradients(model, x, np.full((8, 1), 500.0)).values():
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() > 0


def test_a_model_compiled_anew_is_planned_anew(model, data, tmp_path):
    """The loss is the one it has now."""
    with GradientLogger(tmp_path, *data) as logger:
        logger.log(model, 1)
        model.compile("sgd", "mae")
        logger.log(model, 2)
    expected = compute_gradients(model, *data)
    with np.load(tmp_path / "gradients/gradients_2.npz") as stored:
        for path, gradient in stored.items():
            np.testing.assert_allclose(gradient, expected[path], rtol=1e-5, atol=1e-7)


def test_freezing_everything_ends_no_training(model, data, tmp_path):
    """A callback freezes the model: what cannot be drawn any more is told, training goes on."""

    class Freeze(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.trainable = epoch < 1

    logger = GradientLogger(tmp_path, *data)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        history = model.fit(*data, epochs=3, verbose=0, callbacks=[Freeze(), logger])
    assert len(history.history["loss"]) == 3
    texts = [str(one.message) for one in told if issubclass(one.category, LogWarning)]
    assert len(texts) == 1
    assert "it stays as it was (ArgumentError: model: 'two' has no convolution" in texts[0]
    assert {path.stem[-1] for path in (tmp_path / "gradients").rglob("*.png")} == {"1", "2", "3"}
