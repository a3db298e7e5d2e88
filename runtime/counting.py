"""What of the record counts as one call of a tool: an agent's own run does not, and a call told from both ends is one.

The conditions are SQL over one row of runtime_toolcall under the alias that is given.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from runtime.models import ToolCall


def own_run_sql(call: str) -> str:
    """The run of an agent itself, told as an invocation of that agent: nobody else was asked for anything."""
    return f"({call}.kind = 'agent' AND {call}.agent_name = {call}.tool_name)"


def other_end_sql(call: str) -> str:
    """The server's view of a call that whoever made it told as well: its span is the parent, of the same tool."""
    return f"""({call}.attributes ->> 'side' = 'server' AND {call}.kind = 'tool' AND {call}.trace_id <> '' AND EXISTS (
        SELECT FROM runtime_toolcall near WHERE near.trace_id = {call}.trace_id
          AND near.span_id = {call}.parent_span_id AND near.kind = 'tool' AND near.tool_name = {call}.tool_name
          AND near.started_at BETWEEN {call}.started_at - interval '1 day'
            AND {call}.started_at + interval '1 day'))"""


def one_end_sql(call: str) -> str:
    return f"(NOT COALESCE({other_end_sql(call)}, false))"


def counts_sql(call: str) -> str:
    return f"(NOT {own_run_sql(call)} AND {one_end_sql(call)})"


def with_own_run(rows: QuerySet[Any]) -> QuerySet[Any]:
    """With `own_run`: whether it is the run of the agent itself."""
    run = RawSQL(own_run_sql("runtime_toolcall"), [], BooleanField())  # noqa: S611  a constant
    found: QuerySet[Any] = rows.annotate(own_run=run)
    return found


def once(rows: QuerySet[Any]) -> QuerySet[Any]:  # Any: tool calls, perhaps with annotations
    """The calls, each once: without what the other end told of the same call. For jobs, as planning looks at each day
    that is on record; `one_end` is for pages."""
    return rows.filter(RawSQL(one_end_sql("runtime_toolcall"), [], BooleanField()))  # noqa: S611  a constant


def one_end(calls: Sequence[ToolCall]) -> list[ToolCall]:
    """As `once`, of calls that are at hand."""
    tools = [call for call in calls if call.kind == ToolCall.Kind.TOOL and call.trace_id]
    spans = {(call.trace_id, call.span_id, call.tool_name) for call in tools}
    again = {
        call.pk
        for call in tools
        if call.attributes.get("side") == "server"
        and (call.trace_id, call.parent_span_id, call.tool_name) in spans
    }
    return [call for call in calls if call.pk not in again]
