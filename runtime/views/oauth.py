"""The OAuth endpoints for machines: token exchange, introspection, revocation; answers as the standards say."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseError
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from inventory.models import ApiToken
from inventory.rules import RuleBroken
from runtime import dpop, dpop_nonces, introspection, oauth_forms, proofs, standing, subjects
from runtime.addresses import address
from runtime.dpop import Request
from runtime.exchange import Asked, Issued, exchange
from runtime.introspection import Caller
from runtime.oauth_errors import (
    InvalidDpopProof,
    InvalidRequest,
    OAuthError,
    UnsupportedGrantType,
)
from runtime.proofs import Proven
from runtime.views.failed_clients import bounded

log = structlog.get_logger(__name__)
View = Callable[..., HttpResponseBase]
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
_NEVER_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def machine(*methods: str) -> Callable[[View], View]:
    """An endpoint that knows no session: its own authentication, its own errors; whatever breaks is no permission."""

    def outer(view: View) -> View:
        @csrf_exempt
        @login_not_required
        @wraps(view)
        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # Any: path
            if request.method not in methods:
                allowed = ", ".join(methods)
                return refusal(InvalidRequest(f"Use {allowed}."), status=405, Allow=allowed)
            try:
                return view(request, *args, **kwargs)
            except OAuthError as error:
                return refusal(error)
            except (DatabaseError, RuleBroken) as error:
                log.exception("oauth.unavailable", exc_info=error)
                return JsonResponse(
                    {"error": "temporarily_unavailable"}, status=503, headers=_NEVER_KEPT
                )

        return inner

    return outer


def refusal(error: OAuthError, *, status: int = 0, **headers: str) -> JsonResponse:
    """RFC 6749, section 5.2: `error_description` is ASCII without quotes and backslashes."""
    status = status or error.status
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="mandate"'
    said = {"error": error.code, "error_description": _plain(error.said)}
    return JsonResponse(said, status=status, headers={**_NEVER_KEPT, **error.headers, **headers})


def offers_nonce(view: View) -> View:
    """Where DPoP proofs must hold a nonce, every answer brings the next one (RFC 9449, section 8.2)."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # Any: path
        answer = view(request, *args, **kwargs)
        if settings.DPOP_NONCE:
            answer.headers["DPoP-Nonce"] = dpop_nonces.fresh(timezone.now())
        return answer

    return inner


@offers_nonce
@machine("POST")
def token(request: HttpRequest) -> HttpResponseBase:
    """RFC 8693, section 2."""
    at = timezone.now()
    given = oauth_forms.parameters(request)
    if given.get("grant_type", "") != GRANT:
        if "grant_type" not in given:
            raise InvalidRequest("There is no grant_type.")
        raise UnsupportedGrantType(f"The only grant type is {GRANT}.")
    _require_kind(given)
    audience = oauth_forms.target(given)
    task, wishes = oauth_forms.task_and_wishes(given)
    # First: a client that must come again with a nonce has not used up its assertion.
    jkt = _jkt(request, address("oauth-token"), at)
    with bounded(request, given, at):
        holder = _holder(request, given, at)
    asked = Asked(
        subject_token=_required(given, "subject_token"),
        subject_token_type=_required(given, "subject_token_type"),
        audience=audience,
        holder=holder,
        task=task,
        wishes=wishes,
        jkt=jkt,
    )
    if holder is not None:
        return _issued(exchange(asked, at=at))
    with bounded(request, given, at):  # the subject token is the proof
        return _issued(exchange(asked, at=at))


@machine("POST")
def introspect(request: HttpRequest) -> HttpResponseBase:
    """RFC 7662. Computed from the facts of this moment; what is not active says nothing but that."""
    at = timezone.now()
    given = oauth_forms.parameters(request)
    _caller(request, given, introspection.TO_ASK, at)
    told = introspection.of_token(_required(given, "token"), at=at)
    return JsonResponse(told, headers=_NEVER_KEPT)


@machine("POST")
def revoke(request: HttpRequest) -> HttpResponseBase:
    """RFC 7009: an unknown token is no error, for it is as good as revoked."""
    at = timezone.now()
    given = oauth_forms.parameters(request)
    by = _caller(request, given, introspection.TO_REVOKE, at)
    row = standing.find(_required(given, "token"))
    if row is not None:
        introspection.revoke(row, by=by, at=at)
    return JsonResponse({}, headers=_NEVER_KEPT)


def _caller(
    request: HttpRequest, given: dict[str, str], scopes: frozenset[ApiToken.Scope], at: datetime
) -> Caller:
    said = request.headers.get("Authorization", "")
    with bounded(request, given, at):
        return introspection.require_caller(said, given, scopes=scopes, at=at)


def _holder(request: HttpRequest, given: dict[str, str], at: datetime) -> Proven | None:
    """The workload's own proof, in one of its forms; None when the subject token is to be that."""
    if ("actor_token" in given) != ("actor_token_type" in given):
        raise InvalidRequest("actor_token and actor_token_type go together (RFC 8693, 2.1).")
    if ("client_assertion" in given) != ("client_assertion_type" in given):
        raise InvalidRequest("client_assertion and client_assertion_type go together.")
    by_proxy = proofs.by_proxy({k: v for k, v in request.META.items() if isinstance(v, str)}, at)
    ways = [name for name in ("client_assertion", "actor_token") if name in given]
    if len(ways) + (by_proxy is not None) > 1:
        raise InvalidRequest("Prove the workload in one way only.")
    if "client_assertion" in given:
        kind = given["client_assertion_type"]
        text, client_id = given["client_assertion"], given.get("client_id", "")
        return proofs.by_assertion(text, kind, client_id=client_id, at=at)
    if "actor_token" in given:
        return subjects.actor(given["actor_token"], given["actor_token_type"], at=at)
    return by_proxy


def _jkt(request: HttpRequest, url: str, at: datetime) -> str:
    """The key of the DPoP proof; empty when there is none."""
    text = request.headers.get("DPoP")
    if text is None:
        return ""
    if "," in text:
        raise InvalidDpopProof("There is more than one DPoP proof.")
    return dpop.proven_key(text, Request("POST", url, needs_nonce=settings.DPOP_NONCE), at=at)


def _require_kind(given: dict[str, str]) -> None:
    wanted = given.get("requested_token_type", subjects.ACCESS_TOKEN)
    if wanted not in (subjects.ACCESS_TOKEN, subjects.JWT):
        raise InvalidRequest(f"The only requested_token_type is {subjects.ACCESS_TOKEN}.")


def _required(given: dict[str, str], name: str) -> str:
    if name not in given:
        raise InvalidRequest(f"There is no {name}.")
    return given[name]


def _issued(made: Issued) -> JsonResponse:
    row = made.row
    told = {
        "access_token": made.text,
        "issued_token_type": subjects.ACCESS_TOKEN,
        "token_type": "DPoP" if row.jkt else "Bearer",
        "expires_in": int((row.expires_at - row.issued_at).total_seconds()),
        "scope": " ".join(row.scope),
    }
    return JsonResponse(told, headers=_NEVER_KEPT)


def _plain(said: str) -> str:
    swapped = said.replace("“", "'").replace("”", "'").replace("–", "-")
    return "".join(sign if " " <= sign <= "~" and sign not in '"\\' else "?" for sign in swapped)[
        :500
    ]
