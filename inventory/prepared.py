"""Statements that are asked thousands of times: written once for each process, prepared once for each connection.

Their parameters are numbered ($1), as PostgreSQL takes them: nothing has to read through the text again, and the
server keeps the plan, which for conditions like ours takes it longer to make than to follow.

They run on Django's own connection of the thread, so that they see its transaction. Django asks the server before each
request whether the connection still lives; here a broken one is noticed by the statement itself, which is then tried
once more on a new one.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

import psycopg
from django.db import InterfaceError, OperationalError, connection
from django.db.models import QuerySet

PREPARE_AFTER = 1  # uses of a statement until the server keeps its plan
# They stand for a moment and for keys while a statement is written, and are replaced in each call.
THEN = datetime(1999, 12, 31, 23, 59, 59, 123457, tzinfo=UTC)
KEYS = [-1_234_567_891]

Row = tuple[Any, ...]  # Any: columns of many types
Cursor = psycopg.RawCursor[Row]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter that each call gives: its number, and its type in SQL."""

    number: int
    kind: str = ""

    def __str__(self) -> str:
        return f"${self.number}::{self.kind}" if self.kind else f"${self.number}"


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with numbered parameters: those that each call gives, then the constants."""

    text: str
    constants: tuple[Any, ...]

    def rows(self, *given: Any) -> list[Row]:
        """All rows; the statement only reads."""
        return _retried(self.text, [*given, *self.constants], lambda cursor: cursor.fetchall())

    def row(self, *given: Any) -> Row:
        """The one row of a statement that only reads."""
        return fetch_one(self.text, [*given, *self.constants])


MOMENT, WHICH = Slot(1, "timestamptz"), Slot(2, "bigint[]")


def of(rows: QuerySet[Any, Any]) -> Statement:
    """The statement of a queryset that was made with `THEN` for the moment and `KEYS` for the keys. Each call gives
    those of the two that it was made with, the moment first."""
    sql, values = rows.query.sql_with_params()
    parameters = [slotted(value) for value in values]
    if MOMENT in parameters:
        return numbered(sql, parameters, given=2)
    only = [Slot(1, WHICH.kind) if one is WHICH else one for one in parameters]
    return numbered(sql, only, given=1)


def slotted(value: Any) -> Any:
    """The slot that the value stands for, or itself, as the server is to see it."""
    if isinstance(value, datetime) and value == THEN:
        return MOMENT
    if value == KEYS:
        return WHICH
    return value.value if isinstance(value, Enum) else value


def numbered(sql: str, parameters: Sequence[Any], *, given: int) -> Statement:
    """With numbers in place of %s. Of the parameters, slots keep their numbers (1 to `given`); constants follow."""
    pieces = sql.split("%s")
    text, constants = [pieces[0]], []
    for parameter, piece in zip(parameters, pieces[1:], strict=True):
        if not isinstance(parameter, Slot):
            constants.append(parameter)
        slot = parameter if isinstance(parameter, Slot) else Slot(given + len(constants))
        text += [str(slot), piece]
    return Statement("".join(text).replace("%%", "%"), tuple(constants))


def fetch_one(sql: str, parameters: Sequence[Any]) -> Row:
    """The one row of a statement that only reads."""
    row = _retried(sql, parameters, lambda cursor: cursor.fetchone())
    if row is None:
        raise LookupError("A statement that always has a row had none.")
    return row


def execute(sql: str, parameters: Sequence[Any]) -> None:
    """A statement that is safe to repeat."""
    _retried(sql, parameters, lambda cursor: None)


def _retried(sql: str, parameters: Sequence[Any], take: Callable[[Cursor], T]) -> T:
    in_transaction = connection.in_atomic_block
    try:
        return _run(sql, parameters, take)
    except (OperationalError, InterfaceError):
        if in_transaction:  # what was done in it is gone: not ours to repeat
            raise
        connection.close()
    return _run(sql, parameters, take)


def _run(sql: str, parameters: Sequence[Any], take: Callable[[Cursor], T]) -> T:
    connection.ensure_connection()
    raw: psycopg.Connection[Row] = connection.connection
    before, raw.prepare_threshold = raw.prepare_threshold, PREPARE_AFTER
    began = time.monotonic()
    try:
        with connection.wrap_database_errors, psycopg.RawCursor(raw) as cursor:
            cursor.execute(sql, parameters, prepare=True)
            return take(cursor)
    finally:
        raw.prepare_threshold = before
        if connection.queries_logged:  # so that tests that count queries count these as well
            connection.queries_log.append({"sql": sql, "time": f"{time.monotonic() - began:.3f}"})
