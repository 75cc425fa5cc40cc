"""One small model of every kind, each with its answer worked out by hand: no code of the package.

A case knows the layers before and after its last convolution as plain calls of Keras layers,
so references differentiate through those instead of through the model.
"""

import keras
import numpy as np
import tensorflow as tf

L = keras.layers


class Case:
    """A compiled model, data for it, and how it works inside.

    Attributes:
        number, layer: Its last convolution.
        steps: From the pictures to the layer's output, one callable for each layer seen,
            with the layer's number.
        head: From the layer's output to what goes into the softmax (other inputs closed over).
        loss: From the model's outputs to the loss without regularisation, samples counted by
            their weights.
        outputs: From `head`'s value to the model's outputs.
    """

    def __init__(
        self, model, x, y, number, layer, steps, head, loss, outputs=tf.nn.softmax, **extra
    ):
        self.model, self.x, self.y = model, x, y
        self.number, self.layer = number, layer
        self.steps, self.head, self.loss, self.outputs = steps, head, loss, outputs
        self.pictures = extra.get("pictures", x)
        self.sample_weight = extra.get("sample_weight")
        self.score = extra.get("score")
        self.tolerance = extra.get("tolerance", 1e-5)
        # Of the pictures, for a model that does not say what it takes.
        self.size = extra.get("size")

    def feature(self, pictures):
        """The last convolution's output."""
        for _, step in self.steps:
            pictures = step(pictures)
        return pictures


def pictures(count=4, side=12, channels=3):
    return np.random.default_rng(0).normal(size=(count, side, side, channels)).astype("float32")


def labels(count=4, classes=3):
    return np.random.default_rng(1).integers(0, classes, count)


def crossentropy(y):
    """Mean over samples of minus the logarithm of the right class's probability."""

    def loss(outputs):
        return -tf.reduce_mean(tf.math.log(tf.gather(outputs, y, axis=1, batch_dims=1)))

    return loss


def sequential(policy=None, **compile_options):
    layers = [
        L.Conv2D(
            4, 3, activation="relu", kernel_regularizer=keras.regularizers.L2(0.01), name="c1"
        ),
        L.BatchNormalization(name="bn"),
        L.Conv2D(5, 3, activation="relu", strides=2, name="c2"),
        L.Dropout(0.5),
        L.GlobalAveragePooling2D(),
        L.Dense(3, dtype="float32", name="logits"),
        L.Softmax(dtype="float32"),
    ]
    model = keras.Sequential([keras.Input((12, 12, 3)), *layers], name="sequential")
    model.compile("sgd", "sparse_categorical_crossentropy", **compile_options)
    c1, bn, c2, _, pool, dense, _ = layers
    steps = [("1", c1), ("2", lambda x: bn(x, training=False)), ("3", c2)]
    return Case(model, pictures(), labels(), "3", c2, steps, lambda a: dense(pool(a)), crossentropy(labels()))  # fmt: skip


def half_precision():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        case = sequential()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    case.tolerance = 5e-3
    return case


class OnlyEagerly(L.Layer):
    """Looks at a value, which no graph lets it do."""

    def call(self, inputs):
        return inputs * 2 if float(tf.reduce_mean(inputs)) > -1e9 else inputs


def eager():
    c, double, pool, dense = L.Conv2D(5, 3, activation="relu"), OnlyEagerly(), L.GlobalMaxPooling2D(), L.Dense(3, activation="softmax")  # fmt: skip

    class Eager(keras.Model):
        def __init__(self):
            super().__init__(name="eager")
            self.c, self.double, self.pool, self.dense = c, double, pool, dense

        def call(self, inputs):
            return self.dense(self.pool(self.c(self.double(inputs))))

    model = Eager()
    model(pictures())
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    steps = [("2", lambda x: x * 2), ("1", c)]
    return Case(model, pictures(), labels(), "1", c, steps, lambda a: pool(a) @ dense.kernel + dense.bias, crossentropy(labels()), size=(12, 12, 3))  # fmt: skip


def functional():
    c1, c2, c3 = L.Conv2D(4, 3, padding="same", activation="tanh"), L.Conv2D(4, 3, padding="same"), L.Conv2D(5, 3, name="last")  # fmt: skip
    add, pool, dense = L.Add(), L.GlobalAveragePooling2D(), L.Dense(3, activation="softmax")
    inputs = keras.Input((12, 12, 3))
    first = c1(inputs)
    model = keras.Model(inputs, dense(pool(c3(add([first, c2(first)])))), name="functional")
    model.compile("sgd", "sparse_categorical_crossentropy")
    steps = [("2", c1), ("4", lambda h: h + c2(h)), ("5", c3)]
    return Case(model, pictures(), labels(), "5", c3, steps, lambda a: pool(a) @ dense.kernel + dense.bias, crossentropy(labels()))  # fmt: skip


