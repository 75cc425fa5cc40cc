"""Gradients: against central differences, in batches, as pictures, and what is refused."""

import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from tb_kernels import ArgumentError, GradientLogger, LogWarning, compute_gradients
from tests.helpers.models import begin_training
from tests.helpers.oracle import (
    assert_shows,
    draw,
    folder_of,
    level,
    read_pictures,
    read_png,
    read_scalars,
)

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
        # Of the dense layer Keras made up the name, and counts the models of the process in it.
        assert list(stored) == [re.sub("/dense_[0-9]+/", "/dense/", path) for path in expected]
        for gradient, own in zip(stored.values(), expected.values(), strict=True):
            np.testing.assert_allclose(gradient, own, rtol=1e-5, atol=1e-7)
    names = {path.relative_to(run).as_posix() for path in run.rglob("*.png")}
    assert names == {f"1-first/1_{k}_2.png" for k in range(1, 5)} | {f"3-second/3_{k}_2.png" for k in range(1, 7)}  # fmt: skip
    for number, layer in ((1, model.layers[0]), (3, model.layers[2])):
        gradient = expected[layer.kernel.path]
        most = float(np.abs(gradient).max())
        for kernel in range(gradient.shape[-1]):
            tiles = [
                level(gradient[:, :, i, kernel], -most, most) for i in range(gradient.shape[2])
            ]
            assert_shows(read_png(run / f"{folder_of(number, layer)}/{number}_{kernel + 1}_2.png"), draw(tiles))  # fmt: skip
    curves = read_scalars(run)
    numbered = [(1, model.layers[0]), (3, model.layers[2]), (5, model.layers[4])]
    assert set(curves) == {
        f"{folder_of(number, layer)}/gradient_norm" for number, layer in numbered
    }
    for number, layer in numbered:
        parts = [expected[variable.path].ravel() for variable in layer.trainable_variables]
        norm = np.linalg.norm(np.concatenate(parts).astype(float))
        assert curves[f"{folder_of(number, layer)}/gradient_norm"] == {
            1: pytest.approx(norm, rel=1e-5)
        }
    (value,) = [value for _, value in read_pictures(run) if value.tag == "3-second/3_2_2"]
    assert (
        "kernel 2 of 6, epoch 2. Gradients in inference mode: black -"
        in value.metadata.summary_description
    )


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
    with pytest.raises(ArgumentError, match="nothing in 'two' is trained"):
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
    with pytest.raises(
        ArgumentError,
        match=r"x: model 'two' takes shape \(None, 8, 8, 3\); got \(16, 4, 8, 3\), with height 4",
    ):
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
        for gradient, own in zip(stored.values(), expected.values(), strict=True):
            np.testing.assert_allclose(gradient, own, rtol=1e-5, atol=1e-7)


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
    assert "it stays as it was (ArgumentError: model: nothing in 'two' is trained" in texts[0]
    assert {path.stem[-1] for path in (tmp_path / "gradients").rglob("*.png")} == {"1", "2", "3"}


def normalised():
    """Convolutions with batch normalisation and dropout, of which the batch matters much."""
    keras.utils.set_random_seed(2)
    layers = [
        keras.Input((8, 8, 3)),
        L.Conv2D(4, 3, name="c"),
        L.BatchNormalization(name="b"),
        L.Activation("relu"),
        L.Flatten(),
        L.Dense(3, activation="softmax", name="d"),
    ]
    model = keras.Sequential(layers, name="m")
    model.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
    model.get_layer("b").moving_mean.assign([3.0, -2.0, 1.0, 0.5])
    return model


def steps_of_fit(model, x, y, **keywords):
    """What `fit` moves each weight by in one step, as a gradient; the model is as it was after."""
    before = model.get_weights()
    model.fit(x, y, batch_size=len(x), epochs=1, verbose=0, shuffle=False, **keywords)
    trained = {one.path: np.array(one) for one in model.trainable_variables}
    model.set_weights(before)
    return {
        one.path: (np.array(one) - trained[one.path]) / 0.01 for one in model.trainable_variables
    }


