"""Sends what waits in the outbox: each person one e-mail from everything that waits, each webhook one POST a message.

What is promised. A row is locked (FOR UPDATE SKIP LOCKED) while it is sent and marked in the same transaction, so two
workers never send the same, and a worker that is killed leaves everything unmarked and unlocked: nothing is lost, and
what was not sent yet is sent once. What remains is the moment between the answer of the mail server (or receiver) and
the commit: a crash just there sends again. No sender can close that gap, so both are at least once; the e-mail then
carries the same Message-ID, the POST the same webhook-id, by which the receiver drops the double.
"""

import hashlib
import smtplib
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from inventory import access
from inventory.models import User
from inventory.public_web import Way
from inventory.rules import RuleBroken
from reviews import digests, overtaken, webhook_delivery
from reviews.events import URGENT
from reviews.models import Notification
from reviews.webhook_delivery import NotDelivered

log = structlog.get_logger(__name__)
Status = Notification.Status

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
MOST_ATTEMPTS = 12  # about a day
TOO_OLD = timedelta(days=3)  # to write an e-mail about; it stands in Mandate all the same
KEPT = timedelta(days=365)
SECONDS = 10.0  # for one run; the next one goes on
# Any fixed number: whoever holds this advisory lock puts e-mails together; the sending is not under it.
_GATHERING = 0x6D616E64_6D61696C
# After one of these, as after an error of the network, the mail server takes no other e-mail either.
_NO_SERVER = (
    smtplib.SMTPServerDisconnected,
    smtplib.SMTPConnectError,
    smtplib.SMTPAuthenticationError,
    smtplib.SMTPHeloError,
)
_NO_MAIL = (OSError, ValueError)  # SMTPException is an OSError; ValueError: an address that is none

# Somebody whose last e-mail is still being tried, or came a moment ago, gets the next one later; what is urgent goes at
# once and takes along what waits.
_GATHER = """
WITH person AS MATERIALIZED (  -- run once: a second run would give each row of a person another e-mail
    SELECT w.person_id, gen_random_uuid() AS batch
    FROM reviews_notification w
    WHERE w.status = 'waiting' AND w.person_id IS NOT NULL AND w.batch IS NULL
    GROUP BY w.person_id
    HAVING bool_or(w.next_try_at <= %(at)s) AND (
        bool_or(w.event = ANY(%(urgent)s))
        OR NOT EXISTS (
            SELECT 1 FROM reviews_notification b WHERE b.person_id = w.person_id
            AND (b.sent_at > %(pause)s OR (b.status = 'waiting' AND b.batch IS NOT NULL))))
)
UPDATE reviews_notification n SET batch = person.batch, next_try_at = %(at)s FROM person
WHERE n.person_id = person.person_id AND n.status = 'waiting' AND n.batch IS NULL
"""


@dataclass
class Sent:
    """What one run did."""

    sent: int = 0
    failed: int = 0


def deliver_mail(at: datetime, *, seconds: float = SECONDS) -> Sent:
    """Sends e-mails that are due, until the time is over. Without a mail server nothing happens: what is told then
    stands in Mandate only."""
    result, until = Sent(), time.monotonic() + seconds
    if not settings.EMAIL_IS_SET_UP:
        return result
    overtaken.drop(at)
    _pass_over_old(at)
    _gather(at)
    tried: set[UUID] = set()
    while time.monotonic() < until and (batch := _due_batch(at, tried)):
        tried.add(batch)
        if not _send(batch, at, result):
            break
    return result


def deliver_webhooks(at: datetime, *, way: Way | None = None, seconds: float = SECONDS) -> Sent:
    """Posts messages that are due, until the time is over. In no order; a webhook that failed is left alone for the
    rest of the run, so that one dead receiver does not keep the others waiting."""
    result, until = Sent(), time.monotonic() + seconds
    overtaken.drop(at)
    failed: set[int] = set()
    while time.monotonic() < until and _post_next(at, failed, way or Way(), result):
        pass
    return result


def next_try(key: str, attempts: int, at: datetime) -> datetime:
    """When to try again after so many attempts: twice as long each time, up to a limit, a quarter more or less by the
    message, so that a thousand that failed together do not come back together."""
    wait = min(FIRST_WAIT * int(2 ** (attempts - 1)), LONGEST_WAIT)
    drawn = int.from_bytes(hashlib.sha256(f"{key}/{attempts}".encode()).digest()[:4], "big")
    return at + wait * (0.75 + 0.5 * drawn / 2**32)


def try_again(notification: Notification, *, by: User, at: datetime) -> None:
    """Somebody has mended the cause: what was given up is due again, with all its attempts."""
    access.require_security(by)
    if notification.webhook is not None and not notification.webhook.enabled:
        raise RuleBroken(f"{notification.webhook.name} is switched off. Switch it on first.")
    again = Notification.objects.filter(pk=notification.pk, status=Status.FAILED)
    if not again.update(status=Status.WAITING, attempts=0, next_try_at=at, batch=None):
        raise RuleBroken("It is not given up. Only what was given up can be tried again.")


