"""Flagging as compromised, with the kill switch at hand, and taking the flag back."""

from collections.abc import Callable
from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from inventory import access, compromise, kill_switch
from inventory.forms import FlagForm, ReasonForm
from inventory.models import Credential, Identity, User
from inventory.views import kill_switch as stops
from inventory.views.answers import Question, act, bound, user_of

View = Callable[..., HttpResponse]


def actions(row: Identity | Credential, user: User) -> list[dict[str, object]]:
    """The one button that fits: flag, or take the flag back."""
    flagged = row.compromised_at is not None
    if not access.may(user, "clear_flag" if flagged else "flag", row):
        return []
    name = f"inventory:{row._meta.model_name}-{'clear' if flagged else 'flag'}"
    label, icon = ("Clear flag", "flag-off") if flagged else ("Flag as compromised", "flag")
    url = reverse(name, args=[row.pk])
    return [{"label": label, "url": url, "icon": icon, "dialog": True, "danger": not flagged}]


@require_http_methods(["GET", "POST"])
def identity_flag(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    identity: Identity = _seen(Identity, user, pk)
    access.require(user, "flag", identity)
    offered = identity.may_act
    form = bound(FlagForm if offered else ReasonForm, request, stop=True)
    asked = offered and not form.is_valid()
    question = Question(
        title=f"Flag {identity.name} as compromised",
        text="Somebody else may act as it. From now on the time runs in which everything of it has to be revoked."
        + (" If it is stopped as well:" if asked else ""),
        submit="Flag as compromised",
        back=_page(identity),
        danger=True,
        consequences=stops.cascade(identity, user, at, asked=asked),
    )

    def do() -> str:
        compromise.flag(identity, by=user, reason=form.cleaned_data["reason"], at=at)
        if not form.cleaned_data.get("stop"):
            return (
                f"{identity.name} is flagged. Revoke its credentials and delegations, or stop it."
            )
        use = kill_switch.stop(identity, by=user, reason=form.cleaned_data["reason"], at=at)
        return f"Flagged. {stops.said(identity, use)}"

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def credential_flag(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = user_of(request), timezone.now()
    credential: Credential = _seen(Credential, user, pk)
    access.require(user, "flag", credential)
    form = bound(ReasonForm, request)
    text = (
        f"{credential} of {credential.identity} counts as revoked from this moment."
        " The platform behind it has to follow within the time that is set for compromised access."
    )
    title = "Flag credential as compromised"
    question = Question(title, text, "Flag and revoke", _page(credential), danger=True)

    def do() -> str:
        compromise.flag(credential, by=user, reason=form.cleaned_data["reason"], at=at)
        return "Credential flagged and revoked."

    return act(request, form, question, do)


def _clears(model: type[Model]) -> View:
    """A view that takes the flag back."""

    @require_http_methods(["GET", "POST"])
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        user, at = user_of(request), timezone.now()
        row = _seen(model, user, pk)
        access.require(user, "clear_flag", row)
        form = bound(ReasonForm, request)
        text = f"{row} counts as compromised no longer. What was revoked or stopped stays so."
        question = Question("Clear flag", text, "Clear flag", _page(row))

        def do() -> str:
            compromise.clear(row, by=user, reason=form.cleaned_data["reason"], at=at)
            return "Flag cleared. Nothing came back by itself."

        return act(request, form, question, do)

    return view


identity_clear = _clears(Identity)
credential_clear = _clears(Credential)


def _seen(model: type[Model], user: User, pk: int) -> Any:  # Any: a row of the model
    related = "owner" if model is Identity else "identity__owner"
    rows = model._default_manager.select_related(related)
    return get_object_or_404(access.visible_to(user, rows), pk=pk)


def _page(row: Model) -> str:
    return reverse(f"inventory:{row._meta.model_name}-detail", args=[row.pk])