CLASSES = np.arange(16) % 3


@pytest.mark.parametrize("weights", [{}, {"class_weight": {0: 0.5, 2: 3.0}}, {"sample_weight": np.linspace(0, 2, 16)}])  # fmt: skip
def test_in_training_mode_they_are_the_step_of_fit(data, weights):
    """With the statistics of the batch, with weights of classes and of samples."""
    model, x = normalised(), data[0]
    expected = steps_of_fit(model, x, CLASSES, **weights)
    found = compute_gradients(model, x, CLASSES, training=True, **weights)
    assert list(found) == list(expected)
    for path, gradient in found.items():
        np.testing.assert_allclose(gradient, expected[path], rtol=1e-3, atol=2e-4)
    still = compute_gradients(model, x, CLASSES, **weights)["m/c/kernel"]
    assert np.abs(still - expected["m/c/kernel"]).max() > 0.01


def test_classes_may_be_one_hot_and_are_not_given_twice(data):
    model, x = normalised(), data[0]
    weights = {0: 0.5, 2: 3.0}
    found = compute_gradients(model, x, CLASSES, class_weight=weights)["m/d/kernel"]
    model.compile("sgd", "categorical_crossentropy")
    hot = compute_gradients(model, x, np.eye(3)[CLASSES], class_weight=weights)["m/d/kernel"]
    np.testing.assert_allclose(found, hot, rtol=1e-4, atol=1e-6)
    model.compile("sgd", "sparse_categorical_crossentropy")
    column = compute_gradients(model, x, CLASSES[:, None], class_weight=weights)["m/d/kernel"]
    np.testing.assert_allclose(found, column, rtol=1e-4, atol=1e-6)
    with pytest.raises(ArgumentError, match="expected sample_weight or class_weight; got both"):
        compute_gradients(model, x, CLASSES, np.ones(16), weights)
    with pytest.raises(ArgumentError, match="class_weight: expected a dict"):
        compute_gradients(model, x, CLASSES, class_weight=[1, 2])


def test_training_mode_changes_nothing_and_repeats_itself(data):
    """Moving statistics and random numbers stay; dropout is the same at every call."""
    keras.utils.set_random_seed(3)
    layers = [keras.Input((8, 8, 3)), L.Conv2D(4, 3, name="c"), L.BatchNormalization(), L.Dropout(0.5), L.Flatten(), L.Dropout(0.5), L.Dense(1)]  # fmt: skip
    model = keras.Sequential(layers, name="m")
    model.compile("sgd", "mse")
    before = [np.array(one) for one in model.variables]
    first, again = (compute_gradients(model, *data, training=True) for _ in range(2))
    for path, gradient in first.items():
        np.testing.assert_array_equal(gradient, again[path])
    for was, one in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(was, np.array(one))
    still = compute_gradients(model, *data)["m/c/kernel"]
    assert np.abs(first["m/c/kernel"] - still).max() > 1e-3


