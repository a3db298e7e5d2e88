"""Stopping an identity and drilling it: what that reaches is shown before anybody confirms; and every use of it."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, kill_switch, markup
from inventory.forms import ReasonForm
from inventory.kill_switch import Reach
from inventory.listing import listing
from inventory.models import Identity, KillSwitchUse, Task, User
from inventory.noun_columns import IDENTITY
from inventory.stop_list import STOPS, StopFilter, state_of, took
from inventory.views.answers import Question, act, bound, user_of
from inventory.views.identities import seen_identity

SHOWN = 10  # uses in the panel; the rest is one link away
_NAMED = 5  # of each kind in the question
_LOOKED_AT = 1_000  # keys that are asked for names


@require_GET
def stop_list(request: HttpRequest) -> HttpResponseBase:
    rows = access.visible_to(user_of(request), KillSwitchUse.objects.select_related("identity"))
    return listing(request, StopFilter(request.GET, rows, request=request), STOPS)


@require_http_methods(["GET", "POST"])
def identity_stop(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    identity = seen_identity(user, pk)
    access.require(user, "suspend", identity)
    form = bound(ReasonForm, request)
    question = Question(
        title=f"Stop {identity.name}",
        text=f"{identity.name} is suspended, and everything it gave to others ends with it.",
        submit="Stop it now",
        back=markup.address(IDENTITY)(pk),
        danger=True,
        consequences=cascade(identity, user, at, asked=not form.is_valid()),
    )

    def do() -> str:
        use = kill_switch.stop(identity, by=user, reason=form.cleaned_data["reason"], at=at)
        return said(identity, use)

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def identity_drill(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    identity = seen_identity(user, pk)
    access.require(user, "suspend", identity)
    form = bound(ReasonForm, request)
    question = Question(
        title=f"Drill: stop {identity.name}",
        text="Goes the whole way of a stop, looks whether anything would be left, takes it all back"
        " and keeps the time. Nothing is stopped. A stop would mean:",
        submit="Run the drill",
        back=markup.address(IDENTITY)(pk),
        consequences=cascade(identity, user, at, asked=not form.is_valid()),
    )

    def do() -> str:
        use = kill_switch.drill(identity, by=user, reason=form.cleaned_data["reason"], at=at)
        return _drilled(use)

    return act(request, form, question, do)


@require_GET
def identity_stops(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel on an identity's page; a page of its own without htmx."""
    user, at = user_of(request), timezone.now()
    identity = seen_identity(user, pk)
    uses = list(identity.stops.order_by("-pk")[: SHOWN + 1])
    context = {
        "identity": identity,
        "left": _left(identity, uses, at),
        "uses": [(use, state_of(use), took(use)) for use in uses],
        "shown": SHOWN,
        "may_drill": identity.may_act and access.may(user, "suspend", identity),
        "now": at,
    }
    part = bool(getattr(request, "htmx", False))
    template = "inventory/_identity_stops.html" if part else "inventory/identity_stops.html"
    return render(request, template, context)


def _left(identity: Identity, uses: list[KillSwitchUse], at: datetime) -> str:
    """What is still effective of a stop whose end nobody has seen."""
    unseen = any(not use.drill and not use.stopped_at and not use.lifted_at for use in uses)
    left = kill_switch.remains(identity.pk, at) if unseen else None
    return str(left) if left else ""


def cascade(identity: Identity, user: User, at: datetime, *, asked: bool) -> tuple[str, ...]:
    """What a stop reaches, with counts and the first names; only where the question is asked, so that the answer to it
    waits for nothing."""
    if not asked:
        return ()
    found = kill_switch.preview(identity, at=at)
    return (
        f"Grants that stop working: {found.grants:,}. {found.ending:,} just-in-time end for good,"
        f" {found.resting:,} standing rest as long as it is suspended.",
        f"Open tasks cancelled: {found.tasks:,}{_tasks(identity, found)}.",
        f"Delegations that it gave, or that hang on its tasks, ended: {found.delegations:,}.",
        f"Identities that can no longer act through it, directly or through others:"
        f" {len(found.reached):,}{_names(found, user)}.",
        f"Live credentials that their platforms still have to switch off: {found.credentials:,}.",
        "Lifting the suspension restores nothing by itself; only standing grants work again.",
    )


def _tasks(identity: Identity, found: Reach) -> str:
    rows = Task.objects.filter(identity=identity, status=Task.Status.OPEN).order_by("-pk")
    names = list(rows.values_list("purpose", flat=True)[:_NAMED]) if found.tasks else []
    return _listed(names, found.tasks)


def _names(found: Reach, user: User) -> str:
    """Those that the user may see; the others are only counted."""
    rows = Identity.objects.filter(pk__in=found.reached[:_LOOKED_AT]).order_by("name", "pk")
    seen = access.visible_to(user, rows).values_list("name", flat=True)
    return _listed(list(seen[:_NAMED]) if found.reached else [], len(found.reached))


def _listed(names: list[str], total: int) -> str:
    more = [f"{total - len(names):,} more"] if total > len(names) else []
    return f" ({', '.join([*names, *more])})" if names else ""


def said(identity: Identity, use: KillSwitchUse) -> str:
    if use.took is None:
        left = kill_switch.remains(identity.pk, timezone.now())
        return f"{identity.name} is suspended, but still effective: {left}. This is asked again every minute."
    said = f"{identity.name} is stopped. Nothing of it was effective any more {markup.span(use.took)} after your click."
    if use.left_over:
        said += f" Credentials that their platforms still have to switch off: {use.left_over:,}."
    return said


def _drilled(use: KillSwitchUse) -> str:
    if use.took is None:
        return "The drill failed: something would stay effective. It is kept among the stops and drills."
    return f"Drill done: a stop takes {markup.span(use.took)} and leaves nothing effective. Nothing was stopped."
