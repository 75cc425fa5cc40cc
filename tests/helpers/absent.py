"""An environment in which packages are not to be had, though they are installed."""

import os
from pathlib import Path

_CUSTOMIZED = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {packages!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""


def without(folder: Path, *packages):
    """Environment variables that hide packages from a Python that starts with them.

    Args:
        folder: Is made, and holds what Python runs when it starts.
        packages: Their names.
    """
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_CUSTOMIZED.format(packages=packages))
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}