@pytest.mark.parametrize(
    "reduction", ["sum", "sum_over_batch_size", "mean_with_sample_weight", None]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_batches_are_put_together_by_the_reduction(data, reduction, weighted):
    """As all samples at once, regularisation once; batches of six, six and four."""
    keras.utils.set_random_seed(5)
    layers = [
        keras.Input((8, 8, 3)),
        # Keras itself cannot add regularisation to losses that are not reduced.
        L.Conv2D(2, 3, kernel_regularizer="l2" if reduction else None),
        L.Flatten(),
        L.Dense(1),
    ]
    model = keras.Sequential(layers)
    try:
        loss = keras.losses.MeanSquaredError(reduction=reduction)
    except ValueError:
        pytest.skip("this Keras has no such reduction")
    model.compile("sgd", loss)
    weights = np.linspace(0.1, 3, 16) if weighted else None
    whole = compute_gradients(model, *data, weights)
    parts = compute_gradients(model, *data, weights, batch_size=6)
    for path, gradient in whole.items():
        np.testing.assert_allclose(
            parts[path], gradient, rtol=1e-4, atol=1e-4 * np.abs(gradient).max()
        )


def test_losses_of_several_reductions_are_not_put_together(data):
    inputs = keras.Input((8, 8, 3))
    flat = L.Flatten()(L.Conv2D(2, 3)(inputs))
    model = keras.Model(inputs, [L.Dense(1)(flat), L.Dense(1)(flat)])
    model.compile("sgd", [keras.losses.MeanSquaredError(reduction="sum"), "mse"])
    x, y = data
    with pytest.raises(ArgumentError, match=r"batch_size: the losses of model .* several ways"):
        compute_gradients(model, x, [y, y], batch_size=5)
    assert compute_gradients(model, x, [y, y])


@pytest.mark.parametrize("reduction", ["sum", "sum_over_batch_size"])
def test_outputs_without_a_loss_do_not_count(data, reduction):
    """In lists and in dictionaries."""
    inputs = keras.Input((8, 8, 3))
    flat = L.Flatten()(L.Conv2D(2, 3)(inputs))
    outputs = {"a": L.Dense(1, name="a")(flat), "b": L.Dense(1, name="b")(flat)}
    x, y = data
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    for model, losses, targets in (
        (keras.Model(inputs, outputs), {"a": loss, "b": None}, {"a": y, "b": y}),
        (keras.Model(inputs, list(outputs.values())), [loss, None], [y, y]),
    ):
        model.compile("sgd", losses)
        whole = compute_gradients(model, x, targets)
        parts = compute_gradients(model, x, targets, batch_size=6)
        for path, gradient in whole.items():
            np.testing.assert_allclose(parts[path], gradient, rtol=1e-4, atol=1e-5)
        assert not parts["b/kernel"].any()


def masked(reduction):
    """Words of unequal number, a value for each word."""
    keras.utils.set_random_seed(0)
    layers = [L.Embedding(6, 3, mask_zero=True), L.LSTM(4, return_sequences=True), L.Dense(1)]
    model = keras.Sequential([keras.Input((4,), dtype="int32"), *layers], name="words")
    model.compile("sgd", keras.losses.MeanSquaredError(reduction=reduction))
    return model


def test_means_over_what_is_not_masked_are_not_put_together(data):
    """Batches differ in how much of them is masked; sums are the same."""
    words = np.array([[1, 2, 3, 4], [1, 0, 0, 0], [2, 3, 0, 0], [4, 0, 0, 0], [1, 2, 3, 0]])
    values = np.random.default_rng(0).normal(size=(5, 4, 1))
    told = "of model 'words' are means over what is not masked in its outputs, so that"
    with pytest.raises(ArgumentError, match=f"^batch_size: the losses {told}.*expected None"):
        compute_gradients(masked("sum_over_batch_size"), words, values, batch_size=2)
    assert compute_gradients(masked("sum_over_batch_size"), words, values, batch_size=5)
    model = masked("sum")
    whole = compute_gradients(model, words, values)
    for path, gradient in compute_gradients(model, words, values, batch_size=2).items():
        np.testing.assert_allclose(gradient, whole[path], atol=1e-6 * np.abs(whole[path]).max())
    model = normalised()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(ignore_class=0))
    with pytest.raises(ArgumentError, match=r"batch_size: .* classes that are not ignored"):
        compute_gradients(model, data[0], CLASSES, batch_size=5)


def test_the_size_told_is_that_of_all_gradients(model, data, tmp_path):
    """All are stored, whichever layers are drawn."""
    view = GradientLogger(tmp_path, *data, layers="first")._look_at(model)
    assert view.size_beside == sum(one.nbytes for one in view.capture().beside.values()) > 0


@pytest.mark.parametrize("training", [False, True])
def test_the_description_says_which_mode(model, data, tmp_path, training):
    with GradientLogger(tmp_path, *data, training=training) as logger:
        logger.log(model, 1)
    _, value = read_pictures(tmp_path / "gradients")[0]
    mode = "training" if training else "inference"
    assert f"Gradients in {mode} mode: black" in value.metadata.summary_description


