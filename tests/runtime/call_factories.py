"""What agents did, for tests: say what matters for the sentence, the rest is made up."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from runtime import partitions
from runtime.models import ToolCall
from runtime.models.tool_call import id_of, key_of
from tests.factories import NOW

_number = count(1)
_NOTHING_TOLD = (
    "trace_id", "parent_span_id", "conversation", "agent_name", "service_name", "spiffe_id", "provider",
    "system", "resource", "error", "arguments_digest",
)  # fmt: skip


def a_tool_call(*, started_at: datetime = NOW, **fields: Any) -> ToolCall:
    """A call of the tool “search” by an agent that nobody knows, done in a tenth of a second."""
    partitions.ensure([started_at.date()])
    span_id = fields.pop("span_id", f"{next(_number):016x}")
    key = key_of(0, fields.get("trace_id", ""), span_id)
    made = {
        **dict.fromkeys(_NOTHING_TOLD, ""),
        "id": UUID(
            id_of(key, int(started_at.timestamp()) * 1_000_000_000 + started_at.microsecond * 1_000)
        ),
        "span_id": span_id,
        "duration_us": 100_000,
        "kind": ToolCall.Kind.TOOL,
        "tool_name": "search",
        "outcome": ToolCall.Outcome.OK,
        "summary": {},
        "attributes": {},
        "received_at": started_at + timedelta(seconds=1),
        **fields,
    }
    return ToolCall.objects.create(started_at=started_at, **made)
