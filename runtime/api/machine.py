"""What the standards' own endpoints share: who calls, what is taken, how an error looks. Lean, for thousands a second.

No session and no cookie counts here, so nothing can be asked in somebody's name from another site.
"""

import functools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from inventory.api_tokens import NOTED_EVERY
from inventory.models import ApiToken
from runtime import asked_again, decision_facts
from runtime.authzen_requests import LARGEST_BODY, Malformed, body_of
from runtime.decision_facts import Facts
from runtime.decision_keys import Keys
from runtime.kept_answers import Caller

log = structlog.get_logger(__name__)
JSON = "application/json"
_PREFIX = ApiToken.PREFIX
_LONGEST_ID = 200  # of a request


class Stop(Exception):
    """The answer is an error with this status and sentence."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}


View = Callable[[HttpRequest, datetime], Any]  # Any: JSON


def answers(view: View) -> Callable[[HttpRequest], HttpResponse]:
    """Makes a view of a function that gives JSON: a POST with a JSON body, X-Request-ID echoed, and never a 500.

    What nobody expected is logged and answered with 503; that is no permit.
    """

    @csrf_exempt
    @login_not_required
    @functools.wraps(view)
    def answered(request: HttpRequest) -> HttpResponse:
        try:
            _require_post(request)
            response = _json(view(request, timezone.now()), 200)
        except Malformed as error:
            response = _refused(request, Stop(400, str(error)))
        except Stop as stop:
            response = _refused(request, stop)
        except Error as error:
            log.error("decision.unavailable", exc_info=error)
            response = _refused(request, _unavailable())
        except Exception as error:
            log.error("decision.failed", exc_info=error)
            response = _refused(request, _unavailable())
        return _adorned(request, response)

    return answered


def known_caller(digest: str, keys: Keys, at: datetime) -> tuple[Facts, str]:
    """The facts about the keys, and who asks: the user of a live API token that is for decisions, by its digest."""
    facts = decision_facts.read(keys, at=at, token_digest=digest)
    token = facts.token
    if token is None or not _is_live(token, at):
        raise _unauthenticated("This token is unknown, has expired or was revoked.")
    if ApiToken.Scope.DECIDE not in token["scopes"]:
        raise Stop(403, "This token lacks the scope “decide”. Use one that has it.")
    if token["used"] is None or token["used"] < (at - NOTED_EVERY).timestamp():
        ApiToken.objects.filter(pk=token["id"]).update(last_used_at=at)
    expires = datetime.fromtimestamp(token["expires"], UTC)
    caller = Caller(token["username"], min(expires, at + NOTED_EVERY))
    asked_again.keep_caller(digest, caller, facts)
    return facts, caller.name


def json_body(request: HttpRequest) -> dict[str, Any]:  # Any: JSON
    """The object that the request carries."""
    if request.content_type != JSON:
        raise Malformed("The Content-Type is not application/json.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_BODY:
        raise Stop(413, f"The body is larger than {LARGEST_BODY // 1024} KiB.")
    return body_of(request.body)


def checked_body(request: HttpRequest, at: datetime) -> dict[str, Any]:  # Any: JSON
    """As `json_body`; whoever sends nonsense without a token learns only that a token is missing."""
    try:
        return json_body(request)
    except (Malformed, Stop):
        known_caller(token_digest(request), Keys(), at)
        raise


def _require_post(request: HttpRequest) -> None:
    if request.method != "POST":
        raise Stop(405, "This address takes POST only.", {"Allow": "POST"})


def token_digest(request: HttpRequest) -> str:
    """Of the token that the request carries, whether anybody knows it or not."""
    digest = bearer_digest(request.META.get("HTTP_AUTHORIZATION", ""))
    if digest is None:
        raise _unauthenticated("There is no token. Send “Authorization: Bearer mdt_…”.")
    return digest


def bearer_digest(header: str) -> str | None:
    """Of the token in an Authorization header; None when there is none."""
    scheme, _, secret = header.partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret.startswith(_PREFIX) or not secret.isascii():
        return None
    return ApiToken.digest_of(secret)


def _is_live(token: Mapping[str, Any], at: datetime) -> bool:
    expired = token["expires"] <= at.timestamp()
    return token["revoked_at"] is None and not expired and token["is_active"]


def _unauthenticated(message: str) -> Stop:
    return Stop(401, message, {"WWW-Authenticate": 'Bearer realm="mandate"'})


def _unavailable() -> Stop:
    return Stop(503, "Nothing can be decided now, and so nothing is permitted. Try again later.")


def _refused(request: HttpRequest, stop: Stop) -> HttpResponse:
    document = {"error": HTTPStatus(stop.status).phrase, "message": stop.message}
    response = _json(document, stop.status)
    for name, value in stop.headers.items():
        response.headers[name] = value
    return response


def _json(document: Any, status: int) -> HttpResponse:  # Any: JSON
    return HttpResponse(orjson.dumps(document), content_type=JSON, status=status)


def _adorned(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    wanted = request.META.get("HTTP_X_REQUEST_ID", "")
    for name, value in common_headers(response.content, wanted).items():
        response.headers[name] = value
    return response


def common_headers(body: bytes, request_id: str) -> dict[str, str]:
    """Of every answer; without a length it would go out in two writes."""
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Length": str(len(body)),
    }
    if 0 < len(request_id) <= _LONGEST_ID and request_id.isprintable() and request_id.isascii():
        headers["X-Request-ID"] = request_id
    return headers
