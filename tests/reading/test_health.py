"""The health of layers: counts and changes as NumPy has them, and what was not logged."""

import math

import keras
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tb_kernels import ActivationLogger, ArgumentError, KernelLogger, PatternLogger, open_log
from tb_kernels.reading.health import near_zero
from tb_kernels.reading.measures import Measured
from tests.helpers.models import sixteen_pictures, two_convolutions
from tests.helpers.planted import FIRST, LAST, inputs, log_planted


def relative(kernels, layer):
    """The change of a whole layer as a fraction of its norm."""
    before, after = kernels[layer, FIRST], kernels[layer, LAST]
    return np.linalg.norm(after - before) / np.linalg.norm(before)


def test_planted_faults(tmp_path):
    """One kernel zero, one channel dead, one layer frozen, one weight NaN: found, exactly."""
    kernels = log_planted(tmp_path, weights=True, activations=True)
    moved, frozen, broken = open_log(tmp_path).health()
    assert moved._replace(relative_change=None) == (
        "1", "moved", LAST, 8, 1, 0, 0, FIRST, None, 0.0, False, LAST, 8, 2, 0
    )  # fmt: skip
    assert moved.relative_change == pytest.approx(relative(kernels, "1"), rel=1e-12)
    # What is zero, and has no bias, is nowhere above zero.
    assert frozen == ("2", "frozen", LAST, 6, 1, 0, 0, FIRST, 0.0, 0.0, True, LAST, 6, 1, 0)
    assert math.isnan(broken.relative_change)
    assert broken[:8] == ("3", "broken", LAST, 5, 0, 0, 1, FIRST)
    assert not broken.still
    assert broken.channels == 5


@pytest.mark.parametrize("normalize", ["layer", "kernel"])
def test_from_pictures_within_the_errors(normalize, tmp_path):
    """Counts and changes are within what stands beside them; a NaN is red, and counted."""
    kernels = log_planted(tmp_path, normalize=normalize, activations=True)
    for path in (tmp_path / "activations").glob("*.npz"):
        path.unlink()
    rows = open_log(tmp_path).health()
    for row, zeros, dead in zip(rows, (1, 1, 0), (2, 1, 0), strict=True):
        assert abs(row.near_zero - zeros) <= row.near_zero_error <= 1
        assert row.inactive - row.inactive_error <= dead <= row.inactive
        assert row.nonfinite == (row.layer == "3")
    for row in rows[:2]:
        assert abs(row.relative_change - relative(kernels, row.layer)) <= row.relative_change_error
        assert 0 < row.relative_change_error < 0.05
    assert rows[0].inactive == 2
    assert rows[0].inactive_error == 0


def test_thresholds(tmp_path):
    """Near zero and still are what the thresholds say; each is a number from 0 to 1."""
    kernels = log_planted(tmp_path, weights=True)
    log = open_log(tmp_path)
    norms = np.linalg.norm(kernels["1", LAST].reshape(8, -1), axis=1)
    for fraction in (0, 0.5, 0.9, 1):
        (row,) = log.health(layers=1, zero_below=fraction)
        assert row.near_zero == (norms <= fraction * np.median(norms)).sum()
    change = relative(kernels, "1")
    assert log.health(layers="moved", still_below=min(1, change * 1.01))[0].still
    assert not log.health(layers="moved", still_below=change * 0.99)[0].still
    for name in ("zero_below", "still_below"):
        with pytest.raises(ArgumentError, match=f"{name}: expected a number from 0 to 1, got 2"):
            log.health(**{name: 2})


@given(
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1), st.floats(-1, 1)), min_size=1),
    st.sampled_from([0.0, 0.01, 0.5, 1.0]),
)
@example([(0.49, 0.0, 0.0)] * 3 + [(1.0, 0.2, -1.0)] * 4, 0.5)
@example([(0.51, 0.0, 0.0)] * 3 + [(1.0, 0.2, 1.0)] * 4, 0.5)
def test_law_of_the_count(kernels, fraction):
    """However far the true norms are within their errors, the count is within its own."""
    values, errors, signs = np.array(kernels).T
    true = np.maximum(values + errors * signs, 0)
    expected = (true <= fraction * np.median(true)).sum()
    found, error = near_zero(Measured(values, errors), fraction)
    assert abs(found - expected) <= error
    assert near_zero(Measured(true, 0 * errors), fraction) == (expected, 0)


