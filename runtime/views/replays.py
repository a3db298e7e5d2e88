"""Replays: asking for one of a version, a grant or a tier, and its page."""

from collections.abc import Callable
from datetime import datetime

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

from inventory import access, markup
from inventory.listing import listing
from inventory.models import Grant, Identity, Tier
from inventory.rules import RuleBroken
from inventory.views.answers import Question, act, bound, user_of
from runtime import replay_now, replays
from runtime.decision_list import with_names
from runtime.models import PolicySet, PolicySetVersion, Replay
from runtime.policy_forms import DaysForm
from runtime.policy_list import named
from runtime.replay_words import ROWS, ReplayRowFilter, title_of

Change = Replay.Change


class TierForm(DaysForm):
    """As which tier, and over how many days."""

    tier = forms.TypedChoiceField(label="As tier", choices=Tier.choices, coerce=int)
    field_order = ("tier", "days")


@require_http_methods(["GET", "POST"])
def version_replay(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    access.require_security(user)
    version = get_object_or_404(PolicySetVersion.objects.select_related("policy_set"), pk=pk)
    text = f"What {named(version)} would have said to what was asked, and where that differs. Nothing changes."
    question = Question("Replay", text, "Replay", reverse("runtime:policy-version", args=[pk]))
    return _asked(
        request, bound(DaysForm, request), question,
        lambda form: replays.of_version(version, days=form.cleaned_data["days"], by=user, at=at),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def grant_replay(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    rows = access.visible_to(user, Grant.objects.select_related("identity", "entitlement"))
    grant = get_object_or_404(rows, pk=pk)
    access.require(user, "revoke", grant)
    text = f"Which requests of the past would have been denied without {grant.entitlement}. Nothing changes."
    question = Question("Replay", text, "Replay", reverse("inventory:grant-detail", args=[pk]))
    return _asked(
        request, bound(DaysForm, request), question,
        lambda form: replays.of_grant(grant, days=form.cleaned_data["days"], by=user, at=at),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def identity_replay(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    identity = get_object_or_404(access.visible_to(user, Identity.objects.all()), pk=pk)
    access.require(user, "describe", identity)
    text = f"What the live policies would have said to {identity} in another tier. Nothing changes."
    question = Question("Replay", text, "Replay", reverse("inventory:identity-detail", args=[pk]))
    form = bound(TierForm, request, tier=_next_tier(identity))
    return _asked(
        request, form, question,
        lambda form: replays.of_tier(
            identity, tier=form.cleaned_data["tier"], days=form.cleaned_data["days"], by=user, at=at
        ),
    )  # fmt: skip


@require_GET
def replay_detail(request: HttpRequest, pk: int) -> HttpResponseBase:
    at = timezone.now()
    row = _seen(request, pk)
    back, label = _home(row)
    context = {
        "replay": row,
        "title": title_of(row),
        "badges": [markup.badge(row.get_status_display())],
        "back": back,
        "back_label": label,
        "facts": _facts(row, at),
        "now": at,
    }
    if row.status != Replay.Status.DONE:
        return render(request, ROWS.template, context)
    context |= {
        "stats": _stats(row),
        "groups": _groups(row),
        "unclear": _unclear(row),
        "whole": replays.verified(row),
    }
    asked = ReplayRowFilter(request.GET, with_names(row.rows.all()), request=request)
    return listing(request, asked, ROWS, context=context)


@require_GET
def replay_status(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress, for the page that waits for it; once it is over the page reloads."""
    row = _seen(request, pk)
    if not getattr(request, "htmx", False):
        return redirect("runtime:replay-detail", pk)
    if row.is_over:
        return HttpResponseClientRefresh()
    return render(request, "runtime/_replay_status.html", {"replay": row, "now": timezone.now()})


def _asked(
    request: HttpRequest,
    form: forms.Form,
    question: Question,
    ask: Callable[[forms.Form], Replay],
) -> HttpResponse:
    """Asks; then leads to the replay's page, where its progress shows."""
    if request.method == "POST" and form.is_valid():
        try:
            made = replay_now.start(ask(form), at=timezone.now())
        except RuleBroken as error:
            form.add_error(None, str(error))
        else:
            page = reverse("runtime:replay-detail", args=[made.pk])
            htmx = bool(getattr(request, "htmx", False))
            return HttpResponseClientRedirect(page) if htmx else redirect(page)
    return act(request, form, question, str)


def _seen(request: HttpRequest, pk: int) -> Replay:
    rows = replays.visible_to(user_of(request)).select_related(
        "version__policy_set", "grant__entitlement", "identity"
    )
    return get_object_or_404(rows, pk=pk)


def _home(row: Replay) -> tuple[str, str]:
    """Where the change that was tried is."""
    if row.version is not None:
        return reverse("runtime:policy-version", args=[row.version_id]), named(row.version)
    if row.grant is not None:
        return reverse("inventory:grant-detail", args=[row.grant_id]), str(row.grant.entitlement)
    return reverse("inventory:identity-detail", args=[row.identity_id]), str(row.identity)


def _stats(row: Replay) -> list[dict[str, object]]:
    words = (
        ("denied", "Newly denied", "bad", "Were permitted"),
        ("permitted", "Newly permitted", "warn", "Were denied"),
        ("unclear", "Cannot be judged again", "warn", "Why is said below"),
        ("by_facts", "Denied anyway", "", "By facts, whatever the policies say"),
        ("all", "Replayed", "", "Requests of the interval"),
    )
    return [
        {
            "label": label,
            "value": f"{row.result[key]['times']:,}",
            "note": f"{note}; {row.result[key]['questions']:,} different",
            "tone": tone if row.result[key]["times"] else "",
        }
        for key, label, tone, note in words
    ]


def _groups(row: Replay) -> list[dict[str, object]]:
    return [
        {"title": _who(row), "rows": row.result["by_identity"], "noun": "identity"},
        {"title": "By action", "rows": row.result["by_action"], "noun": ""},
        {"title": "By task", "rows": row.result["by_task"], "noun": "task"},
    ]


def _who(row: Replay) -> str:
    """Those who ask an application are no identities of the inventory."""
    about = row.version.policy_set.domain if row.version is not None else ""
    return "By subject" if about == PolicySet.Domain.APPLICATION else "By identity"


def _unclear(row: Replay) -> list[dict[str, object]]:
    """Why requests cannot be judged again; a result of an earlier release does not say."""
    found: list[dict[str, object]] = row.result.get("unclear_why", [])
    return found


def _facts(row: Replay, at: datetime) -> list[tuple[str, object]]:
    return [
        ("Change", row.get_change_display()),
        ("From", f"{row.since:%d %b %Y, %H:%M} UTC"),
        ("Until", f"{row.until:%d %b %Y, %H:%M} UTC"),
        ("Asked by", row.asked_by),
        ("Asked", markup.when(row.asked_at, at)),
        ("Done", markup.when(row.finished_at, at)),
        ("Digest of what went in", row.input_digest),
        ("Digest of the result", row.result_digest),
    ]


def _next_tier(identity: Identity) -> int:
    return min((identity.declared_tier or 0) + 1, max(Tier.values))
