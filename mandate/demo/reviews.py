"""Access reviews of the demo: one closed too quickly, one half done, one overdue; through the rules of everybody."""

from datetime import datetime, timedelta

from inventory.models import Person, Team, User
from mandate.demo.content import address
from mandate.demo.events import Scene
from mandate.demo.users import login
from reviews import campaign_closing, campaigns, review_items
from reviews.campaigns import Plan
from reviews.models import Campaign, ReviewItem
from reviews.review_items import Verdict

_WAYS = {
    "keep": Verdict("keep", "In daily use."),
    "revoke": Verdict("revoke", "Nobody missed it in months."),
}


def close_one_too_quickly(scene: Scene) -> None:
    """Somebody kept everything powerful within a minute; the check of reviews says so."""
    reviewer = Person.objects.get(email=address("marcus.oyelaran"))
    campaign = _launched(
        scene,
        Plan(
            "Powerful access, spring", "critical", scene.in_days(14),
            reviewers=Campaign.Reviewer.NAMED, named_reviewer=reviewer, on_silence="keep",
        ),
    )  # fmt: skip
    for nth, item in enumerate(campaign.items.order_by("pk")):
        user = login(item.reviewer) if item.reviewer else scene.users["jonas.falk"]
        when = scene.at + timedelta(days=2, seconds=2 * nth)
        _decide(item, Verdict("keep", "Known."), user, when)
    campaign_closing.close(campaign, by="job campaigns", at=scene.in_days(15))


def begin_one(scene: Scene) -> None:
    """Owners are at it: about half is decided, each after a look."""
    team = Team.objects.get(name="Freight Planning")
    campaign = _launched(
        scene, Plan("Freight Planning, standing access", "standing", scene.in_days(21), team=team)
    )
    items = list(campaign.items.filter(reviewer__isnull=False).order_by("pk"))
    for nth, item in enumerate(items[: len(items) // 2]):
        if item.reviewer is None:
            continue
        when = scene.at + timedelta(days=1, minutes=4 * nth)
        user = login(item.reviewer)
        review_items.show(ReviewItem.objects.filter(pk=item.pk), to=user, at=when)
        _decide(
            item, _WAYS.get(item.recommendation, _WAYS["keep"]), user, when + timedelta(seconds=50)
        )


def leave_one_lying(scene: Scene) -> None:
    """Due by now, and hardly anybody has looked; within the grace nothing happens to it yet."""
    team = Team.objects.get(name="Customer Care")
    plan = Plan(
        "Customer Care, all access", "everything", scene.in_days(12), team=team,
        reviewers=Campaign.Reviewer.MANAGER, grace=timedelta(days=14), repeat_days=180,
    )  # fmt: skip
    _launched(scene, plan)


def _launched(scene: Scene, plan: Plan) -> Campaign:
    user = scene.users["priya.raman"]
    made = campaigns.draft(plan, by=user, at=scene.at)
    return campaigns.launch(made, by=user, at=scene.at)


def _decide(item: ReviewItem, verdict: Verdict, user: User, at: datetime) -> None:
    review_items.decide(ReviewItem.objects.filter(pk=item.pk), verdict=verdict, by=user, at=at)
