"""What every report is of."""

import pytest

from tests.helpers.models import train


@pytest.fixture(scope="session")
def log_dir(tmp_path_factory):
    """One training with all views, epochs 0 to 2."""
    log_dir = tmp_path_factory.mktemp("export") / "logs"
    train(log_dir, 1)
    return log_dir
