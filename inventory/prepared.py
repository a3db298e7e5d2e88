"""Statements that are asked thousands of times: written once for each process, prepared once for each connection.

Their parameters are numbered ($1), as PostgreSQL takes them: nothing has to read through the text again, and the
server can keep the plan, which for conditions like ours takes it longer to make than to follow. Whether it does, it
finds out by comparing costs, and those of a plan for any values often look worse than they are; so a statement can
say that one plan serves all its calls.

They run on Django's own connection of the thread, so that they see its transaction. Django asks the server before each
request whether the connection still lives; here a broken one is noticed by the statement itself, which is then tried
once more on a new one.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, WeakSet

import psycopg
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult

from inventory import packed
from inventory.packed import Rows

Given = bytes | Rows | None  # a text as it is, rows, or NULL
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
    """SQL with numbered parameters: those that each call gives, then the constants. `one_plan`: planned once for each
    connection, for statements that take the same way whatever the values are."""

    text: str
    constants: tuple[Any, ...]
    one_plan: bool = False

    def rows(self, *given: Any) -> list[Row]:
        """All rows; the statement only reads."""
        return _retried(self.text, [*given, *self.constants], _all, one_plan=self.one_plan)

    def row(self, *given: Any) -> Row:
        """The one row of a statement that only reads."""
        return fetch_one(self.text, [*given, *self.constants], one_plan=self.one_plan)

    def texts(self, at: datetime, *given: str) -> Sequence[bytes | str | None]:
        """As `row`, the shortest way: of a moment and texts, columns that are texts."""
        if connections[DEFAULT_DB_ALIAS].in_atomic_block:  # which a cursor begins
            return self.row(at, *given)
        constants, types = _dumped(self)
        values = (at.isoformat().encode(), *(one.encode() for one in given), *constants)
        # A statement that has no use for the moment could not tell what it is.
        return fetch_texts(
            self.text, values, (packed.number_of("timestamptz"), *([0] * len(given)), *types)
        )


@lru_cache(maxsize=500)
def _dumped(statement: Statement) -> tuple[tuple[bytes | None, ...], tuple[int, ...]]:
    """The constants of a statement as texts, and the numbers of their types."""
    dumper = Transformer()
    constants = statement.constants
    values = dumper.dump_sequence(constants, [PyFormat.TEXT] * len(constants))
    texts = (None if one is None else bytes(one) for one in values)
    return tuple(texts), tuple(dumper.types or ())


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


def array(values: Iterable[int | str]) -> str:
    """As PostgreSQL writes an array. A list would be another type for small numbers, for large ones and when it is
    empty, and for each combination of them the server would prepare the statement anew."""
    quoted = (str(one).replace("\\", "\\\\").replace('"', '\\"') for one in values)
    return "{" + ",".join(f'"{one}"' for one in quoted) + "}"


def numbered(
    sql: str, parameters: Sequence[Any], *, given: int, one_plan: bool = False
) -> Statement:
    """With numbers in place of %s. Of the parameters, slots keep their numbers (1 to `given`); constants follow."""
    pieces = sql.split("%s")
    text, constants = [pieces[0]], []
    for parameter, piece in zip(parameters, pieces[1:], strict=True):
        if not isinstance(parameter, Slot):
            constants.append(parameter)
        slot = parameter if isinstance(parameter, Slot) else Slot(given + len(constants))
        text += [str(slot), piece]
    return Statement("".join(text).replace("%%", "%"), tuple(constants), one_plan)


def fetch_one(sql: str, parameters: Sequence[Any], *, one_plan: bool = True) -> Row:
    """The one row of a statement that only reads; planned once for each connection, unless it is told otherwise."""
    row = _retried(sql, parameters, lambda cursor: cursor.fetchone(), one_plan=one_plan)
    if row is None:
        raise LookupError("A statement that always has a row had none.")
    return row


def execute(sql: str, parameters: Sequence[Any]) -> None:
    """A statement that is safe to repeat, planned once for each connection."""
    _retried(sql, parameters, lambda cursor: None, one_plan=True)


def fetch_texts(
    sql: str, parameters: Sequence[Given], types: Sequence[int] | None = None
) -> list[bytes | None]:
    """The one row of a statement that is safe to repeat, as PostgreSQL writes its columns; outside of transactions.

    For what is asked thousands of times a second: what a cursor does for each statement takes longer than this one.
    The server finds the types of parameters in the statement, but for those that are given (their oids, or 0).
    """
    link = connections[DEFAULT_DB_ALIAS]
    try:
        return _texts(link, sql, parameters, types)
    except (OperationalError, InterfaceError):
        link.close()
    return _texts(link, sql, parameters, types)


def _texts(
    link: BaseDatabaseWrapper,
    sql: str,
    parameters: Sequence[Given],
    types: Sequence[int] | None,
) -> list[bytes | None]:
    link.ensure_connection()
    raw: psycopg.Connection[Row] = link.connection
    began = time.monotonic()
    try:
        with link.wrap_database_errors:
            if raw not in _in_one_plan:
                with _planning(raw, one_plan=True):
                    pass
            try:
                result = _executed(raw, sql, parameters, types)
            except psycopg.errors.InvalidSqlStatementName:  # it was forgotten with others
                _names.pop(raw, None)
                result = _executed(raw, sql, parameters, types)
            return [result.get_value(0, column) for column in range(result.nfields)]
    finally:
        if link.queries_logged:
            link.queries_log.append({"sql": sql, "time": f"{time.monotonic() - began:.3f}"})


def _executed(
    raw: psycopg.Connection[Row], sql: str, parameters: Sequence[Given], types: Sequence[int] | None
) -> PGresult:
    formats = [Format.BINARY if isinstance(one, Rows) else Format.TEXT for one in parameters]
    result = raw.pgconn.exec_prepared(_name_of(raw, sql, types), _written(raw, parameters), formats)
    _require(raw, result)
    return result


def _written(raw: psycopg.Connection[Row], parameters: Sequence[Any]) -> list[Any]:
    return [one.written(raw) if isinstance(one, Rows) else one for one in parameters]


_names: WeakKeyDictionary[psycopg.Connection[Row], dict[str, bytes]] = WeakKeyDictionary()


def _name_of(raw: psycopg.Connection[Row], sql: str, types: Sequence[int] | None) -> bytes:
    """Of the statement on this connection, where it is prepared once."""
    names = _names.setdefault(raw, {})
    if sql not in names:
        name = b"mandate_%d" % len(names)
        _require(raw, raw.pgconn.prepare(name, sql.encode(), types))
        names[sql] = name
    return names[sql]


def _require(raw: psycopg.Connection[Row], result: PGresult) -> None:
    if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        return
    if raw.pgconn.status != ConnStatus.OK:
        raise psycopg.OperationalError(raw.pgconn.get_error_message())
    raise psycopg.errors.error_from_result(result)


def _all(cursor: Cursor) -> list[Row]:
    return cursor.fetchall()


def _retried(
    sql: str, parameters: Sequence[Any], take: Callable[[Cursor], T], *, one_plan: bool = False
) -> T:
    link = connections[DEFAULT_DB_ALIAS]
    in_transaction = link.in_atomic_block
    try:
        return _run(link, sql, parameters, take, one_plan=one_plan)
    except (OperationalError, InterfaceError):
        if in_transaction:  # what was done in it is gone: not ours to repeat
            raise
        link.close()
    return _run(link, sql, parameters, take, one_plan=one_plan)


def _run(
    link: BaseDatabaseWrapper,
    sql: str,
    parameters: Sequence[Any],
    take: Callable[[Cursor], T],
    *,
    one_plan: bool,
) -> T:
    link.ensure_connection()
    raw: psycopg.Connection[Row] = link.connection
    before, raw.prepare_threshold = raw.prepare_threshold, PREPARE_AFTER
    began = time.monotonic()
    try:
        with link.wrap_database_errors:
            if (raw in _in_one_plan) == one_plan:
                return _taken(raw, sql, parameters, take)
            with _planning(raw, one_plan=one_plan):
                return _taken(raw, sql, parameters, take)
    finally:
        raw.prepare_threshold = before
        if link.queries_logged:  # so that tests that count queries count these as well
            link.queries_log.append({"sql": sql, "time": f"{time.monotonic() - began:.3f}"})


def _taken(
    raw: psycopg.Connection[Row], sql: str, parameters: Sequence[Any], take: Callable[[Cursor], T]
) -> T:
    with psycopg.RawCursor(raw) as cursor:
        cursor.execute(sql, _written(raw, parameters), prepare=True)
        return take(cursor)


_MODES = {True: "force_generic_plan", False: "auto"}
_in_one_plan: WeakSet[psycopg.Connection[Row]] = WeakSet()  # sessions that were set to it


@contextmanager
def _planning(raw: psycopg.Connection[Row], *, one_plan: bool) -> Iterator[None]:
    """Changes how the session plans, which is rare: a session asks much the same all day. What a transaction sets ends
    with it, so there it is set for this statement only. Nothing but these statements is prepared."""
    if not raw.autocommit:  # Django's sign of a transaction
        raw.execute(f"SET LOCAL plan_cache_mode = {_MODES[one_plan]}")
        yield
        raw.execute(f"SET LOCAL plan_cache_mode = {_MODES[not one_plan]}")
    else:
        raw.execute(f"SET plan_cache_mode = {_MODES[one_plan]}")
        (_in_one_plan.add if one_plan else _in_one_plan.discard)(raw)
        yield
