"""Forms of access reviews: they check shape; the rules check sense."""

from datetime import UTC, datetime, time, timedelta

from django import forms

from inventory.forms import PersonField, PlainReasonForm, ReasonForm
from inventory.models import Team
from reviews.campaigns import Plan
from reviews.models import Campaign
from reviews.review_items import Decision, Verdict


class CampaignForm(forms.Form):
    name = forms.CharField(
        max_length=200,
        help_text="As reviewers will read it, such as “Agents in production, autumn”.",
    )
    scope = forms.ChoiceField(choices=Campaign.Scope.choices)
    team = forms.ModelChoiceField(
        queryset=Team.objects.all(), required=False, empty_label="All teams"
    )
    reviewers = forms.ChoiceField(choices=Campaign.Reviewer.choices)
    named_reviewer = PersonField(
        label="Named person", required=False, help_text="E-mail address, where one person reviews."
    )
    due = forms.DateField(widget=forms.DateInput({"type": "date"}), help_text="The last day (UTC).")
    grace_days = forms.IntegerField(
        label="Grace in days", min_value=0, max_value=90, initial=7,
        help_text="So long after that day nothing happens yet to what nobody decided.",
    )  # fmt: skip
    on_silence = forms.ChoiceField(label="What nobody decides", choices=Campaign.Silence.choices)
    spare_used = forms.BooleanField(
        label="Spare what is used", required=False, initial=True,
        help_text="What was used while the review ran, or carries others, is kept and reported instead.",
    )  # fmt: skip
    repeat_days = forms.IntegerField(
        label="Again every days",
        min_value=2,
        max_value=730,
        required=False,
        help_text="Empty: once.",
    )

    def plan(self) -> Plan:
        given = self.cleaned_data
        return Plan(
            name=given["name"],
            scope=given["scope"],
            due_at=datetime.combine(given["due"], time(23, 59, 59), UTC),
            team=given["team"],
            reviewers=given["reviewers"],
            named_reviewer=given["named_reviewer"],
            on_silence=given["on_silence"],
            spare_used=given["spare_used"],
            grace=timedelta(days=given["grace_days"]),
            repeat_days=given["repeat_days"],
        )


class KeepForm(PlainReasonForm):
    """A reason is asked for where the rules want one."""

    def verdict(self, decision: str) -> Verdict:
        return Verdict(decision, self.cleaned_data["reason"])


class WhyForm(ReasonForm):
    def verdict(self, decision: str) -> Verdict:
        return Verdict(decision, self.cleaned_data["reason"])


class NarrowForm(forms.Form):
    ends = forms.DateField(
        label="Last day",
        widget=forms.DateInput({"type": "date"}),
        help_text="It works until the end of this day (UTC).",
    )
    reason = PlainReasonForm.base_fields["reason"]

    def verdict(self, decision: str) -> Verdict:
        end = datetime.combine(self.cleaned_data["ends"], time(23, 59, 59), UTC)
        return Verdict(decision, self.cleaned_data["reason"], ends_at=end)


class HandOverItemForm(forms.Form):
    to = PersonField(label="New owner")
    reason = PlainReasonForm.base_fields["reason"]

    def verdict(self, decision: str) -> Verdict:
        return Verdict(decision, self.cleaned_data["reason"], to=self.cleaned_data["to"])


FORMS: dict[str, type[KeepForm] | type[WhyForm] | type[NarrowForm] | type[HandOverItemForm]] = {
    Decision.KEEP: KeepForm,
    Decision.REVOKE: WhyForm,
    Decision.NARROW: NarrowForm,
    Decision.HAND_OVER: HandOverItemForm,
    Decision.ASK: WhyForm,
}
