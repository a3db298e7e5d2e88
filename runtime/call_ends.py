"""Both ends of one call on pages: shown once, with a way to the other end.

An agent tells its call, and the server that was called tells it again (runtime/counting.py says when two are the same).
The server's row is left out where the caller's is on the same list, so that no filter ever hides a call altogether.
Only the rows of a page are looked at, so that a page costs as much whatever the record holds.
"""

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from inventory.listing import Fold
from runtime.models import ToolCall

_DAY = timedelta(days=1)  # as counting.other_end_sql
_Span = tuple[str, str, str]  # trace, span and tool


def fold(matching: QuerySet[ToolCall], seen: QuerySet[ToolCall]) -> Fold:
    """For a list of `matching` calls; `seen` are all that the user may see."""

    def rows(calls: Sequence[ToolCall]) -> list[ToolCall]:
        return marked(once(calls, matching), seen)

    return Fold(rows, number)


def unfolded(seen: QuerySet[ToolCall]) -> Fold:
    """Every row, each with its other end."""
    return Fold(lambda calls: marked(calls, seen), None)


def once(calls: Sequence[ToolCall], matching: QuerySet[ToolCall]) -> list[ToolCall]:
    """Without the second ends whose first one is among `matching`."""
    seconds = [call for call in calls if _is_second(call)]
    if not seconds:
        return list(calls)
    spans = {call.parent_span_id for call in seconds}
    first = matching.order_by().filter(_around(seconds), kind=ToolCall.Kind.TOOL, span_id__in=spans)
    began = {
        (trace, span, tool): at
        for trace, span, tool, at in first.values_list(
            "trace_id", "span_id", "tool_name", "started_at"
        )
    }
    again = {
        call.pk
        for call in seconds
        if (at := began.get(_above(call))) is not None and abs(call.started_at - at) <= _DAY
    }
    return [call for call in calls if call.pk not in again]


def marked(calls: Sequence[ToolCall], seen: QuerySet[ToolCall]) -> list[ToolCall]:
    """Each with `other_end`: the call's other row that the user may see, if there is one."""
    told = [call for call in calls if call.kind == ToolCall.Kind.TOOL and call.trace_id]
    if told:
        above = {call.parent_span_id for call in told if _is_second(call)}
        below = Q(attributes__side="server", parent_span_id__in={call.span_id for call in told})
        near = list(
            seen.order_by().select_related(None)
            .filter(Q(span_id__in=above) | below, _around(told), kind=ToolCall.Kind.TOOL)
            .defer("summary")
        )  # fmt: skip
        firsts = {(one.trace_id, one.span_id, one.tool_name): one for one in near}
        seconds = {_above(one): one for one in near if _is_second(one)}
        for call in told:
            other = seconds.get((call.trace_id, call.span_id, call.tool_name))
            other = firsts.get(_above(call), other) if _is_second(call) else other
            if other is not None and abs(call.started_at - other.started_at) <= _DAY:
                call.other_end = other  # type: ignore[attr-defined]  # read by `other_end`
    return list(calls)


def other_end(call: ToolCall) -> ToolCall | None:
    """What `marked` has found."""
    found: ToolCall | None = getattr(call, "other_end", None)
    return found


def told_by(call: ToolCall) -> str:
    """Who told the other end, in words."""
    other = other_end(call)
    if other is None:
        return ""
    side = "the server" if _is_second(other) else "the caller"
    return f"{side}, {other.service_name}" if other.service_name else side


def number(matching: QuerySet[ToolCall]) -> int:
    """How many calls these rows are; for few of them."""
    rows = matching.order_by().values_list(
        "trace_id", "span_id", "parent_span_id", "tool_name", "kind", KeyTextTransform("side", "attributes")
    )  # fmt: skip
    found = list(rows)
    tools = [row for row in found if row[4] == ToolCall.Kind.TOOL and row[0]]
    spans = {(trace, span, tool) for trace, span, _, tool, _, _ in tools}
    again = [
        1 for trace, _, above, tool, _, side in tools if side == "server" and (trace, above, tool) in spans
    ]  # fmt: skip
    return len(found) - len(again)


def _is_second(call: ToolCall) -> bool:
    told: bool = call.attributes.get("side") == "server"
    return told and call.kind == ToolCall.Kind.TOOL and bool(call.trace_id)


def _above(call: ToolCall) -> _Span:
    return call.trace_id, call.parent_span_id, call.tool_name


def _around(calls: Sequence[ToolCall]) -> Q:
    """The traces of these calls, within the days that may hold their other ends."""
    began = [call.started_at for call in calls]
    return Q(
        trace_id__in={call.trace_id for call in calls},
        started_at__range=(min(began) - _DAY, max(began) + _DAY),
    )
