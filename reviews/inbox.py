"""What waits for one person: questions to answer, access of theirs that ends soon, access that nobody uses."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import QuerySet

from inventory import access
from inventory.models import Grant, Task, User
from inventory.models.moments import ends_after, ends_by, unused_since
from reviews import action_approvals, path_cuts, requests, review_items
from reviews.models import AccessRequest, ActionApproval, PathCut, ReviewItem
from reviews.request_list import waits_for

Row = TypeVar("Row", Grant, Task)
WEEK = timedelta(days=7)
UNUSED = timedelta(days=90)


@dataclass(frozen=True)
class Inbox:
    """Querysets; nothing is read yet."""

    requests: QuerySet[AccessRequest]
    actions: QuerySet[ActionApproval]
    cuts: QuerySet[PathCut]
    ending: QuerySet[Grant]
    unused: QuerySet[Grant]
    tasks: QuerySet[Task]
    reviews: QuerySet[ReviewItem]


def of(user: User, at: datetime) -> Inbox:
    """For owners what is theirs; for security what is asked of it, and its own."""
    waiting = requests.visible_to(user).filter(waits_for(user)).waiting(at)  # type: ignore[attr-defined]  # its own queryset
    return Inbox(
        requests=waiting.select_related("identity", "requested_by")
        .prefetch_related("items__entitlement")
        .order_by("answer_by", "pk"),
        actions=action_approvals.waits_for(user, at),
        cuts=path_cuts.waits_for(user, at).select_related("target_identity", "target_entitlement"),
        ending=_mine(user, at)
        .filter(ends_after(at), ends_by(at + WEEK))
        .order_by("expires_at", "pk"),
        unused=_mine(user, at)
        .filter(unused_since(at - UNUSED), use_known=True, just_in_time=False)
        .order_by("-entitlement__risk", "pk"),
        reviews=review_items.waits_for(user, at),
        tasks=_own(user, Task.objects.open(at).select_related("identity")).order_by(
            "deadline", "pk"
        ),
    )


def _mine(user: User, at: datetime) -> QuerySet[Grant]:
    return _own(user, Grant.objects.in_force(at).select_related("identity", "entitlement__system"))


def _own(user: User, rows: QuerySet[Row]) -> QuerySet[Row]:
    if user.person_id is None:
        return rows.none()
    return access.visible_to(user, rows).filter(identity__owner=user.person_id)
