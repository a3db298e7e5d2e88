"""The summary columns of identities: what upper floors know about an identity, kept on it for
lists."""

from collections.abc import Sequence

from django.db import connection, transaction

# Locked in the order of keys, so that two writers cannot wait for each other.
_WRITE = """
WITH given AS (
    SELECT * FROM unnest(%s::bigint[], %s::integer[], %s::smallint[]) AS g(id, findings, worst)
), locked AS MATERIALIZED (
    SELECT id FROM inventory_identity WHERE id IN (SELECT id FROM given)
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE inventory_identity i SET open_findings = g.findings, worst_severity = g.worst
FROM given g JOIN locked USING (id)
WHERE i.id = g.id AND (i.open_findings, i.worst_severity) IS DISTINCT FROM (g.findings, g.worst)
"""


def write_findings(rows: Sequence[tuple[int, int, int | None]]) -> int:
    """Writes (identity, open findings, worst severity); rows that say so already stay unwritten.
    Returns how many changed."""
    if not rows:
        return 0
    ids, counts, worst = (list(column) for column in zip(*rows, strict=True))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_WRITE, [ids, counts, worst])
        return int(cursor.rowcount)


_WRITE_TIERS = """
WITH given AS (
    SELECT * FROM unnest(%s::bigint[], %s::smallint[]) AS g(id, tier)
), locked AS MATERIALIZED (
    SELECT id FROM inventory_identity WHERE id IN (SELECT id FROM given)
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE inventory_identity i SET observed_tier = g.tier
FROM given g JOIN locked USING (id)
WHERE i.id = g.id AND i.observed_tier IS DISTINCT FROM g.tier
"""


def write_observed_tiers(rows: Sequence[tuple[int, int | None]]) -> int:
    """Writes (identity, observed tier); the same promise as `write_findings`."""
    if not rows:
        return 0
    ids, tiers = (list(column) for column in zip(*rows, strict=True))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_WRITE_TIERS, [ids, tiers])
        return int(cursor.rowcount)
