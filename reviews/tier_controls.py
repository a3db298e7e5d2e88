"""How this floor judges a control of the tiers (access reviews), and the steps that it has for missing ones."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from inventory.tiers import Answer, Step, provide
from reviews.models import ReviewItem

REVIEWED_WITHIN = timedelta(days=183)


def access_review(at: datetime) -> Answer:
    """A person decided on some of its access in a review of the last half year."""
    decided = ReviewItem.objects.filter(
        identity=OuterRef("pk"), decided_at__gte=at - REVIEWED_WITHIN, decided_by__isnull=False
    )
    return Answer(Q(Exists(decided)), Q(pk__in=[]))


def register() -> None:
    """Called once, when the app is ready."""
    request = Step("Request access", "reviews:identity-request", "key-round", action="request")
    review = Step(
        "Start a review", "reviews:campaign-new", "list-todo", for_all=True, action="start_review"
    )
    provide("access-review", access_review, [review])
    provide("just-in-time", steps=[request])
    provide(
        "on-behalf-of",
        steps=[
            Step(
                "Request access for a person",
                "reviews:identity-request",
                "key-round",
                action="request",
            )
        ],
    )
    cut = Step("Cut off", "reviews:identity-cut", "scissors", action="revoke")
    provide("least-privilege", steps=[cut])
    provide("relay-detection", steps=[cut])
