"""The form that asks for reports: which assessment, and in which formats."""

from django import forms
from django.db.models import QuerySet

from frameworks.models import Assessment
from frameworks.reports.formats import FORMATS

_FIRST = ("pdf", "xlsx")
_NEWEST = 100


class AssessmentField(forms.ModelChoiceField):  # type: ignore[type-arg]  # takes no parameter at run time
    def label_from_instance(self, obj: Assessment) -> str:
        return f"{obj.number}. {obj.title} ({obj.facts_at:%d %b %Y})"


class ReportForm(forms.Form):
    assessment = AssessmentField(queryset=Assessment.objects.none())
    formats = forms.MultipleChoiceField(
        choices=[(one.key, f"{one.label}. {one.about}") for one in FORMATS.values()],
        widget=forms.CheckboxSelectMultiple,
        initial=_FIRST,
        label="Formats",
        error_messages={"required": "Tick at least one format."},
    )

    def offer(self, seen: QuerySet[Assessment]) -> None:
        """The newest of those that the user sees; before this there is none to choose."""
        field = self.fields["assessment"]
        newest = seen.order_by("-number").values("pk")[:_NEWEST]
        field.queryset = Assessment.objects.filter(pk__in=newest)  # type: ignore[attr-defined]  # an AssessmentField
