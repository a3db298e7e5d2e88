"""Finds what does not fit among the calls that arrived, and keeps what people made of it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from inventory import access, audit, signals
from inventory.models import User
from inventory.rules import RuleBroken
from runtime.counting import one_end_sql
from runtime.covering import RULES_SQL
from runtime.deviation_rules import ALL, DENIAL_MINUTES
from runtime.models import Deviation

BY = "job deviations"
NEAR = timedelta(
    minutes=DENIAL_MINUTES
)  # what happened shortly before counts for bursts and storms
_CALLER_RULES = RULES_SQL.replace("FROM asked\n", "FROM asked_of_callers asked\n")
# Who asked: an agent that invoked, or handed over to, the caller's agent, in the same trace.
_FIND = f"""
WITH calls AS MATERIALIZED (
    SELECT c.*, COALESCE(c.writes, t.writes, false) AS changes,
        COALESCE(NULLIF(c.system, ''), c.provider) AS place
    FROM runtime_toolcall c LEFT JOIN inventory_tool t ON t.id = c.tool_id
    WHERE c.identity_id = ANY(%(ids)s::bigint[]) AND c.started_at >= %(from)s AND c.started_at < %(to)s
      AND c.kind = 'tool' AND {one_end_sql("c")}
), asked AS MATERIALIZED (
    SELECT DISTINCT identity_id, provider, tool_name, system, resource FROM calls
), rules AS MATERIALIZED ({RULES_SQL}), lists AS MATERIALIZED (
    SELECT g.task_id, bool_and(e.writes IS FALSE) AS only_reads
    FROM inventory_grant g JOIN inventory_entitlement e ON e.id = g.entitlement_id
    WHERE g.task_id IN (SELECT task_id FROM calls) GROUP BY g.task_id
), callers AS MATERIALIZED (
    SELECT DISTINCT c.id AS call_id, p.identity_id AS caller_id, c.provider, c.tool_name, c.system, c.resource
    FROM calls c JOIN runtime_toolcall p ON p.trace_id = c.trace_id
        AND p.started_at >= %(from)s - interval '1 day' AND p.started_at < %(to)s
        AND p.kind IN ('agent', 'handoff') AND p.identity_id <> c.identity_id
        AND (p.span_id = c.parent_span_id OR p.tool_name = c.agent_name)
    WHERE c.trace_id <> ''
), holders AS MATERIALIZED (
    SELECT DISTINCT caller_id, caller_id AS holder_id FROM callers
    UNION SELECT d.delegate_id, d.delegator_identity_id FROM inventory_delegation d
    WHERE d.delegate_id IN (SELECT caller_id FROM callers) AND d.delegator_identity_id IS NOT NULL
      AND d.revoked_at IS NULL AND d.gone_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > %(from)s)
), asked_of_callers AS MATERIALIZED (
    SELECT DISTINCT h.holder_id AS identity_id, a.provider, a.tool_name, a.system, a.resource
    FROM callers a JOIN holders h USING (caller_id)
), caller_rules AS MATERIALIZED ({_CALLER_RULES}), found (
    key, rule, severity, identity_id, task_id, trace_id, call, happened_at, detail
) AS ({" UNION ALL ".join(f"({rule})" for rule in ALL)})
INSERT INTO runtime_deviation (key, rule, severity, identity_id, task_id, trace_id, call, happened_at, detail,
    found_at, outcome, note)
SELECT left(f.key, 200), f.rule, f.severity, f.identity_id, t.id, left(f.trace_id, 32), f.call, f.happened_at,
    f.detail, %(at)s, '', ''
FROM found f LEFT JOIN inventory_task t ON t.id = f.task_id
WHERE NOT EXISTS (SELECT FROM runtime_deviation d WHERE d.key = left(f.key, 200))
ON CONFLICT (key) DO NOTHING
RETURNING identity_id
"""
WEIGHT = {1: 5, 2: 15, 3: 35, 4: 60}
MOST = 100


def find(at: datetime, *, identities: Iterable[int], since: datetime) -> int:
    """Judges the calls of these identities from the moment on; what was found before is not found again. Returns how
    many deviations are new."""
    ids = sorted(identities)
    if not ids:
        return 0
    given: dict[str, Any] = {
        "ids": ids,
        "from": since - NEAR,
        "to": at + timedelta(days=1),
        "at": at,
    }
    with audit.acting(BY, "deviation.found"), connection.cursor() as cursor:
        cursor.execute(_FIND, given)
        found = [row[0] for row in cursor.fetchall()]
        signals.announce_changed(found)
    return len(found)


@transaction.atomic
def triage(deviation: Deviation, *, outcome: str, note: str, by: User, at: datetime) -> Deviation:
    """Says what it was. The first answer stays; answering twice is not an error."""
    access.require(by, "triage", deviation)
    if outcome not in Deviation.Outcome.values:
        raise RuleBroken(f"“{outcome}” is no outcome. Choose expected, mistake or misuse.")
    if not note.strip():
        raise RuleBroken("There is no note. Say in a sentence what you found.")
    with audit.acting(by, "deviation.triaged", note):
        Deviation.objects.filter(pk=deviation.pk, triaged_at=None).update(
            triaged_at=at, triaged_by=by, outcome=outcome, note=note
        )
        signals.announce_changed([deviation.identity_id])
    return Deviation.objects.get(pk=deviation.pk)


def score(severities: Iterable[int]) -> int:
    """From 0 to 100: 5 for each low, 15 medium, 35 high, 60 critical deviation that nobody called expected."""
    return min(sum(WEIGHT[severity] for severity in severities), MOST)
