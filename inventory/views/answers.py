"""How a page that changes something asks first, and what it answers, with and without htmx."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django_htmx.http import HttpResponseClientRedirect

from inventory import access
from inventory.models import User
from inventory.rules import RuleBroken


@dataclass(frozen=True)
class Question:
    """What is asked before something changes; `back` is where the answer, or no answer, leads."""

    title: str
    text: str
    submit: str
    back: str
    danger: bool = False
    consequences: tuple[str, ...] = ()


def act(
    request: HttpRequest, form: forms.Form, question: Question, do: Callable[[], str]
) -> HttpResponse:
    """Asks; once answered well, acts and says what happened. A rule that refuses is an error of the
    form.
    """
    if request.method != "POST":
        return _ask(request, form, question, status=200)
    if not form.is_valid():
        return _ask(request, form, question, status=422)
    try:
        said = do()
    except RuleBroken as error:
        form.add_error(None, str(error))
        return _ask(request, form, question, status=422)
    messages.success(request, said)
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(question.back)
    return redirect(question.back)


def bound(form: type[forms.Form], request: HttpRequest, **initial: object) -> Any:  # Any: that form
    """The form with what was posted, or fresh with its first values."""
    return form(request.POST) if request.method == "POST" else form(initial=initial)


def user_of(request: HttpRequest) -> User:
    """The signed-in user; LoginRequiredMiddleware lets nobody else in."""
    if not isinstance(request.user, User):
        raise PermissionDenied("Sign in first.")
    return request.user


def readers_only(request: HttpRequest) -> User:
    """For pages that show the whole organisation: security and auditors."""
    user = user_of(request)
    if not access.sees_all(user):
        raise PermissionDenied("Only security and auditors see this page.")
    return user


def evidence_readers_only(request: HttpRequest) -> User:
    """For pages of assessments, reports and requests: security and every auditor, who see those that are theirs."""
    user = user_of(request)
    if not access.reads_evidence(user):
        raise PermissionDenied("Only security and auditors see this page.")
    return user


def _ask(
    request: HttpRequest, form: forms.Form, question: Question, *, status: int
) -> HttpResponse:
    inside = bool(getattr(request, "htmx", False))
    context = {
        "title": question.title,
        "intro": question.text if inside else "",
        "question": question.text,
        "consequences": question.consequences,
        "form": form,
        "action": request.path,
        "submit": question.submit,
        "danger": question.danger,
        "cancel_url": question.back,
    }
    template = "inventory/dialog.html" if inside else "inventory/ask.html"
    return render(request, template, context, status=status)
