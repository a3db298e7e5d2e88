"""Delegations: the list, the page of one, and revoking it."""

from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, delegations, markup, panels
from inventory.filters import DelegationFilter
from inventory.forms import ReasonForm
from inventory.listing import listing
from inventory.models import Change, Delegation, User
from inventory.noun_columns import DELEGATIONS, IDENTITY, PERSON
from inventory.views import revocations, timeline
from inventory.views.answers import Question, act, bound, user_of
from inventory.views.identity_facts import person_link

SHOWN = 50  # entitlements of a scope


@require_GET
def delegation_list(request: HttpRequest) -> HttpResponseBase:
    user = user_of(request)
    seen = access.visible_to(user, _rows())
    offers = [("Explore", "inventory:delegation-explore", "waypoints")]
    if access.sees_all(user):
        offers.append(("Questions", "inventory:access-questions", "message-circle-question-mark"))
    actions = [{"label": label, "url": reverse(name), "icon": icon} for label, name, icon in offers]
    return listing(
        request,
        DelegationFilter(request.GET, seen, request=request),
        DELEGATIONS,
        context={"actions": actions},
    )


@require_GET
def delegation_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    delegation = _seen(user, pk)
    context = {
        "delegation": delegation,
        "title": _title(delegation),
        "now": at,
        "badges": revocations.badges(delegation, at),
        "actions": [*_actions(user, delegation, at), *revocations.actions(delegation, user, at)],
        "facts": _facts(delegation, user, at),
        "scope": list(delegation.entitlements.select_related("system").order_by("name")[:SHOWN]),
        "caveats": delegation.caveats,
        "events": timeline.events(Change.objects.of(delegation)[:50]),
        "slots": panels.slots(delegation, user),
    }
    return render(request, "inventory/delegation_detail.html", context)


@require_http_methods(["GET", "POST"])
def delegation_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    delegation = _seen(user, pk)
    access.require(user, "revoke", delegation)
    form = bound(ReasonForm, request)
    text = (
        f"{_title(delegation)}: this ends at this moment."
        " The platform behind it has to follow; until that is seen, the revocation is unconfirmed."
    )
    back = reverse("inventory:delegation-detail", args=[pk])
    question = Question("Revoke delegation", text, "Revoke", back, danger=True)

    def do() -> str:
        reason = form.cleaned_data["reason"]
        delegations.revoke(delegation, by=user, reason=reason, at=timezone.now())
        return "Delegation revoked."

    return act(request, form, question, do)


def _rows() -> QuerySet[Delegation]:
    return Delegation.objects.select_related(
        "delegate__owner", "delegator_identity", "delegator_person", "source", "task"
    )


def _seen(user: User, pk: int) -> Delegation:
    return get_object_or_404(access.visible_to(user, _rows()), pk=pk)


def _title(row: Delegation) -> str:
    giver = row.delegator_identity or row.delegator_person
    return f"{row.delegate} {row.get_how_display().lower()} {giver}"


def _actions(user: User, row: Delegation, at: datetime) -> list[dict[str, object]]:
    if row.state(at) not in ("in force", "future") or not access.may(user, "revoke", row):
        return []
    url = reverse("inventory:delegation-revoke", args=[row.pk])
    return [{"label": "Revoke", "url": url, "icon": "ban", "danger": True, "dialog": True}]


def _facts(row: Delegation, user: User, at: datetime) -> list[tuple[str, object]]:
    again = {True: "Yes", False: "No"}.get(row.may_redelegate)  # type: ignore[arg-type]  # None: unknown
    return [
        ("Delegate", markup.link(markup.address(IDENTITY)(row.delegate_id), row.delegate.name)),
        ("Owner", person_link(row.delegate.owner)),
        ("How", row.get_how_display()),
        ("Delegator", _delegator(row, user)),
        ("Scope", "All of the delegator" if row.scope_all else "Named entitlements"),
        ("May re-delegate", again or "Not reported by its source"),
        ("Task", row.task.purpose if row.task else None),
        ("Starts", markup.when(row.starts_at, at)),
        ("Ends", markup.when(row.expires_at, at) if row.expires_at else "No end"),
        *revocations.facts(row, at),
        ("Source", row.source),
    ]


def _delegator(row: Delegation, user: User) -> object:
    """With a link for whoever may open its page."""
    giver = row.delegator_identity or row.delegator_person
    if (
        giver is None
        or not access.visible_to(user, type(giver).objects.filter(pk=giver.pk)).exists()
    ):
        return giver
    return markup.link(
        markup.address(IDENTITY if row.delegator_identity_id else PERSON)(giver.pk), giver
    )
