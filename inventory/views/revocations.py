"""Proof of revocation on the pages: when it was asked, when and how it was confirmed, and confirming a denied probe."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from inventory import access, markup, revocations
from inventory.forms import ProbeForm
from inventory.models import Credential, Delegation, Grant, User
from inventory.revocations import Revocable
from inventory.views.answers import Question, act, bound, user_of

View = Callable[..., HttpResponse]


def badges(row: Revocable, at: datetime) -> list[SafeString]:
    """The state of the moment, and what is worse than that."""
    found = [markup.badge(row.state(at).capitalize())]
    if revocations.is_unconfirmed(row, at):
        found.append(markup.badge("Revocation unconfirmed"))
    if isinstance(row, Credential) and row.compromised_at:
        found.append(markup.badge("Compromised"))
    return found


def facts(row: Revocable, at: datetime) -> list[tuple[str, object]]:
    """Asked, why, confirmed or for how long not, and the proof."""
    if row.revoked_at is None:
        return [("Revoked", None)]
    why = [] if isinstance(row, Credential) else [("Ended because", row.get_end_cause_display())]
    return [
        ("Revocation asked", markup.when(row.revoked_at, at)),
        *why,
        ("Revocation confirmed", _confirmed(row, at)),
        ("Proof", row.revocation_proof),
    ]


def actions(row: Revocable, user: User, at: datetime) -> list[dict[str, object]]:
    """The button to confirm, where there is something to confirm."""
    if not (revocations.is_unconfirmed(row, at) and access.may(user, "confirm_revocation", row)):
        return []
    url = reverse(f"inventory:{row._meta.model_name}-confirm", args=[row.pk])
    return [
        {"label": "Confirm revocation", "url": url, "icon": "shield-check", "dialog": True}
    ]  # fmt: skip


def _confirmed(row: Revocable, at: datetime) -> SafeString:
    if row.revocation_confirmed_at is not None:
        return markup.when(row.revocation_confirmed_at, at)
    if not revocations.is_unconfirmed(row, at):
        return markup.NOTHING
    return format_html(
        "{} for {}",
        markup.badge("Unconfirmed", "bad"),
        markup.span(at - row.revoked_at),  # type: ignore[operator]  # asked
    )


def _confirms(model: type[Model], *related: str) -> View:
    """A view that takes the proof of a denied probe."""

    @require_http_methods(["GET", "POST"])
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        user, at = user_of(request), timezone.now()
        rows = model._default_manager.select_related(*related)
        row: Any = get_object_or_404(access.visible_to(user, rows), pk=pk)  # Any: one of three
        access.require(user, "confirm_revocation", row)
        form = bound(ProbeForm, request, tried_at=at.astimezone(UTC).replace(tzinfo=None))
        question = Question(
            title="Confirm revocation",
            text="Use the revoked access where it used to work. If the platform refuses, say so here; it is kept as"
            " proof. A complete import that no longer holds it confirms it as well, without anybody's help.",
            submit="Keep as proof",
            back=reverse(f"inventory:{model._meta.model_name}-detail", args=[pk]),
        )

        def do() -> str:
            revocations.confirm(row, proof=form.probe(), by=user, at=at)
            return "Revocation confirmed."

        return act(request, form, question, do)

    return view


grant_confirm = _confirms(Grant, "identity__owner")
credential_confirm = _confirms(Credential, "identity__owner")
delegation_confirm = _confirms(Delegation, "delegate__owner")
