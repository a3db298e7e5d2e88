"""The end of one grant, put off or made to depend on use."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from inventory import access, grants
from inventory.grant_forms import ExtendForm, IdleForm
from inventory.models import Grant, User
from inventory.views.answers import Question, act, bound, user_of


@require_http_methods(["GET", "POST"])
def grant_extend(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    grant = _seen(user, pk)
    access.require(user, "extend", grant)
    form = bound(ExtendForm, request)
    text = f"{grant.identity} keeps {grant.entitlement} for longer. Once only; afterwards it is requested again."
    question = Question("Extend access", text, "Extend", _page(pk))

    def do() -> str:
        reason, end = form.cleaned_data["reason"], grant.expires_at or timezone.now()
        done = grants.extend(
            grant, until=form.until(end), by=user, reason=reason, at=timezone.now()
        )
        return f"It ends on {done.expires_at:%d %b %Y, %H:%M} UTC."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def grant_idle(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    grant = _seen(user, pk)
    access.require(user, "narrow", grant)
    days = grant.idle_limit.days if grant.idle_limit else 30
    form = bound(IdleForm, request, days=days)
    text = (
        f"{grant.entitlement} ends for {grant.identity} by itself once nobody uses it for so long."
    )
    question = Question("Expire unless used", text, "Save", _page(pk))

    def do() -> str:
        within, reason = form.within(), form.cleaned_data["reason"]
        grants.expire_unless_used(grant, within=within, by=user, reason=reason, at=timezone.now())
        return (
            f"It ends after {within.days} days without use."
            if within
            else "Disuse no longer ends it."
        )

    return act(request, form, question, do)


def _seen(user: User, pk: int) -> Grant:
    rows = Grant.objects.select_related("identity__owner", "entitlement", "task", "source")
    return get_object_or_404(access.visible_to(user, rows), pk=pk)


def _page(pk: int) -> str:
    return reverse("inventory:grant-detail", args=[pk])
