"""Counts tool calls into tallies: what arrived since the last time, day by day and identity by identity.

Calls of tools count: neither an agent's own run nor the second end of a call does (runtime/counting.py).

A day of an identity is counted anew as a whole whenever a call of it arrives, because a later call can change what an
earlier one means: the person of a trace is often named in another span.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from runtime.counting import counts_sql
from runtime.covering import HELD_SQL, RULES_SQL
from runtime.models import CallTally, TallyMark

# Any fixed number: whoever holds this advisory lock counts.
_LOCK = 0x6D616E64_74616C79
_AT_ONCE = 2_000  # pairs of day and identity in one transaction
SETTLES = timedelta(minutes=2)  # until it is clear whose a call was, and what its transaction wrote
ANEW = timedelta(days=2)  # counted anew each night, for what came out of order

_ARRIVED = """
SELECT (started_at AT TIME ZONE 'UTC')::date, COALESCE(identity_id, 0), min(started_at)
FROM runtime_toolcall WHERE position > %s AND position <= %s GROUP BY 1, 2
"""
_OF_DAYS = """
SELECT DISTINCT (started_at AT TIME ZONE 'UTC')::date, COALESCE(identity_id, 0)
FROM runtime_toolcall WHERE started_at >= %s AND started_at < %s
  AND (%s::bigint[] IS NULL OR identity_id = ANY(%s::bigint[]))
"""
_DELETE = """
DELETE FROM runtime_calltally t USING unnest(%(days)s::date[], %(ids)s::bigint[]) AS p(day, id)
WHERE t.day = p.day AND COALESCE(t.identity_id, 0) = p.id
"""
# A person is named if the call, its task or any call of its trace names one.
_INSERT = f"""
WITH pairs AS MATERIALIZED (
    SELECT p.day, p.id, (p.day::timestamp AT TIME ZONE 'UTC') AS begins
    FROM unnest(%(days)s::date[], %(ids)s::bigint[]) AS p(day, id)
), picked AS MATERIALIZED (
    SELECT p.day, c.* FROM pairs p
    JOIN runtime_toolcall c ON c.identity_id = p.id
        AND c.started_at >= p.begins AND c.started_at < p.begins + interval '1 day'
    WHERE p.id > 0 AND c.started_at >= %(from)s AND c.started_at < %(to)s
    UNION ALL
    SELECT p.day, c.* FROM pairs p
    JOIN runtime_toolcall c ON c.identity_id IS NULL
        AND c.started_at >= p.begins AND c.started_at < p.begins + interval '1 day'
    WHERE p.id = 0 AND c.started_at >= %(from)s AND c.started_at < %(to)s
), named AS MATERIALIZED (
    SELECT DISTINCT c.trace_id FROM runtime_toolcall c
    WHERE c.on_behalf_of_id IS NOT NULL AND c.trace_id <> ''
      AND c.started_at >= %(from)s - interval '1 day' AND c.started_at < %(to)s + interval '1 day'
      AND c.trace_id IN (SELECT trace_id FROM picked)
), asked AS MATERIALIZED (
    SELECT DISTINCT identity_id, provider, tool_name, system, resource FROM picked
    WHERE identity_id IS NOT NULL
), rules AS MATERIALIZED ({RULES_SQL}), told AS (
    SELECT c.day, c.identity_id, CASE WHEN c.identity_id IS NULL THEN left(c.agent_name, 300) ELSE '' END AS agent,
        t.id AS task_id, left(c.provider, 300) AS provider, left(c.tool_name, 300) AS tool_name,
        left(c.system, 300) AS system, c.started_at, c.outcome,
        COALESCE(c.writes, tool.writes, false) AS writes,
        c.on_behalf_of_id IS NOT NULL OR t.on_behalf_of_id IS NOT NULL OR n.trace_id IS NOT NULL AS accompanied,
        t.ended_at IS NOT NULL AND c.started_at > t.ended_at AS late,
        c.kind = 'handoff' OR (c.kind = 'agent' AND c.agent_name <> '' AND c.tool_name <> c.agent_name) AS handed,
        d.id IS NOT NULL AS decided,
        COALESCE(d.permitted AND cardinality(d.policies) > 0, false) OR {HELD_SQL} OR EXISTS (
            SELECT FROM rules r WHERE r.identity_id = c.identity_id AND r.provider = c.provider
              AND r.tool_name = c.tool_name AND r.system = c.system AND r.resource = c.resource
              AND (r.starts_at IS NULL OR r.starts_at <= c.started_at)
              AND (r.ends_at IS NULL OR r.ends_at > c.started_at)
              AND (r.task_id IS NULL OR r.task_id = c.task_id)) AS covered
    FROM picked c
    LEFT JOIN inventory_task t ON t.id = c.task_id
    LEFT JOIN inventory_tool tool ON tool.id = c.tool_id
    LEFT JOIN runtime_decision d ON d.id = c.decision_id
        AND d.made_at BETWEEN c.started_at - interval '5 minutes' AND c.started_at + interval '1 minute'
    LEFT JOIN named n ON n.trace_id = c.trace_id
    WHERE {counts_sql("c")}
)
INSERT INTO runtime_calltally (day, identity_id, agent_name, task_id, provider, tool_name, system, calls, writes,
    accompanied, alone, alone_writes, late, handed, decided, covered, failed, denied, first_at, last_at)