def nested():
    base = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(64, 64, 3), alpha=0.35)  # fmt: skip
    pool, dense = L.GlobalAveragePooling2D(), L.Dense(3, activation="softmax")
    model = keras.Sequential([keras.Input((64, 64, 3)), base, pool, dense], name="transfer")
    model.compile("sgd", "sparse_categorical_crossentropy")
    conv, bn, relu = base.layers[-3:]
    before = keras.Model(base.input, conv.output)
    position = base.layers.index(conv) + 1
    steps = [(f"1-{position}", lambda x: before(x, training=False))]

    def head(a):
        return pool(relu(bn(a, training=False))) @ dense.kernel + dense.bias

    return Case(model, pictures(side=64), labels(), f"1-{position}", conv, steps, head, crossentropy(labels()), tolerance=1e-4)  # fmt: skip


def multi_input():
    conv, pool, join, dense = L.Conv2D(5, 3, activation="relu"), L.GlobalAveragePooling2D(), L.Concatenate(), L.Dense(3, activation="softmax")  # fmt: skip
    picture, vector = keras.Input((12, 12, 3), name="picture"), keras.Input((2,), name="vector")
    outputs = dense(join([pool(conv(picture)), vector]))
    model = keras.Model({"vector": vector, "picture": picture}, outputs, name="two_inputs")
    model.compile("sgd", "sparse_categorical_crossentropy")
    extra = np.random.default_rng(2).normal(size=(4, 2)).astype("float32")
    number = str(model.layers.index(conv) + 1)

    def head(a):
        return tf.concat([pool(a), extra], axis=1) @ dense.kernel + dense.bias

    return Case(model, {"picture": pictures(), "vector": extra}, labels(), number, conv, [(number, conv)], head, crossentropy(labels()), pictures=pictures())  # fmt: skip


def multi_output():
    conv, pool, number, kind = L.Conv2D(5, 3, activation="relu"), L.GlobalAveragePooling2D(), L.Dense(1, name="number"), L.Dense(3, activation="softmax", name="kind")  # fmt: skip
    inputs = keras.Input((12, 12, 3))
    features = pool(conv(inputs))
    model = keras.Model(inputs, [number(features), kind(features)], name="two_outputs")
    model.compile("sgd", ["mse", "sparse_categorical_crossentropy"], loss_weights=[0.5, 2.0])
    values = np.random.default_rng(3).normal(size=(4, 1)).astype("float32")
    weights = [np.array([1.0, 2, 0.5, 1], "float32"), np.array([0.3, 1, 1, 2], "float32")]

    def loss(outputs):
        square = tf.reduce_mean(weights[0] * (outputs[0] - values)[:, 0] ** 2)
        right = tf.gather(outputs[1], labels(), axis=1, batch_dims=1)
        return 0.5 * square - 2 * tf.reduce_mean(weights[1] * tf.math.log(right))

    return Case(
        model,
        pictures(),
        [values, labels()],
        "2",
        conv,
        [("2", conv)],
        lambda a: pool(a) @ kind.kernel + kind.bias,
        loss,
        lambda logits: None,
        sample_weight=weights,
        score=lambda class_: lambda outputs: tf.math.log(outputs[1][:, class_]),
    )


class Subclassed(keras.Model):
    """Layers as attributes, one of them in a list, called in a method."""

    def __init__(self):
        super().__init__(name="subclassed")
        self.convs = [L.Conv2D(4, 3, activation="relu"), L.Conv2D(5, 3)]
        self.pool, self.dense = L.GlobalAveragePooling2D(), L.Dense(3, activation="softmax")

    def call(self, inputs):
        for conv in self.convs:
            inputs = conv(inputs)
        return self.dense(self.pool(inputs))


def subclassed():
    model = Subclassed()
    model(pictures())
    model.compile("sgd", "sparse_categorical_crossentropy")
    numbers = [str(model.layers.index(conv) + 1) for conv in model.convs]
    return Case(model, pictures(), labels(), numbers[1], model.convs[1], list(zip(numbers, model.convs, strict=True)), lambda a: model.pool(a) @ model.dense.kernel + model.dense.bias, crossentropy(labels()))  # fmt: skip


CASES = {
    "sequential": sequential,
    "functional": functional,
    "nested": nested,
    "two inputs": multi_input,
    "two outputs": multi_output,
    "half precision": half_precision,
    "run_eagerly": eager,
    "jit_compile": lambda: sequential(jit_compile=True),
    "subclassed": subclassed,
}


def check_activations(case):
    """Equal, bit for bit, to what the layers give when they are called by hand."""
    from tb_kernels import compute_activations

    found = compute_activations(case.model, case.x)
    values = tf.constant(case.pictures)
    for number, step in case.steps:
        values = step(values)
        expected = values.numpy().astype("float32")
        np.testing.assert_allclose(found[number], expected, rtol=0, atol=1e-6)
        assert found[number].dtype == np.float32


