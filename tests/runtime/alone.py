"""Tests at work at the same time share a PostgreSQL, and its transactions are counted over all its databases: another
test's open transaction would put off what is sealed here. So only those of this test's own database count."""

from collections.abc import Iterator
from unittest.mock import patch

from django.db import connection

from runtime import seals


def _transactions() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        begun = int(cursor.fetchone()[0])
        cursor.execute(
            "SELECT min(backend_xid::text::bigint) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        oldest = cursor.fetchone()[0]
    return (begun if oldest is None else min(int(oldest), begun)), begun


def alone() -> Iterator[None]:
    """For fixtures."""
    with patch.object(seals, "_transactions", _transactions):
        yield
