"""The kill switch: what stopping an identity reaches, stopping it and measuring how long that took, and the drill."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from inventory import access, audit, endings, signals, stopping
from inventory.audit import Actor
from inventory.counts import counted_together
from inventory.models import Credential, Delegation, Grant, Identity, KillSwitchUse, Task
from inventory.rules import RuleBroken

Clock = Callable[[], datetime]
JOB = "job verify-stops"
_ALL = 10**9
_AT_ONCE = 200  # stops that one run of the job looks at

# Whoever can act through the identity at the moment, over any number of hops; `edge` is the one rule of which
# delegations work. A set, so that a ring of delegations ends the walk.
_REACHED = """
WITH RECURSIVE edge(giver, taker) AS NOT MATERIALIZED ({edges}), reached(id) AS (
    SELECT taker FROM edge WHERE giver = %s
    UNION
    SELECT edge.taker FROM reached JOIN edge ON edge.giver = reached.id
)
SELECT id FROM reached WHERE id <> %s ORDER BY id
"""


@dataclass(frozen=True)
class Reach:
    """What a stop reaches. `grants` are effective now: `ending` of them end for good, the others only rest."""

    grants: int
    ending: int
    tasks: int
    delegations: int
    credentials: int  # live; their platforms have to switch them off
    reached: tuple[int, ...]  # identities that act through it, directly or through others

    @property
    def resting(self) -> int:
        return self.grants - self.ending


@dataclass(frozen=True)
class Remains:
    """What is still effective of a stopped identity, or through it."""

    grants: int
    delegations: int
    tasks: int

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    def __str__(self) -> str:
        return f"grants: {self.grants:,}, delegations: {self.delegations:,}, tasks: {self.tasks:,}"


def preview(identity: Identity, *, at: datetime) -> Reach:
    """What a stop would reach at the moment. Three queries; changes nothing."""
    whose = Identity.objects.filter(pk=identity.pk).values("pk")
    tasks = list(stopping.open_tasks(whose, at).values_list("pk", flat=True))
    mine = Grant.objects.effective(at).filter(identity=identity.pk)
    counts = _counted(
        {
            "standing": mine.filter(just_in_time=False),
            "for a while": mine.filter(just_in_time=True),
            "of others": Grant.objects.effective(at)
            .filter(task__in=tasks)
            .exclude(identity=identity.pk),
            "given": stopping.given_away(whose, at),
            "on tasks": stopping.hanging(Delegation, tasks, at).exclude(
                delegator_identity=identity.pk
            ),
            "credentials": Credential.objects.live(at).filter(identity=identity.pk),
        }
    )
    ending = counts["for a while"] + counts["of others"]
    return Reach(
        grants=counts["standing"] + ending,
        ending=ending,
        tasks=len(tasks),
        delegations=counts["given"] + counts["on tasks"],
        credentials=counts["credentials"],
        reached=reached(identity.pk, at),
    )


def reached(identity_id: int, at: datetime) -> tuple[int, ...]:
    """Keys of the identities that can act through this one, directly or through others. One query."""
    works = Delegation.objects.effective(at).filter(delegator_identity__isnull=False)
    edges, values = (
        works.order_by().values("delegator_identity_id", "delegate_id").query.sql_with_params()
    )
    with connection.cursor() as cursor:
        cursor.execute(_REACHED.format(edges=edges), [*values, identity_id, identity_id])
        return tuple(row[0] for row in cursor.fetchall())


def remains(identity_id: int, at: datetime) -> Remains:
    """What is still effective, asked of the database. Empty once the identity is stopped. Two queries."""
    tasks = list(Task.objects.open(at).filter(identity=identity_id).values_list("pk", flat=True))
    grants, delegations = Grant.objects.effective(at), Delegation.objects.effective(at)
    counts = _counted(
        {
            "own": grants.filter(identity=identity_id),
            "of others": grants.filter(task__in=tasks).exclude(identity=identity_id),
            "given": delegations.filter(delegator_identity=identity_id),
            "on tasks": delegations.filter(task__in=tasks).exclude(delegator_identity=identity_id),
        }
    )
    return Remains(
        grants=counts["own"] + counts["of others"],
        delegations=counts["given"] + counts["on tasks"],
        tasks=len(tasks),
    )


def stop(
    identity: Identity, *, by: Actor, reason: str, at: datetime, clock: Clock = timezone.now
) -> KillSwitchUse:
    """Suspends the identity and ends, in the same transaction, what it gave; `at` is when the button was pressed.

    Once that is committed, the database is asked whether anything is still effective; if not, that moment is kept as
    `stopped_at`. Killed in between, the stop stands, and `verify_all` asks later. Stopping what is stopped already
    changes nothing and returns the first use.
    """
    access.require(by, "suspend", identity)
    _require_reason(reason)
    with audit.acting(by, "identity.suspended", reason):
        held = _held(identity)
        use = _standing_use(held)
        found = preview(held, at=at)
        endings.settle(
            at, by=by, identities=[held.pk]
        )  # what had ended by itself keeps its own cause
        stopping.halt(held, at=at)
        if use is None:
            use = _use(held, found, by=by, reason=reason, at=at)
            use.save()
    return verify(use, by=by, clock=clock)


def drill(
    identity: Identity, *, by: Actor, reason: str, at: datetime, clock: Clock = timezone.now
) -> KillSwitchUse:
    """Goes the whole way of a stop, asks whether anything would be left, takes everything back, and keeps the time.

    Nothing is stopped, and the history shows only the drill.
    """
    access.require(by, "suspend", identity)
    _require_reason(reason)
    with audit.acting(by, "identity.drilled", reason):
        held = _held(identity)
        if held.lifecycle == Identity.Lifecycle.SUSPENDED:
            raise RuleBroken(f"{held.name} is stopped already. A drill is for one that works.")
        found = preview(held, at=at)
        left, seen = _rehearse(held, at, clock)
        use = _use(held, found, by=by, reason=reason, at=at)
        use.drill, use.stopped_at = True, None if left else max(seen, at)
        use.save()
        signals.announce_changed([held.pk])
    return use


def verify(use: KillSwitchUse, *, by: Actor, clock: Clock = timezone.now) -> KillSwitchUse:
    """Keeps the moment at which nothing was effective any more, if that is so. The first such moment stays."""
    if use.stopped_at is None and not remains(use.identity_id, clock()):
        with audit.acting(by, "identity.stop_verified"):
            KillSwitchUse.objects.filter(pk=use.pk, stopped_at=None).update(
                stopped_at=max(clock(), use.asked_at)
            )
            signals.announce_changed([use.identity_id])
    return KillSwitchUse.objects.get(pk=use.pk)


def verify_all(*, clock: Clock = timezone.now) -> int:
    """Asks again for stops whose end nobody has seen. Returns how many are seen now."""
    waiting = KillSwitchUse.objects.filter(drill=False, stopped_at=None, lifted_at=None)
    uses = list(waiting.order_by("pk")[:_AT_ONCE])
    return sum(verify(use, by=JOB, clock=clock).stopped_at is not None for use in uses)


def _counted(rows: Mapping[str, QuerySet[Any]]) -> dict[str, int]:
    """To the end, because these numbers are kept. Each is asked by one way only, so that each finds its index."""
    return {name: count.number for name, count in counted_together(rows, cap=_ALL).items()}


def _held(identity: Identity) -> Identity:
    held = Identity.objects.select_for_update(no_key=True).get(pk=identity.pk)
    if held.lifecycle == Identity.Lifecycle.RETIRED:
        raise RuleBroken(f"{held.name} is retired, so nothing of it is effective any more.")
    return held


def _standing_use(held: Identity) -> KillSwitchUse | None:
    if held.lifecycle != Identity.Lifecycle.SUSPENDED:
        return None
    return held.stops.filter(drill=False, lifted_at=None).first()


def _rehearse(held: Identity, at: datetime, clock: Clock) -> tuple[Remains, datetime]:
    """In a savepoint that is always rolled back, so with it what would be told to others."""
    with transaction.atomic():
        stopping.halt(held, at=at)
        left = remains(held.pk, clock())
        seen = clock()
        transaction.set_rollback(True)
    return left, seen


def _use(held: Identity, found: Reach, *, by: Actor, reason: str, at: datetime) -> KillSwitchUse:
    return KillSwitchUse(
        identity=held,
        author=by if isinstance(by, str) else by.get_username(),
        reason=reason,
        asked_at=at,
        grants=found.grants,
        delegations=found.delegations,
        tasks=found.tasks,
        reached=len(found.reached),
        left_over=found.credentials,
    )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise RuleBroken("There is no reason. Say why, for those who read this later.")
