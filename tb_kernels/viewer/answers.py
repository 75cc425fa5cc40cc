"""Questions of the viewer → answers, whoever asks: TensorBoard's page, a report, a notebook.

A question is a name and its parameters, as they stand in an address; an answer never depends on
anything but the log and these.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from tb_kernels.errors import DamagedError
from tb_kernels.reading.layers import LoggedLayer
from tb_kernels.reading.log import Log
from tb_kernels.viewer.overview import curves_of, find_layer, overview_of
from tb_kernels.viewer.runs import ChosenRun, runs_of
from tb_kernels.viewer.sprites import Sprite, range_of, sprite_of
from tb_kernels.wording import shown

JSON, PNG = "application/json", "image/png"

# What names a layer at an epoch.
_NAMES = ("run", "view", "key", "epoch")

# Of sprites, the bytes that are kept: neighbours in time are asked for one after the other.
_MOST_BYTES = 64_000_000

# What each takes at least, however small: a browser's names may be as long.
_LEAST_BYTES = 1 << 16


class Answer(NamedTuple):
    """What a browser is given.

    Attributes:
        body: All of it.
        kind: Its media type.
        lasting: Whether the same question, version and all, has this answer for ever.
    """

    body: bytes
    kind: str
    lasting: bool


class UnknownError(Exception):
    """There is nothing of that name; the message is for people."""


class ChangedError(UnknownError):
    """What was asked for is no longer what the log has told of."""


class Answers:
    """Answers questions about a log. Of use to many threads.

    Args:
        log: Gives the log as it is now.
        most_bytes: Of sprites that are kept, beside the last.
        earlier: Whether trainings that newer ones have superseded can be asked for, too.
    """

    def __init__(
        self, log: Callable[[], Log], most_bytes: int = _MOST_BYTES, *, earlier: bool = True
    ) -> None:
        self._log = log
        self._earlier = earlier
        self._sprites = _Kept(most_bytes)
        self._lock = threading.Lock()
        self._known: _Known | None = None

    def answer(self, question: str, parameters: Mapping[str, str]) -> Answer:
        """The answer to a question.

        Args:
            question: One of `QUESTIONS`.
            parameters: By name, as the question needs.

        Raises:
            UnknownError: If there is nothing of these names.
            ChangedError: If the pictures of this version are no longer there.
            LogError: If the log cannot be read.
        """
        if question not in QUESTIONS:
            raise UnknownError(f"no {shown(question)!r} here")
        return QUESTIONS[question](self, parameters)

    def _overview(self, parameters: Mapping[str, str]) -> Answer:
        log = self._log()
        with self._lock:
            return self._known_of(log).overview

    def _known_of(self, log: Log) -> _Known:
        """Under the lock."""
        if self._known is None or self._known.log is not log:
            self._known = _Known(log, self._earlier)
        return self._known

    def _run_in(self, log: Log, parameters: Mapping[str, str]) -> ChosenRun:
        name = _asked(parameters, "run")
        with self._lock:
            runs = self._known_of(log).runs
        found = next((one for one in runs if one.name == name), None)
        if found is None:
            raise UnknownError(f"no run {shown(name)!r} in {shown(log.where)!r}")
        return found

    def _layer_in(self, log: Log, parameters: Mapping[str, str]) -> tuple[Log, LoggedLayer]:
        view, key = (_asked(parameters, name) for name in ("view", "key"))
        run = self._run_in(log, parameters)
        layer = find_layer(run.log, run.run, view, key)
        if layer is None:
            raise UnknownError(
                f"no {shown(view)} of layer {shown(key)!r} of run {shown(run.name)!r} in "
                f"{shown(log.where)!r}"
            )
        return run.log, layer

    def _curves(self, parameters: Mapping[str, str]) -> Answer:
        run = self._run_in(self._log(), parameters)
        return _json(curves_of(run.log, run.run), lasting=False)

    def _range(self, parameters: Mapping[str, str]) -> Answer:
        log, layer = self._layer_in(self._log(), parameters)
        return _json({"range": range_of(log.drawn_together(layer))}, lasting=False)

    def _layer(self, parameters: Mapping[str, str]) -> Answer:
        return _json(self._sprite(parameters).told(), lasting="version" in parameters)

    def _image(self, parameters: Mapping[str, str]) -> Answer:
        sprite, part = self._sprite(parameters), _asked(parameters, "part")
        parts = {str(number): number for number in range(len(sprite.parts))}
        if part not in parts:
            raise UnknownError(f"no part {shown(part)!r} of this layer")
        return Answer(sprite.image(parts[part]), PNG, "version" in parameters)

    def _sprite(self, parameters: Mapping[str, str]) -> Sprite:
        try:
            return self._log().of_intact(lambda log: self._sprite_in(log, parameters))
        except (UnknownError, DamagedError) as error:
            if "version" not in parameters:
                raise
            # It was there.
            raise ChangedError(str(error)) from None

    def _sprite_in(self, log: Log, parameters: Mapping[str, str]) -> Sprite:
        names = tuple(_asked(parameters, name) for name in _NAMES)
        (log, layer), told = self._layer_in(log, parameters), parameters["epoch"]
        epochs = {str(one): one for one in layer.epochs}
        what = f"layer {shown(layer.number)!r} at epoch {shown(told)} in {shown(log.where)!r}"
        if told not in epochs:
            raise UnknownError(f"nothing of {what}")
        (version,) = log.versions(layer, epochs[told])
        if parameters.get("version", version) != version:
            raise ChangedError(f"other pictures than before of {what}")
        return self._sprites.get(
            (*names, version), lambda: sprite_of(log.of_layer(layer, epochs[told]))
        )


QUESTIONS: dict[str, Callable[[Answers, Mapping[str, str]], Answer]] = {
    "log": Answers._overview,
    "curves": Answers._curves,
    "range": Answers._range,
    "layer": Answers._layer,
    "sprite": Answers._image,
}


class _Known:
    """What takes its time and is asked for again and again, mostly of the same log."""

    def __init__(self, log: Log, earlier: bool) -> None:
        self.log = log
        self._earlier = earlier

    @cached_property
    def runs(self) -> list[ChosenRun]:
        return runs_of(self.log, earlier=self._earlier)

    @cached_property
    def overview(self) -> Answer:
        return _json(overview_of(self.log, self.runs), lasting=False)


class _Kept:
    """The sprites asked for last, so many bytes of them."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, ...], Sprite] = OrderedDict()

    def get(self, names: tuple[str, ...], read: Callable[[], Sprite]) -> Sprite:
        """The sprite of these names, read if it is not kept."""
        with self._lock:
            found = self._kept.get(names)
            if found is not None:
                self._kept.move_to_end(names)
                return found
        sprite = read()
        with self._lock:
            self._kept[names] = sprite
            size = sum(map(_size, self._kept.values()))
            while size > self._most_bytes and len(self._kept) > 1:
                size -= _size(self._kept.popitem(last=False)[1])
        return sprite


def _size(sprite: Sprite) -> int:
    return _LEAST_BYTES + sprite.values.nbytes


def _asked(parameters: Mapping[str, str], name: str) -> str:
    if name not in parameters:
        raise UnknownError(f"{name}: missing; expected a name as `log` tells it")
    return parameters[name]


def _json(value: Any, *, lasting: bool) -> Answer:
    return Answer(json.dumps(value).encode(), JSON, lasting)
