"""Proofs that count once: remembered in the database, so that no second process takes the same one again."""

from datetime import datetime
from hashlib import sha256

from django.db import connection

from runtime.models import UsedProof

_REMEMBER = (
    "INSERT INTO runtime_usedproof (digest, expires_at) VALUES (%s, %s)"
    " ON CONFLICT (digest) DO UPDATE SET expires_at = excluded.expires_at"
    " WHERE runtime_usedproof.expires_at <= %s"
)


def use_once(*proof: str, until: datetime, at: datetime) -> bool:
    """True the first time; False as long as the first use is remembered. `proof`: its kind, its maker and its jti.

    Among any number of simultaneous uses exactly one is told True. It stays used when what it was for is refused
    later on, if the caller commits.
    """
    digest = sha256("\n".join(f"{len(part)}:{part}" for part in proof).encode()).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(_REMEMBER, [digest, until, at])
        return bool(cursor.rowcount == 1)


def forget(at: datetime) -> int:
    """Forgets those that would be refused as expired anyway. Returns how many."""
    return UsedProof.objects.filter(expires_at__lte=at).delete()[0]