SELECT day, i.id, agent, task_id, provider, tool_name, system, count(*), count(*) FILTER (WHERE writes),
    count(*) FILTER (WHERE accompanied), count(*) FILTER (WHERE NOT accompanied),
    count(*) FILTER (WHERE NOT accompanied AND writes), count(*) FILTER (WHERE late),
    count(*) FILTER (WHERE handed), count(*) FILTER (WHERE decided), count(*) FILTER (WHERE covered),
    count(*) FILTER (WHERE outcome = 'error'), count(*) FILTER (WHERE outcome = 'denied'),
    min(started_at), max(started_at)
FROM told LEFT JOIN inventory_identity i ON i.id = told.identity_id
GROUP BY day, i.id, agent, task_id, provider, tool_name, system
"""


@dataclass(frozen=True)
class Counted:
    """Whose calls were counted, and the first moment among those that arrived; `pairs` of day and identity."""

    identities: frozenset[int] = field(default=frozenset())
    since: datetime | None = None
    pairs: int = 0


def count_arrived(at: datetime) -> Counted:
    """Counts what arrived since the last time. Nothing twice, whoever else is at work; a killed run changes nothing.

    What arrived in the last minutes is looked at again: only then has its trace settled.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return Counted()
        mark, _ = TallyMark.objects.get_or_create(
            pk=1, defaults={"position": -1, "settled": -1, "taken_at": at}
        )
        cursor.execute("SELECT COALESCE(max(position), -1) FROM runtime_toolcall")
        head = int(cursor.fetchone()[0])
        if head <= mark.settled:
            return Counted()
        cursor.execute(_ARRIVED, [mark.settled, head])
        arrived = cursor.fetchall()
        counted = _count([(day, key) for day, key, _ in arrived])
        if mark.taken_at <= at - SETTLES:
            mark.settled, mark.position, mark.taken_at = mark.position, head, at
        elif mark.position == -1:
            mark.position = head
        mark.save()
    return replace(counted, since=min((moment for *_, moment in arrived), default=None))


def count_days(begin: date, end: date, *, identities: Iterable[int] | None = None) -> Counted:
    """Counts the days anew, the last one included: after something else became known about their calls."""
    ids = None if identities is None else list(identities)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(_OF_DAYS, [begin, end + timedelta(days=1), ids, ids])
        pairs = set(cursor.fetchall())
        known = CallTally.objects.filter(day__range=(begin, end))
        if ids is not None:
            known = known.filter(Q(identity__in=ids) | Q(identity=None))
        pairs |= {(day, key or 0) for day, key in known.values_list("day", "identity_id")}
        return _count(list(pairs))


def _count(pairs: list[tuple[date, int]]) -> Counted:
    if not pairs:
        return Counted()
    pairs = sorted(pairs)
    for start in range(0, len(pairs), _AT_ONCE):
        _recount(pairs[start : start + _AT_ONCE])
    known = frozenset(key for _, key in pairs if key)
    return Counted(known, _midnight(pairs[0][0]), len(pairs))


def _recount(pairs: list[tuple[date, int]]) -> None:
    days, ids = (list(column) for column in zip(*pairs, strict=True))
    given: dict[str, Any] = {  # Any: parameters of several types
        "days": days, "ids": ids, "from": _midnight(min(days)), "to": _midnight(max(days)) + timedelta(days=1),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_DELETE, given)
        cursor.execute(_INSERT, given)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
