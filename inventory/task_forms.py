"""Forms of tasks: they check shape; the rules check sense."""

from datetime import datetime, timedelta

from django import forms

from inventory.forms import PersonField, PlainReasonForm
from inventory.models import Risk, System, Task
from inventory.task_life import Work


class OpenTaskForm(forms.Form):
    """A new piece of work for one identity."""

    purpose = forms.CharField(
        max_length=2_000,
        widget=forms.Textarea({"rows": 3}),
        help_text="What is to be achieved, in words. Access is judged by it later.",
    )
    hours = forms.IntegerField(
        label="Deadline in hours",
        min_value=1,
        max_value=744,
        initial=8,
        help_text="From now; at most 31 days.",
    )
    risk = forms.ChoiceField(choices=Risk.choices, initial=Risk.LOW)
    on_behalf_of = PersonField(label="On behalf of", required=False)
    systems = forms.CharField(
        label="Target systems",
        required=False,
        max_length=1_000,
        help_text="Names, separated by commas.",
    )
    heartbeat_minutes = forms.IntegerField(
        label="Heartbeat every minutes",
        required=False,
        min_value=1,
        max_value=1_440,
        help_text="Without a sign of life for so long the task is over. Empty: only the deadline counts.",
    )

    def clean_systems(self) -> tuple[System, ...]:
        names = list(
            dict.fromkeys(filter(None, map(str.strip, self.cleaned_data["systems"].split(","))))
        )
        found = {
            system.name: system for system in System.objects.filter(name__in=names, gone_at=None)
        }
        if missing := [name for name in names if name not in found]:
            raise forms.ValidationError(
                f"There is no system “{missing[0]}”. Write its name as the grants list shows it."
            )
        return tuple(found[name] for name in names)

    def work(self, at: datetime) -> Work:
        given = self.cleaned_data
        beat = given["heartbeat_minutes"]
        return Work(
            purpose=given["purpose"],
            deadline=at + timedelta(hours=given["hours"]),
            risk=given["risk"],
            on_behalf_of=given["on_behalf_of"],
            heartbeat_every=timedelta(minutes=beat) if beat else None,
            systems=given["systems"],
        )


class EndTaskForm(forms.Form):
    how = forms.ChoiceField(
        label="It is",
        choices=[
            (str(way), str(way.label))
            for way in (Task.Status.DONE, Task.Status.FAILED, Task.Status.CANCELLED)
        ],
        widget=forms.RadioSelect,
        initial=Task.Status.DONE,
    )
    outcome = PlainReasonForm.base_fields["reason"]
