"""The seam to TensorFlow: what every backend has to give, by arithmetic."""

import keras
import numpy as np
import pytest

from tb_kernels.model import backend

L = keras.layers


@pytest.fixture(params=[False, True], ids=["eager", "compiled"])
def run(request):
    """Runs a function of tensors, alone or as a graph; gives arrays."""

    def run(function, *arrays):
        model = keras.Sequential([L.Dense(1)])
        model.run_eagerly = not request.param
        tensors = [keras.ops.convert_to_tensor(array) for array in arrays]
        found = backend.compiled(model, function)(*tensors)
        return keras.tree.map_structure(backend.to_numpy, found)

    return run


def test_gradients_and_none_where_there_is_no_way(run):
    """Of 3ab with respect to a and b; nothing depends on c."""

    def function(a, b, c):
        found = backend.gradients(lambda a, b, c: keras.ops.sum(3 * a * b), [a, b, c])
        assert found[2] is None
        return found[:2]

    a, b = np.float32([1, 2]), np.float32([5, 7])
    np.testing.assert_array_equal(run(function, a, b, a), [3 * b, 3 * a])


def test_gradients_of_an_embedding_are_whole(run):
    """Rows that are looked up twice count twice, others are 0."""

    def function(table, rows):
        def total(table):
            return keras.ops.sum(keras.ops.take(table, rows, axis=0))

        return backend.gradients(total, [table])[0]

    found = run(function, np.ones((3, 2), "float32"), np.int32([2, 0, 2]))
    np.testing.assert_array_equal(found, [[1, 1], [0, 0], [2, 2]])


def test_gradients_at_a_tensor_in_the_middle(run):
    """Of the sum of (2x)² with respect to 2x, which no argument is."""

    def function(x):
        def square(watch):
            middle, aside = watch(2 * x), watch(3 * x)
            return keras.ops.sum(middle * middle), [middle, aside], middle

        (gradient, nothing), middle = backend.gradients_within(square)
        assert nothing is None
        return gradient, middle

    gradient, middle = run(function, np.float32([1, -3]))
    np.testing.assert_array_equal(gradient, [4, -12])
    np.testing.assert_array_equal(middle, [2, -6])


def test_loop_numbers_its_steps_from_0(run):
    """The sum of 0 to 4, and a tuple carried along."""

    def function(start):
        def step(number, total, pair):
            return total + keras.ops.cast(number, "float32"), (pair[1], pair[0])

        return backend.loop(keras.ops.convert_to_tensor(5), step, start, (start, start + 1))

    total, (one, other) = run(function, np.float32(0))
    assert (total, one, other) == (10, 1, 0)


def test_argmax_takes_the_first_of_equal_ones(run):
    """Also of 0.0 and -0.0, which are equal."""
    found = run(backend.argmax, np.float32([[-0.0, 0.0], [1, 2], [3, 3]]))
    assert found.dtype == np.int64
    assert found.tolist() == [0, 1, 0]


def test_pick_takes_one_of_each_row(run):
    """And has a gradient there alone."""

    def function(values, columns):
        def total(values):
            return keras.ops.sum(backend.pick(values, columns))

        return backend.pick(values, columns), backend.gradients(total, [values])[0]

    picked, gradient = run(function, np.float32([[1, 2], [3, np.inf]]), np.int32([1, 0]))
    assert picked.tolist() == [2, 3]
    assert gradient.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("size", [(4, 6), (5, 7)])
def test_irfft2_is_numpys(run, size):
    """Of an even and an odd width."""
    spectrum = np.fft.rfft2(np.random.default_rng(0).normal(size=(2, *size)))
    found = run(
        lambda real, imaginary: backend.irfft2(real, imaginary, size),
        spectrum.real.astype("float32"),
        spectrum.imag.astype("float32"),
    )
    np.testing.assert_allclose(found, np.fft.irfft2(spectrum, size), atol=1e-6)


def test_sight_ends_at_a_trace():
    """A tensor of another trace cannot be seen, nor anything that is none."""
    is_visible = backend.sight()
    tensor = keras.ops.ones(2)
    assert is_visible(tensor)
    assert not is_visible(np.ones(2))
    inside = []

    def function(x):
        assert backend.sight()(x)
        inside.append(is_visible(x))
        return x

    backend.compiled(keras.Sequential([L.Dense(1)]), function)(tensor)
    assert inside == [False]


def test_traced_once_for_any_length():
    """Ahead of every call; a model that runs eagerly is not traced."""
    model, traces = keras.Sequential([L.Dense(1)]), []

    def function(x):
        traces.append(x)
        return 2 * x

    double = backend.traced(backend.compiled(model, function), keras.KerasTensor((None, 3)))
    assert len(traces) == 1
    for length in (1, 4):
        ones = keras.ops.ones((length, 3))
        np.testing.assert_array_equal(backend.to_numpy(double(ones)), 2 * np.ones((length, 3)))
    assert len(traces) == 1
    model.run_eagerly = True
    assert backend.traced(backend.compiled(model, function), keras.KerasTensor((None, 3))) is None


def test_untraced_is_the_function_inside():
    """And a plain function itself."""
    import tensorflow as tf

    def function(x):
        return x

    assert backend.untraced(function) is function
    assert backend.untraced(tf.function(function)) is function


def test_arrays_are_of_their_own():
    """Writing into one changes no tensor."""
    tensor = keras.ops.zeros(3)
    backend.to_numpy(tensor)[:] = 1
    assert backend.to_numpy(tensor).tolist() == [0, 0, 0]
