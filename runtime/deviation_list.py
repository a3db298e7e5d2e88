"""The list of deviations: its filters and columns."""

import django_filters
from django.db.models import Q

from inventory.columns import Column, labelled
from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, KeyFilter, Rows, choice
from inventory.listing import Empty, Listing
from inventory.models import Identity, Severity
from inventory.search import holds
from runtime.models import Deviation

STATES = (("open", "Open"), ("triaged", "Triaged"))


class DeviationFilter(Filters):
    q = django_filters.CharFilter(
        method="search", label="Search", help_text="Identity, or what does not fit"
    )
    state = choice(STATES, "by_state", label="State")
    rule = ManyFilter(choices=Deviation.Rule.choices)
    severity = ManyFilter(choices=Severity.choices)
    outcome = ManyFilter(choices=Deviation.Outcome.choices)
    happened = django_filters.DateFromToRangeFilter(field_name="happened_at", label="Day")
    identity = KeyFilter(label="Identity")
    task = KeyFilter(label="Task")

    class Meta:
        model = Deviation
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        named = Identity.objects.filter(holds(value, "name", "external_id")).order_by()
        return rows.filter(Q(identity__in=named.values("pk")) | Q(detail__icontains=value))

    def by_state(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(triaged_at__isnull=value == "open")


DEVIATIONS = Listing(
    title="Deviations",
    singular="deviation",
    plural="deviations",
    intro="What agents did that does not fit their task, their grants or themselves, by plain rules.",
    columns=(
        Column("rule", "Rule", labelled("rule", Deviation.Rule), kind="link", url="runtime:deviation-triage"),
        Column("severity", "Severity", "severity", kind="severity"),
        Column(
            "identity", "Identity", "identity", kind="link", url="inventory:identity-detail",
            key_path="identity_id",
        ),
        Column("detail", "What does not fit", "detail", wide=True),
        Column("state", "State", "state", kind="badge"),
        Column("happened", "When", "happened_at", kind="time", sort="happened_at"),
        Column(
            "task", "Task", "task.purpose", kind="link", url="inventory:task-detail",
            key_path="task_id", shown=False,
        ),
        Column("outcome", "Outcome", labelled("outcome", Deviation.Outcome), shown=False),
        Column("note", "Note", "note", shown=False),
        Column("by", "Triaged by", "triaged_by", shown=False),
    ),
    order="-happened",
    empty=Empty(
        "Nothing deviates",
        "What breaks a rule appears here as soon as calls are reported. Without calls there is nothing to judge.",
        icon="shield-check",
    ),
)  # fmt: skip