def test_a_frozen_backbone_has_arrays_and_curves(data, tmp_path, capsys):
    """And no pictures, which the line at the start says; a part of it frozen: the rest is drawn."""
    x, y = data
    backbone = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(2, 3), L.Conv2D(3, 3)])
    backbone.trainable = False
    model = keras.Sequential([backbone, L.Flatten(), L.Dense(1, name="head")], name="m")
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0, callbacks=[GradientLogger(tmp_path / "all", x, y)])
    assert "(no picture, for no kernel is trained)" in capsys.readouterr().out
    with np.load(tmp_path / "all/gradients/gradients_1.npz") as stored:
        assert set(stored) == {"m/head/kernel", "m/head/bias"}
    assert set(read_scalars(tmp_path / "all/gradients")) == {"3-head/gradient_norm"}
    assert not list((tmp_path / "all").rglob("*.png"))

    backbone.trainable = True
    backbone.layers[0].trainable = False
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0, callbacks=[GradientLogger(tmp_path / "part", x, y)])
    assert {path.parent.name for path in (tmp_path / "part").rglob("*.png")} == {"1-2-conv2d"}
    with pytest.raises(ArgumentError, match="has no trainable kernel"):
        model.fit(x, y, verbose=0, callbacks=[GradientLogger(tmp_path, x, y, layers="1-1")])

    model.trainable = False
    model.compile("sgd", "mse")
    with pytest.raises(ArgumentError, match=r"nothing in .* is trained.*expected a layer with"):
        model.fit(x, y, verbose=0, callbacks=[GradientLogger(tmp_path / "none", x, y)])
    assert not (tmp_path / "none").exists()


def test_each_part_of_a_layer_has_its_curve(data, tmp_path):
    """Beside its pictures; the bias counts with the last part."""
    x, y = data
    layers = [keras.Input((8, 8, 3)), L.SeparableConv2D(2, 3, name="s"), L.Flatten(), L.Dense(1)]
    model = keras.Sequential(layers, name="m")
    model.compile("sgd", "mse")
    with GradientLogger(tmp_path, x, y) as logger:
        logger.log(model, 1)
    gradients = compute_gradients(model, x, y)
    curves = read_scalars(tmp_path / "gradients")
    assert curves["1-1-s/gradient_norm"][0] == pytest.approx(
        np.linalg.norm(gradients["m/s/depthwise_kernel"]), rel=1e-5
    )
    last = np.hypot(
        *(np.linalg.norm(gradients[f"m/s/{one}"]) for one in ("pointwise_kernel", "bias"))
    )
    assert curves["1-2-s/gradient_norm"][0] == pytest.approx(last, rel=1e-5)
    assert "1-s/gradient_norm" not in curves
    assert {path.parent.name for path in tmp_path.rglob("*.png")} == {"1-1-s", "1-2-s"}


def test_layers_with_lora_are_told(data, tmp_path, capsys):
    """Their kernels are frozen; what is trained instead is among the arrays."""
    x, y = data
    convolution = L.Conv2D(2, 3, name="c")
    model = keras.Sequential([keras.Input((8, 8, 3)), convolution, L.Conv2D(2, 3, name="d"), L.Flatten(), L.Dense(1)])  # fmt: skip
    convolution.enable_lora(1)
    model.compile("sgd", "mse")
    with GradientLogger(tmp_path, x, y) as logger:
        logger.log(model, 1)
    assert "(layers with LoRA are not drawn, their kernels being frozen)" in capsys.readouterr().out
    assert {path.parent.name for path in tmp_path.rglob("*.png")} == {"2-d"}
    with np.load(tmp_path / "gradients/gradients_1.npz") as stored:
        assert sum("lora" in path for path in stored) == 2


def classifier(loss, shape=(8, 8, 3), name="kinds"):
    """Three classes, of a picture or of each of its pixels."""
    head = [L.Flatten()] if len(shape) == 3 else [L.Conv2D(2, 1)]
    layers = [keras.Input((8, 8, 3)), *head, L.Dense(3, activation="softmax")]
    model = keras.Sequential(layers, name=name)
    model.compile("sgd", loss)
    return model


