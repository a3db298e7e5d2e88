"""The life of a task: opened, kept alive by heartbeats, ended; what hangs on it ends with it, in one transaction."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Least

from inventory import access, audit, endings, signals
from inventory.audit import Actor
from inventory.models import (
    Delegation,
    EndCause,
    Grant,
    Identity,
    Person,
    Resource,
    System,
    Task,
    TaskTarget,
)
from inventory.models.task import open_task_q
from inventory.rules import RuleBroken

LONGEST = timedelta(days=31)
BEATS = (timedelta(seconds=10), timedelta(days=1))
AT_ONCE = 500  # tasks that the job writes down in one transaction
BY_TIME = "job end-tasks"
Status = Task.Status
WAYS_TO_END = (Status.DONE, Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True)
class Work:
    """What is to be done: the declared intent, for whom, where, how risky, until when; `reference` is the platform's
    own name for it."""

    purpose: str
    deadline: datetime
    risk: str = "low"
    on_behalf_of: Person | None = None
    heartbeat_every: timedelta | None = None
    systems: tuple[System, ...] = ()
    resources: tuple[Resource, ...] = ()
    reference: str = ""


@dataclass(frozen=True)
class Ended:
    """What ended with a task."""

    task: Task
    grants: int = 0
    delegations: int = 0
    names: tuple[str, ...] = field(default=())


def open_task(identity: Identity, *, work: Work, by: Actor, at: datetime) -> Task:
    """Opens a task. A second one with the same reference is the same task, as long as the first is open."""
    access.require(by, "open_task", identity)
    _require_sense(identity, work, at)
    with audit.acting(by, "task.opened", work.purpose):
        identity = Identity.objects.select_for_update(no_key=True).get(pk=identity.pk)
        if not identity.may_act:
            raise RuleBroken(_may_not_act(identity))
        known = Task.objects.filter(identity=identity, reference=work.reference, status=Status.OPEN)
        if work.reference and (same := known.first()):
            return same
        task = Task.objects.create(
            identity=identity,
            purpose=work.purpose.strip(),
            on_behalf_of=work.on_behalf_of,
            risk=work.risk,
            opened_at=at,
            deadline=work.deadline,
            heartbeat_every=work.heartbeat_every,
            silent_at=at + work.heartbeat_every if work.heartbeat_every else None,
            opened_by=by if isinstance(by, str) else by.get_username(),
            reference=work.reference,
        )
        _aim(task, work)
        signals.announce_changed([identity.pk])
    return task


def beat(task: Task, *, by: Actor, at: datetime) -> Task:
    """A sign of life: puts the moment of silence off. A task that is over stays over."""
    access.require(by, "open_task", task)
    with audit.acting(by, "task.beat"):
        alive = Task.objects.filter(open_task_q(at), pk=task.pk)
        if not alive.update(silent_at=at + F("heartbeat_every")):
            now = Task.objects.get(pk=task.pk)
            raise RuleBroken(
                f"The task is {now.get_status_display().lower() if now.status != Status.OPEN else now.state(at)}"
                " and stays so. Open a new one."
            )
    return Task.objects.get(pk=task.pk)


def end_task(task: Task, *, how: str, by: Actor, at: datetime, outcome: str = "") -> Ended:
    """Ends a task and revokes, in the same transaction, every grant and delegation that hangs on it.

    Ending twice is not an error; the first end stays. A task whose time was over already is recorded as what it was:
    overdue or silent.
    """
    access.require(by, "open_task", task)
    if how not in WAYS_TO_END:
        raise RuleBroken(f"“{how}” is no way to end a task. Use done, failed or cancelled.")
    with audit.acting(by, f"task.{how}", outcome):
        held = Task.objects.select_for_update().get(pk=task.pk)
        if held.status != Status.OPEN:
            return Ended(held)
        state = held.state(at)
        return _end(held, how if state == Status.OPEN else state, at, outcome)


def end_over(at: datetime, *, by: Actor = BY_TIME) -> int:
    """Writes down what time has ended: tasks past their deadline or silent, and what hangs on them. Returns how many
    tasks. Each lot is one transaction, so that a killed worker loses and doubles nothing."""
    ended = 0
    while True:
        with audit.acting(by, "task.over", "Its deadline or its heartbeat passed."):
            over = Task.objects.over_unnoticed(at).order_by("pk")
            keys = list(
                over.select_for_update(skip_locked=True).values_list("pk", flat=True)[:AT_ONCE]
            )
            if not keys:
                return ended
            rows = Task.objects.filter(pk__in=keys)
            _let_go(Q(task__in=keys), at)
            rows.update(
                status=Case(
                    When(silent_at__lt=F("deadline"), then=Value(Status.SILENT)),
                    default=Value(Status.OVERDUE),
                ),
                ended_at=Least("deadline", "silent_at"),
            )
            signals.announce_changed(rows.values_list("identity_id", flat=True))
            signals.announce_ended(keys)
        ended += len(keys)


def _end(task: Task, status: str, at: datetime, outcome: str) -> Ended:
    hanging = Grant.objects.filter(task=task, revoked_at=None).select_related("entitlement")
    names = tuple(str(grant.entitlement) for grant in hanging[:20])
    grants, delegations = _let_go(Q(task=task), at)
    task.status, task.ended_at, task.outcome = status, at, outcome
    task.save(update_fields=["status", "ended_at", "outcome"])
    signals.announce_changed([task.identity_id])
    signals.announce_ended([task.pk])
    return Ended(task, grants, delegations, names)


def _let_go(of_task: Q, at: datetime) -> tuple[int, int]:
    """What has expired before stays expired; the rest is revoked."""
    alive = of_task & (Q(expires_at=None) | Q(expires_at__gt=at)) & Q(gone_at=None)
    grants = endings.end_grants(Grant.objects.filter(alive), cause=EndCause.TASK, at=at)
    delegated = Delegation.objects.filter(alive)
    return grants, endings.end_delegations(delegated, cause=EndCause.TASK, at=at)


def _aim(task: Task, work: Work) -> None:
    TaskTarget.objects.bulk_create(
        [
            *(TaskTarget(task=task, system=system) for system in dict.fromkeys(work.systems)),
            *(
                TaskTarget(task=task, system_id=resource.system_id, resource=resource)
                for resource in dict.fromkeys(work.resources)
            ),
        ]
    )


def _require_sense(identity: Identity, work: Work, at: datetime) -> None:
    if not identity.may_act:
        raise RuleBroken(_may_not_act(identity))
    if not work.purpose.strip():
        raise RuleBroken("There is no purpose. Say in words what the task is to achieve.")
    if work.deadline <= at:
        raise RuleBroken(
            f"The deadline ({work.deadline:%Y-%m-%d %H:%M} UTC) is past. Choose a later one."
        )
    if work.deadline > at + LONGEST:
        raise RuleBroken(f"A task lasts at most {LONGEST.days} days. Choose an earlier deadline.")
    if work.on_behalf_of is not None and not work.on_behalf_of.can_answer(at):
        raise RuleBroken(f"{work.on_behalf_of.name} has left. Nobody can act for them.")
    if work.heartbeat_every is not None and not BEATS[0] <= work.heartbeat_every <= BEATS[1]:
        raise RuleBroken("A heartbeat comes every 10 seconds to 24 hours. Choose one in between.")


def _may_not_act(identity: Identity) -> str:
    if identity.gone_at is not None:
        return f"{identity.name} is gone from its source. It cannot start work."
    return f"{identity.name} is {identity.get_lifecycle_display().lower()}. Activate it before it starts work."
