"""A version goes live, an earlier one comes back, a draft is discarded; each is asked first, with what it changes."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from inventory import access
from inventory.forms import PlainReasonForm, ReasonForm
from inventory.rules import RuleBroken
from inventory.views.answers import Question, act, bound, user_of
from runtime import policies, policy_drafts, policy_lines, policy_tests
from runtime.models import PolicySet, PolicySetVersion
from runtime.policy_list import mode_words, named
from runtime.views.policy_shown import differences, replays_of

State = PolicySetVersion.State


@require_http_methods(["GET", "POST"])
def policy_activate(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft: what it changes, what its tests and its replays say; then it is live."""
    access.require_security(user_of(request))
    rows = PolicySetVersion.objects.filter(state=State.DRAFT).select_related("policy_set", "base")
    return _going_live(request, get_object_or_404(rows, pk=pk), "Activate")


@require_http_methods(["GET", "POST"])
def policy_roll_back(request: HttpRequest, pk: int) -> HttpResponse:
    """A version that was live once: the same, for the way back."""
    access.require_security(user_of(request))
    rows = PolicySetVersion.objects.filter(state=State.RETIRED).select_related("policy_set", "base")
    return _going_live(request, get_object_or_404(rows, pk=pk), "Roll back")


@require_http_methods(["GET", "POST"])
def policy_discard(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    access.require_security(user)
    rows = PolicySetVersion.objects.filter(state=State.DRAFT).select_related("policy_set")
    version = get_object_or_404(rows, pk=pk)
    form = bound(PlainReasonForm, request)
    text = f"{named(version)} goes with its tests and replays. It never decided anything."
    question = Question(
        "Discard draft", text, "Discard", reverse("runtime:policy-list"), danger=True
    )

    def do() -> str:
        policy_drafts.discard(version, by=user, reason=form.cleaned_data["reason"])
        return f"{named(version)} is discarded."

    return act(request, form, question, do)


def _going_live(request: HttpRequest, version: PolicySetVersion, submit: str) -> HttpResponse:
    user, form = user_of(request), bound(ReasonForm, request)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            policies.activate(version, by=user, reason=reason, at=timezone.now())
        except RuleBroken as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{named(version)} is live.")
            return redirect("runtime:policy-version", version.pk)
    context = _shown(version, form, submit)
    status = 422 if request.method == "POST" else 200
    return render(request, "runtime/policy_activate.html", context, status=status)


def _shown(version: PolicySetVersion, form: forms.Form, submit: str) -> dict[str, object]:
    outcomes = policy_tests.run(version)
    policy_set: PolicySet = version.policy_set
    return {
        "title": f"{submit}: {named(version)}",
        "version": version,
        "form": form,
        "back": reverse("runtime:policy-version", args=[version.pk]),
        "back_label": named(version),
        "submit": submit,
        "mode": mode_words(policy_set),
        "problems": policy_lines.quoted(version.text, policies.problems_of(version)),
        "tests": outcomes,
        "failed": [each for each in outcomes if not each.passed],
        "against": differences(version),
        "replays": replays_of(version.replays.all()),
        "now": timezone.now(),
    }
