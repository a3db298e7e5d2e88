"""The outbox: what people and platforms are to be told, written in the same transaction as what happened."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.text import Truncator

from inventory.models import Person
from reviews.models import Notification, Webhook


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
    twice."""
    key = key or f"{message.event}/{message.about}/person:{person.pk}"
    _put([Notification(**_fields(message, at), person=person, key=key)])


def tell_platforms(message: Message, *, at: datetime) -> None:
    """Puts a message for every webhook that listens to the event into the outbox; the time makes it unique."""
    _put(
        [
            Notification(
                **_fields(message, at),
                webhook=hook,
                key=f"{message.event}/{message.about}/webhook:{hook.pk}/{at.isoformat()}",
            )
            for hook in Webhook.objects.filter(enabled=True)
            if not hook.events or message.event in hook.events
        ]
    )


def drop(about: str) -> int:
    """Takes back what nobody has been told yet, because it is decided. Returns how many."""
    return Notification.objects.filter(about=about, status=Notification.Status.WAITING).update(
        status=Notification.Status.DROPPED
    )


def _put(rows: list[Notification]) -> None:
    Notification.objects.bulk_create(rows, ignore_conflicts=True)


def _fields(message: Message, at: datetime) -> dict[str, Any]:  # Any: of each column
    return {
        "event": message.event,
        "about": message.about,
        "title": Truncator(message.title).chars(300),
        "body": message.body,
        "path": message.path,
        "payload": message.payload,
        "created_at": at,
        "next_try_at": at,
    }
