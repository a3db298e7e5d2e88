"""The inventory as it was at a moment, from the history of its rows; streamed, never held in memory.

A moment is a time on the clock, or exactly what one transaction saw (an assessment's). Both are answered by the last
recorded change of each row that was there then.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

Values = list[Any]  # Any: parameters of many types, in the order of a statement
_CHUNK = 2_000


@dataclass(frozen=True)
class Moment:
    """Until when changes count. With `seen`, only those that a transaction with this snapshot could see."""

    at: datetime  # what time-bound rows are judged by
    until: datetime
    seen: str = ""

    @staticmethod
    def of(at: datetime) -> "Moment":
        return Moment(at, at)

    def condition(self, alias: str) -> tuple[str, Values]:
        """That a change was there."""
        if not self.seen:
            return f"{alias}.at <= %s", [self.until]
        return (
            f"{alias}.at <= %s AND txid_visible_in_snapshot({alias}.transaction, %s::txid_snapshot)",
            [self.until, self.seen],
        )

    def rows(
        self, table: str, only: str = "true", values: Sequence[Any] = ()
    ) -> tuple[str, Values]:
        """SQL of the rows of a table: row_id, identity_id and `row`, the record as JSON.

        `only` narrows the changes that are read (as `h`), by what never changes in a row's life.
        """
        there, params = self.condition("h")
        sql = (
            "(SELECT row_id, identity_id, after AS row FROM ("  # noqa: S608
            " SELECT DISTINCT ON (h.row_id) h.row_id, h.identity_id, h.operation, h.after"
            f" FROM inventory_change h WHERE h.noun = %s AND {there} AND {only}"
            " ORDER BY h.row_id, h.id DESC) AS last WHERE operation <> 'delete')"
        )
        return sql, [table, *params, *values]

    def one(self, table: str, key: str, alias: str) -> tuple[str, Values]:
        """SQL of a lateral join to one row: `key` is an SQL expression of its number."""
        there, params = self.condition("h")
        sql = (
            "LEFT JOIN LATERAL (SELECT h.after AS row, h.identity_id FROM inventory_change h"  # noqa: S608
            f" WHERE h.noun = %s AND h.row_id = {key} AND {there}"
            f" ORDER BY h.id DESC LIMIT 1) AS {alias} ON true"
        )
        return sql, [table, *params]


def stream(sql: str, params: Sequence[Any] | dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of a statement by a server-side cursor.

    The planner cannot know how many rows had which last change, guesses a few, and would join 1,000,000 grants in a
    nested loop. So it is told to hash them, while it plans this statement.
    """
    with connection.chunked_cursor() as cursor, connection.cursor() as setting:
        setting.execute("SET enable_nestloop = off")
        try:
            cursor.execute(sql, params)
        finally:
            if not connection.needs_rollback:
                setting.execute("RESET enable_nestloop")
        while rows := cursor.fetchmany(_CHUNK):
            yield from rows


def record(text: Any) -> dict[str, Any]:  # Any: JSON as Django's cursors give it, as text
    """A recorded row; empty where there was none."""
    return orjson.loads(text) if text else {}


def moment_of(text: object) -> datetime | None:
    """A moment read back from a recorded row."""
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None
