"""The smallest rows of each answer for the checks of access reviews."""

from datetime import timedelta
from typing import Any

from reviews.models import Campaign, ReviewItem
from tests.factories import NOW, a_grant, a_person, a_user, ago, days


def a_campaign(**fields: Any) -> Campaign:
    given = {
        "name": "Autumn", "status": "open", "scope": "everything", "due_at": NOW + days(9),
        "author": "ada", "created_at": ago(30), "launched_at": ago(20),
    }  # fmt: skip
    return Campaign.objects.create(**{**given, **fields})


def with_items(number: int, *, pace: float, decision: str = "keep", **campaign: Any) -> Campaign:
    """Decided by one person, so many seconds apart."""
    made = a_campaign(**campaign)
    user, identity = a_user("owner", person=a_person()), a_grant().identity
    for nth in range(number):
        at = ago(10) + timedelta(seconds=nth * pace)
        ReviewItem.objects.create(
            campaign=made, grant=a_grant(identity=identity), identity=identity,
            reviewer=user.person, decision=decision, decided_by=user, decided_at=at, done_at=at,
        )  # fmt: skip
    return made


def undecided(**campaign: Any) -> Campaign:
    made = a_campaign(**campaign)
    grant = a_grant()
    ReviewItem.objects.create(campaign=made, grant=grant, identity=grant.identity)
    return made


REVIEWS = [
    ("review-on-time", "fail", "overdue", lambda: undecided(due_at=ago(1))),
    ("review-on-time", "pass", "running", undecided),
    ("review-on-time", "pass", "decided", lambda: with_items(1, pace=60, due_at=ago(1))),
    (
        "review-on-time",
        "not applicable",
        "draft",
        lambda: a_campaign(status="draft", launched_at=None),
    ),
    ("review-effective", "fail", "hasty", lambda: with_items(20, pace=2, decision="revoke")),
    ("review-effective", "fail", "keeps everything", lambda: with_items(50, pace=60)),
    ("review-effective", "pass", "takes time", lambda: with_items(20, pace=60)),
    ("review-effective", "not applicable", "nobody decided", undecided),
]
