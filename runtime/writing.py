"""Puts calls into the database: their keys first, which says what is new, then that by COPY into its partitions."""

import struct
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import orjson
from django.db import IntegrityError, connection, transaction

from inventory import packed
from runtime import redaction
from runtime.call_rows import SHORT, Meant, Row
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
_PLAIN: Final = 17  # columns with which both `_TEXTS` and `Row` begin
_NOTHING = Meant(None, None, None, None)
_NULLS = f"\t{_NULL}" * 6
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
_MANY, _PROBES = 100, 10  # keys that are claimed by COPY, and of these looked for first
_ANY = "SELECT EXISTS (SELECT FROM runtime_callkey WHERE key = ANY(%s::uuid[]))"
_COPY_KEYS = "COPY runtime_callkey (key, started_at) FROM STDIN (FORMAT binary)"
# The binary format of COPY: a head, rows of a number of fields, each with its length, and an end.
_BINARY, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_KEY_ROW = struct.Struct(">hi16siq")
_EPOCH = int(packed.EPOCH.timestamp()) * 1_000_000  # microseconds from Unix's to PostgreSQL's
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


def claim(started_ns: Mapping[str, int]) -> Collection[str]:
    """Writes down the keys of calls; gives those that had not been seen, whose calls are to be written in this
    transaction. Whoever tells one of them at the same time waits for its end."""
    # In order, so that two reports that overlap wait for each other in one direction only.
    keys = sorted(started_ns)
    if len(keys) >= _MANY and _claim_all(keys, started_ns):
        return started_ns.keys()
    return _claim_each(keys, started_ns) if keys else ()


def _claim_all(keys: list[str], started_ns: Mapping[str, int]) -> bool:
    """By COPY, at half the price, provided that all are new. A report that was sent before shows by a few of its keys;
    where only a part is known COPY itself finds out, and what it wrote is taken back."""
    few = keys[:: len(keys) // _PROBES]
    rows = [
        _KEY_ROW.pack(2, 16, bytes.fromhex(key), 8, started_ns[key] // 1_000 - _EPOCH)
        for key in keys
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ANY, [f"{{{','.join(few)}}}"])
        if cursor.fetchone()[0]:
            return False
        try:
            with (
                transaction.atomic(),
                connection.wrap_database_errors,
                cursor.copy(_COPY_KEYS) as copy,
            ):
                copy.write(b"".join((_BINARY, *rows, _END)))
        except IntegrityError:
            return False
    return True


def _claim_each(keys: list[str], started_ns: Mapping[str, int]) -> set[str]:
    times = [str(started_ns[key] // 1_000) for key in keys]
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [f"{{{','.join(keys)}}}", f"{{{','.join(times)}}}"])
        fresh = cursor.fetchone()[0] or ""
    return {fresh[start : start + _DIGITS] for start in range(0, len(fresh), _DIGITS)}


def write_calls(
    calls: Iterable[tuple[Row, Meant]], *, reporter_id: int, token_id: int | None, at: datetime
) -> None:
    """Keeps calls whose keys were claimed."""
    same = f"{at.isoformat()}\t{reporter_id}\t{_NULL if token_id is None else token_id}\n"
    lines = [f"{_line(row)}\t{_rest(row, meant)}\t{same}" for row, meant in calls]
    lines.sort()  # by id, as the indexes have them
    # COPY goes past Django: unless wrapped, a lost connection would be no OperationalError of its own.
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(_COPY) as copy,
    ):
        copy.write("".join(lines))


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
    keys, names = ",".join([key for key, _ in told]), ",".join([trace for _, trace in told])
    # Both are hexadecimal digits: nothing in them needs quotation marks.
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [reporter_id, at, f"{{{keys}}}", f"{{{names}}}"])


def _line(row: Row) -> str:
    """The texts, in the text format of COPY."""
    texts = (
        *row[:_PLAIN],
        orjson.dumps(row.summary).decode(),
        orjson.dumps(row.attributes).decode(),
    )
    line = "\t".join(texts)
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") != _TABS:
        return "\t".join([one.translate(_ESCAPES) for one in texts])
    return line


def _rest(row: Row, meant: Meant) -> str:
    """What may be NULL, in the text format of COPY."""
    if row.decision_id is None and row.writes is None and meant == _NOTHING:
        return f"{_NULL if row.duration_us is None else row.duration_us}{_NULLS}"
    values = (row.duration_us, row.writes, row.decision_id, *meant)
    return "\t".join([_NULL if one is None else str(one) for one in values])
