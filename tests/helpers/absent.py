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


def shadow(folder: Path, name):
    """The same for a package's entry points: one of its name that is found first has none.

    Args:
        folder: Is made, and holds it.
        name: The package's.
    """
    package = folder / f"{name}-0.dist-info"
    package.mkdir(parents=True, exist_ok=True)
    (package / "METADATA").write_text(f"Name: {name}\nVersion: 0\n")
    return {"PYTHONPATH": str(folder)}


def without(folder: Path, *packages):
    """Environment variables that hide packages from a Python that starts with them.

    Args:
        folder: Is made, and holds what Python runs when it starts.
        packages: Their names.
    """
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_CUSTOMIZED.format(packages=packages))
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}
