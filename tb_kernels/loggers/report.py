"""What happens in the background, told by the thread that trains."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Mapping

from tb_kernels.errors import LogWarning, WriteError


class Report:
    """Remembers what the worker meets until somebody can be told.

    The worker never warns by itself: a warning that the user has turned into an
    error would end the worker's thread and never reach the user.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._lock = threading.Lock()
        self._reason: BaseException | None = None
        self._lost = 0
        self._told = False
        self._not_finite: set[str] = set()
        self._news: list[str] = []

    def lose(self, pictures: int, reason: BaseException) -> None:
        """So many pictures could not be written, or none but their index."""
        with self._lock:
            self._lost += pictures
            self._reason = reason

    def find_not_finite(self, layers: Mapping[str, str]) -> None:
        """Layers, by number, have weights that are not finite; the text says how many."""
        with self._lock:
            new = {number: layers[number] for number in layers if number not in self._not_finite}
            self._not_finite.update(new)
            if new:
                listed = "; ".join(new.values())
                self._news.append(f"weights that are not finite are drawn red: {listed}")

    def tell(self, *, strict: bool, final: bool = False) -> None:
        """Warns of what is new: of losses the first time, and of their sum if `final`.

        Raises:
            WriteError: If `strict` and pictures were lost that were not told yet.
        """
        with self._lock:
            news, self._news = self._news, []
            reason, lost = self._reason, self._lost
            told, self._told = self._told, reason is not None and not final
            if strict or final:
                self._reason, self._lost = None, 0
        for text in news:
            warnings.warn(text, LogWarning, stacklevel=3)
        if reason is None:
            return
        text = (
            f"{lost:,} pictures could not be written to {self._where} "
            f"({str(reason) or type(reason).__name__})"
        )
        if strict:
            raise WriteError(text) from reason
        if final:
            warnings.warn(f"in all, {text}", LogWarning, stacklevel=3)
        elif not told:
            warnings.warn(
                f"{text}; training goes on, later pictures are tried all the same, and the "
                "sum is told at the end (strict=True raises instead)",
                LogWarning,
                stacklevel=3,
            )
