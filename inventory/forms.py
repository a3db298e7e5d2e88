"""Forms of the inventory: they check shape; the rules check sense."""

from datetime import UTC, datetime, time

from django import forms
from django.urls import reverse_lazy

from inventory.models import Environment, Person, Risk, Tier
from inventory.revocations import Probe


class PersonField(forms.CharField):
    """A person by e-mail address, with suggestions while typing; never a menu of everybody."""

    def __init__(self, *, label: str, required: bool = True, help_text: str = "") -> None:
        attrs = {
            "list": "people-options",
            "autocomplete": "off",
            "spellcheck": "false",
            "hx-get": reverse_lazy("inventory:person-options"),
            "hx-trigger": "input changed delay:200ms",
            "hx-target": "#people-options",
            "hx-swap": "outerHTML",
        }
        super().__init__(
            label=label,
            required=required,
            max_length=254,
            widget=forms.TextInput(attrs),
            help_text=help_text or "E-mail address.",
        )

    def clean(self, value: object) -> Person | None:
        text = str(super().clean(value)).strip()
        if not text:
            return None
        person = Person.objects.filter(email__iexact=text).first()
        if person is None:
            raise forms.ValidationError(
                f"Nobody has the e-mail address “{text}”. Choose one of the suggestions."
            )
        return person


class ReasonForm(forms.Form):
    """Why; it is kept with the change."""

    reason = forms.CharField(
        max_length=500, widget=forms.Textarea({"rows": 2}), help_text="Kept in the history."
    )


class PlainReasonForm(forms.Form):
    """Why, where the act says enough by itself."""

    reason = forms.CharField(
        max_length=500,
        required=False,
        widget=forms.Textarea({"rows": 2}),
        help_text="Kept in the history.",
    )


class FlagForm(ReasonForm):
    """Compromised, and whether to stop it in the same breath."""

    stop = forms.BooleanField(
        label="Stop it now as well (kill switch)",
        required=False,
        help_text="Without it, it goes on working until somebody stops it.",
    )


class ProbeForm(forms.Form):
    """What was tried with revoked access, and that it was denied."""

    tried = forms.CharField(
        label="What was tried",
        max_length=120,
        help_text="Such as: sign-in with the old key. Never the secret itself.",
    )
    tried_at = forms.DateTimeField(
        label="When (UTC)",
        widget=forms.DateTimeInput(
            {"type": "datetime-local", "step": 1}, format="%Y-%m-%dT%H:%M:%S"
        ),
    )
    answer = forms.CharField(
        label="What the platform answered", max_length=100, help_text="Such as: 403 Forbidden."
    )

    def probe(self) -> Probe:
        given = self.cleaned_data
        return Probe(given["tried"], given["tried_at"], given["answer"])


class OwnerForm(forms.Form):
    owner = PersonField(label="New owner")
    reason = PlainReasonForm.base_fields["reason"]


class SuccessorsForm(forms.Form):
    """Up to three people in order; the first is the backup owner."""

    first = PersonField(label="First (backup owner)", required=False)
    second = PersonField(label="Second", required=False)
    third = PersonField(label="Third", required=False)
    reason = PlainReasonForm.base_fields["reason"]

    def people(self) -> list[Person]:
        return [
            found for name in ("first", "second", "third") if (found := self.cleaned_data[name])
        ]


class DescribeForm(forms.Form):
    purpose = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea({"rows": 3}),
        help_text="What it is for, in words.",
    )
    environment = forms.ChoiceField(
        choices=[("", "Not known"), *Environment.choices], required=False
    )
    declared_tier = forms.TypedChoiceField(
        choices=[("", "Not set"), *Tier.choices],
        coerce=int,
        empty_value=None,
        required=False,
        help_text="How much it decides by itself, from workload to broker.",
    )
    risk = forms.ChoiceField(choices=[("", "Not assessed"), *Risk.choices], required=False)
    reason = PlainReasonForm.base_fields["reason"]


class DayForm(forms.Form):
    """A day in UTC; `moment` is its end."""

    day = forms.DateField(label="Day", widget=forms.DateInput({"type": "date"}))

    def moment(self) -> datetime:
        return datetime.combine(self.cleaned_data["day"], time(23, 59, 59), UTC)


class EndForm(DayForm):
    day = forms.DateField(
        label="Last day",
        widget=forms.DateInput({"type": "date"}),
        help_text="The grant works until the end of this day (UTC).",
    )
    reason = PlainReasonForm.base_fields["reason"]


class LatestEndForm(forms.Form):
    """The last day of many grants; `until` is its end."""

    until = forms.DateField(
        label="Last day",
        widget=forms.DateInput({"type": "date"}),
        help_text="None of them works after the end of this day (UTC).",
    )
    reason = PlainReasonForm.base_fields["reason"]

    def clean_until(self) -> datetime:
        return datetime.combine(self.cleaned_data["until"], time(23, 59, 59), UTC)


class LeavingForm(DayForm):
    day = forms.DateField(
        label="Last day",
        widget=forms.DateInput({"type": "date"}),
        help_text="The person stays accountable until the end of this day (UTC).",
    )
    reason = PlainReasonForm.base_fields["reason"]


class HandOverForm(forms.Form):
    """To one person, or, left empty, each to its next in line."""

    to = PersonField(
        label="To one person",
        required=False,
        help_text="E-mail address. Leave it empty to hand each to the person proposed for it.",
    )
    reason = PlainReasonForm.base_fields["reason"]


class AbsenceForm(forms.Form):
    """Whole days in UTC; on the day of return the person is back."""

    start = forms.DateField(
        label="First day", required=False, widget=forms.DateInput({"type": "date"})
    )
    end = forms.DateField(
        label="Back on", required=False, widget=forms.DateInput({"type": "date"}),
        help_text="Both empty: not away.",
    )  # fmt: skip
    deputy = PersonField(
        label="Deputy", required=False, help_text="E-mail address of who decides meanwhile."
    )
    reason = PlainReasonForm.base_fields["reason"]

    def moments(self) -> tuple[datetime | None, datetime | None]:
        given = self.cleaned_data
        start, end = (
            datetime.combine(day, time.min, UTC) if day else None
            for day in (given["start"], given["end"])
        )
        return start, end
