"""The list of reports: its columns and filters, declared once for page, export and API."""

import django_filters
from django.db.models import QuerySet
from django.template.defaultfilters import filesizeformat

from frameworks import seeing
from frameworks.models import Assessment, Report
from frameworks.reports.formats import FORMATS
from inventory.columns import Column, labelled
from inventory.filter_bar import ManyFilter
from inventory.filters import Filters
from inventory.listing import Empty, Listing

Rows = QuerySet[Report]


class ReportFilter(Filters):
    state = ManyFilter(choices=Report.State.choices)
    format = ManyFilter(choices=Report.Format.choices)
    assessment = django_filters.ModelChoiceFilter(
        queryset=lambda request: seeing.assessments(request.user, Assessment.objects.done())
    )

    class Meta:
        model = Report
        fields: list[str] = []


REPORTS = Listing(
    title="Reports",
    singular="report",
    plural="reports",
    template="frameworks/report_list.html",
    intro="Assessments as files, for people and for programs. The same assessment always says the same.",
    columns=(
        Column("report", "Report", lambda row: FORMATS[row.format].label, kind="link",
               url="frameworks:report-detail"),
        Column("assessment", "Assessment", lambda row: row.assessment.title),
        Column("number", "Number", lambda row: row.assessment.number, kind="number", shown=False),
        Column("state", "State", labelled("state", Report.State), kind="badge"),
        Column("made", "Made", "made_at", kind="time"),
        Column("size", "Size", lambda row: size_of(row), kind="number"),
        Column("by", "By", "author", wide=True),
        Column("asked", "Asked for", "asked_at", kind="time", sort="id", wide=True),
        Column("until", "Kept until", "expires_at", kind="time", wide=True),
        Column("downloads", "Downloads", "downloads", kind="number", wide=True),
        Column("sha256", "SHA-256", "sha256", shown=False),
    ),
    order="-asked",
    empty=Empty(
        "No reports yet", "A report is made from a finished assessment.", "Make a report",
        "frameworks:report-new", icon="file-text",
    ),
)  # fmt: skip


def size_of(report: Report) -> str:
    """The size in words; empty while there is no file."""
    return str(filesizeformat(report.size)).replace("\xa0", " ") if report.size else ""
