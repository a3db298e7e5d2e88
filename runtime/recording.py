"""Writing decisions down before they are answered, many at a time.

What is promised: when `record` has returned, the rows are committed, and with PostgreSQL's usual settings they are on
disk; a kill -9 of this process, or of the database, a moment later loses none. When it raises, nothing was recorded,
and nothing may be answered.

One thread writes what all threads of the process have waiting; meanwhile the others wait, and then one of them goes
on. So a busy process commits once for many decisions, and a quiet one at once.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import orjson
from django.db import connection

from inventory import prepared
from runtime.questions import Answer, Question

MOST_ROWS = 2_000  # in one statement
_INSERT = """INSERT INTO runtime_decision (id, made_at, identity_id, task_id, on_behalf_of_id, policy_version_id,
latency_us, permitted, monitored, mode, subject_type, subject_id, action, resource_type, resource_id, context,
facts, context_digest, reason_code, reason, remedy, policies, asked_by)
SELECT id, made_at, identity_id, task_id, on_behalf_of_id, policy_version_id, latency_us, permitted, monitored, mode,
subject_type, subject_id, action, resource_type, resource_id, context, facts, context_digest, reason_code, reason,
remedy, policies, asked_by
FROM json_to_recordset($1::json) AS x(id uuid, made_at timestamptz, identity_id bigint, task_id bigint,
on_behalf_of_id bigint, policy_version_id bigint, latency_us int, permitted bool, monitored bool, mode text,
subject_type text, subject_id text, action text, resource_type text, resource_id text, context jsonb, facts jsonb,
context_digest text, reason_code text, reason text, remedy text, policies text[], asked_by text)
ON CONFLICT DO NOTHING"""
Row = bytes  # one decision as JSON
_LARGEST_LATENCY = 2**31 - 1


@dataclass(slots=True)
class _Waiting:
    """The rows of one caller; `done` is set when they are written, or when it is the caller's turn to write."""

    rows: Sequence[Row]
    done: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    error: Exception | None = None


class Recorder:
    """Groups the rows of many threads; one for each process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._writing = False

    def record(self, rows: Sequence[Row]) -> None:
        """Returns once they are committed; within a transaction of the caller, once they are part of it."""
        if connection.in_atomic_block:
            for start in range(0, len(rows), MOST_ROWS):
                _write(rows[start : start + MOST_ROWS])
            return
        mine = _Waiting(rows)
        with self._lock:
            self._waiting.append(mine)
            mine.leads, self._writing = not self._writing, True
        if not mine.leads:
            mine.done.wait()
        if mine.leads:
            self._lead()
        if mine.error is not None:
            raise mine.error

    def _lead(self) -> None:
        """Writes what waits, and hands over to the first of those who came meanwhile."""
        with self._lock:
            group, self._waiting = self._waiting, []
        try:
            _write_group(group)
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._writing = following is not None
                if following is not None:
                    following.leads = True
            for one in (*group, *((following,) if following else ())):
                one.done.set()


def _write_group(group: Sequence[_Waiting]) -> None:
    """All together; when that fails, each for itself, so that nobody fails for another's rows."""
    rows = [row for one in group for row in one.rows]
    try:
        for start in range(0, len(rows), MOST_ROWS):
            _write(rows[start : start + MOST_ROWS])
    except Exception as error:  # noqa: BLE001  it is raised again where each caller waits
        for one in group:
            one.error = _error_of(one) if len(group) > 1 else error


def _error_of(one: _Waiting) -> Exception | None:
    try:
        _write(one.rows)
    except Exception as error:  # noqa: BLE001  as above
        return error
    return None


def _write(rows: Sequence[Row]) -> None:
    """Repeating it is safe: a row that is there already is left alone."""
    if rows:
        prepared.execute(_INSERT, ["[" + b",".join(rows).decode() + "]"])


def row_of(
    question: Question, answer: Answer, *, key: UUID, at: datetime, latency_us: int, asked_by: str
) -> Row:
    """The columns, cut to what the table holds: a subject of a megabyte is denied, and recorded short."""
    row = {
        "id": key, "made_at": at, "identity_id": answer.identity, "task_id": answer.task,
        "on_behalf_of_id": answer.on_behalf_of, "policy_version_id": answer.policy_version,
        "latency_us": min(latency_us, _LARGEST_LATENCY), "permitted": answer.permitted,
        "monitored": answer.monitored, "mode": answer.mode,
        "subject_type": question.subject_type[:100], "subject_id": question.subject_id[:500],
        "action": question.action[:300], "resource_type": question.resource_type[:100],
        "resource_id": question.resource_id[:1_000], "context": question.known_context,
        "facts": answer.facts, "context_digest": question.context_digest,
        "reason_code": answer.reason_code, "reason": answer.reason[:2_000],
        "remedy": answer.remedy[:1_000], "policies": answer.policies, "asked_by": asked_by[:200],
    }  # fmt: skip
    # PostgreSQL has no NUL in a text.
    return orjson.dumps(row, default=str).replace(b"\\u0000", b"\\ufffd")


RECORDER = Recorder()
