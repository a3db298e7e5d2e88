"""What a workload does with its token at Mandate itself: sees its task, shows that it lives, says how it ended."""

from datetime import datetime

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from inventory import task_life
from inventory.models import Task
from inventory.rules import RuleBroken
from runtime import bearer, oauth_forms
from runtime.addresses import address
from runtime.dpop import Request
from runtime.models import Token
from runtime.oauth_errors import InvalidGrant, UnauthorizedClient
from runtime.views.oauth import machine


@machine("GET")
def task(request: HttpRequest) -> HttpResponseBase:
    """The task of the token, and until when it is open."""
    at = timezone.now()
    return _told(_token(request, "oauth-task", at).task, at)


@machine("POST")
def beat(request: HttpRequest) -> HttpResponseBase:
    """A sign of life: puts off the moment at which the task counts as silent."""
    at = timezone.now()
    row = _token(request, "oauth-task-beat", at)
    _require_own(row)
    try:
        return _told(task_life.beat(row.task, by=f"identity {row.identity_id}", at=at), at)
    except RuleBroken as error:
        raise InvalidGrant(str(error)) from error


@machine("POST")
def end(request: HttpRequest) -> HttpResponseBase:
    """The task is over: with it end its grants, delegations and tokens, this one as well."""
    at = timezone.now()
    row = _token(request, "oauth-task-end", at)
    _require_own(row)
    given = oauth_forms.parameters(request)
    how, outcome = given.get("how", Task.Status.DONE), given.get("outcome", "")[:2_000]
    by = f"identity {row.identity_id}"
    try:
        ended = task_life.end_task(row.task, how=how, by=by, outcome=outcome, at=at)
    except RuleBroken as error:
        raise InvalidGrant(str(error)) from error
    return _told(ended.task, at)


def _token(request: HttpRequest, name: str, at: datetime) -> Token:
    meta = {key: value for key, value in request.META.items() if isinstance(value, str)}
    return bearer.holder_of(
        request.headers.get("Authorization", ""),
        request.headers.get("DPoP", ""),
        meta,
        Request(str(request.method), address(name)),
        at=at,
    )


def _require_own(row: Token) -> None:
    """Who was only given a part of the work neither prolongs nor ends the whole."""
    if row.task.identity_id != row.identity_id:
        raise UnauthorizedClient("The task belongs to another identity of the chain.")


def _told(row: Task, at: datetime) -> JsonResponse:
    told = {
        "task": str(row.pk),
        "state": row.state(at),
        "purpose": row.purpose,
        "deadline": row.deadline.isoformat(),
        "silent_at": row.silent_at.isoformat() if row.silent_at else None,
    }
    return JsonResponse(told, headers={"Cache-Control": "no-store"})
