"""How access ends: written down once for every way there is, with its cause, inside the caller's transaction."""

from datetime import datetime
from typing import Any

from django.db.models import Case, F, Model, Q, QuerySet, Value, When

from inventory import audit, signals
from inventory.audit import Actor
from inventory.models import Delegation, EndCause, Grant, Person, Source, Task
from inventory.models.grant import in_force_q, not_idle_q
from inventory.models.identity import active_q
from inventory.models.person import can_answer

OWN_SOURCE = "mandate"  # access issued here; its enforcement is our own decision
DENIED_HERE = "Mandate's own decision denies it."
JOB = "job end-access"

_BECAUSE = {
    EndCause.TASK: "Its task ended.",
    EndCause.OWNER: "The owner of the identity has left.",
    EndCause.PERSON: "The person acted for has left.",
    EndCause.SUSPENSION: "The identity is not active.",
    EndCause.UNUSED: "It went unused for its whole limit.",
}


def end_grants(rows: QuerySet[Grant], *, cause: EndCause, at: datetime) -> int:
    """Revokes those of the rows that are not revoked yet; call it inside `audit.acting`. Returns how many.

    What was issued here is confirmed at once, because only our own decision ever let it through; anything else waits
    until its source is read back or a probe is denied.
    """
    return _end(rows, cause, at)


def end_delegations(rows: QuerySet[Delegation], *, cause: EndCause, at: datetime) -> int:
    """The same for delegations."""
    return _end(rows, cause, at)


def written(cause: EndCause, at: datetime) -> dict[str, object]:
    """The columns that say so, for an UPDATE of grants or delegations."""
    here = Q(source__in=Source.objects.filter(key=OWN_SOURCE).values("pk"))  # no join in an UPDATE
    return {
        "revoked_at": at,
        "end_cause": cause,
        "revocation_confirmed_at": Case(
            When(here, then=Value(at)), default=F("revocation_confirmed_at")
        ),
        "revocation_proof": Case(
            When(here, then=Value(DENIED_HERE)), default=F("revocation_proof")
        ),
    }


def settle(
    at: datetime, *, by: Actor = JOB, identities: Any = None
) -> int:  # Any: keys, or a subquery of them
    """Writes down what has ended already: just-in-time access whose identity was stopped, whose task, owner or person
    acted for is gone, and what went unused for its whole limit. Returns how many grants ended.

    Law 1 made each of them ineffective before; this makes sure that nothing comes back when the cause goes away (a new
    owner, a suspension lifted). Rules that take a cause away call it first. Running it twice changes nothing.
    """
    return sum(
        _write_down(
            rows if identities is None else rows.filter(identity__in=identities), by, at, cause
        )
        for cause, rows in _causes(at)
    )


def _write_down(rows: QuerySet[Grant], by: Actor, at: datetime, cause: EndCause) -> int:
    if not rows.exists():
        return 0
    with audit.acting(by, "grant.ended", _BECAUSE[cause]):
        return end_grants(rows, cause=cause, at=at)


def _causes(at: datetime) -> list[tuple[EndCause, QuerySet[Grant]]]:
    """Each cause and the grants that it has ended and nobody has revoked; the first that fits is written."""
    left = Person.objects.exclude(can_answer(at)).order_by().values("pk")
    idle = Grant.objects.filter(in_force_q(at), idle_limit__isnull=False)
    mine = Grant.objects.filter(in_force_q(at), just_in_time=True)
    of_task = mine.filter(task__isnull=False)
    return [
        (EndCause.SUSPENSION, mine.exclude(active_q("identity__"))),
        (
            EndCause.TASK,
            of_task.filter(~Q(task__in=Task.objects.open(at)), task__opened_at__lte=at),
        ),
        (EndCause.OWNER, mine.filter(Q(identity__owner=None) | Q(identity__owner__in=left))),
        (EndCause.PERSON, of_task.filter(task__on_behalf_of__in=left)),
        (EndCause.UNUSED, idle.exclude(not_idle_q(at))),
    ]


def _end(rows: QuerySet[Any], cause: EndCause, at: datetime) -> int:  # Any: grants or delegations
    """Locks in the order of keys, so that two who end the same access at once never wait for each other in a ring."""
    free = rows.filter(Q(revoked_at=None) | Q(revoked_at__gt=at)).order_by("pk")
    model = rows.model
    keys = list(
        model.objects.filter(pk__in=free.order_by().values("pk"))
        .order_by("pk")
        .select_for_update()
        .values_list("pk", flat=True)
    )
    still = model.objects.filter(Q(revoked_at=None) | Q(revoked_at__gt=at), pk__in=keys)
    told = {key for row in still.values_list(*_ABOUT[model]) for key in row if key is not None}
    changed: int = still.update(**written(cause, at))
    signals.announce_changed(told)
    return changed


_ABOUT: dict[type[Model], tuple[str, ...]] = {
    Grant: ("identity_id",),
    Delegation: ("delegate_id", "delegator_identity_id"),
}
