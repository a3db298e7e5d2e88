"""When a call is covered by an explicit rule: the one definition, in SQL, for tallies, lists and pages.

Covered means one of three: the decision that allowed it rests on a permit policy; the identity held at that moment a
grant of that tool, which is an entitlement that names the tool, or has an action pattern for it, on its system (a bare
* names nothing and so is no explicit rule); or the tool was declared for the identity and is approved, which is what a
decision about a tool asks for as well.
"""

from collections.abc import Collection

from django.db import connection

# A percent sign is written twice: these texts take parameters.
_PATTERN = (
    "replace(replace(replace(replace(replace(lower(a), '\\', '\\\\'), '%%', '\\%%'), '_', '\\_'),"
    " '*', '%%'), '?', '_')"
)
_TOOL = (
    "ARRAY[lower(asked.tool_name), lower(asked.provider || '/' || asked.tool_name),"
    " lower(asked.provider || ':' || asked.tool_name)]"
)
# Of the relations `asked` (provider, tool_name, system, resource), e (entitlement), s (its system), r (its resource or
# none). An entitlement on another system says nothing about the tool.
COVERS_SQL = f"""
    (lower(e.name) = ANY({_TOOL}) OR EXISTS (
        SELECT FROM unnest(e.actions) a WHERE a <> '*'
          AND EXISTS (SELECT FROM unnest({_TOOL}) n WHERE n LIKE {_PATTERN})))
    AND ((asked.provider = '' AND asked.system = '')
        OR lower(s.name) IN (lower(asked.provider), lower(asked.system))
        OR lower(s.external_id) IN (lower(asked.provider), lower(asked.system)))
    AND (r.id IS NULL OR asked.resource = '' OR asked.resource IN (r.name, r.external_id))
"""
# Of the relation `c` (identity_id, tool_id, started_at): what an approved tool's declaration says. What was imported
# later says nothing about the time before.
HELD_SQL = """
EXISTS (SELECT FROM inventory_toolbinding b JOIN inventory_tool bt ON bt.id = b.tool_id AND bt.state = 'approved'
    WHERE b.identity_id = c.identity_id AND b.tool_id = c.tool_id AND b.origin = 'declared'
      AND b.first_seen_at <= c.started_at AND (b.ended_at IS NULL OR b.ended_at > c.started_at)
      AND (b.gone_at IS NULL OR b.gone_at > c.started_at))
"""
# `asked` has an identity_id as well. Each row of the answer is an interval in which a grant covered that call.
RULES_SQL = f"""
    SELECT asked.*, g.id AS grant_id, g.starts_at,
        LEAST(g.expires_at, g.revoked_at, g.gone_at, t.ended_at) AS ends_at, g.task_id
    FROM asked
    JOIN inventory_grant g ON g.identity_id = asked.identity_id
    JOIN inventory_entitlement e ON e.id = g.entitlement_id AND e.effect = 'allow'
    JOIN inventory_system s ON s.id = e.system_id
    LEFT JOIN inventory_resource r ON r.id = e.resource_id
    LEFT JOIN inventory_task t ON t.id = g.task_id
    WHERE {COVERS_SQL}
"""
_AMONG = f"""
SELECT e.id
FROM (SELECT %s AS provider, %s AS tool_name, %s AS system, %s AS resource) asked
CROSS JOIN inventory_entitlement e
JOIN inventory_system s ON s.id = e.system_id
LEFT JOIN inventory_resource r ON r.id = e.resource_id
WHERE e.id = ANY(%s::bigint[]) AND e.effect = 'allow' AND {COVERS_SQL}
"""


def covering(
    entitlements: Collection[int], *, provider: str, tool_name: str, system: str, resource: str
) -> set[int]:
    """Which of the entitlements (keys) cover a call of this tool there."""
    if not entitlements:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_AMONG, [provider, tool_name, system, resource, list(entitlements)])
        return {row[0] for row in cursor.fetchall()}


# For one row of runtime_toolcall. The bounds of the decision's moment spare all but three of its partitions.
DECIDED_SQL = """
EXISTS (SELECT FROM runtime_decision d WHERE d.id = runtime_toolcall.decision_id AND d.permitted
    AND cardinality(d.policies) > 0 AND d.made_at BETWEEN runtime_toolcall.started_at - interval '1 day'
    AND runtime_toolcall.started_at + interval '1 day')
"""
COVERED_SQL = f"""
({DECIDED_SQL} OR {HELD_SQL.replace("c.", "runtime_toolcall.")} OR EXISTS (
    SELECT FROM (SELECT runtime_toolcall.provider, runtime_toolcall.tool_name, runtime_toolcall.system,
        runtime_toolcall.resource) asked
    JOIN inventory_grant g ON g.identity_id = runtime_toolcall.identity_id
    JOIN inventory_entitlement e ON e.id = g.entitlement_id AND e.effect = 'allow'
    JOIN inventory_system s ON s.id = e.system_id
    LEFT JOIN inventory_resource r ON r.id = e.resource_id
    LEFT JOIN inventory_task t ON t.id = g.task_id
    WHERE {COVERS_SQL} AND (g.starts_at IS NULL OR g.starts_at <= runtime_toolcall.started_at)
      AND (g.task_id IS NULL OR g.task_id = runtime_toolcall.task_id)
      AND COALESCE(LEAST(g.expires_at, g.revoked_at, g.gone_at, t.ended_at), 'infinity')
        > runtime_toolcall.started_at))
"""
