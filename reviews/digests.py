"""One e-mail from everything that waits for a person: grouped, the newest first, each with its link."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.text import Truncator

from inventory.models import Person
from reviews import events, links
from reviews.models import Notification

SHOWN = 25  # of each group; the rest is counted, and stands in Mandate


@dataclass(frozen=True)
class Item:
    title: str
    text: str
    url: str


@dataclass(frozen=True)
class Group:
    heading: str
    items: list[Item]
    more: int


def compose(person: Person, rows: Sequence[Notification], *, batch: UUID) -> EmailMultiAlternatives:
    """The e-mail. Its Message-ID is that of the batch at every attempt, so that a mail system can drop a double; an
    automatic answer is asked not to come (RFC 3834)."""
    groups = grouped(rows)
    subject = _subject(rows)
    context = {
        "subject": subject,
        "name": person.name,
        "groups": groups,
        "all_url": links.absolute("/notifications/"),
        "host": links.host(),
    }
    message = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string("reviews/mail/digest.txt", context),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[person.email],
        headers={
            "Message-ID": f"<{batch}@{links.host()}>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
    )
    message.attach_alternative(render_to_string("reviews/mail/digest.html", context), "text/html")
    return message


def grouped(rows: Sequence[Notification]) -> list[Group]:
    """By what is to be done, the newest first."""
    newest = sorted(rows, key=lambda row: (row.created_at, row.pk), reverse=True)
    groups = []
    for heading in events.HEADINGS:
        found = [row for row in newest if events.heading(row.event) == heading]
        items = [
            Item(_line(row.title), row.body, links.absolute(row.path)) for row in found[:SHOWN]
        ]
        if items:
            groups.append(Group(heading, items, len(found) - len(items)))
    return groups


def _subject(rows: Sequence[Notification]) -> str:
    """The one thing that it is about, or how many wait and how many others there are."""
    if len(rows) == 1:
        return Truncator(_line(rows[0].title)).chars(120)
    waiting = sum(events.heading(row.event) == events.DECIDE for row in rows)
    others = len(rows) - waiting
    if not waiting:
        return f"{others} notices from Mandate"
    said = f"{waiting} decision{'s wait' if waiting > 1 else ' waits'} for you"
    return f"{said}, and {others} other notice{'s' if others > 1 else ''}" if others else said


def _line(text: str) -> str:
    """On one line: what comes from outside must not write a header of its own."""
    return " ".join(text.split())
