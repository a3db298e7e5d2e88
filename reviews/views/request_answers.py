"""Answers to requests: one with narrowing, or many at once."""

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from inventory import access
from inventory.forms import PlainReasonForm, ReasonForm
from inventory.listing import selected, selection_fields
from inventory.models import User
from inventory.rules import RuleBroken
from inventory.views.answers import Question, act, bound, user_of
from reviews import requests
from reviews.models import AccessRequest
from reviews.request_forms import ApproveForm
from reviews.request_list import RequestFilter
from reviews.requests import Answer
from reviews.views.requests import rows_for_bulk, seen

MOST = 200


@require_http_methods(["GET", "POST"])
def request_approve(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    asked = seen(user, pk)
    access.require_decider(user)
    form = ApproveForm(asked, request.POST if request.method == "POST" else None)
    text = f"{asked.identity} asks: {asked.reason}"
    question = Question("Approve request", text, "Approve", _page(pk))

    def do() -> str:
        done = requests.answer(asked, given=form.answer(), by=user, at=timezone.now())
        if done.status == AccessRequest.Status.APPROVED:
            return "Approved. The access starts now."
        return "Approved. It still waits for somebody else."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def request_refuse(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    asked = seen(user, pk)
    access.require_decider(user)
    form = bound(ReasonForm, request)
    text = "Whoever asked reads the reason. Nothing is granted."
    question = Question("Refuse request", text, "Refuse", _page(pk), danger=True)

    def do() -> str:
        given = Answer(False, form.cleaned_data["reason"])
        requests.answer(asked, given=given, by=user, at=timezone.now())
        return "Refused."

    return act(request, form, question, do)


@require_POST
def requests_approve(request: HttpRequest) -> HttpResponse:
    return _many(request, "Approve requests", PlainReasonForm, lambda why: Answer(True, why))


@require_POST
def requests_refuse(request: HttpRequest) -> HttpResponse:
    return _many(request, "Refuse requests", ReasonForm, lambda why: Answer(False, why))


def _many(
    request: HttpRequest, title: str, form_class: type[forms.Form], answer: Callable[[str], Answer]
) -> HttpResponse:
    """Asks with the number first. Each request is decided by its own rules; what they refuse is counted and said."""
    user = user_of(request)
    access.require_decider(user)
    rows = selected(request, RequestFilter, rows_for_bulk(user))
    number = rows.count()
    if not 1 <= number <= MOST:
        said = (
            f"Select up to {MOST} requests."
            if number
            else "No request is selected. Tick some rows first."
        )
        messages.warning(request, said)
        return redirect(_back(request))
    form = form_class(request.POST if "confirmed" in request.POST else None)
    if not form.is_bound or not form.is_valid():
        return _ask(request, title, form, number)
    given = answer(form.cleaned_data["reason"])
    _report(request, _decide(list(rows.prefetch_related("approvals")), given, user), number)
    return redirect(_back(request))


def _decide(rows: list[AccessRequest], given: Answer, user: User) -> list[str]:
    """What stood against some of them."""
    against = []
    for each in rows:
        try:
            requests.answer(each, given=given, by=user, at=timezone.now())
        except RuleBroken as error:
            against.append(str(error))
    return against


def _report(request: HttpRequest, against: list[str], number: int) -> None:
    done = number - len(against)
    if done:
        messages.success(request, f"{done} of {number} requests answered.")
    for said in dict.fromkeys(against):
        messages.warning(request, f"{against.count(said)} left alone: {said}")


def _ask(request: HttpRequest, title: str, form: forms.Form, number: int) -> HttpResponse:
    context = {
        "title": title,
        "question": f"{title}: {number}? Each is decided as asked; open one to narrow it.",
        "form": form,
        "action": request.path,
        "submit": title,
        "cancel_url": _back(request),
        "hidden": [*selection_fields(request), ("confirmed", "1")],
    }
    status = 422 if form.is_bound else 200
    return render(request, "_components/confirm.html", context, status=status)


def _back(request: HttpRequest) -> str:
    return f"{reverse('reviews:request-list')}?{request.POST.get('filter', '')}"


def _page(pk: int) -> str:
    return reverse("reviews:request-detail", args=[pk])
