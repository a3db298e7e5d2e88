"""Statements that are asked thousands of times a second: prepared once for each connection, without Django's layers.

Their parameters are numbered ($1), as PostgreSQL takes them: nothing has to read through the text again.

They run on Django's own connection of the thread, so that they see its transaction. Django asks the server before each
request whether the connection still lives; here a broken one is noticed by the statement itself, which is then tried
once more on a new one.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import OperationalError, connection

PREPARE_AFTER = 1  # uses of a statement until the server keeps its plan


def fetch_one(sql: str, parameters: Sequence[Any]) -> tuple[Any, ...]:  # Any: columns
    """The one row of a statement that only reads."""
    row = _retried(sql, parameters, fetch=True)
    if row is None:
        raise LookupError("A statement that always has a row had none.")
    return row


def execute(sql: str, parameters: Sequence[Any]) -> None:
    """A statement that is safe to repeat."""
    _retried(sql, parameters, fetch=False)


def _retried(sql: str, parameters: Sequence[Any], *, fetch: bool) -> tuple[Any, ...] | None:
    in_transaction = connection.in_atomic_block
    try:
        return _run(sql, parameters, fetch=fetch)
    except (psycopg.OperationalError, psycopg.InterfaceError, OperationalError):
        if in_transaction:  # what was done in it is gone: not ours to repeat
            raise
        connection.close()
    return _run(sql, parameters, fetch=fetch)


def _run(sql: str, parameters: Sequence[Any], *, fetch: bool) -> tuple[Any, ...] | None:
    connection.ensure_connection()
    raw: psycopg.Connection[tuple[Any, ...]] = connection.connection
    before, raw.prepare_threshold = raw.prepare_threshold, PREPARE_AFTER
    try:
        with psycopg.RawCursor(raw) as cursor:
            cursor.execute(sql, parameters, prepare=True)
            return cursor.fetchone() if fetch else None
    finally:
        raw.prepare_threshold = before
