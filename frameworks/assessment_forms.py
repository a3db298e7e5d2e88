"""Forms of assessments: they check shape; the rules check sense."""

from django import forms

from frameworks.schedule import LONGEST
from inventory.forms import PlainReasonForm
from inventory.models import Environment, Team, Tier


class ScopeForm(forms.Form):
    team = forms.ModelChoiceField(
        queryset=Team.objects.filter(gone_at=None), required=False, empty_label="All teams"
    )
    environment = forms.ChoiceField(
        choices=[("", "All environments"), *Environment.choices], required=False
    )
    tier = forms.TypedChoiceField(
        choices=[("", "All tiers"), *Tier.choices], coerce=int, empty_value=None, required=False,
        help_text="The declared control tier.",
    )  # fmt: skip


class AssessmentForm(ScopeForm):
    title = forms.CharField(
        max_length=200, required=False, help_text="Such as “Before the autumn audit”."
    )
    field_order = ("title", "team", "environment", "tier")


class ScheduleForm(forms.Form):
    days = forms.IntegerField(
        label="Assess everything every so many days", min_value=0, max_value=LONGEST,
        help_text="0: only when somebody asks for it.",
    )  # fmt: skip
    organisation = forms.CharField(
        max_length=200, required=False, help_text="Its name, as reports show it."
    )
    reason = PlainReasonForm.base_fields["reason"]
