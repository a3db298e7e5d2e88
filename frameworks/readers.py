"""Several connections that see what one transaction sees, so that long questions are answered side by side."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import local
from types import TracebackType
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

Row = tuple[Any, ...]  # Any: columns of many types
READERS = 2  # each keeps a core of the database busy; the machine it is made for has two
# An exported snapshot lasts as long as its transaction (PostgreSQL, SET TRANSACTION SNAPSHOT).
_EXPORT = "SELECT pg_export_snapshot()"
_SEE = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_IMPORT = "SET TRANSACTION SNAPSHOT %s"


class Readers:
    """Answers questions of one row each, in the moment that the transaction around it sees.

    What that transaction has written is invisible to them. Inside an outer transaction (the demo, a test) there is no
    moment to share with others; then each question is answered at once, on the connection itself.
    """

    def __init__(self, *, nested: bool) -> None:
        self._nested = nested
        self._snapshot = ""
        self._own = local()
        self._opened: list[BaseDatabaseWrapper] = []
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="reader")

    def __enter__(self) -> "Readers":
        if not self._nested:
            with connection.cursor() as cursor:
                cursor.execute(_EXPORT)
                self._snapshot = str(cursor.fetchone()[0])
        return self

    def ask(self, sql: str, params: Sequence[Any]) -> "Future[Row]":
        """The answer, to wait for. A question that breaks does not break those after it."""
        if not self._nested:
            return self._threads.submit(self._read, sql, params)
        answer: Future[Row] = Future()
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql, params)
                answer.set_result(cursor.fetchone())
        except DatabaseError as error:  # told where the answer is waited for, as by a thread
            answer.set_exception(error)
        return answer

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.shutdown(cancel_futures=True)
        for one in self._opened:
            one.close()

    def _read(self, sql: str, params: Sequence[Any]) -> Row:
        beside = self._connection()
        try:
            with beside.cursor() as cursor:
                cursor.execute(_SEE)
                cursor.execute(_IMPORT, [self._snapshot])
                cursor.execute(sql, params)
                row: Row = cursor.fetchone()
                return row
        finally:
            beside.rollback()

    def _connection(self) -> BaseDatabaseWrapper:
        if not hasattr(self._own, "connection"):
            beside = connections.create_connection(DEFAULT_DB_ALIAS)
            beside.inc_thread_sharing()  # closed by the thread that leaves
            beside.set_autocommit(False)
            self._own.connection = beside
            self._opened.append(beside)
        mine: BaseDatabaseWrapper = self._own.connection
        return mine
