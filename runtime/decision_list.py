"""The list of decisions: who sees which, its filters and columns, for page, export and API."""

from typing import Any, TypeVar
from uuid import UUID

import django_filters
from django.db.models import (
    BigIntegerField,
    Case,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.db.models.functions import Cast

from inventory import access
from inventory.columns import Column, labelled
from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, KeyFilter, Rows
from inventory.listing import Empty, Listing
from inventory.models import Identity, Person, Resource, System, Tool, User
from inventory.search import holds
from runtime.models import Decision
from runtime.reasons import REASONS

IDENTITY = "inventory:identity-detail"
PERMITTED, DENIED, WATCHED = "permitted", "denied", "watched"
OUTCOMES = {PERMITTED: "Permitted", DENIED: "Denied", WATCHED: "Would be denied"}
REASON_WORDS = dict(REASONS)


# Requests may name a row by its key; the list shows what it is called now.
_NUMBER = Case(
    When(resource_id__regex=r"^[0-9]{1,18}$", then=Cast("resource_id", BigIntegerField()))
)
_NAMED: dict[str, type[Model]] = {
    "resource": Resource, "system": System, "identity": Identity, "tool": Tool,
}  # fmt: skip
_NAME = Case(
    *(
        When(
            resource_type=kind,
            then=Subquery(
                model._default_manager.filter(pk=OuterRef("resource_key")).values("name")[:1]
            ),
        )
        for kind, model in _NAMED.items()
    )
)


Named = TypeVar("Named", bound=QuerySet[Any])  # Any: of decisions, or of a replay's rows


def visible_to(user: User) -> QuerySet[Decision]:
    """Security and auditors see all; owners those that their identities asked for."""
    if access.sees_all(user):
        return Decision.objects.all()
    mine = access.visible_to(user, Identity.objects.all()).order_by().values("pk")
    return Decision.objects.filter(identity__in=mine)


def shown(user: User) -> QuerySet[Decision]:
    """As `visible_to`, with what a row of the list shows."""
    return with_names(visible_to(user)).select_related(
        "identity", "task", "policy_version__policy_set"
    )


def with_names(rows: Named) -> Named:
    """Rows with `resource_type` and `resource_id`, with what the resource is called now."""
    return rows.annotate(resource_key=_NUMBER).annotate(resource_name=_NAME)


def resource_of(row: Any) -> str:  # Any: a row of `with_names`
    """What it is called now; else as it was asked for."""
    return str(row.resource_name or row.resource_id)


def key_of(text: str) -> UUID | None:
    """The key of a decision in an address; None for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def outcome_of(decision: Decision) -> str:
    """In one word; a set that only watches permits, and says what it would have done."""
    if decision.permitted and decision.monitored is False:
        return OUTCOMES[WATCHED]
    return OUTCOMES[PERMITTED if decision.permitted else DENIED]


class OutcomeFilter(ManyFilter):
    """Permitted, denied, or permitted only because its policies are not enforced yet."""

    def filter(self, qs: Rows, value: list[str]) -> Rows:
        if not value:
            return qs
        watched = Q(permitted=True, monitored=False)
        meaning = {
            DENIED: Q(permitted=False),
            WATCHED: watched,
            PERMITTED: Q(permitted=True) & (Q(monitored=None) | Q(monitored=True)),
        }
        found = Q(pk__in=[])
        for outcome in value:
            found |= meaning[outcome]
        return qs.filter(found)


class DecisionFilter(Filters):
    q = django_filters.CharFilter(
        method="search", label="Search", help_text="Identity, action or resource"
    )
    outcome = OutcomeFilter(label="Outcome", choices=list(OUTCOMES.items()))
    reason = ManyFilter(field_name="reason_code", label="Reason", choices=REASONS)
    made = django_filters.DateFromToRangeFilter(field_name="made_at", label="Day")
    action = django_filters.CharFilter(label="Action", help_text="Exact action")
    policy = django_filters.CharFilter(
        method="by_policy", label="Policy", help_text="The @id of a policy that decided"
    )
    mode = ManyFilter(choices=Decision.Mode.choices)
    identity = KeyFilter(label="Identity")
    task = KeyFilter(label="Task")
    on_behalf_of = KeyFilter(label="On behalf of")
    version = KeyFilter(field_name="policy_version", label="Policy version")

    described = {"identity": Identity, "on_behalf_of": Person}

    class Meta:
        model = Decision
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        named = Identity.objects.filter(holds(value, "name", "external_id")).order_by()
        return rows.filter(
            Q(identity__in=named.values("pk")) | holds(value, "action", "resource_id", "subject_id")
        )

    def by_policy(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(policies__contains=[value.strip()])


def _subject(decision: Decision) -> str:
    return str(decision.identity or decision.subject_id)


DECISIONS = Listing(
    title="Decisions",
    singular="decision",
    plural="decisions",
    intro="What agents asked before they acted, and what was answered.",
    columns=(
        Column("action", "Action", "action", kind="link", url="runtime:decision-detail"),
        Column("outcome", "Outcome", outcome_of, kind="badge"),
        Column(
            "subject", "Who", _subject, kind="link", url=IDENTITY, key_path="identity_id"
        ),
        Column("resource", "Resource", resource_of),
        Column("reason", "Reason", lambda row: REASON_WORDS.get(row.reason_code, row.reason_code)),
        Column(
            "task", "Task", "task.purpose", kind="link", url="inventory:task-detail",
            key_path="task_id", shown=False,
        ),
        Column("made", "When", "made_at", kind="time", sort="pk"),
        Column("policies", "Policies", lambda row: ", ".join(row.policies), kind="code", wide=True),
        Column("subject_id", "Subject", "subject_id", kind="code", shown=False),
        Column("subject_type", "Kind of subject", "subject_type", shown=False),
        Column("resource_type", "Kind of resource", "resource_type", shown=False),
        Column("resource_id", "Resource as asked", "resource_id", kind="code", shown=False),
        Column("said", "In words", "reason", shown=False),
        Column("remedy", "What would change it", "remedy", shown=False),
        Column("mode", "Mode", labelled("mode", Decision.Mode), shown=False),
        Column("version", "Policy version", "policy_version.number", shown=False),
        Column("latency", "Microseconds", "latency_us", kind="number", shown=False),
        Column("digest", "Digest of the context", "context_digest", kind="code", shown=False),
        Column("asked_by", "Asked by", "asked_by", shown=False),
    ),
    order="-made",
    empty=Empty(
        "No decisions yet",
        "Platforms ask at /access/v1/evaluation before an agent acts; each answer is kept here.",
        icon="scale",
    ),
)  # fmt: skip
