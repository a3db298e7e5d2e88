"""Brings the open findings of identities to their summary columns, as far as they changed."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from inventory import summaries

_DIFFERS = """
SELECT i.id, COALESCE(s.findings, 0), s.worst
FROM inventory_identity i
LEFT JOIN (
    SELECT identity_id, count(*) AS findings, max(severity) AS worst FROM reviews_finding
    WHERE (status = 'open'
        OR (status IN ('accepted', 'snoozed', 'false_positive') AND until <= %(at)s))
      AND (%(ids)s::bigint[] IS NULL OR identity_id = ANY(%(ids)s::bigint[]))
    GROUP BY identity_id
) s ON s.identity_id = i.id
WHERE (i.open_findings, i.worst_severity) IS DISTINCT FROM (COALESCE(s.findings, 0), s.worst)
  AND (%(ids)s::bigint[] IS NULL OR i.id = ANY(%(ids)s::bigint[]))
"""


def summarise(at: datetime, identities: Iterable[int] | None = None) -> int:
    """Writes the number and the worst of the findings open at the moment; returns how many
    identities changed."""
    ids = None if identities is None else list(identities)
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERS, {"at": at, "ids": ids})
        rows = cursor.fetchall()
    return summaries.write_findings(rows)
