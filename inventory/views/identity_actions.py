"""What people do with one identity: assign its owner, name successors, suspend, activate, retire,
describe.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from inventory import access, identities, ownership
from inventory.audit import Actor
from inventory.forms import DescribeForm, OwnerForm, PlainReasonForm, ReasonForm, SuccessorsForm
from inventory.models import Identity
from inventory.views.answers import Question, act, bound, user_of
from inventory.views.identities import seen_identity

View = Callable[..., HttpResponse]


class Rule(Protocol):
    """A rule that moves an identity through its life."""

    def __call__(self, identity: Identity, *, by: Actor, reason: str, at: datetime) -> Identity: ...


@require_http_methods(["GET", "POST"])
def identity_owner(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    identity = seen_identity(user, pk)
    access.require(user, "assign_owner", identity)
    proposed = ownership.next_in_line(Identity.objects.filter(pk=pk), at).get(pk)
    form = bound(OwnerForm, request, owner=proposed[0].email if proposed else "")
    now = identity.owner.name if identity.owner else "nobody"
    question = Question(
        title="Assign owner",
        text=f"{now[:1].upper()}{now[1:]} owns {identity.name} today."
        + (f" Proposed: {proposed[0].name}, the {proposed[1]}." if proposed else ""),
        submit="Assign owner",
        back=_page(pk),
    )

    def do() -> str:
        owner, reason = form.cleaned_data["owner"], form.cleaned_data["reason"]
        ownership.assign_owner(identity, owner=owner, by=user, reason=reason, at=at)
        return f"{owner.name} now owns {identity.name}."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def identity_successors(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    identity = seen_identity(user, pk)
    access.require(user, "assign_owner", identity)
    named = list(identity.successors.select_related("person").order_by("rank")[:3])
    places = zip(("first", "second", "third"), named, strict=False)
    form = bound(SuccessorsForm, request, **{place: row.person.email for place, row in places})
    question = Question(
        title="Successors",
        text=f"Who takes over {identity.name}, in this order, when its owner leaves.",
        submit="Save order",
        back=_page(pk),
    )

    def do() -> str:
        people, reason = form.people(), form.cleaned_data["reason"]
        ownership.set_successors(identity, people=people, by=user, reason=reason, at=at)
        return f"Successors of {identity.name} saved."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def identity_describe(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    identity = seen_identity(user, pk)
    access.require(user, "describe", identity)
    words = ("purpose", "environment", "declared_tier", "risk")
    form = bound(DescribeForm, request, **{word: getattr(identity, word) for word in words})
    question = Question("Describe", f"What people say about {identity.name}.", "Save", _page(pk))

    def do() -> str:
        identities.describe(identity, by=user, at=at, **form.cleaned_data)
        return f"{identity.name} described."

    return act(request, form, question, do)


def _moves(action: str, rule: Rule, words: tuple[str, str, str], *, danger: bool = False) -> View:
    """A view that asks, then moves an identity through its life. `words`: verb, what follows, and
    the answer.
    """
    verb, text, done = words
    form_class = PlainReasonForm if action == "activate" else ReasonForm

    @require_http_methods(["GET", "POST"])
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        user = user_of(request)
        identity = seen_identity(user, pk)
        access.require(user, action, identity)
        form = bound(form_class, request)
        question = Question(f"{verb} {identity.name}", text, verb, _page(pk), danger=danger)

        def do() -> str:
            reason = form.cleaned_data["reason"]
            rule(identity, by=user, reason=reason, at=timezone.now())
            return f"{identity.name} {done}."

        return act(request, form, question, do)

    return view


identity_activate = _moves(
    "activate",
    identities.activate,
    (
        "Activate",
        "It may act again with the standing grants it still holds. What ended while it was stopped stays ended:"
        " tasks, just-in-time access and delegations have to be given again.",
        "is active",
    ),
)
identity_retire = _moves(
    "retire",
    identities.retire,
    (
        "Retire",
        "It ends for good and cannot be activated again. Its record and history stay.",
        "is retired",
    ),
    danger=True,
)


def _page(pk: int) -> str:
    return reverse("inventory:identity-detail", args=[pk])
