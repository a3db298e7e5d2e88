"""The pages of event streams: who is told that tokens are over, and what became of each message."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from inventory import access, markup
from inventory.forms import PlainReasonForm
from inventory.models import Change, User
from inventory.views import timeline
from inventory.views.answers import Question, act, bound, readers_only, user_of
from runtime import event_delivery, event_streams
from runtime.models import EventStream, SecurityEvent
from runtime.trust_forms import StreamForm

SHOWN = 50  # deliveries on a stream's page
MOST = 200


@require_GET
def stream_list(request: HttpRequest) -> HttpResponse:
    user = readers_only(request)
    may_change = access.changes_all(user)
    new = {
        "label": "New stream",
        "url": reverse("runtime:stream-new"),
        "icon": "plus",
        "primary": True,
        "dialog": True,
    }
    context = {
        "streams": list(EventStream.objects.all()[:MOST]),
        "actions": [new] if may_change else [],
        "may_change": may_change,
    }
    return render(request, "runtime/stream_list.html", context)


@require_GET
def stream_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = readers_only(request), timezone.now()
    stream = get_object_or_404(EventStream, pk=pk)
    may_change = access.changes_all(user)
    context = {
        "stream": stream,
        "badges": [markup.badge("Enabled" if stream.enabled else "Switched off")],
        "actions": _actions(stream) if may_change else [],
        "may_change": may_change,
        "facts": [
            ("Address", stream.url),
            ("Audience", stream.audience),
            ("Told of", ", ".join(stream.events) or "Everything"),
            ("Made", markup.when(stream.created_at, at)),
        ],
        "deliveries": list(stream.deliveries.select_related("identity").order_by("-pk")[:SHOWN]),
        "events": timeline.events(Change.objects.of(stream)[:20]),
        "now": at,
    }
    return render(request, "runtime/stream_detail.html", context)


@require_http_methods(["GET", "POST"])
def stream_new(request: HttpRequest) -> HttpResponse:
    user, form = _security(request), bound(StreamForm, request)
    text = "It is told when a token ends before its time: a signed event (CAEP), pushed until it is taken."
    question = Question("New event stream", text, "Make the stream", reverse("runtime:stream-list"))

    def do() -> str:
        made = event_streams.create(by=user, at=timezone.now(), **form.cleaned_data)
        return f"{made} is told from now on."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def stream_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Off when it is on, on when it is off."""
    user, form = _security(request), bound(PlainReasonForm, request)
    stream = get_object_or_404(EventStream, pk=pk)
    off = stream.enabled
    text = (
        "It is told nothing more, and what waits for it is dropped."
        if off
        else "It is told what happens from now on."
    )
    verb = "Switch off" if off else "Switch on"
    question = Question(f"{verb} {stream.name}", text, verb, _page(pk), danger=off)

    def do() -> str:
        rule = event_streams.switch_off if off else event_streams.switch_on
        rule(stream, by=user, reason=form.cleaned_data["reason"], at=timezone.now())
        return f"{stream.name} is switched {'off' if off else 'on'}."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def stream_verify(request: HttpRequest, pk: int) -> HttpResponse:
    user, form = _security(request), bound(forms.Form, request)
    stream = get_object_or_404(EventStream, pk=pk)
    text = "A verification event (SSF) that says nothing else. What became of it stands here in a moment."
    question = Question(f"Try out {stream.name}", text, "Send it", _page(pk))

    def do() -> str:
        event_streams.verify(stream, by=user, at=timezone.now())
        return "A verification event is on its way."

    return act(request, form, question, do)


@require_http_methods(["GET", "POST"])
def event_again(request: HttpRequest, pk: int) -> HttpResponse:
    user, form = _security(request), bound(forms.Form, request)
    event = get_object_or_404(SecurityEvent.objects.select_related("stream"), pk=pk)
    text = f"It was given up: {event.error}"
    question = Question("Try again", text, "Try again", _page(event.stream_id))

    def do() -> str:
        event_delivery.try_again(event, by=user, at=timezone.now())
        return "It is due again."

    return act(request, form, question, do)


def _security(request: HttpRequest) -> User:
    user = user_of(request)
    access.require_security(user)
    return user


def _page(pk: int) -> str:
    return reverse("runtime:stream-detail", args=[pk])


def _actions(stream: EventStream) -> list[dict[str, object]]:
    off = stream.enabled
    offers = [("stream-switch", "Switch off" if off else "Switch on", "power", off)]
    if stream.enabled:
        offers.insert(0, ("stream-verify", "Try out", "send", False))
    return [
        {
            "label": label,
            "url": reverse(f"runtime:{name}", args=[stream.pk]),
            "icon": icon,
            "danger": danger,
            "dialog": True,
        }
        for name, label, icon, danger in offers
    ]
