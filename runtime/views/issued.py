"""The pages of issued tokens: the list, one token, revoking it, and panels on the pages of identities and tasks."""

from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, markup
from inventory.forms import ReasonForm
from inventory.listing import listing
from inventory.models import Change, Identity, Task, User
from inventory.noun_columns import IDENTITY
from inventory.views import timeline
from inventory.views.answers import Question, act, bound, user_of
from runtime import standing, token_endings, token_list
from runtime.exchange import name_of
from runtime.models import Token
from runtime.token_list import TOKENS, IssuedFilter

SHOWN = 20  # in a panel; the rest is one link away
_WITH = ("identity__owner", "task__on_behalf_of", "person", "bundle", "client", "issuer", "parent")


@require_GET
def issued_list(request: HttpRequest) -> HttpResponseBase:
    rows = Token.objects.select_related("identity", "task", "person")
    seen = token_list.visible_to(user_of(request), rows)
    return listing(request, IssuedFilter(request.GET, seen, request=request), TOKENS)


@require_GET
def issued_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    token = _seen(user, pk)
    holds = [str(wish) for wish in standing.remaining(token, at)]
    may_revoke = token.state(at) == "live" and access.may(user, "revoke", token)
    context = {
        "token": token,
        "badges": [token_list.state_badge(token)],
        "actions": [_revoking(token)] if may_revoke else [],
        "facts": _facts(token, at),
        "scope": [(word, word in holds) for word in token.scope],
        "chain": _chain(token),
        "events": timeline.events(Change.objects.of(token)[:20]),
        "now": at,
    }
    return render(request, "runtime/issued_detail.html", context)


@require_http_methods(["GET", "POST"])
def issued_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    token = _seen(user, pk)
    access.require(user, "revoke", token)
    form = bound(ReasonForm, request)
    question = Question(
        title=f"Revoke a token of {token.identity.name}",
        text="It is refused from now on, with every token that came from it. Receivers of events are told.",
        submit="Revoke",
        back=reverse("runtime:issued-list"),
        danger=True,
    )

    def do() -> str:
        token_endings.revoke(token, by=user, reason=form.cleaned_data["reason"], at=at)
        return "The token is revoked."

    return act(request, form, question, do)


@require_GET
def identity_tokens(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel on an identity's page; a page of its own without htmx."""
    rows = access.visible_to(user_of(request), Identity.objects.all())
    identity = get_object_or_404(rows, pk=pk)
    live = Token.objects.filter(actors__identity=identity)
    back = (reverse(IDENTITY, args=[pk]), identity.name)
    return _panel(request, live, f"?identity={pk}", back)


@require_GET
def task_tokens(request: HttpRequest, pk: int) -> HttpResponse:
    """The same on a task's page."""
    rows = access.visible_to(user_of(request), Task.objects.all())
    task = get_object_or_404(rows, pk=pk)
    back = (reverse("inventory:task-detail", args=[pk]), "Task")
    return _panel(request, Token.objects.filter(task=task), f"?task={pk}", back)


def _panel(
    request: HttpRequest, rows: QuerySet[Token], query: str, back: tuple[str, str]
) -> HttpResponse:
    at = timezone.now()
    seen = token_list.visible_to(user_of(request), rows)
    live = seen.filter(pk__in=Token.objects.carried(at).values("pk"))
    context = {
        "tokens": list(live.select_related("identity", "task", "person").order_by("-pk")[:SHOWN]),
        "query": query,
        "back_url": back[0],
        "back_label": back[1],
        "now": at,
    }
    part = bool(getattr(request, "htmx", False))
    template = "runtime/_live_tokens.html" if part else "runtime/live_tokens.html"
    return render(request, template, context)


def _seen(user: User, pk: int) -> Token:
    rows = Token.objects.select_related(*_WITH)
    return get_object_or_404(token_list.visible_to(user, rows), pk=pk)


def _revoking(token: Token) -> dict[str, object]:
    url = reverse("runtime:issued-revoke", args=[token.pk])
    return {"label": "Revoke", "url": url, "icon": "ban", "danger": True, "dialog": True}


def _facts(token: Token, at: datetime) -> list[tuple[str, object]]:
    cause = token.get_end_cause_display() if token.end_cause else ""
    trusted = token.bundle or token.client or token.issuer
    return [
        ("Held by", markup.link(reverse(IDENTITY, args=[token.identity_id]), token.identity.name)),
        (
            "Task",
            markup.link(reverse("inventory:task-detail", args=[token.task_id]), token.task.purpose),
        ),
        ("On behalf of", token.person),
        ("Audience", token.audience),
        ("Issued", markup.when(token.issued_at, at)),
        ("Ends", markup.when(token.expires_at, at)),
        ("Ended", markup.when(token.revoked_at, at) if token.revoked_at else ""),
        ("Why it ended", cause),
        ("Proved by", f"{token.get_proof_display()}" + (f" ({trusted})" if trusted else "")),
        ("Bound to", f"{token_list.bound_to(token)}: {token.jkt or token.x5t}"),
        ("Number (jti)", token.jti),
    ]


def _chain(token: Token) -> list[tuple[str, str, str]]:
    """From the beginning to who holds it: name, address of the page, how the token calls them."""
    actors = token.actors.select_related("identity").order_by("-position")
    people = [(token.person.name, "", name_of(token.person))] if token.person else []
    return people + [
        (each.identity.name, reverse(IDENTITY, args=[each.identity_id]), name_of(each.identity))
        for each in actors
    ]
