"""Tier and drift: the page about all AI systems, the panel of one identity, and declaring a tier."""

from collections.abc import Sequence
from datetime import datetime

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, identities, tiers
from inventory.models import Grant, Identity, Tier, User
from inventory.templatetags.charts import Span
from inventory.tiers import Standing, Step
from inventory.views.answers import Question, act, bound, user_of
from inventory.views.identities import seen_identity
from runtime import drift, observed_tiers
from runtime.models import ObservedTier
from runtime.tier_rule import WINDOW

STRETCHES = 8
CONVERTED = 5  # standing grants that a panel offers to convert, one click each


class DeclareForm(forms.Form):
    """The class that people stand by, and why."""

    tier = forms.TypedChoiceField(label="Declared tier", choices=Tier.choices, coerce=int)
    reason = forms.CharField(
        max_length=500, widget=forms.Textarea({"rows": 2}), help_text="Kept in the history."
    )


@require_GET
def drift_page(request: HttpRequest) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    crossed, number = drift.crossings(user, at)
    by_day = drift.actors_by_day(user, at)
    context = {
        "census": drift.census(user, crossed_by=at),
        "crossings": [(one, _buttons(one.missing, one.row.identity, user)) for one in crossed],
        "crossed": number,
        "trend": [count for _, count in by_day],
        "since": by_day[0][0] if by_day else None,
        "may": {
            one.row.identity_id: access.may(user, "describe", one.row.identity) for one in crossed
        },
        "now": at,
    }
    return render(request, "runtime/drift.html", context)


@require_GET
def identity_tier(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel on an identity's page; a page of its own without htmx."""
    user, at = user_of(request), timezone.now()
    identity = seen_identity(user, pk)
    stretches = list(ObservedTier.objects.filter(identity=identity)[:STRETCHES])
    current = next((row for row in stretches if row.ended_at is None), None)
    standings = drift.standings_of(identity, at)
    context = {
        "identity": identity,
        "current": current,
        "lines": observed_tiers.explain(current) if current else [],
        "standings": [(one, _buttons([one], identity, user)) for one in standings],
        "missing": sum(one.answer == tiers.LACKS for one in standings),
        "spans": [_span(row) for row in reversed(stretches)],
        "begins": stretches[-1].started_at if stretches else at,
        "standing_grants": _convertible(identity, at, standings),
        "may_declare": access.may(user, "describe", identity),
        "window": WINDOW.days,
        "now": at,
    }
    part = bool(getattr(request, "htmx", False))
    template = "runtime/_identity_tier.html" if part else "runtime/identity_tier.html"
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
def identity_declare(request: HttpRequest, pk: int) -> HttpResponse:
    """Declaring the tier that it acts in is the owner's answer to a drift."""
    user, at = user_of(request), timezone.now()
    identity = seen_identity(user, pk)
    access.require(user, "describe", identity)
    first = identity.observed_tier if identity.observed_tier is not None else identity.declared_tier
    form = bound(DeclareForm, request, tier=first)
    text = (
        f"What {identity.name} may be: from then on its controls are measured against this tier, and what it does"
        " beyond it is drift."
    )
    back = reverse("inventory:identity-detail", args=[pk])

    def do() -> str:
        given = form.cleaned_data
        identities.describe(
            identity, by=user, at=at, reason=given["reason"], declared_tier=given["tier"]
        )
        return f"{identity.name} is declared as tier {Tier(given['tier']).label}."

    return act(request, form, Question("Declare the tier", text, "Declare", back), do)


def _buttons(standings: list[Standing], identity: Identity, user: User) -> list[dict[str, object]]:
    """The steps that add what is missing, each once, for whoever may take them."""
    found: dict[str, dict[str, object]] = {}
    for standing in tiers.lacking(standings):
        for step in standing.steps:
            if not step.action or access.may(user, step.action, identity):
                url = _address(step, identity)
                found[url] = {
                    "label": step.label, "url": url, "icon": step.icon, "dialog": step.dialog,
                }  # fmt: skip
    return list(found.values())


def _address(step: Step, identity: Identity) -> str:
    if step.query:
        return f"{reverse(step.url_name)}?{step.query.format(identity.pk)}"
    if step.for_all:
        return reverse(step.url_name)
    return reverse(step.url_name, args=[identity.pk])


def _convertible(identity: Identity, at: datetime, standings: Sequence[Standing]) -> list[Grant]:
    """The standing grants that change something, where it should hold them per task."""
    asked = any(one.control.key == "just-in-time" and one.answer != tiers.HAS for one in standings)
    if not asked:
        return []
    rows = Grant.objects.effective(at).standing().filter(identity=identity)
    rows = rows.filter(entitlement__effect="allow").exclude(entitlement__writes=False)
    return list(rows.select_related("entitlement").order_by("-entitlement__risk", "pk")[:CONVERTED])


def _span(row: ObservedTier) -> Span:
    tone = "warn" if row.tier >= Tier.ACTOR else "good"
    return Span(row.get_tier_display(), row.started_at, row.ended_at, tone)
