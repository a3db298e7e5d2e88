"""Reminders: access that ends soon, and requests that still wait for an answer; each told once."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Q
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual

from inventory.markup import address
from inventory.models import Grant
from inventory.models.moments import ends_after, ends_by
from inventory.models.person import can_answer
from reviews.models import AccessRequest, Approval
from reviews.notifications import gathering

# Access for less than this ends as it was planned, within somebody's working day: a reminder would only be noise.
SHORTEST = timedelta(days=1)

# What is known under its key already is left alone, whoever else is at work.
_PUT = """
INSERT INTO reviews_notification (
    event, about, key, person_id, title, body, path, payload, status, created_at, next_try_at, attempts, error)
SELECT %s, r.about, r.key, r.person_id, left(r.title, 300), r.body, r.path, '{{}}', 'waiting', %s, %s, 0, ''
FROM ({rows}) r
WHERE NOT EXISTS (SELECT 1 FROM reviews_notification n WHERE n.key = r.key)
ON CONFLICT (key) DO NOTHING
"""
_ENDING = """
    SELECT 'grant:' || g.id AS about,
        'grant.ends/grant:' || g.id || '/' || extract(epoch FROM g.expires_at) AS key,
        g.owner_id AS person_id,
        g.identity_name || ': ' || g.entitlement_name || ' ends on '
            || to_char(g.expires_at AT TIME ZONE 'UTC', 'FMDD Mon YYYY') AS title,
        'Extend it if it is still needed. Otherwise it ends by itself.' AS body,
        %s || g.id || '/' AS path
    FROM ({grants}) AS g(id, expires_at, owner_id, identity_name, entitlement_name)
"""
# A slot that has all the approvals it needs waits for nobody.
_WAITING = """
    SELECT 'request:' || a.request_id AS about,
        'request.waits/request:' || a.request_id || '/person:' || a.person_id AS key,
        a.person_id,
        a.identity_name || ' still waits for your answer' AS title,
        a.reason || ' Answer by '
            || to_char(a.answer_by AT TIME ZONE 'UTC', 'FMDD Mon YYYY HH24:MI') || ' UTC.' AS body,
        %s || a.request_id || '/' AS path
    FROM ({approvals}) AS a(request_id, person_id, slot, needed, identity_name, reason, answer_by)
    WHERE (SELECT count(*) FROM reviews_approval given
           WHERE given.request_id = a.request_id AND given.slot = a.slot AND given.answer = 'approved')
        < COALESCE((a.needed ->> a.slot)::int, 1)
"""


def remind(at: datetime) -> dict[str, int]:
    """Puts the reminders that are due into the outbox. Running it twice, or twice at once, tells nobody twice."""
    return {"ending": _ending(at), "waiting": _waiting(at)}


def ending(at: datetime) -> Any:  # Any: Django's own, with annotations
    """Grants in force whose end is near: so many days before, and for short access when three quarters are over."""
    notice = timedelta(days=settings.REMIND_DAYS)
    begins = Coalesce("starts_at", "first_seen_at", output_field=DateTimeField())
    life = ExpressionWrapper(F("expires_at") - F("begins"), output_field=DurationField())
    late = ExpressionWrapper(F("expires_at") - F("life") / 4, output_field=DateTimeField())
    rows = Grant.objects.effective(at).filter(ends_after(at), ends_by(at + notice))
    rows = rows.annotate(begins=begins).annotate(life=life)
    return rows.filter(
        Q(LessThanOrEqual(late, at)) | Q(life__gte=4 * notice),
        GreaterThanOrEqual(F("life"), SHORTEST),
        can_answer(at, "identity__owner__"),
        identity__owner__isnull=False,
    )


def waiting(at: datetime) -> Any:  # Any: Django's own
    """Questions without an answer when three quarters of the time are over."""
    time = ExpressionWrapper(F("request__answer_by") - F("asked_at"), output_field=DurationField())
    late = ExpressionWrapper(F("request__answer_by") - F("time") / 4, output_field=DateTimeField())
    open_requests = AccessRequest.objects.waiting(at).order_by().values("pk")
    rows = Approval.objects.filter(answer="", person__isnull=False, request__in=open_requests)
    return rows.annotate(time=time).filter(can_answer(at, "person__"), Q(LessThanOrEqual(late, at)))


def _ending(at: datetime) -> int:
    found = ending(at).order_by().values_list(
        "pk", "expires_at", "identity__owner_id", "identity__name", "entitlement__name"
    )  # fmt: skip
    return _put("grant.ends", _ENDING, "grants", found, address("inventory:grant-detail"), at)


def _waiting(at: datetime) -> int:
    found = waiting(at).order_by().values_list(
        "request_id", "person_id", "slot", "request__needed", "request__identity__name",
        "request__reason", "request__answer_by",
    )  # fmt: skip
    return _put(
        "request.waits", _WAITING, "approvals", found, address("reviews:request-detail"), at
    )


def _put(event: str, told: str, name: str, found: Any, page: Any, at: datetime) -> int:
    """One statement: finds, words and inserts. Any: Django's own, and a function of a key."""
    inner, values = found.query.sql_with_params()
    sql = _PUT.format(rows=told.format(**{name: inner}))
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            [event, at, at + gathering(), page("").removesuffix("/"), *values],
        )
        return int(cursor.rowcount)
