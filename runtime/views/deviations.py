"""Deviations: the list, and saying what one was."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, markup
from inventory.listing import listing
from inventory.views.answers import Question, act, bound, user_of
from runtime import deviations, seeing
from runtime.deviation_list import DEVIATIONS, DeviationFilter
from runtime.models import Deviation
from runtime.views.calls import activity_links


class TriageForm(forms.Form):
    outcome = forms.ChoiceField(label="What was it?", choices=Deviation.Outcome.choices)
    note = forms.CharField(
        max_length=1000, widget=forms.Textarea({"rows": 3}), help_text="What you found."
    )


@require_GET
def deviation_list(request: HttpRequest) -> HttpResponseBase:
    rows = seeing.deviations(user_of(request)).select_related("identity", "task", "triaged_by")
    context = {"actions": activity_links("runtime:deviation-list")}
    chosen = DeviationFilter(request.GET, rows, request=request)
    return listing(request, chosen, DEVIATIONS, context=context)


@require_http_methods(["GET", "POST"])
def deviation_triage(request: HttpRequest, pk: int) -> HttpResponse:
    """The deviation; a post says what it was."""
    user, at = user_of(request), timezone.now()
    rows = seeing.deviations(user).select_related("identity__owner", "task", "triaged_by")
    row = get_object_or_404(rows, pk=pk)
    if request.method == "POST":
        access.require(user, "triage", row)
        form = bound(TriageForm, request)
        back = reverse("runtime:deviation-triage", args=[pk])
        question = Question("What was it?", row.detail, "Say so", back)

        def do() -> str:
            given = form.cleaned_data
            deviations.triage(row, outcome=given["outcome"], note=given["note"], by=user, at=at)
            return "Kept. Thank you for looking."

        return act(request, form, question, do)
    return render(request, "runtime/deviation_detail.html", {
        "row": row,
        "badges": [markup.badge(row.state, "plain" if row.triaged_at else "warn")],
        "form": TriageForm() if not row.triaged_at and access.may(user, "triage", row) else None,
        "facts": _facts(row),
        "now": at,
    })  # fmt: skip


def _facts(row: Deviation) -> list[tuple[str, object]]:
    task = row.task
    to_task = markup.address("inventory:task-detail")
    to_identity = markup.address("inventory:identity-detail")
    return [
        ("Identity", markup.link(to_identity(row.identity_id), row.identity)),
        ("Owner", row.identity.owner),
        ("Task", markup.link(to_task(task.pk), task.purpose) if task else None),
        ("Happened", f"{row.happened_at:%d %b %Y, %H:%M:%S} UTC"),
        ("Found", f"{row.found_at:%d %b %Y, %H:%M} UTC"),
        ("Outcome", row.get_outcome_display()),
        ("Triaged by", row.triaged_by.display_name if row.triaged_by else None),
        ("Note", row.note),
    ]
