"""A log → the viewer in a frame, for the cell of a notebook."""

from __future__ import annotations

from html import escape

from tb_kernels.reading.log import Log
from tb_kernels.viewer.bundle import policy
from tb_kernels.viewer.embedding import embedded, fitting
from tb_kernels.wording import shown

# Of pictures in a cell: a notebook keeps them all.
_MOST_BYTES = 8_000_000

_ALLOWED = "allow-scripts allow-downloads allow-modals"


def frame_of(log: Log, told: str, height: int) -> str:
    """The viewer as HTML that any page may hold.

    What is in the frame can reach nothing of the page around it.

    Args:
        log: What it shows.
        told: What that is, in words.
        height: In CSS pixels.
    """
    log, left_out = fitting(log, _MOST_BYTES)
    if left_out:
        told += f"; here are {left_out}, log.select(...).show() shows others"
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy())}">'
        f"<title>{escape(shown(log.where))}</title><body style='margin:0'>"
        f"<noscript>Kernels are shown here by a script, and scripts are off.</noscript>"
        f"{''.join(embedded(log))}"
    )
    return (
        f"<p>{escape(told)}</p>"
        f'<iframe title="{escape(told)}" sandbox="{_ALLOWED}" srcdoc="{escape(page)}" '
        f'style="width:100%;height:{height}px;border:1px solid #8884;border-radius:8px"></iframe>'
    )
