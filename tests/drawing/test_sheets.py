"""Where kernels stand on a sheet, and how large it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tb_kernels.drawing.sheets import fit_sheet, stack, unstack


@pytest.mark.parametrize(
    ("kernels", "each", "row", "rows", "columns"),
    [
        (5, 4, None, 5, 4),  # a row for each kernel
        (30, 1, None, 5, 6),  # kernels of a single tile in a square
        (26, 1, None, 5, 6),
        (40, 3, 16, 9, 16),  # rows of sixteen kernels, three tiles high
        (3, 2, 16, 2, 3),  # no empty columns
    ],
)
def test_rows_and_columns(kernels, each, row, rows, columns):
    """By how many kernels there are, and how many tiles each has."""
    layout = fit_sheet(kernels, each, (2, 3), row=row, scale=1, channels=1)
    assert (layout.rows, layout.columns) == (rows, columns)
    assert (layout.height, layout.width, layout.scale) == (2, 3, 1)


@pytest.mark.parametrize(("row", "side"), [(None, 128), (16, 512)])
def test_sheets_are_large_enough_to_see(row, side):
    """The longer side, by the smallest whole scale; that of stacked slices is longer."""
    layout = fit_sheet(3, 2, (2, 3), row=row, scale=None, channels=1)
    smaller = fit_sheet(3, 2, (2, 3), row=row, scale=layout.scale - 1, channels=1)
    assert max(smaller.size) < side <= max(layout.size)


def test_a_sheet_is_as_long_as_can_be_opened():
    """A scale is lowered as far as is needed, and never below a pixel for a weight."""
    layout = fit_sheet(1000, 2, (4, 4), row=None, scale=9, channels=1)
    larger = 1000 * 4 * (layout.scale + 1) + 999 * max(1, (layout.scale + 1) // 4)
    assert max(layout.size) <= 8192 < larger
    assert fit_sheet(1000, 2, (9, 9), row=None, scale=9, channels=1).scale == 1
    assert fit_sheet(1638, 2, (4, 4), row=None, scale=1, channels=1).size[0] == 8189


@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 5))
def test_stacked_kernels_are_found_again(kernels, each, row):
    """Tile t of kernel k stands in row `k // row * each + t`, column `k % row`; the rest is white."""
    tiles = np.arange(kernels * each, dtype=np.uint8).reshape(kernels, each, 1, 1, 1)
    stacked = stack(tiles, row)
    grid = stacked.reshape(-1, row)
    rest = np.ones(grid.shape, bool)
    for k in range(kernels):
        for t in range(each):
            place = k // row * each + t, k % row
            assert grid[place] == k * each + t
            rest[place] = False
    assert (grid[rest] == 255).all()
    np.testing.assert_array_equal(unstack(stacked, row, kernels, each), tiles)
