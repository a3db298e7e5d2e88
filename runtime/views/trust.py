"""The page of whom Mandate believes: trust bundles, issuers, clients; and how each is added, renewed and retired."""

from typing import Any

from django import forms
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access
from inventory.forms import ReasonForm
from inventory.models import User
from inventory.views.answers import Question, act, bound, readers_only, user_of
from runtime import issuer_keys, trust
from runtime.addresses import address, issuer
from runtime.models import OAuthClient, OidcIssuer, SigningKey, TrustBundle
from runtime.trust import IssuerWish
from runtime.trust_forms import BundleForm, ClientForm, IssuerForm

MOST = 200  # of each kind on the page
KINDS: dict[str, type[Any]] = {  # Any: the three have nothing else in common
    "bundle": TrustBundle,
    "issuer": OidcIssuer,
    "client": OAuthClient,
}


@require_GET
def trust_page(request: HttpRequest) -> HttpResponse:
    user, at = readers_only(request), timezone.now()
    bundles = TrustBundle.objects.filter(retired_at=None)
    issuers = OidcIssuer.objects.filter(retired_at=None)
    clients = OAuthClient.objects.filter(retired_at=None).select_related("identity")
    context = {
        "bundles": list(bundles[:MOST]),
        "issuers": list(issuers[:MOST]),
        "clients": list(clients[:MOST]),
        "keys": list(SigningKey.objects.exclude(state=SigningKey.State.RETIRED)),
        "addresses": [
            ("Issuer", issuer()),
            ("Token endpoint", address("oauth-token")),
            ("Introspection", address("oauth-introspect")),
            ("Public keys", address("well-known-jwks")),
        ],
        "may_change": access.changes_all(user),
        "now": at,
    }
    return render(request, "runtime/trust.html", context)


@require_http_methods(["GET", "POST"])
def bundle_new(request: HttpRequest) -> HttpResponse:
    """A new bundle, or newer keys for a trust domain that is there."""
    user = _security(request)
    form = bound(BundleForm, request, trust_domain=request.GET.get("trust_domain", ""))
    text = "Workloads of this trust domain prove themselves with SVIDs that these keys sign."
    question = Question("Give a trust bundle", text, "Trust it", _page())

    def do() -> str:
        given = form.cleaned_data
        made = trust.give_bundle(
            given["trust_domain"], given["document"], by=user, at=timezone.now(), note=given["note"]
        )
        return f"{made}: {len(made.jwt_keys)} keys and {len(made.x509_authorities)} authorities."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def issuer_new(request: HttpRequest) -> HttpResponse:
    user, form = _security(request), bound(IssuerForm, request)
    text = "Tokens of this issuer can be exchanged. Whoever it names must be in the inventory."
    question = Question("Add an issuer", text, "Trust it", _page())

    def do() -> str:
        made = trust.add_issuer(IssuerWish(**form.cleaned_data), by=user, at=timezone.now())
        more = " Its keys are fetched within minutes." if made.jwks_url else ""
        return f"{made} is trusted.{more}"

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def client_new(request: HttpRequest) -> HttpResponse:
    user, form = _security(request), bound(ClientForm, request)
    text = "For a workload without SPIFFE: it signs its requests with a key that stays with it."
    question = Question("Register a client", text, "Register it", _page())

    def do() -> str:
        given = dict(form.cleaned_data)
        client_id, identity = given.pop("client_id"), given.pop("identity")
        trust.register_client(client_id, identity, by=user, at=timezone.now(), **given)
        return f"{client_id} is registered."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def trust_retire(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    user, form = _security(request), bound(ReasonForm, request)
    row = _row(kind, pk)
    text = "It is believed no more from now on. Every token that rests on it is refused at once."
    question = Question(f"Retire {row}", text, "Retire it", _page(), danger=True)

    def do() -> str:
        trust.retire(row, by=user, reason=form.cleaned_data["reason"], at=timezone.now())
        return f"{row} is retired."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def issuer_fetch(request: HttpRequest, pk: int) -> HttpResponse:
    """Reads the keys of an issuer now, instead of at the next hour."""
    user, form = _security(request), bound(forms.Form, request)
    row = get_object_or_404(OidcIssuer, pk=pk, retired_at=None)
    question = Question(f"Fetch the keys of {row}", row.jwks_url, "Fetch them now", _page())

    def do() -> str:
        fresh = issuer_keys.fetch_now(row, by=user, at=timezone.now())
        return f"{fresh}: {len(fresh.jwks)} keys."

    return act(request, form, question, do)


def _row(kind: str, pk: int) -> Any:  # Any: one of three
    if kind not in KINDS:
        raise Http404
    model: type[Model] = KINDS[kind]
    return get_object_or_404(model, pk=pk, retired_at=None)


def _security(request: HttpRequest) -> User:
    user = user_of(request)
    access.require_security(user)
    return user


def _page() -> str:
    return reverse("runtime:trust")
