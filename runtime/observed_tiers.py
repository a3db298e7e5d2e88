"""The observed tier of identities: computed from what was counted, kept over time, told when it rises."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from inventory import signals as inventory_signals
from inventory import summaries
from inventory.models import Identity
from runtime import signals
from runtime.models import ObservedTier
from runtime.tier_rule import HOLDS_SQL, NAMES, TIER_SQL, WINDOW, Evidence, Line, lines

# Any fixed number: whoever holds this advisory lock writes observed tiers.
_LOCK = 0x6D616E64_74696572
_HANDS_ON = "('orchestrate', 'on_behalf_of', 'impersonate', 'run_as')"

# What is given counts for agents only: a role that is assumed gives nobody orders.
_EVIDENCE = f"""
    SELECT i.id, COALESCE(c.calls, 0) AS calls, COALESCE(c.tools, 0) AS tools, COALESCE(c.systems, 0) AS systems,
        COALESCE(c.writes, 0) AS writes, COALESCE(c.accompanied, 0) AS accompanied, COALESCE(c.alone, 0) AS alone,
        COALESCE(c.alone_writes, 0) AS alone_writes, COALESCE(c.late, 0) AS late, COALESCE(c.handed, 0) AS handed,
        COALESCE(h.held, 0) AS held_tools, COALESCE(h.writing, 0) AS held_writes,
        COALESCE(d.given, 0) AS given, COALESCE(d.passed_on, 0) AS passed_on
    FROM inventory_identity i
    LEFT JOIN (
        SELECT identity_id, sum(calls) AS calls, count(DISTINCT (provider, tool_name)) AS tools,
            count(DISTINCT COALESCE(NULLIF(system, ''), provider)) AS systems, sum(writes) AS writes,
            sum(accompanied) AS accompanied, sum(alone) AS alone, sum(alone_writes) AS alone_writes,
            sum(late) AS late, sum(handed) AS handed
        FROM runtime_calltally
        WHERE day > %(since)s::date AND day <= %(at)s::date AND identity_id IS NOT NULL
          AND (%(ids)s::bigint[] IS NULL OR identity_id = ANY(%(ids)s::bigint[]))
        GROUP BY identity_id
    ) c ON c.identity_id = i.id
    LEFT JOIN (
        SELECT b.identity_id, count(DISTINCT b.tool_id) AS held,
            count(DISTINCT b.tool_id) FILTER (WHERE t.writes) AS writing
        FROM inventory_toolbinding b JOIN inventory_tool t ON t.id = b.tool_id
        WHERE b.gone_at IS NULL AND (%(ids)s::bigint[] IS NULL OR b.identity_id = ANY(%(ids)s::bigint[]))
        GROUP BY b.identity_id
    ) h ON h.identity_id = i.id
    LEFT JOIN (
        SELECT g.delegator_identity_id AS id, count(*) FILTER (WHERE g.how = 'orchestrate') AS given,
            count(*) FILTER (WHERE EXISTS (
                SELECT FROM inventory_delegation m WHERE m.delegate_id = g.delegator_identity_id
                  AND m.revoked_at IS NULL AND m.gone_at IS NULL
                  AND (m.expires_at IS NULL OR m.expires_at > %(at)s))) AS passed_on
        FROM inventory_delegation g
        WHERE g.delegator_identity_id IS NOT NULL AND NOT g.derived AND g.how IN {_HANDS_ON}
          AND g.revoked_at IS NULL AND g.gone_at IS NULL AND (g.expires_at IS NULL OR g.expires_at > %(at)s)
          AND (%(ids)s::bigint[] IS NULL OR g.delegator_identity_id = ANY(%(ids)s::bigint[]))
        GROUP BY g.delegator_identity_id
    ) d ON d.id = i.id AND i.kind = ANY(%(agents)s)
    WHERE (c.identity_id IS NOT NULL OR h.identity_id IS NOT NULL OR d.id IS NOT NULL)
      AND (%(ids)s::bigint[] IS NULL OR i.id = ANY(%(ids)s::bigint[]))
"""
_JUDGED = f"""
    SELECT e.id, {TIER_SQL} AS tier, jsonb_build_object({", ".join(f"'{name}', {name}" for name in NAMES)}) AS evidence
    FROM ({_EVIDENCE}) e
