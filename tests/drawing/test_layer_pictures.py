"""A layer's pictures, batch by batch: each number has its own pixels, caption and scale."""

import tracemalloc

import numpy as np
import pytest

from tb_kernels.drawing.layer_pictures import LayerPictures, Moment
from tb_kernels.drawing.levels import find_limits, find_nonfinite
from tb_kernels.drawing.style import Style
from tb_kernels.drawing.subjects import Subject
from tb_kernels.schema.axes import Axes
from tests.helpers.oracle import assert_shows, draw, level

DEFAULTS = {"normalize": "layer", "colormap": "gray", "columns": None, "scale": None, "group": True, "sheets": False, "layers": None, "kernels": None}  # fmt: skip

RED = (255, 0, 0)

# So many pixels a side, one weight large: four pictures of a million pixels fill a batch.
LARGE = 1000


def batches_of(array, /, *, letters="oihw", of=None, by_slice=False, sheet_row=None, **style):
    """The batches of an array (kernels, slices, height, width), drawn as a logger would."""
    style = Style(**DEFAULTS | style)
    subject = Subject("2", "c", "c", "Conv2D", Axes(letters, array.shape), of=of)
    pictures = LayerPictures(subject, style, by_slice=by_slice, sheet_row=sheet_row)
    limits = find_limits(array, style.normalize)
    whole = limits if limits.low.ndim == 0 else find_limits(array, "layer")
    moment = Moment(7, array, find_nonfinite(array), limits, whole)
    return pictures, pictures.draw(moment)


def drawn(array, /, **options):
    """Each picture's pixels and caption, by its number."""
    pictures, batches = batches_of(array, **options)
    found = {}
    for batch in batches:
        for one, path, title, told in zip(batch.pixels, batch.paths, batch.titles, batch.descriptions, strict=True):  # fmt: skip
            assert path.removeprefix("2-c/") == title
            layer, number, epoch = title.split("_")
            assert (layer, epoch) == ("2", "7")
            found[int(number)] = one.squeeze(), told
    assert len(found) == pictures.count
    return found


def red_in(found):
    """The numbers of the pictures in which something is red."""
    return {number for number, (pixels, _) in found.items() if pixels.ndim == 3 and (pixels == RED).all(axis=-1).any()}  # fmt: skip


def random_kernels(*shape):
    """Kernels that lie in ranges of their own."""
    kernels = np.random.default_rng(5).normal(size=shape)
    return (kernels * np.arange(1, shape[0] + 1).reshape(-1, 1, 1, 1)).astype(np.float32)


def test_each_slice_on_the_scale_of_its_kernel():
    """Slice s of kernel k is number s * kernels + k, black and white those of its kernel."""
    kernels = random_kernels(3, 4, 2, 3)
    found = drawn(kernels, by_slice=True, normalize="kernel")
    for k, kernel in enumerate(kernels):
        low, high = float(kernel.min()), float(kernel.max())
        for s, slice_ in enumerate(kernel):
            pixels, told = found[s * 3 + k + 1]
            assert_shows(pixels, draw([level(slice_, low, high)]))
            assert told == (
                f"Layer 2 `c` (Conv2D), kernel {k + 1} of 3, slice {s + 1} of 4, epoch 7. "
                f"Weights: black {low:.4g}, white {high:.4g}."
            )


@pytest.mark.parametrize("by_slice", [False, True])
@pytest.mark.parametrize("sheet_row", [None, 2])
def test_what_is_not_finite_is_red_where_it_stands(by_slice, sheet_row):
    """In its picture and on the sheet, with a row for each kernel or with rows of two kernels."""
    kernels = random_kernels(3, 4, 2, 3)
    kernels[1, 2, 0, 1], kernels[2, 0, 1, 2] = np.nan, -np.inf
    found = drawn(kernels, by_slice=by_slice, sheet_row=sheet_row, sheets=True, scale=1)
    sheet, told = found[0]
    assert "all 3 kernels, epoch 7" in told
    # Slice 3 of kernel 2 is the eighth, slice 1 of kernel 3 the third.
    assert red_in(found) == ({0, 3, 8} if by_slice else {0, 2, 3})
    # Tiles of 2 x 3 pixels, a pixel between.
    at = {None: [(1 * 3 + 0, 2 * 4 + 1), (2 * 3 + 1, 0 * 4 + 2)], 2: [(2 * 3 + 0, 1 * 4 + 1), (4 * 3 + 1, 0 * 4 + 2)]}  # fmt: skip
    assert np.argwhere((sheet == RED).all(axis=-1)).tolist() == sorted(map(list, at[sheet_row]))


def test_a_sheet_has_one_scale():
    """The layer's, also where each kernel has its own in its picture."""
    kernels = random_kernels(3, 2, 2, 2)
    pixels, told = drawn(kernels, normalize="kernel", sheets=True)[0]
    low, high = float(kernels.min()), float(kernels.max())
    assert_shows(pixels, draw([level(slice_, low, high) for kernel in kernels for slice_ in kernel], columns=2))  # fmt: skip
    assert told == (
        f"Layer 2 `c` (Conv2D), all 3 kernels, epoch 7. Weights: black {low:.4g}, white {high:.4g}."
    )


