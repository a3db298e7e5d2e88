"""OTLP over HTTP: an agent that is instrumented already needs only this address and a token."""

from threading import BoundedSemaphore

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from inventory import api_tokens
from inventory.models import ApiToken
from runtime import dialects, ingest, otlp
from runtime.told import Told

log = structlog.get_logger(__name__)

RETRY_AFTER = 2  # seconds
_REALM = 'Bearer realm="mandate"'
# In each web process; the other threads stay free for people and decisions.
_at_work = BoundedSemaphore(settings.INGEST_AT_ONCE)


class _Refused(Exception):
    def __init__(self, http: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.http, self.message, self.headers = http, message, headers or {}


@csrf_exempt
@login_not_required
def traces(request: HttpRequest) -> HttpResponse:
    """POST /v1/traces. What is answered with 200 is durable; everything else may be sent again."""
    media_type = str(request.content_type or "").lower()
    try:
        return _export(request, media_type)
    except _Refused as refused:
        return _status(media_type, refused.http, refused.message, refused.headers)
    except (OperationalError, InterfaceError) as error:
        log.warning("ingest.database_away", error=type(error).__name__)
        again = {"Retry-After": str(RETRY_AFTER)}
        return _status(media_type, 503, "The database does not answer. Send it again.", again)


def _export(request: HttpRequest, media_type: str) -> HttpResponse:
    if request.method != "POST":
        raise _Refused(405, "Spans are sent with POST.", {"Allow": "POST"})
    if media_type not in (otlp.PROTOBUF, otlp.JSON):
        raise _Refused(415, f"Send {otlp.PROTOBUF} or {otlp.JSON}.")
    token = _token(request)
    # Read first: whoever is answered while it still sends hears of a broken connection, and not of the answer.
    body = _body(request)
    if not _at_work.acquire(blocking=False):
        again = {"Retry-After": "1"}
        raise _Refused(429, "Other reports are being written down. Send it again.", again)
    try:
        taken = ingest.take(
            _told(_unpacked(request, body), media_type),
            reporter=token.user,
            token=token,
            at=timezone.now(),
        )
    except otlp.Unreadable as error:
        raise _Refused(400, str(error)) from error
    finally:
        _at_work.release()
    answer = otlp.answer(media_type, rejected=taken.refused, message=taken.message)
    return HttpResponse(answer, content_type=media_type)


def _told(body: bytes, media_type: str) -> list[Told]:
    spans = enumerate(otlp.spans(body, media_type), start=1)
    read = (dialects.read(span, f"span {number}") for number, span in spans)
    return [told for told in read if told is not None]


def _token(request: HttpRequest) -> ApiToken:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    token = None
    if scheme.lower() == "bearer" and secret.isascii():
        token = api_tokens.recognise(secret.strip(), timezone.now())
    if token is None:
        sentence = "Send “Authorization: Bearer mdt_…” with a live token of Mandate."
        raise _Refused(401, sentence, {"WWW-Authenticate": _REALM})
    if ApiToken.Scope.INGEST not in token.scopes:
        raise _Refused(403, "This token lacks the scope “ingest”. Use one that has it.")
    return token


def _body(request: HttpRequest) -> bytes:
    """As it was sent."""
    most = settings.INGEST_MAX_BYTES
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and int(length) > most:
        raise _too_big()
    body: bytes = request.read(most + 1)
    if len(body) > most:
        raise _too_big()
    return body


def _unpacked(request: HttpRequest, body: bytes) -> bytes:
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    try:
        return otlp.unpack(body, encoding, settings.INGEST_MAX_BYTES)
    except otlp.TooBig as error:
        raise _too_big() from error


def _too_big() -> _Refused:
    most = settings.INGEST_MAX_BYTES // 2**20
    return _Refused(413, f"This is more than {most} MB, unpacked. Send less at once.")


def _status(media_type: str, http: int, message: str, headers: dict[str, str]) -> HttpResponse:
    kind = otlp.PROTOBUF if media_type == otlp.PROTOBUF else otlp.JSON
    answer = otlp.status(kind, http=http, message=message)
    return HttpResponse(answer, status=http, content_type=kind, headers=headers)
