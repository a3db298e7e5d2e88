"""Requests for access: the list, one request, asking, taking back."""

from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, markup
from inventory.forms import PlainReasonForm
from inventory.listing import listing
from inventory.models import Change, Identity, User
from inventory.rules import RuleBroken
from inventory.views import timeline
from inventory.views.answers import Question, act, bound, user_of
from reviews import access_rules, request_life, requests
from reviews.models import AccessRequest
from reviews.request_forms import RequestForm
from reviews.request_list import IDENTITY, REQUESTS, STATES, RequestFilter, wanted


@require_GET
def request_list(request: HttpRequest) -> HttpResponseBase:
    user = user_of(request)
    rows = requests.visible_to(user).select_related("identity", "requested_by", "task")
    asked = RequestFilter(request.GET, rows.prefetch_related("items__entitlement"), request=request)
    bulk = not user.is_service and user.role != User.Role.AUDITOR
    return listing(request, asked, REQUESTS, bulk=bulk)


@require_GET
def request_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    asked = seen(user, pk)
    state = asked.state(at)
    context = {
        "asked": asked,
        "title": wanted(asked),
        "badges": [markup.badge(STATES[state])],
        "items": asked.items.select_related("entitlement__system", "grant"),
        "approvals": asked.approvals.select_related("person", "answered_by"),
        "facts": _facts(asked, at),
        "actions": _actions(user, asked, at),
        "why_not": _why_not(user, asked, at),
        "events": timeline.events(Change.objects.of(asked)[:50]),
        "now": at,
    }
    return render(request, "reviews/request_detail.html", context)


@require_http_methods(["GET", "POST"])
def request_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks for an identity: search, tick, say why. `?task=` chooses the task."""
    user, at = user_of(request), timezone.now()
    identity = get_object_or_404(access.visible_to(user, Identity.objects.all()), pk=pk)
    access.require(user, "request", identity)
    search = request.GET.get("q", "")[:100]
    posted = request.POST if request.method == "POST" else None
    form = RequestForm(identity, posted, at=at, search=search, task=request.GET.get("task"))
    if posted is not None and form.is_valid() and (made := _made(identity, form, user, at)):
        return redirect("reviews:request-detail", pk=made.pk)
    context = {
        "identity": identity,
        "form": form,
        "search": search,
        "task": request.GET.get("task", ""),
    }
    return render(
        request, "reviews/request_form.html", context, status=200 if posted is None else 422
    )


@require_http_methods(["GET", "POST"])
def request_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    asked = seen(user, pk)
    if asked.requested_by_id != user.pk:
        access.require_security(user)
    form = bound(PlainReasonForm, request)
    question = Question(
        "Cancel request",
        "Nobody is asked about it any more.",
        "Cancel request",
        _page(pk),
        danger=True,
    )

    def do() -> str:
        requests.cancel(asked, by=user, reason=form.cleaned_data["reason"], at=timezone.now())
        return "The request is cancelled."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def request_escalate(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    asked = seen(user, pk)
    access.require_security(user)
    form = bound(PlainReasonForm, request)
    text = "The next in line is asked as well; where nobody is left, security is."
    question = Question("Escalate request", text, "Escalate", _page(pk))

    def do() -> str:
        request_life.escalate_now(asked, by=user, at=timezone.now())
        return "The next in line is asked."

    return act(request, form, question, do)


def seen(user: User, pk: int) -> AccessRequest:
    rows = requests.visible_to(user).select_related(
        "identity__owner", "requested_by__person", "beneficiary", "task", "policy"
    )
    return get_object_or_404(rows.prefetch_related("items__entitlement", "approvals"), pk=pk)


def _made(identity: Identity, form: RequestForm, user: User, at: datetime) -> AccessRequest | None:
    try:
        return requests.ask(
            identity,
            entitlements=list(form.cleaned_data["entitlements"]),
            wish=form.wish(),
            by=user,
            at=at,
        )
    except RuleBroken as error:
        form.add_error(None, str(error))
        return None


def _actions(user: User, asked: AccessRequest, at: datetime) -> list[dict[str, object]]:
    if asked.state(at) != AccessRequest.Status.WAITING:
        return []
    answers = requests.may_answer(asked, user, at)
    mine = asked.requested_by_id == user.pk or access.changes_all(user)
    offers = [
        (answers, "Approve", "request-approve", "check", False),
        (answers, "Refuse", "request-refuse", "x", True),
        (
            access.changes_all(user) and asked.escalated_at is None,
            "Escalate",
            "request-escalate",
            "trending-up",
            False,
        ),
        (mine, "Cancel request", "request-cancel", "ban", False),
    ]
    return [
        {
            "label": label,
            "url": reverse(f"reviews:{name}", args=[asked.pk]),
            "icon": icon,
            "danger": danger,
            "primary": label == "Approve",
            "dialog": True,
        }
        for fits, label, name, icon, danger in offers
        if fits
    ]


def _why_not(user: User, asked: AccessRequest, at: datetime) -> str:
    """Which rule stands against this user's answer, for those who might wonder."""
    if asked.state(at) != AccessRequest.Status.WAITING or user.role == User.Role.AUDITOR:
        return ""
    try:
        requests.require_answer(asked, user, at)
    except RuleBroken as error:
        return str(error)
    return ""


def _facts(asked: AccessRequest, at: datetime) -> list[tuple[str, object]]:
    identity, task = asked.identity, asked.task
    task_link = (
        markup.link(reverse("inventory:task-detail", args=[task.pk]), task.purpose)
        if task
        else None
    )
    hours = f"{asked.lasts.total_seconds() / 3600:.1f} hours" if asked.lasts else "For good"
    return [
        ("Identity", markup.link(markup.address(IDENTITY)(identity.pk), identity)),
        ("Tier", access_rules.tier_of(identity)),
        ("Task", task_link),
        ("Benefits", asked.beneficiary),
        ("Asked by", asked.requested_by.display_name),
        ("Asked", markup.when(asked.created_at, at)),
        ("How long", hours),
        ("Risk", markup.badge(asked.get_risk_display())),
        ("Answer by", markup.when(asked.answer_by, at)),
        ("Escalated", markup.when(asked.escalated_at, at)),
        ("Decided", markup.when(asked.decided_at, at)),
        ("Rules", f"Version {asked.policy.version}"),
    ]


def _page(pk: int) -> str:
    return reverse("reviews:request-detail", args=[pk])


def rows_for_bulk(user: User) -> QuerySet[AccessRequest]:
    return requests.visible_to(user).select_related(
        "identity__owner", "requested_by__person", "beneficiary", "task", "policy"
    )
