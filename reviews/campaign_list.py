"""The lists of access reviews and of their items: filters and columns, for page, export, bulk acts and API."""

import django_filters
from django.db.models import Count, Q
from django.utils.dateparse import parse_datetime

from inventory.columns import Column, labelled
from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, KeyFilter, Rows
from inventory.listing import BulkAction, Empty, Listing
from inventory.models import Identity, Risk
from inventory.search import holds
from reviews.models import Campaign, ReviewItem
from reviews.review_items import UNDECIDED

IDENTITY = "inventory:identity-detail"
Decision = ReviewItem.Decision
DECISIONS = [("open", "Undecided"), *Decision.choices]
REVIEWERS = (("me", "Me"), ("security", "Nobody else, so security"))


def with_progress(rows: Rows) -> Rows:
    """How many items each campaign has, and how many wait."""
    waiting = Count("items", filter=Q(items__decision__in=["", Decision.ASK]))
    found: Rows = rows.annotate(all_items=Count("items"), waiting_items=waiting)
    return found


def decision_of(item: ReviewItem) -> str:
    return item.get_decision_display() if item.decision else "Undecided"


def _progress(campaign: Campaign) -> str:
    everything, waiting = getattr(campaign, "all_items", 0), getattr(campaign, "waiting_items", 0)
    return f"{everything - waiting:,} of {everything:,}" if everything else "–"


class CampaignFilter(Filters):
    q = django_filters.CharFilter(
        field_name="name", lookup_expr="icontains", label="Search", help_text="Name"
    )
    status = ManyFilter(label="State", choices=Campaign.Status.choices)
    scope = ManyFilter(choices=Campaign.Scope.choices)

    class Meta:
        model = Campaign
        fields: list[str] = []


class DecisionFilter(ManyFilter):
    def filter(self, qs: Rows, value: list[str]) -> Rows:
        if not value:
            return qs
        decided = Q(decision__in=[each for each in value if each != "open"])
        return qs.filter(decided | UNDECIDED if "open" in value else decided)


class ItemFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="Name of the identity")
    decision = DecisionFilter(label="Decision", choices=DECISIONS)
    recommendation = ManyFilter(label="Recommendation", choices=Decision.choices)
    risk = ManyFilter(field_name="grant__entitlement__risk", label="Risk", choices=Risk.choices)
    reviewer = django_filters.ChoiceFilter(
        label="Reviewer", choices=REVIEWERS, method="by_reviewer"
    )
    campaign = KeyFilter(label="Review")
    identity = KeyFilter(label="Identity")

    class Meta:
        model = ReviewItem
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        named = Identity.objects.filter(holds(value, "name", "external_id"))
        return rows.filter(identity__in=named.values("pk"))

    def by_reviewer(self, rows: Rows, name: str, value: str) -> Rows:
        if value == "security":
            return rows.filter(reviewer=None)
        person = self.request.user.person_id
        return rows.filter(reviewer=person) if person else rows.none()


CAMPAIGNS = Listing(
    title="Reviews",
    singular="review",
    plural="reviews",
    intro="Access reviews: who judges which access until when, and what silence means.",
    columns=(
        Column("name", "Name", "name", kind="link", url="reviews:campaign-detail"),
        Column("state", "State", labelled("status", Campaign.Status), kind="badge"),
        Column("scope", "Scope", labelled("scope", Campaign.Scope), wide=True),
        Column("progress", "Decided", _progress),
        Column("due", "Due", "due_at", kind="time"),
        Column("silence", "Undecided", labelled("on_silence", Campaign.Silence), wide=True),
        Column("launched", "Launched", "launched_at", kind="time"),
        Column("closed", "Closed", "closed_at", kind="time", shown=False),
        Column("by", "By", "author", shown=False),
        Column("created", "Drafted", "created_at", kind="time", sort="pk", shown=False),
    ),
    order="-created",
    empty=Empty(
        "No reviews yet",
        "A review asks owners, sponsors or managers whether access is still needed.",
        icon="list-todo",
    ),
)


def _risk_tone(item: ReviewItem) -> str | None:
    return {"critical": "bad", "high": "warn"}.get(str(item.facts.get("risk")))


ITEMS = Listing(
    title="Items",
    singular="item",
    plural="items",
    intro="Each is one grant. Open one to see what it reaches and what changed; decide many that are alike from here.",
    columns=(
        Column("grant", "Access", "grant.entitlement", kind="link", url="reviews:item-detail"),
        Column(
            "identity", "Identity", "identity", kind="link", url=IDENTITY, key_path="identity_id"
        ),
        Column(
            "risk", "Risk", lambda item: item.facts.get("risk", "").capitalize(), tone=_risk_tone
        ),
        Column(
            "used",
            "Last used",
            lambda item: parse_datetime(item.facts.get("last_used_at") or ""),
            kind="time",
        ),
        Column("wanted", "Recommended", labelled("recommendation", Decision)),
        Column("because", "Because", "because", wide=True),
        Column("decision", "Decision", decision_of, kind="badge"),
        Column("reviewer", "Reviewer", "reviewer", kind="person", wide=True, empty="Security"),
        Column("reason", "Reason", "reason", shown=False),
        Column("outcome", "Outcome", "outcome", shown=False),
        Column("by", "Decided by", "decided_by.display_name", shown=False),
        Column("decided", "Decided", "decided_at", kind="time", shown=False),
        Column("number", "Number", "pk", kind="number", sort="pk", shown=False),
    ),
    order="number",
    bulk_actions=(
        BulkAction("Keep", "reviews:items-keep", "check"),
        BulkAction("Revoke", "reviews:items-revoke", "ban", True),
        BulkAction("Give an end", "reviews:items-narrow", "calendar-clock"),
        BulkAction("Hand over", "reviews:items-hand-over", "user-check"),
        BulkAction("Ask", "reviews:items-ask", "message-circle-question-mark"),
    ),
    empty=Empty(
        "Nothing to review here", "Take a filter off to see what is decided.", icon="circle-check"
    ),
)
