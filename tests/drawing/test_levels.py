"""Weights to levels and back."""

import tracemalloc

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tb_kernels.drawing.colors import NONFINITE_COLOR, draws_rgb, lookup_table, paint, unpaint
from tb_kernels.drawing.levels import (
    MODES,
    Limits,
    find_limits,
    find_nonfinite,
    to_levels,
    to_weights,
)
from tb_kernels.errors import ArgumentError

finite = st.floats(-(2.0**100), 2.0**100, width=32)
shapes = st.tuples(*[st.integers(1, 4)] * 4)
weights = shapes.flatmap(lambda shape: arrays(np.float32, shape, elements=finite))


@given(weights)
def test_a_level_is_its_weight_within_half_a_level(w):
    """low + level / 255 * (high - low) is the weight again."""
    limits = find_limits(w, "layer")
    back = limits.low + to_levels(w, limits) / 255 * (limits.high - limits.low)
    span = float(limits.high - limits.low)
    if span:
        assert np.abs(back - w).max() <= span / 255 / 2 * (1 + 1e-9)


@given(weights, st.sampled_from(MODES))
def test_levels_keep_the_order(w, mode):
    """A larger weight of a kernel is never drawn darker."""
    levels = to_levels(w, find_limits(w, mode))
    for kernel in range(len(w)):
        order = np.argsort(w[kernel], axis=None)
        assert (np.diff(levels[kernel].ravel()[order].astype(int)) >= 0).all()


@given(weights)
def test_ends_are_black_and_white(w):
    """The smallest weight is 0, the largest 255, unless all are equal: then 128."""
    levels = to_levels(w, find_limits(w, "layer"))
    if w.min() == w.max():
        assert (levels == 128).all()
    else:
        assert (levels[w == w.min()] == 0).all()
        assert (levels[w == w.max()] == 255).all()


@given(weights)
def test_symmetric_draws_zero_mid_grey(w):
    """Zero is 127.5 rounded, whatever the weights."""
    limits = find_limits(w, "symmetric")
    assert limits.low == -limits.high
    assert to_levels(np.zeros_like(w), limits).flat[0] in (127, 128)


def test_limits_of_an_earlier_epoch_clip():
    """Weights outside are black and white; around empty limits, everything else is."""
    w = np.array([-2, 0, 0.5, 1, 3], np.float32).reshape(5, 1, 1, 1)
    assert to_levels(w, Limits.of(0, 1)).ravel().tolist() == [0, 0, 128, 255, 255]
    assert to_levels(w, Limits.of(0.5, 0.5)).ravel().tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize("mode", MODES)
def test_what_is_not_finite_takes_no_part(mode):
    """Limits with NaN and infinities among the weights are those of the rest."""
    random = np.random.default_rng(0)
    w = random.normal(size=(3, 2, 2, 2)).astype(np.float32)
    w[1] = w[1].clip(-0.1, 0.1)
    spoiled = np.concatenate([w, np.full((3, 1, 2, 2), np.nan, np.float32)], axis=1)
    spoiled[0, -1, 0, 0], spoiled[2, -1, 1, 1] = np.inf, -np.inf
    for ours, expected in zip(find_limits(spoiled, mode), find_limits(w, mode), strict=True):
        np.testing.assert_allclose(ours, expected)


def test_find_nonfinite_sees_each_and_only_them():
    """The mask is exact, and None where all is finite, also where the sum overflows."""
    w = np.full((2, 2, 2, 2), 3e38, np.float32)
    assert find_nonfinite(w) is None
    w[1, 0, 1, 0], w[0, 0, 0, 0], w[0, 0, 0, 1] = np.nan, np.inf, -np.inf
    np.testing.assert_array_equal(find_nonfinite(w), ~np.isfinite(w))


@given(weights, st.sampled_from(MODES))
def test_levels_give_the_weights_back(w, mode):
    """Within half a level, of a weight beyond the limits the nearer of them; NaN stays NaN."""
    limits = find_limits(w, mode)
    low, high = (end.reshape(end.shape + (1,) * (4 - end.ndim)) for end in limits)
    back = to_weights(to_levels(w, limits), limits)
    assert back.shape == w.shape
    assert (np.abs(back - w.clip(low, high)) <= (high - low) / 510 * (1 + 1e-9)).all()
    assert np.isnan(to_weights(np.full(w.shape, np.nan), limits)).all()


