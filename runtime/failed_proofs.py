"""How often a proof may fail: a failure takes one of twenty places for a minute; with none free there were too many.

The places lie among the used proofs: shared by all processes, forgotten with them, and without a lock that anybody
waits for. While all are taken nothing is written, so that a flood costs a look at an index for each failure.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import connection

MOST = 20
COUNTS_FOR = timedelta(minutes=1)
_TRIES = 5  # two that take the same place at once: the second one looks again
_TAKE = """INSERT INTO runtime_usedproof (digest, expires_at)
SELECT place, %(until)s FROM unnest(%(places)s::text[]) place WHERE NOT EXISTS (
    SELECT FROM runtime_usedproof taken WHERE taken.digest = place AND taken.expires_at > %(at)s)
ORDER BY random() LIMIT 1
ON CONFLICT (digest) DO UPDATE SET expires_at = excluded.expires_at WHERE runtime_usedproof.expires_at <= %(at)s"""
_NEXT = "SELECT count(*), min(expires_at) FROM runtime_usedproof WHERE digest = ANY(%(places)s) AND expires_at > %(at)s"


def count(*whose: str, at: datetime) -> timedelta | None:
    """Counts one more failure. None as long as it is one of a few; else how long until there is room for another."""
    places, until = _places(whose), at + COUNTS_FOR
    known: dict[str, Any] = {"places": places, "at": at, "until": until}  # Any: parameters
    with connection.cursor() as cursor:
        for _ in range(_TRIES):
            cursor.execute(_TAKE, known)
            if cursor.rowcount:
                return None
            cursor.execute(_NEXT, known)
            taken, free_at = cursor.fetchone()
            if taken >= MOST:
                return free_at - at  # type: ignore[no-any-return]  # a moment
    return None  # many at once: not all of them can be counted, and none is refused for that


def _places(whose: tuple[str, ...]) -> list[str]:
    named = "\n".join(f"{len(part)}:{part}" for part in ("failed", *whose))
    return [sha256(f"{named}\n{place}".encode()).hexdigest() for place in range(MOST)]
