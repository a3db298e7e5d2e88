"""The shortest way to an answer: before Django has made a request of it, which takes longer than to find a kept one.

What cannot be answered here goes on to Django as it came, and the view (runtime/api/authzen.py) answers it, by the same
rules and with the same headers; nothing is refused here. So it is with every error: Django also gives its connection up
when that is broken, and looks for another one.
"""

from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from typing import Any

import orjson
import structlog
from django.db import Error
from django.utils import timezone

from runtime.api import evaluating
from runtime.api.machine import JSON, Stop, bearer_digest, common_headers
from runtime.authzen_requests import Malformed, body_of

Environ = dict[str, Any]  # Any: WSGI's own
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]
log = structlog.get_logger(__name__)
LARGEST = 262_144  # bytes of a body that is tried here
_ONE, _MANY = "/access/v1/evaluation", "/access/v1/evaluations"


def first(application: Application) -> Application:
    """The application, asked only for what is not answered here."""

    def answered(environ: Environ, start: Start) -> Iterable[bytes]:
        if environ.get("PATH_INFO") not in (_ONE, _MANY) or not _is_tried(environ):
            return application(environ, start)
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        try:
            said = _said(environ, body)
        except Exception as error:
            log.error("decision.not_quick", exc_info=error)
            said = None
        if said is None:
            environ["wsgi.input"] = BytesIO(body)
            return application(environ, start)
        headers = common_headers(said, environ.get("HTTP_X_REQUEST_ID", ""))
        start("200 OK", [("Content-Type", JSON), *headers.items()])
        return [said]

    return answered


def _is_tried(environ: Mapping[str, Any]) -> bool:
    length = environ.get("CONTENT_LENGTH") or ""
    return (
        environ.get("REQUEST_METHOD") == "POST"
        and environ.get("CONTENT_TYPE") == JSON
        and length.isascii()
        and length.isdigit()
        and int(length) <= LARGEST
    )


def _said(environ: Environ, body: bytes) -> bytes | None:
    digest, at = bearer_digest(environ.get("HTTP_AUTHORIZATION", "")), timezone.now()
    if digest is None:
        return None
    answer = evaluating.one if environ["PATH_INFO"] == _ONE else evaluating.many
    try:
        return orjson.dumps(answer(body_of(body), digest, at))
    except (Malformed, Stop, Error):  # the view says so
        return None
