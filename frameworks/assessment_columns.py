"""The list of assessments: what it can be asked, and its columns."""

import django_filters

from frameworks.assessments import scope_of
from frameworks.models import Assessment
from inventory.columns import Column, labelled
from inventory.filter_bar import ManyFilter
from inventory.filters import Filters, Rows
from inventory.listing import Empty, Listing
from inventory.search import holds


class AssessmentFilter(Filters):
    q = django_filters.CharFilter(method="search", label="Search", help_text="Title or author")
    status = ManyFilter(label="State", choices=Assessment.Status.choices)
    trigger = ManyFilter(label="Made", choices=Assessment.Trigger.choices)

    class Meta:
        model = Assessment
        fields: list[str] = []

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        return rows.filter(holds(value, "title", "author"))


ASSESSMENTS = Listing(
    title="Assessments",
    singular="assessment",
    plural="assessments",
    intro="Each is what every check said of a scope at one moment, kept with its rows. None can be changed.",
    columns=(
        Column(
            "number", "Number", "number", kind="link", url="frameworks:assessment-detail",
            sort="number",
        ),
        Column("title", "Title", "title"),
        Column("facts", "Facts of", "facts_at", kind="time", sort="facts_at"),
        Column("scope", "Scope", lambda row: scope_of(row).title),
        Column("status", "State", labelled("status", Assessment.Status), kind="badge"),
        Column("changes", "Changed answers", lambda row: len(row.changes), kind="number", wide=True),
        Column("made", "Made", labelled("trigger", Assessment.Trigger), wide=True),
        Column("author", "By", "author", wide=True),
    ),
    order="-number",
    empty=Empty(
        "No assessments yet",
        "One is made on schedule; security can ask for one at any time.",
        icon="clipboard-check",
    ),
)  # fmt: skip
