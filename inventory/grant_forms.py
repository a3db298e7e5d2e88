"""Forms of what an owner does with one grant."""

from datetime import datetime, timedelta

from django import forms

from inventory.forms import PlainReasonForm, ReasonForm


class ExtendForm(forms.Form):
    """Just-in-time access goes on for a while, once."""

    hours = forms.FloatField(
        label="Longer by hours",
        min_value=0.1,
        max_value=8_760,
        help_text="At most as long again as it was given for.",
    )
    reason = ReasonForm.base_fields["reason"]

    def until(self, end: datetime) -> datetime:
        return end + timedelta(hours=self.cleaned_data["hours"])


class IdleForm(forms.Form):
    days = forms.IntegerField(
        label="Days without use", min_value=1, max_value=730, required=False,
        help_text="Empty takes the limit away.",
    )  # fmt: skip
    reason = PlainReasonForm.base_fields["reason"]

    def within(self) -> timedelta | None:
        days = self.cleaned_data["days"]
        return timedelta(days=days) if days else None
