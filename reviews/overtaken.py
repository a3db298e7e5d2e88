"""Questions and reminders that are overtaken before anybody was told: decided, lapsed, ended. Nobody is asked about
nothing, also when the mail server was down for a day."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, Exists, OuterRef, QuerySet
from django.db.models.functions import Cast, Substr

from inventory.models import Grant
from reviews.models import AccessRequest, ActionApproval, Campaign, Notification

Still = Callable[[datetime], QuerySet[Any]]  # Any: of each noun

# Event: how its `about` begins, and the rows about which there is still something to say.
_ABOUT: dict[str, tuple[str, Still]] = {
    "request.asked": ("request:", lambda at: AccessRequest.objects.waiting(at)),
    "request.waits": ("request:", lambda at: AccessRequest.objects.waiting(at)),
    "action.asked": ("action:", lambda at: ActionApproval.objects.waiting(at)),
    "campaign.launched": ("campaign:", lambda at: Campaign.objects.open(at)),
    "campaign.due": ("campaign:", lambda at: Campaign.objects.open(at)),
    "grant.ends": ("grant:", lambda at: Grant.objects.in_force(at)),
}


def drop(at: datetime) -> int:
    """Takes back what waits and is overtaken; what is on its way at this moment is left alone. Returns how many."""
    return sum(_drop(event, begins, still, at) for event, (begins, still) in _ABOUT.items())


def _drop(event: str, begins: str, still: Still, at: datetime) -> int:
    row = Cast(Substr("about", len(begins) + 1), BigIntegerField())
    waiting = Notification.objects.filter(status=Notification.Status.WAITING, event=event)
    over = waiting.annotate(row=row).exclude(Exists(still(at).filter(pk=OuterRef("row"))))
    with transaction.atomic():
        locked = over.order_by("pk").select_for_update(skip_locked=True, of=("self",))
        keys = list(locked.values_list("pk", flat=True))
        return Notification.objects.filter(pk__in=keys).update(
            status=Notification.Status.DROPPED, error="It was decided or over before it was told."
        )
