"""Pushes security events to their receivers (RFC 8935): one POST per event, again and again until it is taken.

A row is locked while it is sent and marked in the same transaction, so that two workers never send the same and a
killed one loses nothing. A crash between the answer and the commit sends again, with the same `jti`.
"""

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import QuerySet

from inventory import access
from inventory.audit import Actor
from inventory.public_web import Answer, Call, NotReached, Way, call
from inventory.rules import RuleBroken
from runtime import jose, security_events
from runtime.jose import BadJwt
from runtime.models import SecurityEvent

log = structlog.get_logger(__name__)
Status = SecurityEvent.Status

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(hours=6)
MOST_ATTEMPTS = 14  # about a day and a half
KEPT = timedelta(days=365)
SECONDS = 10.0  # for one run; the next one goes on


@dataclass
class Sent:
    """What one run did."""

    sent: int = 0
    failed: int = 0


def deliver(at: datetime, *, way: Way | None = None, seconds: float = SECONDS) -> Sent:
    """Sends what is due, until the time is over. A receiver that failed is left alone for the rest of the run."""
    result, until = Sent(), time.monotonic() + seconds
    failed: set[int] = set()
    while time.monotonic() < until and _next(at, failed, way or Way(), result):
        pass
    return result


def try_again(event: SecurityEvent, *, by: Actor, at: datetime) -> None:
    """What was given up is due again, with all its attempts."""
    access.require_security(by)
    if not event.stream.enabled:
        raise RuleBroken(f"{event.stream.name} is switched off. Switch it on first.")
    again = SecurityEvent.objects.filter(pk=event.pk, status=Status.FAILED)
    if not again.update(status=Status.WAITING, attempts=0, next_try_at=at):
        raise RuleBroken("It is not given up. Only what was given up can be tried again.")


def tidy(at: datetime) -> int:
    """Forgets what is over and older than a year."""
    old = SecurityEvent.objects.filter(created_at__lt=at - KEPT).exclude(status=Status.WAITING)
    return old.delete()[0]


def next_try(event: SecurityEvent, attempts: int, at: datetime) -> datetime:
    """Twice as long each time, a quarter more or less by the event, so that they do not all come back together."""
    wait = min(FIRST_WAIT * int(2 ** (attempts - 1)), LONGEST_WAIT)
    drawn = hashlib.sha256(f"{event.jti}/{attempts}".encode()).digest()[:4]
    return at + wait * (0.75 + 0.5 * int.from_bytes(drawn, "big") / 2**32)


def _next(at: datetime, failed: set[int], way: Way, result: Sent) -> bool:
    """One event in one transaction. Whether there was one to send."""
    with transaction.atomic():
        event = _due(at).exclude(stream__in=failed).first()
        if event is None:
            return False
        wrong = _push(event, at, way)
        event.attempts += 1
        event.error = wrong[:500]
        if not wrong:
            event.status, event.sent_at = Status.SENT, at
            result.sent += 1
        else:
            failed.add(event.stream_id)
            result.failed += 1
            event.next_try_at = next_try(event, event.attempts, at)
            if event.attempts >= MOST_ATTEMPTS:
                event.status = Status.FAILED
            log.warning("security_event.failed", event_id=event.pk, attempts=event.attempts)
        event.save(update_fields=["attempts", "error", "status", "sent_at", "next_try_at"])
    return True


def _due(at: datetime) -> QuerySet[SecurityEvent]:
    rows = SecurityEvent.objects.filter(
        status=Status.WAITING, stream__enabled=True, next_try_at__lte=at
    )
    return (
        rows.select_related("stream")
        .order_by("next_try_at", "pk")
        .select_for_update(of=("self",), skip_locked=True)
    )


def _push(event: SecurityEvent, at: datetime, way: Way) -> str:
    """Sends it once; what went wrong, in a sentence, or nothing."""
    headers = {"Content-Type": "application/secevent+jwt", "Accept": "application/json"}
    body = security_events.signed(event, at=at).encode()
    try:
        answer = call(Call("POST", event.stream.url, headers, body), way=way)
    except NotReached as error:
        return str(error)
    if 200 <= answer.status < 300:
        return ""
    return f"It answered {answer.status}{_said(answer)}."


def _said(answer: Answer) -> str:
    """The error code of the receiver (RFC 8935, section 2.3), if it gave one; nothing else of its answer is kept."""
    try:
        told = jose.json_of(answer.body)
    except BadJwt:
        return ""
    code = jose.text_of(told, "err", longest=60) if isinstance(told, dict) else ""
    return f" ({code})" if code.isascii() and code.replace("_", "").isalnum() else ""
