"""Decisions about one or many findings: what is selected, and then one rule."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from inventory import access
from inventory.listing import selected, selection_fields
from inventory.rules import RuleBroken
from inventory.views.answers import user_of
from reviews import findings
from reviews.filters import FindingFilter
from reviews.forms import AcceptForm, AssignForm, FalsePositiveForm, ReasonForm, UntilForm
from reviews.models import Finding

Rule = Callable[..., int]  # each of reviews.findings, with the fields of its form as keywords


@dataclass(frozen=True)
class Decision:
    title: str
    question: str
    done: str
    form: type[forms.Form]
    rule: Rule


@require_POST
def accept(request: HttpRequest) -> HttpResponse:
    question = "Accept the risk of {} until a day?"
    rule = findings.accept
    return _decide(request, Decision("Accept risk", question, "accepted", AcceptForm, rule))


@require_POST
def snooze(request: HttpRequest) -> HttpResponse:
    question = "Put {} off until a day?"
    return _decide(request, Decision("Snooze", question, "snoozed", UntilForm, findings.snooze))


@require_POST
def false_positive(request: HttpRequest) -> HttpResponse:
    question, done = "Say that {} are not true?", "marked as false positive"
    rule = findings.mark_false_positive
    return _decide(request, Decision("False positive", question, done, FalsePositiveForm, rule))


@require_POST
def reopen(request: HttpRequest) -> HttpResponse:
    question = "End the exceptions of {}?"
    return _decide(request, Decision("Reopen", question, "reopened", ReasonForm, findings.reopen))


@require_POST
def assign(request: HttpRequest) -> HttpResponse:
    question = "Assign {} to somebody?"
    return _decide(request, Decision("Assign", question, "assigned", AssignForm, findings.assign))


def _decide(request: HttpRequest, decision: Decision) -> HttpResponse:
    """Asks first; once answered well, decides about exactly the selected findings."""
    user = user_of(request)
    access.require_security(user)
    rows = selected(request, FindingFilter, findings.visible_to(user))
    confirmed = "confirmed" in request.POST
    form = decision.form(request.POST if confirmed else None)
    if not confirmed or not form.is_valid():
        return _ask(request, decision, form, rows)
    try:
        number = decision.rule(rows, by=user, at=timezone.now(), **form.cleaned_data)
    except RuleBroken as error:
        form.add_error(None, str(error))
        return _ask(request, decision, form, rows)
    messages.success(request, f"{_counted(number)} {decision.done}.")
    return redirect(_back(request))


def _ask(
    request: HttpRequest, decision: Decision, form: forms.Form, rows: QuerySet[Any]
) -> HttpResponse:
    context = {
        "title": decision.title,
        "question": decision.question.format(_counted(rows.count())),
        "form": form,
        "action": request.path,
        "submit": decision.title,
        "cancel_url": _back(request),
        "hidden": [*selection_fields(request), ("confirmed", "1")],
    }
    return render(
        request, "_components/confirm.html", context, status=422 if form.is_bound else 200
    )


def _back(request: HttpRequest) -> str:
    """To the list as it was filtered, or to the one finding that was decided about."""
    keys = request.POST.getlist("selected")
    if request.POST.get("select") == "filter":
        return f"{reverse('reviews:finding-list')}?{request.POST.get('filter', '')}"
    if len(keys) == 1 and keys[0].isdecimal():
        return reverse("reviews:finding-detail", args=[keys[0]])
    return f"{reverse('reviews:finding-list')}?state={Finding.Status.OPEN}"


def _counted(number: int) -> str:
    return "1 finding" if number == 1 else f"{number:,} findings"
