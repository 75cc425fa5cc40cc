"""How much a report draws: enough for every honest log, and an end for one that is not."""

from __future__ import annotations

from collections.abc import Iterable

from tb_kernels.errors import LogError
from tb_kernels.reading.log import Log
from tb_kernels.reading.picture import Picture

# Pixels of logged pictures that go into figures, one picture into some of them: so many, and
# so many more for each byte. Pictures of weights have at most some hundred for a byte and each
# figure, at the largest scales; a PNG can be made to have a thousand.
_PIXELS, _PER_BYTE = 1_000_000_000, 600


class Room:
    """What is left of it.

    Args:
        log: The pictures that are drawn.
    """

    def __init__(self, log: Log) -> None:
        self._left = _PIXELS + _PER_BYTE * sum(layer.bytes for layer in log.layers)

    def take(self, pictures: Iterable[Picture]) -> None:
        """Counts pictures that are about to be drawn.

        Raises:
            LogError: If there is no more room for them.
        """
        pixels = sum(one.width * one.height for one in pictures)
        if pixels > self._left:
            raise LogError(
                f"a figure of {pixels:,} more pixels is not drawn, the report has too many of "
                "few bytes; select fewer epochs or kernels"
            )
        self._left -= pixels