@given(
    st.tuples(*[st.integers(1, 4)] * 5),
    st.sampled_from(["gray", "rgb", "viridis", "coolwarm"]),
    st.data(),
)
def test_colors_give_the_levels_back(shape, colormap, draw):
    """To within neighbours of equal colour; NaN where it was not finite, but red in "rgb"."""
    levels = draw.draw(arrays(np.uint8, shape))
    nonfinite = draw.draw(arrays(bool, shape))
    painted = paint(levels, colormap, nonfinite if nonfinite.any() else None)
    if draws_rgb(colormap, shape[1]):
        red = np.reshape(NONFINITE_COLOR, (3, 1, 1, 1))
        expected = np.where(nonfinite.any(axis=1, keepdims=True), red, levels)
    else:
        # Kernels of another number of slices stay grey.
        colormap = "gray" if colormap == "rgb" else colormap
        expected = np.where(nonfinite, np.nan, levels)
    found = unpaint(painted, colormap)
    assert found.shape == (shape[0], shape[1] * shape[2], *shape[3:])
    np.testing.assert_allclose(found.reshape(shape), expected, rtol=0, atol=0.5)


def test_colors_of_another_map_are_refused():
    """An error that names the colour map."""
    painted = paint(np.arange(4, dtype=np.uint8).reshape(1, 1, 2, 2), "viridis")
    with pytest.raises(ArgumentError, match="colours that are not in colour map 'coolwarm'"):
        unpaint(painted, "coolwarm")


def many_weights():
    """Seven kernels of 400,000 weights, two of which are computed at a time; each of its own range."""
    random = np.random.default_rng(0)
    kernels = random.normal(size=(7, 1, 400, 1000)).astype(np.float32)
    return kernels * np.float32([1, 5, 2, 9, 3, 4, 7]).reshape(-1, 1, 1, 1) + np.float32(0.5)


@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("mode", [*MODES, (-3.0, 4.0)])
def test_large_layers_are_drawn_as_small_ones(mode, each):
    """Part by part, by the limits of all of the layer or by each kernel's own."""
    kernels = many_weights()
    exact = kernels.astype(float)
    of = (1, 2, 3) if mode == "kernel" or (each and mode == "standard") else None
    low, high = exact.min(of), exact.max(of)
    if mode == "symmetric":
        low, high = -max(-low, high), max(-low, high)
    if mode == "standard":
        mean, deviation = exact.mean(of), exact.std(of)
        low, high = mean - 2 * deviation, mean + 127 / 64 * deviation
    if isinstance(mode, tuple):
        low, high = mode
    limits = find_limits(kernels, mode, each=each)
    np.testing.assert_allclose(limits, (low, high), rtol=1e-6)
    low, high = (np.reshape(end, (-1, 1, 1, 1)) for end in (low, high))
    expected = np.clip(255 * (exact - low) / (high - low), 0, 255)
    assert np.abs(to_levels(kernels, limits) - expected).max() <= 0.501


def test_levels_of_a_large_layer_need_little_memory():
    """Beside the levels themselves, arithmetic for a part of the layer only."""
    kernels = many_weights()
    limits = find_limits(kernels, "layer")
    tracemalloc.start()
    try:
        levels = to_levels(kernels, limits)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        held = tracemalloc.get_traced_memory()[0]
        find_limits(kernels, "standard")
        limits_peak = tracemalloc.get_traced_memory()[1] - held
    finally:
        tracemalloc.stop()
    assert peak < levels.nbytes + 20e6
    assert limits_peak < 20e6


@pytest.mark.parametrize("colormap", ["tab10", "Set1", "twilight", "RdBu_r", "viridis"])
def test_colour_maps_of_any_number_of_colours(colormap):
    """The levels go through all of it, from its first colour to its last."""
    table = lookup_table(colormap)
    for level in range(256):
        colour = mpl.colormaps[colormap](level / 255, bytes=True)[:3]
        assert tuple(table[level]) == tuple(colour)
