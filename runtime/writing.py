"""Puts calls into the database: by COPY into a table of this session, then what is new into its partition."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from runtime import redaction
from runtime.call_rows import SHORT, Row
from runtime.models.tool_call import key_of
from runtime.told import Told

_COLUMNS = (
    "id", "started_at", "duration_us", "kind", "trace_id", "span_id", "parent_span_id", "conversation",
    "agent_name", "service_name", "spiffe_id", "tool_name", "provider", "system", "resource", "writes",
    "outcome", "error", "arguments_digest", "summary", "attributes", "decision_id", "identity_id", "tool_id",
    "task_id", "on_behalf_of_id", "received_at", "reporter_id", "token_id",
)  # fmt: skip
_LIST = ", ".join(_COLUMNS)
_STAGE = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS staged_call ON COMMIT DELETE ROWS AS"
    f" SELECT id AS key, {_LIST} FROM runtime_toolcall WITH NO DATA"
)
_COPY = f"COPY staged_call (key, {_LIST}) FROM STDIN"
# Keys in order, so that two reports that overlap wait for each other in one direction only.
_KEEP = f"""
WITH fresh AS (
    INSERT INTO runtime_callkey (key, started_at)
    SELECT key, started_at FROM staged_call ORDER BY key
    ON CONFLICT DO NOTHING RETURNING key
)
INSERT INTO runtime_toolcall ({_LIST})
SELECT {_LIST} FROM staged_call WHERE key IN (SELECT key FROM fresh) ORDER BY started_at, id
"""
_LINK = """
INSERT INTO runtime_spanlink
    (key, trace_id, span_id, parent_span_id, agent_name, conversation, received_at)
SELECT *, %s FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
ON CONFLICT DO NOTHING
"""
_OPEN = """
INSERT INTO runtime_opentrace (key, reporter_id, trace_id, touched_at)
SELECT key, %s, trace_id, %s FROM unnest(%s::uuid[], %s::text[]) AS told (key, trace_id)
ON CONFLICT (key) DO UPDATE SET touched_at = excluded.touched_at
"""


def write_calls(rows: Collection[Row]) -> int:
    """Keeps the calls whose keys have not been seen; gives their number."""
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        # COPY goes past Django: unless wrapped, a lost connection would be no OperationalError of its own.
        with connection.wrap_database_errors, cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row(_values(row))
        cursor.execute(_KEEP)
        return int(cursor.rowcount)


def write_links(links: Collection[tuple[UUID, Told]], *, at: datetime) -> None:
    """Keeps the way up, for calls that arrive later or have arrived before."""
    if not links:
        return
    links = sorted(links, key=lambda link: link[0])
    text = redaction.text
    columns: list[list[Any]] = [
        [key for key, _ in links],
        [told.trace_id for _, told in links],
        [text(told.span_id, SHORT) for _, told in links],
        [text(told.parent_span_id, SHORT) for _, told in links],
        [text(told.agent_name, SHORT) if told.is_agent else "" for _, told in links],
        [text(told.conversation, SHORT) for _, told in links],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_LINK, [at, *columns])


def open_traces(traces: Collection[str], *, reporter_id: int, at: datetime) -> None:
    """Notes that something of these traces has arrived."""
    if not traces:
        return
    told = sorted((key_of(reporter_id, trace, ""), trace) for trace in traces)
    keys, names = [key for key, _ in told], [trace for _, trace in told]
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [reporter_id, at, keys, names])


def _values(row: Row) -> tuple[object, ...]:
    return (
        row.key, row.id, row.started_at, row.duration_us, row.kind, row.trace_id, row.span_id,
        row.parent_span_id, row.conversation, row.agent_name, row.service_name, row.spiffe_id,
        row.tool_name, row.provider, row.system, row.resource, row.writes, row.outcome, row.error,
        row.arguments_digest, orjson.dumps(row.summary).decode(), orjson.dumps(row.attributes).decode(),
        row.decision_id, row.identity_id, row.tool_id, row.task_id, row.on_behalf_of_id, row.received_at,
        row.reporter_id, row.token_id,
    )  # fmt: skip
