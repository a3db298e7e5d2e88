"""Credentials: the list, the page of one, and revoking it."""

from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, credentials, markup, panels
from inventory.filters import CredentialFilter
from inventory.forms import ReasonForm
from inventory.listing import listing
from inventory.models import Change, Credential, User
from inventory.noun_columns import CREDENTIALS, IDENTITY
from inventory.views import bulk, compromise, revocations, timeline
from inventory.views.answers import Question, act, bound, user_of
from inventory.views.identity_facts import person_link


@require_GET
def credential_list(request: HttpRequest) -> HttpResponseBase:
    user = user_of(request)
    rows = access.visible_to(user, _rows())
    spec = bulk.offered(CREDENTIALS, user)
    return listing(request, CredentialFilter(request.GET, rows, request=request), spec)


@require_GET
def credential_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    credential = _seen(user, pk)
    revocable = credential.revoked_at is None and access.may(user, "revoke", credential)
    url = reverse("inventory:credential-revoke", args=[pk])
    action = {"label": "Revoke", "url": url, "icon": "ban", "danger": True, "dialog": True}
    identity = credential.identity
    life = credential.lifetime_seconds
    context = {
        "credential": credential,
        "now": at,
        "badges": revocations.badges(credential, at),
        "actions": [
            *([action] if revocable else []),
            *revocations.actions(credential, user, at),
            *compromise.actions(credential, user),
        ],
        "facts": [
            ("Identity", markup.link(markup.address(IDENTITY)(identity.pk), identity.name)),
            ("Owner", person_link(identity.owner)),
            ("Kind", credential.get_kind_display()),
            ("Key ID", credential.key_id),
            ("Fingerprint (SHA-256)", credential.fingerprint),
            (
                "Bound to",
                credential.bound_to or _unknown(known=credential.binding_known, word="Nothing"),
            ),
            ("Environment", credential.get_environment_display()),
            ("Issued", markup.when(credential.issued_at, at)),
            ("Rotated", markup.when(credential.rotated_at, at)),
            ("Expires", _moment(credential.expires_at, at, known=credential.expiry_known)),
            ("Life of each", f"{life:,} seconds" if life else None),
            ("Last used", _moment(credential.last_used_at, at, known=credential.use_known)),
            ("Flagged as compromised", markup.when(credential.compromised_at, at)),
            *revocations.facts(credential, at),
            ("Source", credential.source),
        ],
        "events": timeline.events(Change.objects.of(credential)[:50]),
        "slots": panels.slots(credential, user),
    }
    return render(request, "inventory/credential_detail.html", context)


@require_http_methods(["GET", "POST"])
def credential_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    credential = _seen(user, pk)
    access.require(user, "revoke", credential)
    form = bound(ReasonForm, request)
    question = Question(
        title="Revoke credential",
        text=f"{credential} of {credential.identity} counts as dead from this moment."
        " The platform behind it has to follow; until that is seen, the revocation is unconfirmed.",
        submit="Revoke",
        back=reverse("inventory:credential-detail", args=[pk]),
        danger=True,
    )

    def do() -> str:
        reason = form.cleaned_data["reason"]
        credentials.revoke(credential, by=user, reason=reason, at=timezone.now())
        return "Credential revoked."

    return act(request, form, question, do)


def _rows() -> QuerySet[Credential]:
    return Credential.objects.select_related("identity__owner", "source")


def _seen(user: User, pk: int) -> Credential:
    return get_object_or_404(access.visible_to(user, _rows()), pk=pk)


def _unknown(*, known: bool, word: str) -> str:
    return word if known else "Not reported by its source"


def _moment(moment: datetime | None, at: datetime, *, known: bool) -> str:
    return markup.when(moment, at) if moment else _unknown(known=known, word="Never")
