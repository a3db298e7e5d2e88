"""Forms of requests: they check shape; the rules check sense."""

from datetime import timedelta
from typing import Any

from django import forms

from inventory.forms import PlainReasonForm, ReasonForm
from inventory.models import Entitlement, Identity, Task
from inventory.models.task import open_task_q
from reviews.models import AccessRequest
from reviews.requests import Answer, Wish

OFFERED = 40


class HoursField(forms.FloatField):
    """A time in hours; its value is a timedelta."""

    def clean(self, value: Any) -> Any:  # Any: Django's own
        hours = super().clean(value)
        return None if hours is None else timedelta(hours=hours)


class RequestForm(forms.Form):
    """What one identity is to be allowed; the entitlements on offer are those that the search found."""

    entitlements = forms.ModelMultipleChoiceField(
        queryset=Entitlement.objects.none(), widget=forms.CheckboxSelectMultiple
    )
    task = forms.ModelChoiceField(
        queryset=Task.objects.none(),
        required=False,
        empty_label="No task",
        help_text="Access ends with its task.",
    )
    lasts = HoursField(
        label="For hours", required=False, min_value=0.1, max_value=8_760,
        help_text="Empty: as long as the rules allow.",
    )  # fmt: skip
    permanent = forms.BooleanField(
        label="For good", required=False, help_text="The exception: it has its own, stricter rule."
    )
    reason = ReasonForm.base_fields["reason"]

    def __init__(
        self, identity: Identity, data: Any, *, at: Any, search: str = "", **initial: Any
    ) -> None:
        super().__init__(data, initial=initial)
        allowed = Entitlement.objects.filter(effect=Entitlement.Effect.ALLOW, gone_at=None)
        found = allowed.filter(name__icontains=search) | allowed.filter(
            system__name__icontains=search
        )
        offered = list(
            found.order_by("system__name", "name", "pk").values_list("pk", flat=True)[:OFFERED]
        )
        chosen = [key for key in (data.getlist("entitlements") if data else []) if key.isdecimal()]
        entitlements: Any = self.fields["entitlements"]
        entitlements.queryset = (
            allowed.filter(pk__in=[*offered, *chosen[:OFFERED]])
            .select_related("system")
            .order_by("system__name", "name")
        )
        entitlements.label_from_instance = _labelled
        tasks: Any = self.fields["task"]
        tasks.queryset = Task.objects.filter(open_task_q(at), identity=identity).order_by("-pk")[
            :OFFERED
        ]
        tasks.label_from_instance = lambda task: task.purpose[:80]

    def wish(self) -> Wish:
        given = self.cleaned_data
        return Wish(
            reason=given["reason"],
            lasts=given["lasts"],
            task=given["task"],
            permanent=given["permanent"],
        )


class ApproveForm(forms.Form):
    """As asked, or narrower: fewer entitlements, a shorter life."""

    keep = forms.MultipleChoiceField(
        label="Approve", widget=forms.CheckboxSelectMultiple, help_text="Untick what is too much."
    )
    lasts = HoursField(label="For hours", required=False, min_value=0.1, max_value=8_760)
    reason = PlainReasonForm.base_fields["reason"]

    def __init__(self, asked: AccessRequest, data: Any = None) -> None:  # Any: request.POST
        items = list(asked.items.filter(kept=True).select_related("entitlement__system"))
        hours = round(asked.lasts.total_seconds() / 3600, 2) if asked.lasts else None
        super().__init__(
            data, initial={"keep": [str(item.entitlement_id) for item in items], "lasts": hours}
        )
        keep: Any = self.fields["keep"]
        keep.choices = [(str(item.entitlement_id), _labelled(item.entitlement)) for item in items]
        self.fields["lasts"].help_text = (
            "Not longer than asked."
            if hours
            else "Asked for good. Write hours to give it for a while instead."
        )

    def answer(self) -> Answer:
        given = self.cleaned_data
        return Answer(
            True, given["reason"], keep=[int(key) for key in given["keep"]], lasts=given["lasts"]
        )


def _labelled(entitlement: Entitlement) -> str:
    return f"{entitlement.system}: {entitlement} ({entitlement.get_risk_display().lower()} risk)"
