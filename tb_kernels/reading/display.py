"""A log in a notebook: its kernels as rows, its epochs as columns."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice

from tb_kernels.reading.picture import Picture

# So many rows are shown, the rest is told in numbers; and so many epochs, the last among them.
_ROWS = 12
_COLUMNS = 12

_PICTURE = "image-rendering:pixelated;max-width:160px;background:#fff;border:1px solid #8884"


def html_of(told: str, strips: Iterable[Sequence[Picture]], count: int) -> str:
    """What there is in words, and the first kernels.

    Args:
        told: What there is.
        strips: The pictures of each kernel.
        count: How many strips there are.
    """
    shown = "".join(_row(strip) for strip in islice(strips, _ROWS))
    more = count - _ROWS
    rest = f"<p>… and {more:,} rows more; select() fewer.</p>" if more > 0 else ""
    return f"<p>{escape(told)}</p><table>{shown}</table>{rest}"


def _row(strip: Sequence[Picture]) -> str:
    if len(strip) > _COLUMNS:
        strip = [*strip[: _COLUMNS - 1], strip[-1]]
    cells = [
        f'<td style="text-align:center"><code>{escape(picture.view)} {picture.address}</code><br>'
        f'<img style="{_PICTURE}" src="{data_uri(picture.png)}"></td>'
        for picture in strip
    ]
    return f"<tr>{''.join(cells)}</tr>"


def data_uri(data: bytes, kind: str = "png") -> str:
    """A picture as an address that holds all of it."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
