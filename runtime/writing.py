"""Puts calls into the database: their keys first, which says what is new, then that by COPY into its partitions."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

import orjson
from django.db import connection

from runtime import redaction
from runtime.call_rows import SHORT, Row, moment
from runtime.models.tool_call import key_of
from runtime.told import Told

# Texts first, then what may be NULL, then what is the same in a whole report.
_TEXTS = (
    "id", "started_at", "kind", "trace_id", "span_id", "parent_span_id", "conversation", "agent_name",
    "service_name", "spiffe_id", "tool_name", "provider", "system", "resource", "outcome", "error",
    "arguments_digest", "summary", "attributes",
)  # fmt: skip
_REST = (
    "duration_us", "writes", "decision_id", "identity_id", "tool_id", "task_id", "on_behalf_of_id", "received_at",
    "reporter_id", "token_id",
)  # fmt: skip
_DIGITS = 32  # of a key
_TABS = len(_TEXTS) - 1
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NULL = "\\N"
_COPY = f"COPY runtime_toolcall ({', '.join(_TEXTS + _REST)}) FROM STDIN"
_CLAIM = """
WITH fresh AS (
    INSERT INTO runtime_callkey (key, started_at)
    SELECT key, timestamptz 'epoch' + microseconds * interval '1 microsecond'
    FROM unnest(%s::uuid[], %s::bigint[]) AS told (key, microseconds)
    ON CONFLICT DO NOTHING RETURNING key
)
SELECT encode(string_agg(uuid_send(key), ''), 'hex') FROM fresh
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


def claim(started_ns: Mapping[str, int]) -> set[str]:
    """Writes down the keys of calls; gives those that had not been seen, whose calls are to be written in this
    transaction. Whoever tells one of them at the same time waits for its end."""
    if not started_ns:
        return set()
    # In order, so that two reports that overlap wait for each other in one direction only.
    keys = sorted(started_ns)
    times = [str(started_ns[key] // 1_000) for key in keys]
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [f"{{{','.join(keys)}}}", f"{{{','.join(times)}}}"])
        fresh = cursor.fetchone()[0] or ""
    return {fresh[start : start + _DIGITS] for start in range(0, len(fresh), _DIGITS)}


def write_calls(
    rows: Collection[Row], *, reporter_id: int, token_id: int | None, at: datetime
) -> None:
    """Keeps calls whose keys were claimed."""
    if not rows:
        return
    same = f"{at.isoformat()}\t{reporter_id}\t{_NULL if token_id is None else token_id}\n"
    rows = sorted(rows, key=attrgetter("id"))  # as the indexes have them
    lines = "".join([_line(row) + same for row in rows])
    # COPY goes past Django: unless wrapped, a lost connection would be no OperationalError of its own.
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(_COPY) as copy,
    ):
        copy.write(lines)


def write_links(links: Collection[tuple[str, Told]], *, at: datetime) -> int:
    """Keeps the way up, for calls that arrive later or have arrived before; gives the number of new ones."""
    if not links:
        return 0
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
        return int(cursor.rowcount)


def open_traces(traces: Collection[str], *, reporter_id: int, at: datetime) -> None:
    """Notes that something of these traces has arrived."""
    if not traces:
        return
    told = sorted((key_of(reporter_id, trace, ""), trace) for trace in traces)
    keys, names = [key for key, _ in told], [trace for _, trace in told]
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [reporter_id, at, keys, names])


def _line(row: Row) -> str:
    """In the text format of COPY, up to what is the same in a whole report."""
    seconds, microseconds = divmod(row.started_ns // 1_000, 1_000_000)
    texts = (
        row.id, f"{_second(seconds)}.{microseconds:06}+00", row.kind, row.trace_id, row.span_id,
        row.parent_span_id, row.conversation, row.agent_name, row.service_name, row.spiffe_id, row.tool_name,
        row.provider, row.system, row.resource, row.outcome, row.error, row.arguments_digest,
        orjson.dumps(row.summary).decode(), orjson.dumps(row.attributes).decode(),
    )  # fmt: skip
    line = "\t".join(texts)
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") != _TABS:
        line = "\t".join([one.translate(_ESCAPES) for one in texts])
    rest = (
        row.duration_us, row.writes, row.decision_id, row.identity_id, row.tool_id, row.task_id,
        row.on_behalf_of_id,
    )  # fmt: skip
    told = "\t".join([_NULL if one is None else str(one) for one in rest])
    return f"{line}\t{told}\t"


@lru_cache(maxsize=5_000)
def _second(seconds: int) -> str:
    return moment(seconds * 1_000_000_000).strftime("%Y-%m-%dT%H:%M:%S")
