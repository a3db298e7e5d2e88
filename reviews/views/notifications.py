"""What the signed-in person was told; and for security and auditors, how e-mail and webhooks fare."""

from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from inventory import access, markup
from inventory.listing import listing
from inventory.rules import RuleBroken
from inventory.views.answers import Question, act, bound, readers_only, user_of
from reviews import notifications, outbox
from reviews.events import in_words
from reviews.models import Notification, Webhook
from reviews.notification_list import (
    DELIVERIES,
    NOTIFICATIONS,
    DeliveryFilter,
    NotificationFilter,
    addressee,
)

Status = Notification.Status


@require_GET
def notification_list(request: HttpRequest) -> HttpResponseBase:
    user = user_of(request)
    rows = notifications.mine(user)
    context = {
        "mail_is_set_up": settings.EMAIL_IS_SET_UP,
        "person": user.person_id,
        "any_unread": rows.filter(read_at=None).exists(),
    }
    asked = NotificationFilter(request.GET, rows, request=request)
    return listing(request, asked, NOTIFICATIONS, bulk=False, context=context)


@require_GET
def notification_open(request: HttpRequest, pk: int) -> HttpResponse:
    """To the page that it is about; noted as read for its addressee."""
    user = user_of(request)
    row = get_object_or_404(notifications.visible_to(user), pk=pk)
    notifications.mark_read(Notification.objects.filter(pk=pk), by=user, at=timezone.now())
    return redirect(urlsplit(row.path)._replace(scheme="", netloc="").geturl() or "/")


@require_POST
def notifications_read(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    rows = notifications.mine(user)
    number = notifications.mark_read(rows, by=user, at=timezone.now())
    messages.success(request, f"{number} marked as read." if number else "All were read already.")
    return redirect("reviews:notification-list")


@require_GET
def notification_settings(request: HttpRequest) -> HttpResponse:
    user = readers_only(request)
    people = Notification.objects.filter(person__isnull=False)
    last = people.filter(status=Status.SENT).order_by("-pk").first()
    at = timezone.now()
    context = {
        "mail_is_set_up": settings.EMAIL_IS_SET_UP,
        "facts": [
            *_server(),
            ("Links begin with", settings.PUBLIC_URL),
            ("Waiting", people.filter(status=Status.WAITING).count()),
            ("Given up", people.filter(status=Status.FAILED).count()),
            ("Last sent", markup.when(last.sent_at, at) if last else "Never"),
        ],
        "webhooks": [(each, listens_to(each)) for each in Webhook.objects.all()],
        "may_change": access.changes_all(user),
    }
    return render(request, "reviews/notification_settings.html", context)


@require_GET
def delivery_list(request: HttpRequest) -> HttpResponseBase:
    readers_only(request)
    rows = Notification.objects.select_related("person", "webhook")
    return listing(request, DeliveryFilter(request.GET, rows, request=request), DELIVERIES)


@require_http_methods(["GET", "POST"])
def delivery_again(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    access.require_security(user)
    row = get_object_or_404(Notification.objects.select_related("person", "webhook"), pk=pk)
    text = f"“{row.title}” to {addressee(row)} was given up: {row.error}"
    question = Question("Try again", text, "Try again", _page_of(row))

    def do() -> str:
        outbox.try_again(row, by=user, at=timezone.now())
        return "It is tried again within a minute."

    return act(request, bound(forms.Form, request), question, do)


@require_POST
def mail_test(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    access.require_security(user)
    try:
        notifications.test_mail(by=user, at=timezone.now())
        messages.success(request, "An e-mail to you is on its way.")
    except RuleBroken as error:
        messages.error(request, str(error))
    return redirect("reviews:notification-settings")


def listens_to(webhook: Webhook) -> str:
    return ", ".join(in_words(event) for event in webhook.events) or "Everything"


def _page_of(row: Notification) -> str:
    if row.webhook_id is not None:
        return reverse("reviews:webhook-detail", args=[row.webhook_id])
    return f"{reverse('reviews:delivery-list')}?status={Status.FAILED}"


def _server() -> list[tuple[str, object]]:
    """What is known of the mail server; never who signs in to it, nor how."""
    if not settings.EMAIL_IS_SET_UP:
        return []
    if "smtp" not in settings.EMAIL_BACKEND:
        return [("Server", "None: e-mails are written to where EMAIL_URL says")]
    safe = "TLS" if settings.EMAIL_USE_SSL else "STARTTLS" if settings.EMAIL_USE_TLS else "None"
    return [
        ("Server", f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"),
        ("Encryption", safe),
        ("From", settings.DEFAULT_FROM_EMAIL),
        ("Waits for others", f"{settings.MAIL_GATHER_MINUTES} min"),
        ("At most one in", f"{settings.MAIL_PAUSE_MINUTES} min, unless it is urgent"),
    ]