def check_gradients(case):
    """Equal to the tape's through the layers called by hand, with the loss written out."""
    from tb_kernels import compute_gradients

    found = compute_gradients(case.model, case.x, case.y, case.sample_weight)
    variables = case.model.trainable_variables
    with tf.GradientTape() as tape:
        outputs = case.model(case.x, training=False)
        loss = case.loss(outputs)
        for layer in case.model.layers:
            if getattr(layer, "kernel_regularizer", None):
                loss += 0.01 * tf.reduce_sum(tf.square(layer.kernel))
    expected = tape.gradient(loss, [variable.value for variable in variables])
    assert list(found) == [variable.path for variable in variables]
    largest = max(float(np.abs(gradient).max()) for gradient in expected)
    for variable, gradient in zip(variables, expected, strict=True):
        assert found[variable.path].shape == tuple(variable.shape)
        np.testing.assert_allclose(found[variable.path], gradient, rtol=case.tolerance, atol=case.tolerance * largest)  # fmt: skip


def check_heatmaps(case):
    """Equal to Grad-CAM written out, through the layers after the convolution called by hand."""
    from tb_kernels import compute_heatmaps

    brightest = 0
    for class_ in range(3):
        options = {"score": case.score(class_)} if case.score else {"classes": class_}
        found = compute_heatmaps(case.model, case.x, layer=case.number, **options)
        maps = tf.cast(case.feature(tf.constant(case.pictures)), case.layer.compute_dtype)
        with tf.GradientTape() as tape:
            tape.watch(maps)
            logits = tf.cast(case.head(maps), tf.float32)
            score = (tf.nn.log_softmax(logits) if case.score else logits)[:, class_]
            # Else float16 rounds the gradient to nothing.
            total = tf.reduce_sum(score) * 256
        gradient = np.asarray(tape.gradient(total, maps), "float32") / 256
        maps = np.asarray(maps, "float32")
        weights = gradient.mean(axis=(1, 2))
        expected = np.maximum(np.einsum("nc,nhwc->nhw", weights, maps), 0)
        assert found.shape == expected.shape
        brightest = max(brightest, expected.max())
        np.testing.assert_allclose(found, expected, rtol=case.tolerance, atol=case.tolerance * brightest)  # fmt: skip
    assert brightest > 0


def check_patterns(case):
    """Equal to the recipe's steps taken one by one, for one kernel at a time, by plain calls."""
    from tb_kernels import synthesize_patterns

    shape = case.pictures.shape[1:]
    found = synthesize_patterns(
        case.model, case.number, [2, 5], 3, input_range=(-1, 1), seed=7, size=case.size
    )
    for kernel, pattern in zip((2, 5), found, strict=True):
        noise = np.random.default_rng([7, kernel]).uniform(-0.0625, 0.0625, shape)
        picture = (2 * noise).astype("float32")
        for step in range(3):
            with tf.GradientTape() as tape:
                tape.watch(image := tf.constant(picture[None]))
                maps = tf.cast(case.feature(image), tf.float32)[0, ..., kernel - 1]
                side = maps.shape[0]
                inner = maps[2:-2, 2:-2] if side > 8 else maps
                value = tf.reduce_mean(inner)
            gradient = tape.gradient(value, image).numpy()[0]
            assert np.abs(gradient).max() > 0, "the test needs a kernel that is not silent"
            gradient -= gradient.mean()
            picture = picture + (1 - 0.9 * step / 3) * gradient / gradient.std()
            picture = (picture - picture.mean()) / picture.std()
        expected = np.clip(0.5 + 0.15 * (picture - picture.mean()) / picture.std(), 0, 1)
        assert np.abs(pattern - expected).max() < max(100 * case.tolerance, 1e-3)


def check_examples(case):
    """The inputs and places where the feature map of the layers called by hand is largest."""
    from tb_kernels import find_examples

    maps = np.asarray(case.feature(tf.constant(case.pictures)), "float32")
    found = find_examples(case.model, case.x, case.number, top=3, batch_size=2)
    size = case.pictures.shape[1]
    edges = [(0, 0), (size, size), (size, size), (0, 0)]
    around = np.pad(case.pictures, edges, constant_values=np.nan)
    # Before the activation there may be less.
    least = 0 if getattr(case.layer, "activation", None) is keras.activations.relu else -np.inf
    for kernel in range(min(8, maps.shape[-1])):
        largest = np.sort(maps[..., kernel].reshape(len(maps), -1).max(axis=1))[::-1][:3]
        values = np.maximum(found.values[kernel], least)
        tolerance = case.tolerance * max(1, np.abs(maps).max())
        np.testing.assert_allclose(values, largest, atol=tolerance)
        for example, (row, column) in enumerate(found.positions[kernel]):
            index = found.indices[kernel, example]
            there = maps[index, row, column, kernel]
            np.testing.assert_allclose(there, values[example], atol=tolerance)
            top, left = found.corners[kernel, example]
            expected = around[index, top + size : top + 2 * size, left + size : left + 2 * size]
            height, width = found.cutouts.shape[2:4]
            expected = expected[:height, :width]
            np.testing.assert_array_equal(found.cutouts[kernel, example], expected)


CHECKS = {
    "activations": check_activations,
    "examples": check_examples,
    "gradients": check_gradients,
    "heatmaps": check_heatmaps,
    "patterns": check_patterns,
}
