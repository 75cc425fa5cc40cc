"""What happens in the background, told by the thread that trains."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tb_kernels.drawing.subjects import Subject
from tb_kernels.errors import WriteError, warn
from tb_kernels.loggers.notice import say
from tb_kernels.wording import count, enumerate_all, ranges
from tb_kernels.writing.forks import renew_in_child

# What could not be done with something that is lost.
WRITTEN = "written to"
DRAWN = "drawn for"
COMPUTED = "computed for"


class Incidents:
    """Remembers what the worker meets in a training until somebody can be told.

    The worker never warns by itself: a warning that the user has turned into an
    error would end the worker's thread and never reach the user.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self.renew()
        renew_in_child(self)

    def renew(self) -> None:
        """Forgets all: what the parent of a forked process has met, it tells itself."""
        self._lock = threading.Lock()
        # By what could not be done: how many of what, and the last reason.
        self._lost: dict[str, Counter[str]] = {}
        self._reasons: dict[str, BaseException] = {}
        self._told = False
        self._nonfinite: set[str] = set()
        self._untold: list[str] = []
        # By layer, the kernels that nothing excites.
        self._dead: dict[str, set[int]] = {}
        self._dead_untold: list[str] = []

    def lose(
        self, number: int, noun: str, reason: BaseException, what_failed: str = WRITTEN
    ) -> None:
        """So many of these could not be written, or not even be drawn or computed."""
        with self._lock:
            self._lost.setdefault(what_failed, Counter())[noun] += number
            # Its traceback would keep the arrays of every frame that it passed.
            self._reasons[what_failed] = reason.with_traceback(None)

    def meet_nonfinite(self, subject: Subject, nonfinite: NDArray[np.bool_], epoch: int) -> None:
        """A layer holds values that are not finite; told once."""
        with self._lock:
            if subject.number not in self._nonfinite:
                self._nonfinite.add(subject.number)
                self._untold.append(
                    f"layer {subject.number} {subject.name!r}, {nonfinite.sum():,} of "
                    f"{nonfinite.size:,} {subject.values} at epoch {epoch}"
                )

    def meet_dead(self, subject: Subject, kernels: Sequence[int], epoch: int) -> None:
        """Nothing excites these kernels of a layer; each is told once."""
        with self._lock:
            told = self._dead.setdefault(subject.number, set())
            new = sorted(set(kernels) - told)
            if new:
                told.update(new)
                which = f"{'kernel' if len(new) == 1 else 'kernels'} {ranges(new)}"
                self._dead_untold.append(
                    f"{which} of layer {subject.number} {subject.name!r} at epoch {epoch}"
                )

    def tell(self, *, strict: bool, final: bool = False) -> None:
        """Warns of what is new: of losses the first time, and of their sum if `final`.

        Raises:
            WriteError: If `strict` and pictures were lost that were not told yet.
        """
        with self._lock:
            untold, self._untold = self._untold, []
            dead, self._dead_untold = self._dead_untold, []
            text, reason = self._summary()
            told, self._told = self._told, bool(text) and not final
            if strict or final:
                self._lost, self._reasons = {}, {}
        if untold:
            warn(f"what is not finite is drawn red: {'; '.join(untold)}")
        if dead:
            say(f"nothing excites, and uniformly grey is drawn of, {'; '.join(dead)}")
        if not text:
            return
        if strict:
            raise WriteError(text) from reason
        if final:
            warn(f"in all, {text}")
        elif not told:
            warn(
                f"{text}; training goes on, later pictures are tried all the same, and the "
                "sum is told at the end (strict=True raises instead)"
            )

    def _summary(self) -> tuple[str, BaseException | None]:
        texts, reason = [], None
        for what_failed, lost in self._lost.items():
            what = enumerate_all(count(number, noun) for noun, number in lost.items() if number)
            reason = self._reasons[what_failed]
            because = str(reason) or type(reason).__name__
            texts.append(f"{what} could not be {what_failed} {self._where} ({because})")
        return "; ".join(texts), reason
