"""Webhooks: one of them with its deliveries, and everything that security does with it."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from inventory import access, markup
from inventory.forms import PlainReasonForm
from inventory.models import Change, User
from inventory.rules import RuleBroken
from inventory.views import timeline
from inventory.views.answers import Question, act, bound, readers_only, user_of
from reviews import webhooks
from reviews.models import Webhook
from reviews.views.notifications import listens_to
from reviews.webhook_forms import WebhookForm

SHOWN = 25


@require_GET
def webhook_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = readers_only(request), timezone.now()
    webhook = get_object_or_404(Webhook, pk=pk)
    context = {
        "webhook": webhook,
        "badges": [markup.badge("Enabled" if webhook.enabled else "Switched off")],
        "actions": _actions(webhook) if access.changes_all(user) else [],
        "may_change": access.changes_all(user),
        "may_test": access.changes_all(user) and webhook.enabled,
        "facts": [
            ("Address", webhook.url),
            ("Told of", listens_to(webhook)),
            ("Signing key", f"Version {webhook.key_version}; shown once, when it was made"),
            ("Made", markup.when(webhook.created_at, at)),
        ],
        "deliveries": list(webhook.deliveries.order_by("-pk")[:SHOWN]),
        "events": timeline.events(Change.objects.of(webhook)[:20]),
        "now": at,
    }
    return render(request, "reviews/webhook_detail.html", context)


@require_http_methods(["GET", "POST"])
def webhook_new(request: HttpRequest) -> HttpResponse:
    """The answer to a good one shows its signing key, this once."""
    user = _security(request)
    form = bound(WebhookForm, request)
    if form.is_bound and form.is_valid():
        try:
            made, secret = webhooks.create(by=user, at=timezone.now(), **form.cleaned_data)
            return _shown_once(request, made, secret)
        except RuleBroken as error:
            form.add_error(None, str(error))
    text = (
        "A platform is told what happens, signed as in Standard Webhooks, with retries for a day."
    )
    back = reverse("reviews:notification-settings")
    return _ask(request, form, Question("New webhook", text, "Make the webhook", back))


@require_http_methods(["GET", "POST"])
def webhook_edit(request: HttpRequest, pk: int) -> HttpResponse:
    user = _security(request)
    webhook = get_object_or_404(Webhook, pk=pk)
    form = bound(WebhookForm, request, name=webhook.name, url=webhook.url, events=webhook.events)
    question = Question(f"Change {webhook.name}", "Its signing key stays.", "Save", _page(pk))

    def do() -> str:
        webhooks.change(webhook, by=user, at=timezone.now(), **form.cleaned_data)
        return "Saved."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def webhook_key(request: HttpRequest, pk: int) -> HttpResponse:
    user = _security(request)
    webhook = get_object_or_404(Webhook, pk=pk)
    form = bound(PlainReasonForm, request)
    if form.is_bound and form.is_valid():
        reason = form.cleaned_data["reason"]
        fresh, secret = webhooks.rotate_key(webhook, by=user, reason=reason, at=timezone.now())
        return _shown_once(request, fresh, secret)
    text = "It is shown once. The old key ends now: until the receiver has the new one, it cannot verify what it gets."
    title = f"New signing key for {webhook.name}"
    return _ask(request, form, Question(title, text, "Make a new key", _page(pk), danger=True))


@require_http_methods(["GET", "POST"])
def webhook_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Off when it is on, on when it is off."""
    user = _security(request)
    webhook = get_object_or_404(Webhook, pk=pk)
    form, off = bound(PlainReasonForm, request), webhook.enabled
    text = (
        "It is told nothing more, and what waits for it is dropped."
        if off
        else "It is told what happens from now on."
    )
    verb = "Switch off" if off else "Switch on"
    question = Question(f"{verb} {webhook.name}", text, verb, _page(pk), danger=off)

    def do() -> str:
        rule = webhooks.switch_off if off else webhooks.switch_on
        rule(webhook, by=user, reason=form.cleaned_data["reason"], at=timezone.now())
        return f"{webhook.name} is switched {'off' if off else 'on'}."

    return act(request, form, question, do)


@require_POST
def webhook_test(request: HttpRequest, pk: int) -> HttpResponse:
    user = _security(request)
    webhook = get_object_or_404(Webhook, pk=pk)
    try:
        webhooks.test(webhook, by=user, at=timezone.now())
        messages.success(
            request, "A test is on its way. What became of it stands here in a moment."
        )
    except RuleBroken as error:
        messages.error(request, str(error))
    return redirect(_page(pk))


def _security(request: HttpRequest) -> User:
    user = user_of(request)
    access.require_security(user)
    return user


def _page(pk: int) -> str:
    return reverse("reviews:webhook-detail", args=[pk])


def _ask(request: HttpRequest, form: forms.Form, question: Question) -> HttpResponse:
    """A whole page, never the drawer: its answer shows a key, which must not vanish with a click beside it."""
    context = {
        "title": question.title,
        "question": question.text,
        "form": form,
        "submit": question.submit,
        "danger": question.danger,
        "cancel_url": question.back,
    }
    status = 422 if form.is_bound else 200
    return render(request, "_components/confirm.html", context, status=status)


def _shown_once(request: HttpRequest, webhook: Webhook, secret: str) -> HttpResponse:
    context = {"webhook": webhook, "secret": secret, "back_url": _page(webhook.pk)}
    return render(request, "reviews/webhook_key.html", context)


def _actions(webhook: Webhook) -> list[dict[str, object]]:
    off = webhook.enabled
    offers = [
        ("webhook-edit", "Edit", "pencil", False, True),
        ("webhook-key", "New key", "key-round", False, False),
        ("webhook-switch", "Switch off" if off else "Switch on", "power", off, True),
    ]
    return [
        {
            "label": label,
            "url": reverse(f"reviews:{name}", args=[webhook.pk]),
            "icon": icon,
            "danger": danger,
            "dialog": dialog,
        }
        for name, label, icon, danger, dialog in offers
    ]
