"""The bar of a scale: the numbers at its ends and its zero never meet."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from tb_kernels.figures.bars import draw_bar
from tb_kernels.figures.paper import Paper
from tb_kernels.figures.scale import Bar

COLORS = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


@pytest.mark.parametrize("length", [60, 100, 180])
def test_zero_is_named_where_there_is_room(length):
    """Wherever it stands, as matplotlib draws the texts; and with much room it always is."""
    paper, named = Paper(dpi=100), []
    for share in np.linspace(0.02, 0.98, 49):
        figure = Figure(figsize=(length / 100, 1), dpi=100)
        axes = figure.add_axes((0, 0.5, 1, 0.2))
        low, high = -share * 0.8125, (1 - share) * 0.8125
        draw_bar(axes, Bar(COLORS, low, high), length, length, paper)
        figure.canvas.draw()
        shown = [text for text in axes.get_xticklabels() if text.get_text()]
        boxes = sorted((text.get_window_extent() for text in shown), key=lambda box: box.x0)
        if len(boxes) == 3:
            assert boxes[0].x1 < boxes[1].x0
            assert boxes[1].x1 < boxes[2].x0
            named.append(share)
    assert named == sorted(named)
    if length == 180:
        assert min(named) < 0.35
        assert max(named) > 0.65
