"""What is asked when somebody decides about findings or checks."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from inventory.models import User
from reviews.check import Check
from reviews.models import CheckSetting
from reviews.parameters import Choices, Whole


class DayField(forms.DateField):
    """A last day: the moment it means is the end of that day."""

    widget = forms.DateInput(attrs={"type": "date"})

    def clean(self, value: Any) -> Any:  # Any: Django's own
        day = super().clean(value)
        if day is None:
            return None
        end = datetime.combine(day + timedelta(days=1), time.min)
        return timezone.make_aware(end)


class ReasonForm(forms.Form):
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), max_length=2_000)


class UntilForm(ReasonForm):
    until = DayField(help_text="The last day; afterwards the finding is open again.")


class AcceptForm(UntilForm):
    compensating_control = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2_000,
        required=False,
        help_text="What protects meanwhile.",
    )


class FalsePositiveForm(ReasonForm):
    until = DayField(required=False, help_text="Empty: for good.")


class AssignForm(forms.Form):
    to = forms.ModelChoiceField(
        label="Assign to", queryset=User.objects.none(), required=False, empty_label="Nobody"
    )
    reason = forms.CharField(required=False, max_length=2_000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: Django's own
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True, is_service=False)
        self.fields["to"].queryset = people.order_by("username")  # type: ignore[attr-defined]  # its own kind


class CheckForm(forms.Form):
    """Switch and parameters of one check."""

    enabled = forms.BooleanField(required=False)

    def __init__(self, check: Check, data: Any = None) -> None:  # Any: request.POST
        first = {CheckSetting.ENABLED: check.enabled}
        super().__init__(data, initial=first)
        for parameter in check.parameters():
            stored = check.decided.get(parameter.name, parameter.default)
            if isinstance(parameter, Whole):
                self.fields[parameter.name] = forms.IntegerField(
                    label=parameter.label,
                    min_value=0,
                    max_value=parameter.most,
                    initial=stored,
                    help_text=f"Default: {parameter.default}.",
                )
            elif isinstance(parameter, Choices):
                self.fields[parameter.name] = forms.MultipleChoiceField(
                    label=parameter.label,
                    choices=parameter.choices,
                    initial=stored,
                    required=False,
                    widget=forms.CheckboxSelectMultiple,
                )
        self.fields["reason"] = forms.CharField(max_length=2_000)
