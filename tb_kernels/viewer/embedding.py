"""A log → the viewer as a part of a page, with all answers that it will ask for in the page."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from tb_kernels.errors import LogError
from tb_kernels.reading.choice import thin_out
from tb_kernels.reading.log import Log
from tb_kernels.schema.naming import SHEET
from tb_kernels.viewer.answers import Answers, UnknownError
from tb_kernels.viewer.bundle import script, style

# Before kernels are left out, epochs are: so many stay.
_FEWEST_EPOCHS = 8


def embedded(log: Log) -> Iterator[str]:
    """The viewer as HTML that stands anywhere in a page, in pieces.

    The page's policy must let the script run: `bundle.policy`.

    Args:
        log: All that it shows.
    """
    yield f'<style>\n{style()}</style>\n<div id="viewer"></div>\n'
    yield '<script type="application/json" id="answers">'
    for place, (asked, answer) in enumerate(_answers_of(log)):
        # Text in a script ends where it says so, be it in a layer's name.
        pair = f"{json.dumps(asked)}:{answer}".replace("<", "\\u003c")
        yield f"{',' if place else '{'}{pair}\n"
    yield f"}}</script>\n<script>{script()}</script>\n"


def fitting(log: Log, most: int) -> tuple[Log, str]:
    """What of a log a page has room for.

    Args:
        log: All.
        most: Bytes of pictures.

    Returns:
        A selection, the first kernels of each layer at some epochs, the first and the last
        among them; and what it leaves out, in words, empty for nothing.
    """
    epochs = every = log.epochs
    kernels = most_kernels = max((len(layer.kernels) for layer in log.layers), default=0)
    while _size(log, epochs, kernels) > most and (len(epochs) > _FEWEST_EPOCHS or kernels > 1):
        if len(epochs) > _FEWEST_EPOCHS:
            epochs = thin_out(epochs, max(_FEWEST_EPOCHS, len(epochs) * 3 // 4))
        else:
            kernels = max(1, kernels * 3 // 4)
    told = []
    if kernels < most_kernels:
        sheets = [SHEET] if any(layer.sheets for layer in log.layers) else []
        there = set().union(*(layer.kernels for layer in log.layers))
        log = log.select(kernels=[*sheets, *sorted(there & set(range(1, kernels + 1)))])
        told.append(f"the first {kernels:,} kernels of each layer")
    if len(epochs) < len(every):
        log = log.select(epochs=epochs)
        told.append(f"{len(epochs)} of {len(every):,} epochs")
    return log, " and ".join(told)


def data_uri(data: bytes, kind: str = "png") -> str:
    """A picture as an address that holds all of it."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _size(log: Log, epochs: Sequence[int], kernels: int) -> float:
    """About as many bytes as the pictures of these epochs and first kernels have."""
    shown = set(epochs)
    return sum(
        layer.bytes
        * min(1, kernels / max(1, len(layer.kernels)))
        * (len(shown.intersection(layer.epochs)) / len(layer.epochs))
        for layer in log.layers
    )


def _answers_of(log: Log) -> Iterator[tuple[str, str]]:
    """Each address that the viewer may ask for, and its answer in JSON."""
    # Each is asked for once.
    answers = Answers(lambda: log, most_bytes=0, earlier=False)
    overview = answers.answer("log", {}).body.decode()
    yield "log", overview
    for run in json.loads(overview)["runs"]:
        yield _asked(answers, "curves", run=run["name"])
        for layer in run["layers"]:
            names = {"run": run["name"], "view": layer["view"], "key": layer["key"]}
            yield _asked(answers, "range", **names)
            for epoch, version in zip(layer["epochs"], layer["versions"], strict=True):
                yield from _sheet(answers, names | {"epoch": str(epoch), "version": version})


def _sheet(answers: Answers, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    address, head = _asked(answers, "layer", **names)
    yield address, head
    for part in range(len(json.loads(head).get("parts", ()))):
        asked = names | {"part": str(part)}
        image = answers.answer("sprite", _now(asked)).body
        yield f"sprite?{urlencode(asked)}", json.dumps(data_uri(image))


def _asked(answers: Answers, question: str, **names: Any) -> tuple[str, str]:
    """An address and its answer; where there is none, why."""
    try:
        answer = answers.answer(question, _now(names)).body.decode()
    except (LogError, UnknownError) as error:
        answer = json.dumps({"error": str(error)})
    return f"{question}?{urlencode(names)}", answer


def _now(names: Mapping[str, str]) -> dict[str, str]:
    """The question for whatever is whole now: a page cannot ask anew."""
    return {name: value for name, value in names.items() if name != "version"}
