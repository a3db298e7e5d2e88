"""Receivers of security events: added, changed, switched off and on, tried out. By security only."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError

from inventory import access, audit
from inventory.audit import Actor
from inventory.public_web import require_address
from inventory.rules import RuleBroken
from runtime import security_events
from runtime.models import EventStream, SecurityEvent

Status = SecurityEvent.Status


def create(
    *, name: str, url: str, audience: str = "", events: Sequence[str] = (), by: Actor, at: datetime
) -> EventStream:
    """A receiver that is told from now on. Without an audience, its address is the audience."""
    access.require_security(by)
    name, url = name.strip(), url.strip()
    if not name:
        raise RuleBroken("There is no name. Say who receives the events.")
    require_address(url)
    unknown = sorted(set(events) - set(security_events.TYPES))
    if unknown:
        raise RuleBroken(f"There is no event “{unknown[0]}”.")
    try:
        with audit.acting(by, "event_stream.created"):
            return EventStream.objects.create(
                name=name,
                url=url,
                audience=audience.strip() or url,
                events=list(events),
                created_at=at,
            )
    except IntegrityError as error:
        raise RuleBroken(f"There is a stream “{name}” already. Choose another name.") from error


def switch_off(stream: EventStream, *, by: Actor, reason: str, at: datetime) -> None:
    """It is told nothing more; what waits for it is dropped."""
    access.require_security(by)
    with audit.acting(by, "event_stream.switched_off", reason):
        EventStream.objects.filter(pk=stream.pk).update(enabled=False)
        waiting = stream.deliveries.filter(status=Status.WAITING)
        waiting.update(status=Status.DROPPED, error="The stream was switched off.")


def switch_on(stream: EventStream, *, by: Actor, reason: str, at: datetime) -> None:
    """It is told what happens from now on."""
    access.require_security(by)
    with audit.acting(by, "event_stream.switched_on", reason):
        EventStream.objects.filter(pk=stream.pk).update(enabled=True)


def verify(stream: EventStream, *, by: Actor, at: datetime) -> SecurityEvent:
    """Sends it an event that says nothing but that the stream works."""
    access.require_security(by)
    if not stream.enabled:
        raise RuleBroken(f"{stream.name} is switched off. Switch it on first.")
    return security_events.verify(stream, state=secrets.token_urlsafe(16), at=at)
