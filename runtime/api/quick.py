"""The shortest way to an answer that is kept: before Django has made a request of it.

What cannot be answered here goes on to Django as it came, and the view (runtime/api/authzen.py) answers it, by the same
rules and with the same headers; nothing is refused here.
"""

from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from typing import Any

import orjson
import structlog
from django.utils import timezone

from runtime import asked_again
from runtime.api.authzen import STOPS
from runtime.api.machine import JSON, bearer_digest, common_headers
from runtime.authzen_requests import Malformed, body_of, entries_of

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


def _said(environ: Mapping[str, Any], body: bytes) -> bytes | None:
    digest, at = bearer_digest(environ.get("HTTP_AUTHORIZATION", "")), timezone.now()
    if digest is None or not asked_again.is_known(digest, at):
        return None
    try:
        document = body_of(body)
        if environ["PATH_INFO"] == _ONE or document.get("evaluations") in (None, []):
            found = asked_again.answered([document], digest, at=at)
            return orjson.dumps(found[0].document) if found else None
        entries, semantic = entries_of(document)
    except Malformed:
        return None
    said = [{} if isinstance(entry, Malformed) else entry for entry in entries]
    found = asked_again.answered(said, digest, at=at, until=STOPS[semantic])
    answers = [one.document for one in found.values()]
    return orjson.dumps({"evaluations": answers}) if answers else None
