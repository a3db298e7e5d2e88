"""Grants: the list, the page of one, and ending it: revoke, expire now, give it an end."""

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, grants, markup, panels
from inventory.filters import GrantFilter
from inventory.forms import EndForm, PlainReasonForm, ReasonForm
from inventory.listing import listing
from inventory.models import Change, Grant, User
from inventory.noun_columns import GRANTS, IDENTITY
from inventory.views import bulk, revocations, timeline
from inventory.views.answers import Question, act, bound, user_of
from inventory.views.identity_facts import person_link


@require_GET
def grant_list(request: HttpRequest) -> HttpResponseBase:
    user = user_of(request)
    rows = access.visible_to(user, _rows())
    spec = bulk.offered(GRANTS, user)
    return listing(request, GrantFilter(request.GET, rows, request=request), spec)


@require_GET
def grant_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    grant = _seen(user, pk)
    context = {
        "grant": grant,
        "entitlement": grant.entitlement,
        "now": at,
        "badges": revocations.badges(grant, at),
        "actions": [
            *panels.actions(grant, user, at),
            *_actions(user, grant, at),
            *revocations.actions(grant, user, at),
        ],
        "facts": _facts(grant, at),
        "patterns": _patterns(grant),
        "caveats": [*grant.caveats, *grant.entitlement.caveats],
        "events": timeline.events(Change.objects.of(grant)[:50]),
        "slots": panels.slots(grant, user),
    }
    return render(request, "inventory/grant_detail.html", context)


@require_http_methods(["GET", "POST"])
def grant_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    grant = _seen(user, pk)
    access.require(user, "revoke", grant)
    form = bound(ReasonForm, request)
    text = (
        f"{grant.identity} loses {grant.entitlement} at this moment."
        " The platform behind it has to follow; until that is seen, the revocation is unconfirmed."
    )
    question = Question("Revoke grant", text, "Revoke", _page(pk), danger=True)

    def do() -> str:
        grants.revoke(grant, by=user, reason=form.cleaned_data["reason"], at=timezone.now())
        return "Grant revoked."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def grant_expire(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    grant = _seen(user, pk)
    access.require(user, "expire", grant)
    form = bound(PlainReasonForm, request)
    text = f"{grant.entitlement} ends for {grant.identity} at this moment, as a planned end does."
    question = Question("Expire grant now", text, "Expire now", _page(pk), danger=True)

    def do() -> str:
        grants.expire_now(grant, by=user, reason=form.cleaned_data["reason"], at=timezone.now())
        return "Grant expired."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def grant_end(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    grant = _seen(user, pk)
    access.require(user, "narrow", grant)
    form = bound(EndForm, request, day=(at + timedelta(days=90)).date())
    text = f"Until when may {grant.identity} use {grant.entitlement}?"
    question = Question("Set end of grant", text, "Set end", _page(pk))

    def do() -> str:
        until, reason = form.moment(), form.cleaned_data["reason"]
        grants.set_end(grant, until=until, by=user, reason=reason, at=at)
        return f"The grant ends after {until:%d %b %Y}."

    return act(request, form, question, do)


def _rows() -> QuerySet[Grant]:
    return Grant.objects.select_related(
        "identity__owner", "entitlement__system", "source", "task", "approved_by"
    )


def _seen(user: User, pk: int) -> Grant:
    return get_object_or_404(access.visible_to(user, _rows()), pk=pk)


def _actions(user: User, grant: Grant, at: datetime) -> list[dict[str, object]]:
    if grant.state(at) not in ("in force", "future"):
        return []
    offers = [
        ("extend", "Extend", "grant-extend", "calendar-plus", False),
        ("narrow", "Expire unless used", "grant-idle", "hourglass", False),
        ("narrow", "Set end", "grant-end", "calendar-clock", False),
        ("expire", "Expire now", "grant-expire", "timer-off", False),
        ("revoke", "Revoke", "grant-revoke", "ban", True),
    ]
    return [
        {
            "label": label,
            "url": reverse(f"inventory:{name}", args=[grant.pk]),
            "icon": icon,
            "danger": danger,
            "dialog": True,
        }
        for action, label, name, icon, danger in offers
        if access.may(user, action, grant) and _fits(name, grant)
    ]


def _fits(name: str, grant: Grant) -> bool:
    """Just-in-time access is extended, once; standing access ends when it goes unused."""
    if name == "grant-extend":
        return grant.just_in_time and grant.extended_at is None
    return name != "grant-idle" or not grant.just_in_time


def _facts(grant: Grant, at: datetime) -> list[tuple[str, object]]:
    identity, entitlement = grant.identity, grant.entitlement
    used: object = markup.when(grant.last_used_at, at)
    if grant.last_used_at is None:
        used = "Never" if grant.use_known else "Not reported by its source"
    return [
        ("Identity", markup.link(markup.address(IDENTITY)(identity.pk), identity.name)),
        ("Owner", person_link(identity.owner)),
        ("System", entitlement.system),
        ("Risk", markup.badge(entitlement.get_risk_display())),
        ("Kind", "Just-in-time" if grant.just_in_time else "Standing"),
        ("Task", _task_link(grant)),
        ("Via", grant.via),
        ("Starts", markup.when(grant.starts_at, at)),
        ("Ends", markup.when(grant.expires_at, at) if grant.expires_at else "No end"),
        ("Last used", used),
        ("Granted by", grant.granted_by),
        ("Reason", grant.reason),
        ("Extended", markup.when(grant.extended_at, at)),
        ("Ends when unused for", f"{grant.idle_limit.days} days" if grant.idle_limit else None),
        ("Approved by", grant.approved_by),
        *revocations.facts(grant, at),
        ("Source", grant.source),
    ]


def _task_link(grant: Grant) -> object:
    if grant.task is None:
        return None
    return markup.link(reverse("inventory:task-detail", args=[grant.task_id]), grant.task.purpose)


def _patterns(grant: Grant) -> list[tuple[str, list[str]]]:
    """What the entitlement covers, as its platform wrote it."""
    entitlement = grant.entitlement
    conditions = [f"{key}: {value}" for key, value in entitlement.conditions.items()]
    found = [
        ("Actions", entitlement.actions),
        ("All actions except", entitlement.not_actions),
        ("Resources", entitlement.resources),
        ("All resources except", entitlement.not_resources),
        ("Conditions", conditions),
    ]
    return [(label, patterns) for label, patterns in found if patterns]


def _page(pk: int) -> str:
    return reverse("inventory:grant-detail", args=[pk])
