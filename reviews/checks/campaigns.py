"""Checks of access reviews themselves: done in time, and with judgement."""

from datetime import datetime, timedelta

from django.db.models import (
    Avg,
    Case,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.db.models.functions import Coalesce

from inventory.models import Severity
from reviews.check import Check, Rows
from reviews.models import Campaign, ReviewItem
from reviews.parameters import Days
from reviews.review_items import UNDECIDED

LAUNCHED = (Campaign.Status.OPEN, Campaign.Status.CLOSED)
MANY, HASTY = 20, timedelta(seconds=5)
VERY_MANY, ALWAYS = 50, 0.98


def _items() -> QuerySet[ReviewItem]:
    return ReviewItem.objects.filter(campaign=OuterRef("pk")).order_by()


class ReviewOnTime(Check):
    """A review that nobody finishes confirms access by forgetting it."""

    id = "review-on-time"
    problem = "Access review overdue or not carried out"
    title = (
        "Access reviews are completed on time by an eligible reviewer and decisions are carried out"
    )
    severity = Severity.MEDIUM
    fix = "Decide the items that are left, or let what was chosen for silence happen."
    evidence = ("name", "due_at", "undecided", "not_done", "without_reviewer")
    rests_on_source = False

    counts = Days(400, "Days back in which reviews count")

    def population(self, at: datetime) -> Rows:
        undone = _items().filter(done_at=None).exclude(UNDECIDED)
        return Campaign.objects.filter(
            status__in=LAUNCHED, launched_at__gt=at - self.counts
        ).annotate(
            undecided=_number(_items().filter(UNDECIDED)),
            not_done=_number(undone),
            without_reviewer=_number(_items().filter(UNDECIDED, reviewer=None)),
        )

    def fails(self, at: datetime) -> Q:
        return Q(due_at__lt=at, undecided__gt=0) | Q(not_done__gt=0)


class ReviewEffective(Check):
    """Whoever keeps everything, or decides faster than one can read, has not reviewed anything.

    Signs only: a quick reviewer may still be right. Judged by reviewer: twenty or more decisions at under five seconds
    each, or fifty and more of which at least 98 of 100 are kept.
    """

    id = "review-effective"
    problem = "Access review without judgement"
    title = (
        "Reviews show real judgement: decision time, approval rate and volume per reviewer stay"
        " within limits"
    )
    severity = Severity.MEDIUM
    fix = "Talk to the reviewer, and review the same access again with fewer items each."
    evidence = ("name", "decided", "hasty_reviewer", "agreeing_reviewer", "in_bulk")
    rests_on_source = False

    counts = Days(400, "Days back in which reviews count")

    def population(self, at: datetime) -> Rows:
        """Reviews in which people decided something."""
        decided = _items().filter(decided_by__isnull=False)
        return (
            Campaign.objects.filter(status__in=LAUNCHED, launched_at__gt=at - self.counts)
            .filter(Exists(decided))
            .annotate(
                decided=_number(decided),
                in_bulk=_number(decided.filter(in_bulk=True)),
                hasty_reviewer=Subquery(_hasty(decided)),
                agreeing_reviewer=Subquery(_agreeing(decided)),
            )
        )

    def fails(self, at: datetime) -> Q:
        return Q(hasty_reviewer__isnull=False) | Q(agreeing_reviewer__isnull=False)


def _by_reviewer(decided: Rows) -> Rows:
    grouped: Rows = decided.values("decided_by__username").annotate(number=Count("pk"))
    return grouped


def _hasty(decided: Rows) -> Rows:
    """Somebody who needed less than five seconds for each, from the first decision to the last."""
    span = ExpressionWrapper(Max("decided_at") - Min("decided_at"), output_field=DurationField())
    needed = ExpressionWrapper(F("number") * HASTY, output_field=DurationField())
    found: Rows = (
        _by_reviewer(decided)
        .annotate(span=span, needed=needed)
        .filter(number__gte=MANY, span__lt=F("needed"))
        .order_by("decided_by__username")
        .values("decided_by__username")[:1]
    )
    return found


def _agreeing(decided: Rows) -> Rows:
    """Somebody who kept nearly everything of very much."""
    kept = Avg(Case(When(decision=ReviewItem.Decision.KEEP, then=1.0), default=0.0))
    found: Rows = (
        _by_reviewer(decided)
        .annotate(kept=kept)
        .filter(number__gte=VERY_MANY, kept__gte=ALWAYS)
        .order_by("decided_by__username")
        .values("decided_by__username")[:1]
    )
    return found


def _number(rows: QuerySet[ReviewItem]) -> Coalesce:
    counted = rows.values("campaign").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0)
