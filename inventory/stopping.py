"""What ends with an identity that is stopped: written once for every way to suspend, in the caller's transaction."""

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from inventory import endings, signals
from inventory.models import Delegation, EndCause, Grant, Identity, Task
from inventory.models.task import open_task_q
from inventory.search import any_of

Whose = QuerySet[Any]  # keys of identities, as a subquery
OUTCOME = "The identity was stopped."


def halt(identity: Identity, *, at: datetime) -> bool:
    """Suspends an identity that is active or proposed, and ends what it gave. Returns whether it was not suspended
    before; twice changes nothing."""
    lifecycle = Identity.Lifecycle
    claimed = Identity.objects.filter(
        pk=identity.pk, lifecycle__in=[lifecycle.ACTIVE, lifecycle.PROPOSED]
    ).update(lifecycle=lifecycle.SUSPENDED, suspended_at=at)
    end_what_they_gave(Identity.objects.filter(pk=identity.pk).values("pk"), at=at)
    if claimed:
        signals.announce_changed([identity.pk])
    return bool(claimed)


def end_what_they_gave(whose: Whose, *, at: datetime) -> None:
    """Cancels their open tasks; ends what hangs on these, their just-in-time grants, and every delegation they gave.

    Their standing grants stay as they are: they are not effective while the identity is suspended (law 1), and stay
    listed, so that lifting the suspension is a decision about known access. What has expired stays expired.
    """
    endings.end_grants(given_for_a_while(whose, at), cause=EndCause.SUSPENSION, at=at)
    endings.end_delegations(given_away(whose, at), cause=EndCause.SUSPENSION, at=at)
    _cancel(open_tasks(whose, at), at)


def open_tasks(whose: Whose, at: datetime) -> QuerySet[Task]:
    """Open, or opening later. What time has ended already is not cancelled any more."""
    later = Q(status=Task.Status.OPEN, opened_at__gt=at, deadline__gt=at)
    return Task.objects.filter(open_task_q(at) | later, identity__in=whose)


def given_for_a_while(whose: Whose, at: datetime) -> QuerySet[Grant]:
    """Their just-in-time grants that have not ended, and those of others that hang on their tasks."""
    alive = Q(expires_at__gt=at, gone_at=None) & (Q(revoked_at=None) | Q(revoked_at__gt=at))
    return Grant.objects.filter(
        alive,
        any_of(Grant, Q(identity__in=whose), Q(task__identity__in=whose)),
        just_in_time=True,
    )


def given_away(whose: Whose, at: datetime) -> QuerySet[Delegation]:
    """The delegations that they gave and those that hang on their tasks, unless they have ended."""
    ahead = Q(expires_at=None) | Q(expires_at__gt=at)
    alive = ahead & Q(gone_at=None) & (Q(revoked_at=None) | Q(revoked_at__gt=at))
    given = any_of(Delegation, Q(delegator_identity__in=whose), Q(task__identity__in=whose))
    return Delegation.objects.filter(alive, given)


def _cancel(tasks: QuerySet[Task], at: datetime) -> None:
    keys = list(tasks.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    Task.objects.filter(pk__in=keys).update(
        status=Task.Status.CANCELLED, ended_at=at, outcome=OUTCOME
    )
    signals.announce_ended(keys)
