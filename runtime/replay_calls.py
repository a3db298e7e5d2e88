"""Tool calls that were made without a decision, as questions: may this identity call this tool?

What the agent did is on record; the facts of that moment are not. So such a call is judged by the facts of today, and
what they deny already is no news about the change that is tried.
"""

import json
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Max, Min, Q, QuerySet

from runtime import counting
from runtime.models import ToolCall
from runtime.replay_reading import Asked, Times

CALL = "call"
_UNASKED = Q(kind=ToolCall.Kind.TOOL, decision_id=None, identity__isnull=False, tool__isnull=False)
_SAME = ("identity_id", "tool_id", "task_id", "on_behalf_of_id", "outcome")


def total(scope: Q, since: datetime, until: datetime) -> int:
    return _between(since, until).filter(scope).count()


def of_a_piece(scope: Q, start: datetime, end: datetime) -> Iterator[tuple[Asked, Times]]:
    """Grouped by the database; calls of one identity to one tool for one task are the same question."""
    rows = _between(start, end).filter(scope).order_by().values(*_SAME).annotate(
        number=Count("pk"), first=Min("started_at"), last=Max("started_at")
    )  # fmt: skip
    for row in rows.iterator(chunk_size=5_000):
        context = {"task": row["task_id"], "on_behalf_of": row["on_behalf_of_id"]}
        said = {name: value for name, value in context.items() if value is not None}
        asked = Asked(
            kind=CALL,
            identity=row["identity_id"],
            subject_type="identity",
            subject_id=str(row["identity_id"]),
            action="call",
            resource_type="tool",
            resource_id=str(row["tool_id"]),
            task=row["task_id"],
            told=json.dumps([said, {}], sort_keys=True, separators=(",", ":")),
            before=row["outcome"] != ToolCall.Outcome.DENIED,
            reason_code="",
        )
        yield asked, Times(row["number"], row["first"], row["last"], None)


def _between(start: datetime, end: datetime) -> QuerySet[ToolCall]:
    return counting.once(
        ToolCall.objects.filter(_UNASKED, started_at__gte=start, started_at__lt=end)
    )
