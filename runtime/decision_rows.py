"""Decisions as rows of a composite type (`runtime_decisionrow`), which is how they reach the table.

Most of a row is the same whenever the same is asked and answered; what is different each time comes first.
"""

import struct
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from inventory import packed
from inventory.packed import Rows
from runtime.questions import Answer, Question

KIND = "runtime_decisionrow"
# Columns with their types, in the order of the composite type (migration 0008).
_CHANGING = {
    "id": "uuid", "made_at": "timestamptz", "latency_us": "integer", "asked_by": "text",
    "context_digest": "text",
}  # fmt: skip
_LASTING = {
    "identity_id": "bigint", "task_id": "bigint", "on_behalf_of_id": "bigint",
    "policy_version_id": "bigint", "permitted": "boolean", "monitored": "boolean", "mode": "text",
    "subject_type": "text", "subject_id": "text", "action": "text", "resource_type": "text",
    "resource_id": "text", "context": "jsonb", "facts": "jsonb", "reason_code": "text",
    "reason": "text", "remedy": "text", "policies": "text[]",
}  # fmt: skip
COLUMNS = {**_CHANGING, **_LASTING}
_TYPES = tuple(_LASTING.values())
# The number of fields, then the first three of them, each with the number of its type and its length.
_FIRST = struct.Struct("!i Ii16s Iiq Iii")
_UUID, _TIMESTAMPTZ, _INTEGER = (
    packed.number_of(_CHANGING[name]) for name in ("id", "made_at", "latency_us")
)
_LARGEST_LATENCY = 2**31 - 1
Row = bytes


def row_of(
    question: Question, answer: Answer, *, key: UUID, at: datetime, latency_us: int, asked_by: str
) -> Row:
    """The columns, cut to what the table holds: a subject of a megabyte is denied, and recorded short."""
    lasting = lasting_part(question, answer)
    return whole_row(lasting, key, at, latency_us, asked_by, question.context_digest)


def lasting_part(question: Question, answer: Answer) -> bytes:
    """What of a row is the same whenever the same is asked and answered."""
    return packed.fields(_TYPES, (
        answer.identity, answer.task, answer.on_behalf_of, answer.policy_version, answer.permitted,
        answer.monitored, answer.mode, question.subject_type[:100], question.subject_id[:500],
        question.action[:300], question.resource_type[:100], question.resource_id[:1_000],
        question.known_context, answer.facts, answer.reason_code, answer.reason[:2_000],
        answer.remedy[:1_000], answer.policies,
    ))  # fmt: skip


def whole_row(
    lasting: bytes, key: UUID, at: datetime, latency_us: int, asked_by: str, context_digest: str
) -> Row:
    """The same with what is different each time."""
    first = _FIRST.pack(
        len(COLUMNS), _UUID, 16, key.bytes, _TIMESTAMPTZ, 8, packed.microseconds(at),
        _INTEGER, 4, min(latency_us, _LARGEST_LATENCY),
    )  # fmt: skip
    return b"".join((first, packed.text(asked_by[:200]), packed.text(context_digest), lasting))


def given(rows: Sequence[Row]) -> Rows:
    """The parameter of a statement that takes all of them: `unnest($1::runtime_decisionrow[])`."""
    return Rows(KIND, rows)