def test_a_layer_of_zeros(tmp_path):
    """All its kernels are near zero, and of its change there is no fraction."""
    model = two_convolutions()
    model.layers[0].set_weights([np.zeros((3, 3, 3, 4)), np.zeros(4)])
    with KernelLogger(tmp_path, weights=True, statistics=False) as logger:
        for epoch in (1, 2):
            logger.log(model, epoch)
    row, other = open_log(tmp_path).health()
    assert (row.near_zero, row.kernels) == (4, 4)
    assert math.isnan(row.relative_change)
    assert (other.near_zero, other.relative_change, other.still) == (0, 0.0, True)


def test_the_change_is_that_of_the_last_epoch(tmp_path):
    """From the curve, which has every epoch, not only those that were logged; one layer frozen."""
    model = two_convolutions()
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    before = []

    class Keep(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            before.append(model.layers[2].get_weights()[0])

    callbacks = [Keep(), KernelLogger(tmp_path, epochs=[1, 4, "final"])]
    model.fit(*sixteen_pictures(), epochs=4, verbose=0, callbacks=callbacks)
    after = model.layers[2].get_weights()[0]
    expected = np.linalg.norm(after - before[-1]) / np.linalg.norm(before[-1])
    for log in (open_log(tmp_path), open_log(tmp_path).select(epochs=[1, 4])):
        frozen, moving = log.health()
        assert (frozen.relative_change, frozen.since, frozen.still) == (0.0, 3, True)
        assert moving.relative_change == pytest.approx(expected, rel=1e-5)
        assert (moving.since, moving.relative_change_error) == (3, 0.0)
        assert moving.still == (expected < 0.001)
    (_, second) = open_log(tmp_path).select(epochs=1).health()
    change = np.linalg.norm(before[1] - before[0]) / np.linalg.norm(before[0])
    assert (second.epoch, second.since) == (1, 0)
    assert second.relative_change == pytest.approx(change, rel=1e-5)


def test_what_was_not_logged_is_none(tmp_path):
    """Neither 0 nor left out: of one epoch no change, without ActivationLogger no channels."""
    with KernelLogger(tmp_path, layers="first", statistics=False) as logger:
        logger.log(two_convolutions(), 1)
    (row,) = open_log(tmp_path).health()
    assert (row.kernels, row.nonfinite) == (4, 0)
    assert row[7:] == (None,) * 8
    x = inputs()
    with ActivationLogger(tmp_path, x, layers=["pool", "first"]) as logger:
        logger.log(two_convolutions(), 2)
    first, pool = open_log(tmp_path).health()
    assert (first.epoch, first.active_epoch, first.channels) == (1, 2, 4)
    assert pool[:11] == ("2", "pool", *(None,) * 9)
    assert pool.channels == 4


def test_red_is_a_colour_of_rgb(tmp_path):
    """Such a picture does not tell what is not finite; exact weights do."""
    for exact in (False, True):
        with KernelLogger(tmp_path / str(exact), layers="first", colormap="rgb", weights=exact) as logger:  # fmt: skip
            logger.log(two_convolutions(), 1)
    assert [one.nonfinite for one in open_log(tmp_path / "False").health()] == [None]
    assert [one.nonfinite for one in open_log(tmp_path / "True").health()] == [0]


def test_wrong_usage(tmp_path):
    """Of one training at a time, of which there are kernels or activations."""
    for run in ("a", "b"):
        with KernelLogger(tmp_path / run) as logger:
            logger.log(two_convolutions(), 1)
    log = open_log(tmp_path)
    with pytest.raises(ArgumentError, match=r"run: the health of one training is told, .* has a, b; say which with run="):  # fmt: skip
        log.health()
    assert log.health(run="b") == log.select(runs="b").health()
    with pytest.raises(ArgumentError, match="layers: no layer 'conv9'"):
        log.health(layers="conv9")
    with PatternLogger(tmp_path / "c", steps=1, kernels=[1]) as logger:
        logger.log(two_convolutions(), 1)
    with pytest.raises(ArgumentError, match=r"views: no kernels and no activations in .*, which has patterns; expected what a KernelLogger"):  # fmt: skip
        open_log(tmp_path / "c").health()


def test_layers_stand_as_in_the_network(tmp_path):
    """Also those that have activations only, between those that have kernels."""
    model = two_convolutions()
    with KernelLogger(tmp_path) as kernels, ActivationLogger(tmp_path, sixteen_pictures()[0], layers=[1, 2, 3]) as logger:  # fmt: skip
        kernels.log(model, 1)
        logger.log(model, 1)
    assert [row.layer for row in open_log(tmp_path).health()] == ["1", "2", "3"]