def test_a_sheet_of_kernels_that_keep_their_own_scales():
    """Stacked in rows of two: each kernel's slices are scaled as in its own picture."""
    kernels = random_kernels(3, 2, 2, 2)
    pictures, _ = batches_of(kernels, normalize="kernel", sheet_row=2, sheets=True, scale=1)
    own = find_limits(kernels, "kernel")
    sheet = next(pictures.draw(Moment(7, kernels, None, own, own)))
    assert "black and white differ from one to the next" in sheet.descriptions[0]
    levels = [
        [level(slice_, kernel.min(), kernel.max()) for slice_ in kernel] for kernel in kernels
    ]
    empty = [np.full((2, 2), 255.0)] * 2
    first, second, third = levels
    rows = [first[0], second[0], first[1], second[1], third[0], empty[0], third[1], empty[1]]
    assert_shows(sheet.pixels[0, ..., 0], draw(rows, columns=2, scale=1))
    assert sheet.entry["stacked"] is True


@pytest.mark.parametrize("of", [None, 40])
def test_batches_go_on_where_the_last_one_ended(of):
    """More chosen pictures than are drawn at a time; also of an array that holds no others."""
    chosen = [2, 3, 5, 7, 11, 13, 17, 19, 23]
    kernels = random_kernels(40, 1, 1, 2)
    shown = kernels if of is None else kernels[np.array(chosen) - 1]
    found = drawn(shown, of=of, kernels=frozenset(chosen), normalize="kernel", scale=LARGE)
    assert list(found) == chosen
    for number in chosen:
        low, high = sorted(map(float, kernels[number - 1].ravel()))
        pixels, told = found[number]
        assert told.endswith(f"kernel {number} of 40, epoch 7. Weights: black {low:.4g}, white {high:.4g}.")  # fmt: skip
        np.testing.assert_array_equal(pixels[0, [0, -1]], np.where(kernels[number - 1].ravel() == high, 255, 0))  # fmt: skip


@pytest.mark.parametrize("by_slice", [False, True])
def test_a_large_layer_is_drawn_a_few_pictures_at_a_time(by_slice):
    """Whoever takes one batch after the other needs memory for one, whatever the layer's size."""
    kernels = random_kernels(8, 8, 1, 1)
    tracemalloc.start()
    try:
        _, batches = batches_of(kernels, by_slice=by_slice, columns=1, scale=LARGE)
        sizes = [(len(batch), batch.pixels.nbytes) for batch in batches]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A picture of eight slices is larger than a batch would be.
    assert {length for length, _ in sizes} == ({4} if by_slice else {1})
    assert sum(size for _, size in sizes) > 60e6
    assert peak < 40e6


def test_red_stays_with_its_kernel_in_later_batches():
    """Kernel 23 is the ninth picture, drawn third."""
    kernels = random_kernels(40, 1, 1, 1)
    kernels[22] = np.nan
    chosen = frozenset([2, 3, 5, 7, 11, 13, 17, 19, 23])
    assert red_in(drawn(kernels, kernels=chosen, scale=LARGE)) == {23}


def test_numbers_that_a_layer_does_not_have_are_passed_over():
    """In the order of the numbers, however they were asked for; what is told counts them."""
    kernels = random_kernels(3, 2, 2, 2)
    chosen = {"kernels": frozenset([9, 6, 3, 5])}
    assert list(drawn(kernels, **chosen)) == [3]
    pictures, batches = batches_of(kernels, by_slice=True, sheets=True, **chosen)
    assert [batch.entry["drawn"] for batch in batches] == [[0], [3, 5, 6]]
    assert list(drawn(kernels, by_slice=True, **chosen)) == [3, 5, 6]
    # Both slices of kernel 3 and one of kernel 2, and the sheet.
    assert (pictures.most, pictures.count, pictures.kernels_drawn) == (6, 4, 2)
    none, _ = batches_of(kernels, sheets=True, kernels=frozenset([4]))
    assert (none.count, none.sheet) == (0, None)


def test_depth_goes_across_whatever_columns_are_asked_for():
    """A row for each input channel, in it a tile for each depth; columns are for other kernels."""
    pictures, _ = batches_of(np.zeros((2, 3, 4, 2, 2), "float32"), letters="oidhw", columns=2)
    assert (pictures.layout.columns, pictures.layout.rows) == (4, 3)
    flat, _ = batches_of(random_kernels(2, 12, 2, 2), columns=2)
    assert (flat.layout.columns, flat.layout.rows) == (2, 6)


def test_what_will_be_written_counts_the_sheet():
    """Its weights are those of all kernels, so that it is about as large as these together."""
    kernels = random_kernels(8, 32, 7, 7)
    without, with_sheet = (batches_of(kernels, sheets=sheets)[0].size for sheets in (False, True))
    assert 1.8 * without < with_sheet < 2.2 * without


def test_three_slices_as_red_green_and_blue():
    """One tile of a kernel, also on the sheet; a slice on its own is grey."""
    kernels = random_kernels(2, 3, 2, 2)
    kernels[1, 2, 0, 0] = np.nan
    limits = find_limits(kernels, "layer")
    options = {"colormap": "rgb", "scale": 1, "sheets": True}
    found = drawn(kernels, **options)
    expected = level(kernels, float(limits.low), float(limits.high)).transpose(0, 2, 3, 1)
    expected[1, 0, 0] = RED
    assert_shows(found[1][0], expected[0])
    assert_shows(found[2][0], expected[1])
    # Two kernels of one tile each stand side by side.
    np.testing.assert_array_equal(found[0][0][:, [0, 1, 3, 4]], np.concatenate([found[1][0], found[2][0]], axis=1))  # fmt: skip
    _, batches = batches_of(kernels, by_slice=True, **options)
    assert [batch.entry["colormap"] for batch in batches] == ["rgb", "gray"]
    assert drawn(kernels[:1], by_slice=True, **options)[1][0].shape == (2, 2)
