"""OpenID AuthZEN Authorization API 1.0: evaluations, searches and discovery."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from orjson import Fragment

from runtime import asked_again, decisions, searching
from runtime.api.machine import answers, checked_body, known_caller, token_digest
from runtime.authzen_requests import (
    DENY_FIRST,
    EXECUTE_ALL,
    PERMIT_FIRST,
    Malformed,
    entries_of,
    entry_of,
    page_of,
    question_of,
    search_of,
)
from runtime.decision_keys import Keys
from runtime.questions import Answer, Question

Json = dict[str, Any]  # Any: JSON


class Given(Protocol):
    """An answer, of which it is known what it was."""

    @property
    def permitted(self) -> bool: ...


Stops = Callable[[Given], bool]  # whether a batch ends with this answer
STOPS: Mapping[str, Stops | None] = {
    EXECUTE_ALL: None,
    DENY_FIRST: lambda answer: not answer.permitted,
    PERMIT_FIRST: lambda answer: answer.permitted,
}
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
    return _single(request, checked_body(request, at), at)


@answers
def evaluations(request: HttpRequest, at: datetime) -> Json | Fragment:
    """Many decisions in one request (section 7). Without entries it is one decision."""
    body = checked_body(request, at)
    if body.get("evaluations") in (None, []):
        return _single(request, body, at)
    entries, semantic = _checked(request, at, lambda: entries_of(body))
    said = [{} if isinstance(entry, Malformed) else entry for entry in entries]
    stops = STOPS[semantic]
    kept = asked_again.answered(
        said, token_digest(request), at=at, all_or_none=stops is not None, until=stops
    )
    if len(kept) == len(entries) or (stops is not None and kept):
        return {"evaluations": [one.document for one in kept.values()]}
    rest = [number for number in range(len(entries)) if number not in kept]
    fresh = _worked_out(request, [entries[number] for number in rest], stops, at)
    shown = dict(zip(rest, fresh, strict=False)) | {n: one.document for n, one in kept.items()}
    return {"evaluations": [shown[number] for number in sorted(shown)]}


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


def _single(request: HttpRequest, body: Json, at: datetime) -> Json | Fragment:
    kept = asked_again.answered([body], token_digest(request), at=at)
    if kept:
        return kept[0].document
    question = _checked(request, at, lambda: question_of(body))
    facts, caller = known_caller(request, decisions.keys_of([question]), at)
    (answer,) = decisions.decide_many([question], at=at, asked_by=caller, facts=facts)
    shown = _shown(answer)
    asked_again.keep(body, question, answer, shown, facts=facts, at=at)
    return shown


def _worked_out(
    request: HttpRequest, entries: Sequence[Json | Malformed], stops: Stops | None, at: datetime
) -> list[Json]:
    """The answers to entries of a batch, up to the one that ends it."""
    asked = [entry_of(entry) for entry in entries]
    questions = [one for one in asked if isinstance(one, Question)]
    facts, caller = known_caller(request, decisions.keys_of(questions), at)
    if stops is STOPS[DENY_FIRST]:  # an entry that is malformed is a deny
        first = next((n for n, one in enumerate(asked) if isinstance(one, Malformed)), len(asked))
        asked = asked[: first + 1]
        questions = [one for one in asked if isinstance(one, Question)]
    given = iter(decisions.decide_many(questions, at=at, asked_by=caller, facts=facts, until=stops))
    shown: list[Json] = []
    for entry, one in zip(entries, asked, strict=False):
        if isinstance(one, Malformed):
            shown.append(_malformed(one))
            continue
        answer = next(given)
        shown.append(_shown(answer))
        if isinstance(entry, dict):
            asked_again.keep(entry, one, answer, shown[-1], facts=facts, at=at)
        if stops is not None and stops(answer):
            break
    return shown


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