def tidy(at: datetime) -> int:
    """Forgets what is over and older than a year."""
    old = Notification.objects.filter(created_at__lt=at - KEPT).exclude(status=Status.WAITING)
    return old.delete()[0]


def _pass_over_old(at: datetime) -> None:
    """After e-mail was away for days, or was set up only now, nobody gets a flood of old news."""
    old = Notification.objects.filter(
        status=Status.WAITING, person__isnull=False, next_try_at__lt=at - TOO_OLD
    )
    with transaction.atomic():
        locked = old.order_by("pk").select_for_update(skip_locked=True, of=("self",))
        keys = list(locked.values_list("pk", flat=True))
        said = f"It could not be sent within {TOO_OLD.days} days."
        Notification.objects.filter(pk__in=keys).update(status=Status.FAILED, error=said)


def _gather(at: datetime) -> None:
    """Puts what waits for each person into one e-mail, which keeps its rows and its name at every attempt."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_GATHERING])
        if not cursor.fetchone()[0]:
            return
        pause = at - timedelta(minutes=settings.MAIL_PAUSE_MINUTES)
        cursor.execute(_GATHER, {"at": at, "pause": pause, "urgent": sorted(URGENT)})


def _due_batch(at: datetime, tried: set[UUID]) -> UUID | None:
    due = Notification.objects.filter(
        status=Status.WAITING, batch__isnull=False, next_try_at__lte=at
    )
    return (
        due.exclude(batch__in=tried)
        .order_by("next_try_at", "pk")
        .values_list("batch", flat=True)
        .first()
    )


def _send(batch: UUID, at: datetime, result: Sent) -> bool:
    """One e-mail in one transaction. Whether the mail server can be asked for more."""
    with transaction.atomic():
        rows = _locked(batch, at)
        person = rows[0].person if rows else None
        if person is None:
            return True
        if not person.can_answer(at):
            _mark(rows, status=Status.DROPPED, error=f"{person.name} has left.")
            return True
        try:
            digests.compose(person, rows, batch=batch).send()
        except _NO_MAIL as error:
            said = str(error) or type(error).__name__
            _failed(rows, f"{type(error).__name__}: {said}", at, key=str(batch))
            result.failed += 1
            return _is_about_this_mail(error)
        _mark(rows, status=Status.SENT, sent_at=at, error="", attempts=rows[0].attempts + 1)
        result.sent += 1
        return True


def _is_about_this_mail(error: Exception) -> bool:
    if isinstance(error, smtplib.SMTPException):
        return not isinstance(error, _NO_SERVER)
    return isinstance(error, ValueError)


def _locked(batch: UUID, at: datetime) -> list[Notification]:
    """All rows of the e-mail, or none when another worker has them or just tried."""
    whole = Notification.objects.filter(batch=batch, status=Status.WAITING)
    due = whole.filter(next_try_at__lte=at).select_related("person").order_by("pk")
    rows = list(due.select_for_update(of=("self",), skip_locked=True))
    return rows if len(rows) == whole.count() else []


def _post_next(at: datetime, failed: set[int], way: Way, result: Sent) -> bool:
    """One POST in one transaction. Whether there was one to make."""
    with transaction.atomic():
        row = _due_posts(at).exclude(webhook_id__in=failed).first()
        if row is None or row.webhook_id is None:
            return False
        try:
            webhook_delivery.deliver(row, at=at, way=way)
        except NotDelivered as error:
            failed.add(row.webhook_id)
            _failed([row], str(error), at, key=row.key)
            result.failed += 1
        else:
            _mark([row], status=Status.SENT, sent_at=at, error="", attempts=row.attempts + 1)
            result.sent += 1
    return True


def _due_posts(at: datetime) -> QuerySet[Notification]:
    due = Notification.objects.filter(
        status=Status.WAITING, webhook__enabled=True, next_try_at__lte=at
    )
    return (
        due.select_related("webhook")
        .order_by("next_try_at", "pk")
        .select_for_update(of=("self",), skip_locked=True)
    )


def _failed(rows: list[Notification], said: str, at: datetime, *, key: str) -> None:
    """Tried again later, or given up with the reason. Rows that go together have been tried equally often."""
    attempts = rows[0].attempts + 1
    status = Status.FAILED if attempts >= MOST_ATTEMPTS else Status.WAITING
    _mark(
        rows,
        status=status,
        attempts=attempts,
        next_try_at=next_try(key, attempts, at),
        error=said[:500],
    )
    log.warning("notification.failed", rows=[row.pk for row in rows], attempts=attempts)


def _mark(rows: list[Notification], **values: object) -> None:
    Notification.objects.filter(pk__in=[row.pk for row in rows]).update(**values)
