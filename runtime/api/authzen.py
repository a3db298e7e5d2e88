"""OpenID AuthZEN Authorization API 1.0: evaluations, searches and discovery."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from runtime import decisions, searching
from runtime.api.machine import answers, checked_body, known_caller
from runtime.authzen_requests import (
    DENY_FIRST,
    PERMIT_FIRST,
    Malformed,
    evaluations_of,
    page_of,
    question_of,
    search_of,
)
from runtime.decision_keys import Keys
from runtime.questions import Answer, Question

Json = dict[str, Any]  # Any: JSON
_ADDRESSES = {
    "access_evaluation_endpoint": "/access/v1/evaluation",
    "access_evaluations_endpoint": "/access/v1/evaluations",
    "search_subject_endpoint": "/access/v1/search/subject",
    "search_resource_endpoint": "/access/v1/search/resource",
    "search_action_endpoint": "/access/v1/search/action",
}


@answers
def evaluation(request: HttpRequest, at: datetime) -> Json:
    """One decision (section 6)."""
    return _single(request, checked_body(request, at), at)


@answers
def evaluations(request: HttpRequest, at: datetime) -> Json:
    """Many decisions in one request (section 7). Without entries it is one decision."""
    body = checked_body(request, at)
    if body.get("evaluations") in (None, []):
        return _single(request, body, at)
    entries, semantic = _checked(request, at, lambda: evaluations_of(body))
    questions = [entry for entry in entries if isinstance(entry, Question)]
    facts, caller = known_caller(request, decisions.keys_of(questions), at)
    entries, stops = _until_stop(entries, semantic)
    questions = [entry for entry in entries if isinstance(entry, Question)]
    given = decisions.decide_many(
        questions, at=at, asked_by=caller, facts=facts, until=stops
    )  # fmt: skip
    found = iter(given)
    shown: list[Json] = []
    for entry in entries:
        if isinstance(entry, Malformed):
            shown.append(_malformed(entry))
            continue
        answer = next(found)
        shown.append(_shown(answer))
        if stops is not None and stops(answer):
            break
    return {"evaluations": shown}


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


def _single(request: HttpRequest, body: Json, at: datetime) -> Json:
    question = _checked(request, at, lambda: question_of(body))
    facts, caller = known_caller(request, decisions.keys_of([question]), at)
    (answer,) = decisions.decide_many([question], at=at, asked_by=caller, facts=facts)
    return _shown(answer)


def _search(request: HttpRequest, at: datetime, sought: str) -> Json:
    body = checked_body(request, at)
    question, page = _checked(request, at, lambda: (search_of(body, sought), page_of(body)))
    known_caller(request, Keys(), at)
    found = searching.search(question, sought=sought, page=page, at=at)
    return {
        "results": found.results,
        "page": {"next_token": found.next_token, "count": len(found.results)},
    }


def _checked(
    request: HttpRequest, at: datetime, read: Any
) -> Any:  # Any: a function and what it gives
    """What is read; when it is malformed, a caller without a token is told only that."""
    try:
        return read()
    except Malformed:
        known_caller(request, Keys(), at)
        raise


def _until_stop(
    entries: list[Question | Malformed], semantic: str
) -> tuple[list[Question | Malformed], Any]:  # Any: a function or None
    """An entry that is malformed is a deny, so it ends a batch that stops at the first deny."""
    if semantic == DENY_FIRST:
        first = next((n for n, one in enumerate(entries) if isinstance(one, Malformed)), None)
        kept = entries if first is None else entries[: first + 1]
        return kept, lambda answer: not answer.permitted
    return entries, (lambda answer: answer.permitted) if semantic == PERMIT_FIRST else None


def _shown(answer: Answer) -> Json:
    context: Json = {"decision_id": str(answer.decision_id), "code": answer.reason_code}
    if not answer.permitted or answer.mode != "enforced":
        context["reason_user"] = {"en": answer.reason}
        context["mode"] = answer.mode
    if answer.remedy:
        context["remedy"] = {"en": answer.remedy}
    if answer.policies:
        context["policies"] = list(answer.policies)
    return {"decision": answer.permitted, "context": context}


def _malformed(error: Malformed) -> Json:
    return {"decision": False, "context": {"error": {"status": 400, "message": str(error)}}}
