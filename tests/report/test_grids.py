"""Cells in rows and columns, and what is written beside them."""

import numpy as np
import pytest

from tb_kernels.report.grids import Bar, Cell, draw_grid, in_rows, thin_out


def cell(level, height, width, caption=""):
    """A picture of one red, in which no letter is."""
    return Cell(
        caption, (height, width), lambda: np.full((height, width, 3), (level, 0, 0), np.uint8)
    )


def box_of(figure, level):
    """First and last row and column of what is of this red."""
    rows, columns = np.nonzero((figure == (level, 0, 0)).all(axis=-1))
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_cells_stand_in_the_middle_of_their_column():
    """A column is as wide as its widest cell, a row as high as its highest; an empty place is white."""
    rows = [[cell(10, 20, 90), cell(20, 50, 30)], [None, cell(30, 10, 60)]]
    figure = draw_grid(rows).pixels()
    first, second, third = (box_of(figure, level) for level in (10, 20, 30))
    assert first[0] == second[0]
    assert third[0] > second[1]
    assert first[1] - first[0] + 1 == 20
    assert first[3] - first[2] + 1 == 90
    assert second[2] - third[2] == third[3] - second[3] == 15
    assert third[2] > first[3]
    assert (figure[third[0] : third[1] + 1, : first[3]] == 255).all()


def test_captions_stand_above_their_pictures():
    """Black on white, in the column's middle; where a caption is wider than its picture too."""
    captioned, plain = (draw_grid([[cell(99, 40, 200, text)]]).pixels() for text in ("1_6_10", ""))
    top, _, left, right = box_of(captioned, 99)
    changed = np.argwhere((captioned != plain).any(axis=-1))
    assert len(changed)
    assert changed[:, 0].max() < top
    middle = (changed[:, 1].min() + changed[:, 1].max()) / 2
    assert abs(middle - (left + right) / 2) < 4
    wide = draw_grid([[cell(99, 4, 4, "a long caption"), cell(98, 4, 4)]]).pixels()
    assert box_of(wide, 98)[2] - box_of(wide, 99)[3] > 60


def test_a_bar_shows_its_colours_in_order():
    """From low to high, below all rows, between what its ends stand for."""
    colors = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    figure = draw_grid([[cell(99, 40, 600)]], "title", Bar(colors, "-1", "2", "note")).pixels()
    below = figure[box_of(figure, 99)[1] + 1 :, :, 0].astype(int)
    steps = np.diff(below, axis=1)
    # A row of the bar rises by one from its second colour to the last but one.
    assert max((row == 1).sum() for row in steps) >= 253
    without = draw_grid([[cell(99, 40, 600)]]).pixels()
    assert figure.shape[0] > without.shape[0]


@pytest.mark.parametrize(("count", "most", "lengths"), [(5, 2, [2, 2, 2]), (4, 2, [2, 2]), (2, 9, [2])])  # fmt: skip
def test_rows_are_filled_up(count, most, lengths):
    """Cells in their order, the last row with empty places."""
    cells = [cell(level, 1, 1) for level in range(count)]
    rows = in_rows(cells, most)
    assert [len(row) for row in rows] == lengths
    flat = [one for row in rows for one in row]
    assert flat[:count] == cells
    assert not any(flat[count:])


def test_thinned_out_evenly():
    """The first and the last among them, in order; nothing left out where there is room."""
    assert thin_out(range(11), 3) == [0, 5, 10]
    assert thin_out(range(3), 3) == [0, 1, 2]
    assert thin_out(range(3), 2) == [0, 2]