SPARSE, DENSE = "sparse_categorical_crossentropy", "categorical_crossentropy"
# fmt: off
WRONG = {
    "one-hot": (SPARSE, np.eye(3)[CLASSES], None, "y: the loss of model 'kinds' takes classes; got (16, 3), a value for each class; expected (16,): np.argmax(y, axis=-1)"),
    "too large": (SPARSE, CLASSES + 1, None, "y: the loss of model 'kinds' takes classes from 0 to 2, for outputs (16, 3); got 3"),
    "negative": (SPARSE, CLASSES[:, None] - 1, None, "y: the loss of model 'kinds' takes classes from 0 to 2, for outputs (16, 3); got -1"),
    "not finite": (SPARSE, np.where(CLASSES == 1, np.nan, CLASSES), None, "y: the loss of model 'kinds' takes finite numbers; got nan"),
    "classes": (DENSE, CLASSES, None, "y: the loss of model 'kinds' takes a value for each of the outputs; got (16,); expected (16, 3), of classes keras.utils.to_categorical(y, 3)"),
    "text": (SPARSE, CLASSES.astype(str), None, "y: the loss of model 'kinds' takes numbers; got text, shape (16,)"),
    "tensors of text": (DENSE, tf.fill((16, 3), "a"), None, "y: the loss of model 'kinds' takes numbers; got text, shape (16, 3)"),
    "a column of text": (SPARSE, CLASSES.astype(str).astype(object), None, "y: the loss of model 'kinds' takes numbers; got text, shape (16,)"),
    "weights": (SPARSE, CLASSES, np.ones((16, 3)), "sample_weight: the loss of model 'kinds' cannot take weights of shape (16, 3); expected shape (16,)"),
    "weights of text": (SPARSE, CLASSES, CLASSES.astype(str), "sample_weight: the loss of model 'kinds' takes numbers; got text, shape (16,)"),
    "both": (SPARSE, np.eye(3)[CLASSES], np.ones((16, 2, 2)), "y: the loss of model 'kinds' takes classes; got (16, 3), a value for each class; expected (16,): np.argmax(y, axis=-1)"),
}
# fmt: on


@pytest.mark.parametrize("batch_size", [None, 6])
@pytest.mark.parametrize("kind", WRONG)
def test_what_the_loss_cannot_take_and_what_would_do(data, kind, batch_size):
    """Targets and weights are told apart, and what is said to do does; also in batches."""
    loss, y, weights, told = WRONG[kind]
    model = classifier(loss)
    with pytest.raises(ArgumentError) as caught:
        compute_gradients(model, data[0], y, weights, batch_size=batch_size)
    assert str(caught.value) == told
    way = told.partition("np.argmax")[2] or told.partition("keras.utils")[2]
    if way:
        names = {"np": np, "keras": keras, "y": y}
        written = told[told.index("np." if "np." in told else "keras.") :]
        assert compute_gradients(model, data[0], eval(written, names))  # noqa: S307 (our own text)


def test_a_class_that_only_a_later_batch_has_is_found(data):
    """The first batches are right."""
    y = np.zeros(16, int)
    y[15] = 7
    with pytest.raises(ArgumentError, match=r"^y: .* from 0 to 2, for outputs \(16, 3\); got 7$"):
        compute_gradients(classifier(SPARSE), data[0], y, batch_size=6)


