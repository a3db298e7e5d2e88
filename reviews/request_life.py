"""What time does to requests: escalated when nobody answers, closed when the time is over or the task has ended."""

from collections.abc import Iterable
from datetime import datetime

from inventory import access, audit
from inventory.audit import Actor
from inventory.models import User
from inventory.models.task import open_task_q
from inventory.rules import RuleBroken
from reviews import asking, notifications
from reviews.asking import BY_TIME
from reviews.models import AccessRequest
from reviews.requests import duties_of

Status = AccessRequest.Status
AT_ONCE = 200
_WITH = (
    "identity__owner__manager",
    "identity__owner__deputy",
    "requested_by__person",
    "beneficiary",
)


def look_after(at: datetime, *, by: Actor = BY_TIME) -> dict[str, int]:
    """Escalates and closes what is due. Each request is one transaction and is claimed by what it is: a killed worker
    loses and doubles nothing."""
    due = AccessRequest.objects.waiting(at).filter(escalate_at__lte=at, escalated_at=None)
    escalated = 0
    for request in due.select_related(*_WITH).order_by("pk")[:AT_ONCE]:
        asking.escalate(request, duties_of(request), by=by, at=at)
        escalated += 1
    closed = 0
    late = AccessRequest.objects.unanswered(at).select_related(*_WITH).order_by("pk")
    for request in late[:AT_ONCE]:
        said = "Nobody answered in time. Ask again if it is still needed."
        closed += _close(request, Status.LAPSED, said, by=by, at=at)
    over = AccessRequest.objects.filter(status=Status.WAITING, task__isnull=False)
    closed += tasks_ended(
        over.exclude(open_task_q(at, "task__")).values_list("task", flat=True), at, by=by
    )
    return {"escalated": escalated, "closed": closed}


def escalate_now(request: AccessRequest, *, by: User, at: datetime) -> None:
    """Security does not want to wait for the time to come."""
    access.require_security(by)
    if request.state(at) != Status.WAITING:
        raise RuleBroken("The request is decided. There is nobody left to ask.")
    if request.escalated_at is not None:
        raise RuleBroken("It was escalated already. The people who are asked stand on its page.")
    asking.escalate(request, duties_of(request), by=by, at=at)


def tasks_ended(tasks: Iterable[int], at: datetime, *, by: Actor = BY_TIME) -> int:
    """What was asked for a task that is over is needed no more. Returns how many requests were cancelled."""
    waiting = AccessRequest.objects.filter(task__in=list(tasks), status=Status.WAITING)
    rows = list(waiting.select_related(*_WITH).order_by("pk"))
    said = "The task ended before it was decided."
    return sum(_close(request, Status.CANCELLED, said, by=by, at=at) for request in rows)


def _close(request: AccessRequest, status: Status, said: str, *, by: Actor, at: datetime) -> int:
    with audit.acting(by, f"request.{status}", said):
        claimed = AccessRequest.objects.filter(pk=request.pk, status=Status.WAITING).update(
            status=status, answer=said, decided_at=at
        )
        if claimed:
            request.status, request.answer = status, said
            notifications.drop(f"request:{request.pk}")
            asking.tell_requester(request, at)
    return claimed
