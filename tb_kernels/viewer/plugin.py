"""The tab Kernels of TensorBoard: addresses → the viewer's answers, and the files of its page.

TensorBoard imports this module when it starts, and does not start if that fails: so what reads a
log is imported with the first question.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin
from werkzeug import wrappers

from tb_kernels.schema.naming import PLUGIN_NAME

if TYPE_CHECKING:
    from tb_kernels.reading.sources import Source
    from tb_kernels.viewer.answers import Answer, Answers

# What the viewer's `answers` answer.
_QUESTIONS = ("log", "curves", "range", "layer", "sprite")

# The page: what TensorBoard imports, and what that asks for.
_PAGE = "index.js"
_KINDS = {".js": "text/javascript", ".css": "text/css"}

# Seconds that a browser keeps what never changes.
_LONG = 7 * 24 * 3600

_LOGGER = logging.getLogger(__name__)

_Application = Callable[[Mapping[str, Any], Callable[..., Any]], Iterable[bytes]]


class KernelsPlugin(base_plugin.TBPlugin):  # type: ignore[misc]
    """Shows the log directory that TensorBoard shows.

    Args:
        context: What TensorBoard tells its plugins.
    """

    # That of the indexes in the log: TensorBoard shows the tab of a log that has some.
    plugin_name = PLUGIN_NAME

    def __init__(self, context: base_plugin.TBContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._answers: Answers | None = None

    def get_plugin_apps(self) -> dict[str, _Application]:
        """By route, what answers it."""
        questions = {f"/{name}": self._asked(name) for name in _QUESTIONS}
        return questions | {f"/{name}": _file(name, data) for name, data in _static_files()}

    def is_active(self) -> bool:
        """Whether there is anything to show: TensorBoard sees that by the data's name."""
        return False

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """Where the page begins, and what the tab is called."""
        return base_plugin.FrontendMetadata(es_module_path=f"/{_PAGE}", tab_name="Kernels")

    def _asked(self, question: str) -> _Application:
        return _served(lambda request: self._respond(request, question))

    def _respond(self, request: wrappers.Request, question: str) -> wrappers.Response:
        try:
            return self._told(request, question)
        except Exception:
            # TensorBoard goes on, whatever is wrong here.
            _LOGGER.exception("the viewer could not answer %s", question)
            return _refused(request, 500, "the viewer has failed; TensorBoard's own log says how")

    def _told(self, request: wrappers.Request, question: str) -> wrappers.Response:
        from tb_kernels.errors import ArgumentError, LogError
        from tb_kernels.viewer.answers import ChangedError, UnknownError

        try:
            answer = self._answer(question, _parameters(request))
        except ChangedError as error:
            return _refused(request, 409, str(error))
        except (UnknownError, LogError, ArgumentError) as error:
            return _refused(request, 404, str(error))
        expires = _LONG if answer.lasting else 0
        return http_util.Respond(request, answer.body, answer.kind, expires=expires)

    def _answer(self, question: str, parameters: Mapping[str, str]) -> Answer:
        from tb_kernels.viewer.answers import Answers
        from tb_kernels.viewer.live import LiveLog

        with self._lock:
            if self._answers is None:
                self._answers = Answers(LiveLog(lambda: _shown_by(self._context)))
        return self._answers.answer(question, parameters)


def _shown_by(context: base_plugin.TBContext) -> Source:
    """What TensorBoard was told to show."""
    from tb_kernels.errors import ArgumentError
    from tb_kernels.reading.joined_source import JoinedSource
    from tb_kernels.reading.log_dirs import source_of

    if context.logdir:
        return source_of(context.logdir)
    specified = getattr(context.flags, "logdir_spec", "")
    if not specified:
        raise ArgumentError("kernels are read where they lie; expected --logdir or --logdir_spec")
    # TensorBoard's own reading of its flag has no public name: nothing else is to depend on it.
    from tensorboard.backend.event_processing.data_ingester import _parse_event_files_spec

    return JoinedSource(specified, _parse_event_files_spec(specified))


def _parameters(request: wrappers.Request) -> dict[str, str]:
    # `request.args` fails on bytes that are no UTF-8.
    query = request.query_string.decode(errors="replace")
    return dict(parse_qsl(query, keep_blank_values=True))


def _static_files() -> Iterable[tuple[str, bytes]]:
    """The names of the page's files, and what is in them."""
    for file in (resources.files(__package__) / "static").iterdir():
        if any(file.name.endswith(ending) for ending in _KINDS):
            yield file.name, file.read_bytes()


def _file(name: str, data: bytes) -> _Application:
    kind = _KINDS[name[name.rindex(".") :]]
    return _served(lambda request: http_util.Respond(request, data, kind))


def _served(respond: Callable[[wrappers.Request], wrappers.Response]) -> _Application:
    def checked(request: wrappers.Request) -> wrappers.Response:
        if request.method not in ("GET", "HEAD"):
            return _refused(request, 405, "expected GET", [("Allow", "GET, HEAD")])
        return respond(request)

    application: _Application = wrappers.Request.application(checked)
    return application


def _refused(
    request: wrappers.Request, code: int, why: str, headers: list[tuple[str, str]] | None = None
) -> wrappers.Response:
    body = json.dumps({"error": why})
    return http_util.Respond(request, body, "application/json", code=code, headers=headers)