def test_which_of_several_targets_or_weights_is_wrong(data):
    """By the name or place of its output."""
    inputs = keras.Input((8, 8, 3))
    flat = L.Flatten()(inputs)
    heads = [L.Dense(1, name="value")(flat), L.Dense(3, activation="softmax", name="kind")(flat)]
    model = keras.Model(inputs, heads, name="m")
    model.compile("sgd", ["mse", SPARSE])
    x, y = data
    hot = np.eye(3)[CLASSES]
    with pytest.raises(ArgumentError, match=r"^y\[1\]: .*: np.argmax\(y\[1\], axis=-1\)$"):
        compute_gradients(model, x, [y, hot])
    with pytest.raises(
        ArgumentError,
        match=r"^sample_weight: .* of shape \[\(16, 3\), \(16,\)\]; expected shape \[\(16,\), \(16,\)\]$",
    ):
        compute_gradients(model, x, [y, CLASSES], [hot, np.ones(16)])
    told = r"^y: .* cannot take targets \[\(16, 1\), \(16, 7\)\] for outputs \(16, 1\), \(16, 3\) "
    with pytest.raises(ArgumentError, match=told):
        compute_gradients(model, x, [y, np.ones((16, 7))])
    told = r"^y: .* cannot take targets \[\(16, 1\)\] for outputs \[\(16, 1\), \(16, 3\)\] "
    with pytest.raises(ArgumentError, match=told):
        compute_gradients(model, x, [y])
    named = keras.Model(inputs, {"value": heads[0], "kind": heads[1]}, name="m")
    named.compile("sgd", {"value": "mse", "kind": SPARSE})
    with pytest.raises(ArgumentError, match=r"^y\['kind'\]: .*: np.argmax\(y\['kind'\], axis=-1\)"):
        compute_gradients(named, x, {"value": y, "kind": hot})


def test_samples_are_blamed_in_the_shape_that_was_given(data):
    """Not in that of a batch of them."""
    with pytest.raises(ArgumentError, match=r"got \(16, 4, 8, 3\), with height 4; expected \(16, "):
        compute_gradients(classifier(SPARSE), data[0][:, :4], CLASSES, batch_size=6)


def test_a_gradient_that_cannot_be_computed_is_no_fault_of_the_data(data):
    """Neither samples nor targets are blamed where model and loss take them."""

    @tf.custom_gradient
    def broken(tensor):
        def gradient(upstream):
            raise RuntimeError("no gradient here")

        return tf.identity(tensor), gradient

    class Broken(L.Layer):
        def call(self, inputs):
            return broken(inputs)

    model = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(2, 3), Broken(), L.Flatten(), L.Dense(1)], name="m")  # fmt: skip
    model.compile("sgd", "mse")
    with pytest.raises(ArgumentError, match=r"^model: 'm' and its loss take .*\(RuntimeError: no gradient here\)"):  # fmt: skip
        compute_gradients(model, *data)


@pytest.mark.parametrize("y", [np.zeros((16, 8, 8), int), np.zeros((16, 8, 8, 1), int), np.zeros((16, 8, 8, 3))])  # fmt: skip
def test_weights_of_classes_are_refused_for_pixels(data, y):
    """As `fit` refuses them, in words."""
    model = classifier(SPARSE, (8, 8, 8, 3))
    with pytest.raises(ArgumentError) as caught:
        compute_gradients(model, data[0], y, class_weight={0: 2.0})
    assert str(caught.value) == f"class_weight: expected targets of one class for each sample, shape (16,), (16, 1) or one-hot (16, classes); got {y.shape}; give sample_weight instead"  # fmt: skip
    weights = np.where(np.zeros((16, 8, 8)) == 0, 2.0, 1.0)
    assert compute_gradients(model, data[0], np.zeros((16, 8, 8), int), weights)


@pytest.mark.parametrize("wrong", [{0: "x"}, {0: None}, {0: np.nan}, {"0": 1.0}, {0: [1.0]}])
def test_weights_of_classes_that_are_none(data, wrong):
    """A class and a number."""
    ((class_, weight),) = wrong.items()
    with pytest.raises(ArgumentError) as caught:
        compute_gradients(classifier(SPARSE), data[0], CLASSES, class_weight={1: 1.0, **wrong})
    assert str(caught.value) == f"class_weight: expected a dict such as {{0: 1.0, 1: 5.0}}, got {class_!r}: {weight!r} in it"  # fmt: skip
    with pytest.raises(ArgumentError, match=r"^y: expected numbers of classes.*; got text"):
        compute_gradients(classifier(SPARSE), data[0], CLASSES.astype(str), class_weight={0: 1})
