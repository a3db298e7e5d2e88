"""The form that tries a request. It is a GET: an address that can be sent to somebody, and that changes nothing."""

from typing import Any

from django import forms
from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from inventory.models import Risk
from inventory.rules import RuleBroken
from inventory.views.answers import readers_only
from runtime import policy_lines, trial
from runtime.models import INVENTORY_TYPES, PolicySetVersion
from runtime.policy_list import named
from runtime.questions import Question
from runtime.trial import Trial

VERSIONS = 30
State = PolicySetVersion.State
# In the order of the form; what is empty is not said.
CONTEXT = ("task", "dataset", "system", "risk", "on_behalf_of", "tool")
_KEY = "Its number here, SPIFFE ID, or namespace/external ID."


class TrialForm(forms.Form):
    """Who, what, where, and what else a platform would tell."""

    subject = forms.CharField(label="Who asks (identity)", max_length=500, help_text=_KEY)
    action = forms.CharField(max_length=300, help_text="Such as read, write, call, s3:GetObject.")
    resource_type = forms.ChoiceField(
        label="Kind of resource", choices=[(name, name.capitalize()) for name in INVENTORY_TYPES if name != "person"],
        initial="resource",
    )  # fmt: skip
    resource = forms.CharField(
        max_length=1000, help_text="Its number or name there; a tool as provider/name."
    )
    task = forms.CharField(max_length=200, required=False, help_text="Number or reference.")
    dataset = forms.CharField(max_length=500, required=False)
    system = forms.CharField(max_length=500, required=False)
    risk = forms.ChoiceField(choices=[("", "Not said"), *Risk.choices], required=False)
    on_behalf_of = forms.CharField(
        label="On behalf of", max_length=254, required=False, help_text="E-mail address."
    )
    tool = forms.CharField(max_length=600, required=False, help_text="provider/name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: of a form
        super().__init__(*args, **kwargs)
        self.fields["version"] = _VersionField(
            label="Policies", queryset=_versions(), required=False, empty_label="What is live now",
            help_text="A draft is tried without going live.",
        )  # fmt: skip

    def question(self) -> Question:
        given = self.cleaned_data
        context = {name: given[name] for name in CONTEXT if given[name]}
        return Question(
            "identity", given["subject"], given["action"], given["resource_type"], given["resource"],
            context,
        )  # fmt: skip


@require_GET
def policy_try(request: HttpRequest) -> HttpResponse:
    readers_only(request)
    asked = bool(request.GET.get("subject") or request.GET.get("action"))
    form = TrialForm(request.GET) if asked else TrialForm(initial=request.GET.dict())
    found: Trial | None = None
    if asked and form.is_valid():
        try:
            found = trial.ask(
                form.question(), version=form.cleaned_data["version"], at=timezone.now()
            )
        except RuleBroken as error:
            form.add_error(None, str(error))
    context = {
        "title": "Try it",
        "form": form,
        "trial": found,
        "decided": _decided(found) if found else [],
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "runtime/policy_try.html", context, status=status)


class _VersionField(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic only in stubs
    """A version by its set and number."""

    def label_from_instance(self, obj: Any) -> str:  # Any: as the parent has it
        return f"{named(obj)} ({obj.get_state_display().lower()})"


def _versions() -> Any:  # Any: a sliced queryset cannot be filtered by the field
    """Drafts first, then the newest others."""
    newest = PolicySetVersion.objects.filter(policy_set__domain="inventory").order_by(
        Case(When(state=State.DRAFT, then=0), default=1), "-pk"
    )
    keys = list(newest.values_list("pk", flat=True)[:VERSIONS])
    return newest.filter(pk__in=keys).select_related("policy_set")


def _decided(found: Trial) -> list[dict[str, object]]:
    """Each policy that decided with its own lines."""
    shown: list[dict[str, object]] = []
    for policy in found.decided:
        first = found.text.count("\n", 0, policy.start)
        lines = policy_lines.numbered(found.text[policy.start : policy.end])
        shown.append(
            {
                "name": policy.name,
                "title": policy.annotations.get("title", ""),
                "lines": [policy_lines.moved(line, first) for line in lines],
            }
        )
    return shown