"""
# What is as it was keeps its stretch; only its evidence is brought up to date. Without evidence a stretch ends.
_REFRESH = f"""
WITH judged AS MATERIALIZED (SELECT * FROM ({_JUDGED}) j WHERE tier IS NOT NULL), known AS MATERIALIZED (
    SELECT o.id, o.identity_id, o.tier FROM runtime_observedtier o
    WHERE o.ended_at IS NULL AND (%(ids)s::bigint[] IS NULL OR o.identity_id = ANY(%(ids)s::bigint[]))
), same AS (
    UPDATE runtime_observedtier o SET evidence = j.evidence
    FROM judged j JOIN known k ON k.identity_id = j.id AND k.tier = j.tier
    WHERE o.id = k.id AND o.evidence IS DISTINCT FROM j.evidence
    RETURNING 1
), ended AS (
    UPDATE runtime_observedtier o SET ended_at = GREATEST(%(at)s, o.started_at)
    FROM known k LEFT JOIN judged j ON j.id = k.identity_id
    WHERE o.id = k.id AND (j.id IS NULL OR j.tier <> k.tier)
    RETURNING o.identity_id
)
SELECT COALESCE(j.id, k.identity_id), k.tier, j.tier, j.evidence
FROM judged j FULL JOIN known k ON k.identity_id = j.id
WHERE k.tier IS DISTINCT FROM j.tier
"""


def refresh(at: datetime, *, identities: Iterable[int] | None = None) -> int:
    """Brings the observed tiers of all, or of some, up to date and tells whoever listens of the ones that rose. A
    second run on the same facts writes nothing. Returns how many changed."""
    ids = None if identities is None else sorted(identities)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(_REFRESH, _given(at, ids))
        changed = cursor.fetchall()
        _keep(changed, at)
        summaries.write_observed_tiers([(key, after) for key, _, after, _ in changed])
        inventory_signals.announce_changed(key for key, *_ in changed)
        signals.announce_risen(key for key, before, after, _ in changed if _rose(before, after))
    return len(changed)


def explain(current: ObservedTier) -> list[Line]:
    """Why the identity is in its tier: each criterion that its evidence meets, in words."""
    evidence = Evidence.of(current.evidence)
    return lines(evidence, holds([evidence])[0])


def explain_all(rows: Sequence[ObservedTier]) -> dict[int, list[Line]]:
    """`explain` for many, by the key of the row, in one query."""
    evidence = [Evidence.of(row.evidence) for row in rows]
    met = holds(evidence) if rows else []
    return {row.pk: lines(one, held) for row, one, held in zip(rows, evidence, met, strict=True)}


def holds(evidence: Sequence[Evidence]) -> list[list[bool]]:
    """Which criteria each meets, as the database sees it."""
    return [row[1] for row in _asked(evidence)]


def tiers(evidence: Sequence[Evidence]) -> list[int | None]:
    """The tier of each, as the database sees it."""
    return [row[0] for row in _asked(evidence)]


def _asked(evidence: Sequence[Evidence]) -> list[tuple[int | None, list[bool]]]:
    given = json.dumps([{name: getattr(each, name) for name in NAMES} for each in evidence])
    columns = ", ".join(f"{name} bigint" for name in NAMES)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {TIER_SQL}, {HOLDS_SQL} FROM ROWS FROM"
            f" (jsonb_to_recordset(%s::jsonb) AS ({columns})) WITH ORDINALITY ORDER BY ordinality",
            [given],
        )
        return list(cursor.fetchall())


def _given(at: datetime, ids: list[int] | None) -> dict[str, Any]:  # Any: parameters
    return {
        "at": at,
        "since": at - WINDOW,
        "ids": ids,
        "agents": [str(kind) for kind in Identity.AI_KINDS],
    }


def _keep(changed: Sequence[tuple[int, int | None, int | None, str | None]], at: datetime) -> None:
    ObservedTier.objects.bulk_create(
        [
            ObservedTier(
                identity_id=key,
                tier=after,
                rose=_rose(before, after),
                evidence=json.loads(evidence) if isinstance(evidence, str) else evidence,
                started_at=at,
            )
            for key, before, after, evidence in changed
            if after is not None
        ],
        batch_size=5_000,
    )


def _rose(before: int | None, after: int | None) -> bool:
    return after is not None and (before is None or after > before)
