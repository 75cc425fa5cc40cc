"""kill -9 of a training with all five loggers; `python -m tests.benchmarks.kills 200` has more."""

import pytest

from tests.benchmarks.kills import measure


@pytest.mark.slow
def test_ten_kills_at_any_moment():
    """Whatever was at work, files are whole and pictures right; nearly every kill interrupts."""
    interrupted, pictures, _ = measure(10, seed=10)
    assert interrupted >= 9
    assert pictures > 1000
