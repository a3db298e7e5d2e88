"""What ends with an identity that is stopped: written once for every way to suspend, in the caller's transaction."""

from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Q, QuerySet

from inventory import endings, signals
from inventory.models import Delegation, EndCause, Grant, Identity, Task
from inventory.models.task import open_task_q

Whose = QuerySet[Any]  # keys of identities, as a subquery
Rows = TypeVar("Rows", Grant, Delegation)
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
    tasks = open_tasks(whose, at).values("pk")
    for grants in (own_for_a_while(whose, at), hanging(Grant, tasks, at)):
        endings.end_grants(grants, cause=EndCause.SUSPENSION, at=at)
    for delegations in (given_away(whose, at), hanging(Delegation, tasks, at)):
        endings.end_delegations(delegations, cause=EndCause.SUSPENSION, at=at)
    _cancel(open_tasks(whose, at), at)


def open_tasks(whose: Whose, at: datetime) -> QuerySet[Task]:
    """Open, or opening later. What time has ended already is not cancelled any more."""
    later = Q(status=Task.Status.OPEN, opened_at__gt=at, deadline__gt=at)
    return Task.objects.filter(open_task_q(at) | later, identity__in=whose)


def own_for_a_while(whose: Whose, at: datetime) -> QuerySet[Grant]:
    """Their just-in-time grants that have not ended."""
    return Grant.objects.filter(_alive(at), identity__in=whose, just_in_time=True)


def given_away(whose: Whose, at: datetime) -> QuerySet[Delegation]:
    """The delegations that they gave, unless they have ended."""
    return Delegation.objects.filter(_alive(at), delegator_identity__in=whose)


def hanging(model: type[Rows], tasks: Any, at: datetime) -> QuerySet[Rows]:
    """Grants or delegations of anybody on these tasks, unless they have ended. Any: keys, or a subquery of them."""
    return model._default_manager.filter(_alive(at), task__in=tasks)


def _alive(at: datetime) -> Q:
    """Not ended by time, revocation or its source; begun or not."""
    ahead = Q(expires_at=None) | Q(expires_at__gt=at)
    return ahead & (Q(revoked_at=None) | Q(revoked_at__gt=at)) & Q(gone_at=None)


def _cancel(tasks: QuerySet[Task], at: datetime) -> None:
    keys = list(tasks.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    Task.objects.filter(pk__in=keys).update(
        status=Task.Status.CANCELLED, ended_at=at, outcome=OUTCOME
    )
    signals.announce_ended(keys)
