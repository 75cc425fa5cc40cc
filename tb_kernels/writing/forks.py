"""What a forked process must not share with its parent: locks, threads, processes, open files."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Renewable(Protocol):
    """Something that a forked process begins anew."""

    def renew(self) -> None:
        """Begins anew, in a process that has just been forked."""


_all: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_in_child(one: Renewable) -> None:
    """Lets something begin anew in every process that is forked from now on, while it lives."""
    _all.add(one)


def _renew_all() -> None:
    for one in list(_all):
        one.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
