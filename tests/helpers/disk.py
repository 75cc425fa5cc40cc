"""A disk that is slow."""

import os


def slow_down(monkeypatch, wait):
    """Lets every picture wait on the disk: `wait(path)` returns before the file gets its name."""
    replace = os.replace

    def waiting(partial, path):
        wait(path)
        replace(partial, path)

    monkeypatch.setattr(os, "replace", waiting)
