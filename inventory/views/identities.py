"""Identities: the list, the page of one, and how one was on a past day."""

from datetime import datetime

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from inventory import access, delegation_picture, delegation_walk, markup, ownership, panels
from inventory.filters import IdentityFilter
from inventory.forms import DayForm
from inventory.listing import listing
from inventory.models import Change, Entitlement, Grant, Identity, User
from inventory.noun_columns import IDENTITIES
from inventory.views import bulk, compromise, identity_facts, timeline
from inventory.views.answers import user_of

SHOWN = 20  # rows of each section; the rest is one link away
_HISTORY = 150


@require_GET
def identity_list(request: HttpRequest) -> HttpResponseBase:
    user = user_of(request)
    rows = access.visible_to(user, Identity.objects.select_related("owner", "source", "team"))
    spec = bulk.offered(IDENTITIES, user)
    return listing(request, IdentityFilter(request.GET, rows, request=request), spec)


@require_GET
def identity_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    identity = seen_identity(user, pk)
    changes = Change.objects.about_identity(pk)[:_HISTORY]
    steps = delegation_walk.around(identity, seen_by=user, at=at)
    context = {
        "identity": identity,
        "now": at,
        "verdict": identity_facts.verdict(identity, at),
        "facts": identity_facts.facts(identity, at),
        "badges": [markup.badge("Compromised")] if identity.compromised_at else [],
        "actions": [
            *panels.actions(identity, user, at),
            *_actions(user, identity),
            *compromise.actions(identity, user),
        ],
        "proposal": _proposal(user, identity, at),
        "successors": list(identity.successors.select_related("person").order_by("rank")),
        "credentials": list(identity.credentials.order_by("-pk")[: SHOWN + 1]),
        "grants": _grants(identity),
        "picture": delegation_picture.draw(identity, steps),
        "delegations": identity_facts.sides(identity, steps, at),
        "tools": list(
            identity.tool_bindings.select_related("tool").order_by("tool__name")[: SHOWN + 1]
        ),
        "events": timeline.events(changes),
        "slots": panels.slots(identity, user),
        "shown": SHOWN,
        "may_name": access.may(user, "assign_owner", identity),
        "more": {
            noun: f"{reverse(f'inventory:{noun[:-1]}-list')}?identity={pk}"
            for noun in ("grants", "credentials", "delegations")
        },
    }
    return render(request, "inventory/identity_detail.html", context)


@require_GET
def identity_as_of(request: HttpRequest, pk: int) -> HttpResponse:
    """The record, its grants and its delegations as they stood at the end of a day, from the
    history.
    """
    identity = seen_identity(user_of(request), pk)
    form = DayForm(request.GET or None, initial={"day": timezone.now().date()})
    context: dict[str, object] = {"identity": identity, "form": form, "now": timezone.now()}
    if form.is_valid():
        at = form.moment()
        past = Change.objects.filter(noun="inventory_identity", row_id=pk, at__lte=at)
        change = past.order_by("-id").first()
        context |= {"at": at, "change": change, **_past(change, pk, at)}
    elif form.is_bound:
        raise BadRequest("The day is not a date. Write it as 2026-01-31.")
    return render(request, "inventory/identity_as_of.html", context)


def seen_identity(user: User, pk: int) -> Identity:
    """The identity, or 404 for whoever may not see it."""
    rows = Identity.objects.select_related("owner__manager", "sponsor", "team", "source")
    return get_object_or_404(access.visible_to(user, rows), pk=pk)


def _actions(user: User, identity: Identity) -> list[dict[str, object]]:
    """Buttons of what this user may do with it in its present state."""
    state = identity.lifecycle
    offers = [
        ("open_task", "Open task", "identity-task", "clipboard-list", state == "active"),
        ("assign_owner", "Assign owner", "identity-owner", "user-check", True),
        ("describe", "Describe", "identity-describe", "pencil", state != "retired"),
        (
            "activate",
            "Activate",
            "identity-activate",
            "circle-play",
            state in ("proposed", "suspended"),
        ),
        ("suspend", "Stop", "identity-suspend", "octagon-x", state in ("proposed", "active")),
        ("retire", "Retire", "identity-retire", "archive", state != "retired"),
    ]
    return [
        {
            "label": label,
            "url": reverse(f"inventory:{name}", args=[identity.pk]),
            "icon": icon,
            "dialog": True,
            "danger": label in ("Stop", "Retire"),
        }
        for action, label, name, icon, fits in offers
        if fits and access.may(user, action, identity)
    ]


def _proposal(user: User, identity: Identity, at: datetime) -> dict[str, object] | None:
    """Who could take over with one click; only where nobody answers for it, or not for long any
    more.
    """
    owner = identity.owner
    stays = owner is not None and owner.can_answer(at) and owner.status == "active"
    if stays or not access.may(user, "assign_owner", identity):
        return None
    found = ownership.next_in_line(Identity.objects.filter(pk=identity.pk), at).get(identity.pk)
    return {"person": found[0], "why": found[1]} if found else None


def _grants(identity: Identity) -> list[Grant]:
    rows = identity.grants.select_related("entitlement__system").order_by(
        "-entitlement__admin", "-pk"
    )
    return list(rows[: SHOWN + 1])


def _past(change: Change | None, pk: int, at: datetime) -> dict[str, object]:
    if change is None or change.after is None:
        return {}
    about = Change.objects.filter(identity_id=pk)
    grants = [row.after or {} for row in about.as_of("inventory_grant", at)[:200]]
    entitlements = Entitlement.objects.in_bulk([row["entitlement_id"] for row in grants if row])
    credentials = [row.after or {} for row in about.as_of("inventory_credential", at)[:200]]
    return {
        "facts": timeline.facts(change.after, Identity),
        "grants": [
            {
                "name": entitlements.get(row["entitlement_id"], "A removed entitlement"),
                "state": Grant(**_interval(row)).state(at),
                "via": row["via"],
                "expires": row["expires_at"],
            }
            for row in grants
        ],
        "credentials": credentials,
    }


def _interval(row: dict[str, str | None]) -> dict[str, datetime | None]:
    """The moments of a recorded grant, read back from JSON."""
    names = ("starts_at", "expires_at", "revoked_at", "gone_at")
    return {name: datetime.fromisoformat(text) if (text := row[name]) else None for name in names}
