"""The outbox: what people and platforms are to be told, written in the same transaction as what happened."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.text import Truncator

from inventory import access
from inventory.models import Person, User
from inventory.rules import RuleBroken
from reviews.events import MAIL_TEST, URGENT
from reviews.models import Notification, Webhook

Status = Notification.Status


@dataclass(frozen=True)
class Message:
    """What happened (request.asked), to which row (request:42), in words, and where in Mandate it is dealt with."""

    event: str
    about: str
    title: str
    path: str
    body: str = ""
    payload: dict[str, Any] = field(default_factory=dict)  # for platforms; Any: JSON


def tell(person: Person, message: Message, *, at: datetime, key: str = "") -> None:
    """Puts a message to a person into the outbox. The same key again (default: event, row, person) says nothing
    twice. Unless it is urgent it waits a little for others, so that they become one e-mail."""
    key = key or f"{message.event}/{message.about}/person:{person.pk}"
    wait = timedelta(0) if message.event in URGENT else gathering()
    _put([Notification(**_fields(message, at, wait), person=person, key=key)])


def tell_platforms(message: Message, *, at: datetime) -> None:
    """Puts a message for every webhook that listens to the event into the outbox; the time makes it unique."""
    _put(
        [
            _for_webhook(hook, message, at)
            for hook in Webhook.objects.filter(enabled=True)
            if not hook.events or message.event in hook.events
        ]
    )


def tell_webhook(webhook: Webhook, message: Message, *, at: datetime) -> None:
    """Puts a message for this webhook into the outbox, whatever it listens to."""
    _put([_for_webhook(webhook, message, at)])


def drop(about: str) -> int:
    """Takes back what nobody has been told yet, because it is decided. Returns how many.

    What is on its way at this very moment is not waited for: a decision must not hang on somebody's mail server. Should
    that attempt fail, `overtaken.drop` takes it back before the next.
    """
    with transaction.atomic():
        waiting = Notification.objects.filter(about=about, status=Status.WAITING)
        rows = list(
            waiting.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True)
        )
        return Notification.objects.filter(pk__in=rows).update(status=Status.DROPPED)


def gathering() -> timedelta:
    """How long a message to a person waits for others."""
    return timedelta(minutes=settings.MAIL_GATHER_MINUTES)


def visible_to(user: User) -> QuerySet[Notification]:
    """Security and auditors see what everybody is told; everybody else what they are told."""
    return Notification.objects.all() if access.sees_all(user) else mine(user)


def mine(user: User) -> QuerySet[Notification]:
    """What the person behind this user was told."""
    if user.person_id is None or not user.is_active:
        return Notification.objects.none()
    return Notification.objects.filter(person=user.person_id)


def mark_read(rows: QuerySet[Notification], *, by: User, at: datetime) -> int:
    """Notes that the addressee has seen them. What is told to others stays as it is."""
    keys = mine(by).filter(read_at=None, pk__in=rows.order_by().values("pk")).values("pk")
    return Notification.objects.filter(pk__in=keys).update(read_at=at)


def test_mail(*, by: User, at: datetime) -> None:
    """Puts an e-mail to oneself into the outbox; it goes the way of all others."""
    access.require_security(by)
    if not settings.EMAIL_IS_SET_UP:
        raise RuleBroken("E-mail is not set up. Set EMAIL_URL and start Mandate again.")
    if by.person is None:
        raise RuleBroken(
            "Your user is linked to no person in the directory, and so has no address. Link it under Users."
        )
    message = Message(
        event=MAIL_TEST,
        about=f"user:{by.pk}",
        title="A test of e-mail from Mandate",
        path="/notifications/",
        body="If you read this in your mailbox, e-mail works.",
    )
    tell(by.person, message, at=at, key=f"{MAIL_TEST}/user:{by.pk}/{at.isoformat()}")


def _put(rows: list[Notification]) -> None:
    Notification.objects.bulk_create(rows, ignore_conflicts=True)


def _for_webhook(webhook: Webhook, message: Message, at: datetime) -> Notification:
    key = f"{message.event}/{message.about}/webhook:{webhook.pk}/{at.isoformat()}"
    return Notification(**_fields(message, at, timedelta(0)), webhook=webhook, key=key)


def _fields(message: Message, at: datetime, wait: timedelta) -> dict[str, Any]:  # Any: each column
    return {
        "event": message.event,
        "about": message.about,
        "title": Truncator(message.title).chars(300),
        "body": message.body,
        "path": message.path,
        "payload": message.payload,
        "created_at": at,
        "next_try_at": at + wait,
    }
