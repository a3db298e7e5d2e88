"""OpenID AuthZEN Authorization API 1.0: evaluations, searches and discovery."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from orjson import Fragment

from runtime import searching
from runtime.api import evaluating
from runtime.api.machine import answers, checked_body, known_caller, token_digest
from runtime.authzen_requests import page_of, search_of
from runtime.decision_keys import Keys

Json = dict[str, Any]  # Any: JSON
_ADDRESSES = {
    "access_evaluation_endpoint": "/access/v1/evaluation",
    "access_evaluations_endpoint": "/access/v1/evaluations",
    "search_subject_endpoint": "/access/v1/search/subject",
    "search_resource_endpoint": "/access/v1/search/resource",
    "search_action_endpoint": "/access/v1/search/action",
}


@answers
def evaluation(request: HttpRequest, at: datetime) -> Json | Fragment:
    """One decision (section 6)."""
    body = checked_body(request, at)
    return evaluating.one(body, token_digest(request), at)


@answers
def evaluations(request: HttpRequest, at: datetime) -> Json | Fragment:
    """Many decisions in one request (section 7). Without entries it is one decision."""
    body = checked_body(request, at)
    return evaluating.many(body, token_digest(request), at)


@answers
def search_subject(request: HttpRequest, at: datetime) -> Json:
    """Who may do this there (section 8.4)."""
    return _search(request, at, "subject")


@answers
def search_resource(request: HttpRequest, at: datetime) -> Json:
    """On which resources the subject may do this (section 8.5)."""
    return _search(request, at, "resource")


@answers
def search_action(request: HttpRequest, at: datetime) -> Json:
    """What the subject may do there (section 8.6)."""
    return _search(request, at, "action")


@login_not_required
@require_safe
def configuration(request: HttpRequest) -> JsonResponse:
    """Where everything is (section 9)."""
    base = settings.PUBLIC_URL.rstrip("/")
    found = {name: base + address for name, address in _ADDRESSES.items()}
    return JsonResponse({"policy_decision_point": base, **found})


DIRECT = {
    _ADDRESSES["access_evaluation_endpoint"]: evaluation,
    _ADDRESSES["access_evaluations_endpoint"]: evaluations,
    _ADDRESSES["search_subject_endpoint"]: search_subject,
    _ADDRESSES["search_resource_endpoint"]: search_resource,
    _ADDRESSES["search_action_endpoint"]: search_action,
}


def _search(request: HttpRequest, at: datetime, sought: str) -> Json:
    body, digest = checked_body(request, at), token_digest(request)
    question, page = evaluating.checked(
        digest, at, lambda: (search_of(body, sought), page_of(body))
    )
    known_caller(digest, Keys(), at)
    found = searching.search(question, sought=sought, page=page, at=at)
    return {
        "results": found.results,
        "page": {"next_token": found.next_token, "count": len(found.results)},
    }
