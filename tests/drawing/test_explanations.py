"""What descriptions tell of pictures, in words."""

import numpy as np

from tb_kernels.drawing.explanations import Explained


def test_each_heatmap_tells_its_own_class():
    """By number and name; each its own score."""
    scores = np.array([1.5, -2, 0.25], "float32")
    explained = Explained(np.array([2, 0, 1]), scores, class_names=["a", "`b`", "c" * 99])
    assert [explained.describe(number) for number in (1, 2, 3)] == [
        f"Class 2 `{'c' * 79}…`, score 1.5 (before softmax or sigmoid).",
        "Class 0 `a`, score -2 (before softmax or sigmoid).",
        "Class 1 `'b'`, score 0.25 (before softmax or sigmoid).",
    ]
    assert Explained(None, scores).describe(3) == "Score 0.25."
