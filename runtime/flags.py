"""Which deviations each call shows: a rule about a task's tool or dataset is found once and holds for all its calls."""

from collections.abc import Sequence

from django.db.models import Q

from runtime.models import Deviation, ToolCall

_BY_TOOL = (Deviation.Rule.TOOL, Deviation.Rule.WRITE)
_Same = tuple[str, int | None, str, str]


def of(calls: Sequence[ToolCall]) -> dict[str, list[Deviation]]:
    """By the call's id."""
    if not calls:
        return {}
    tasks = {call.task_id for call in calls if call.task_id is not None}
    rows = list(
        Deviation.objects.filter(Q(call__in=[call.pk for call in calls]) | Q(task__in=tasks))
    )
    first = {
        call.pk: call
        for call in ToolCall.objects.filter(
            pk__in=[row.call for row in rows], started_at__in=[row.happened_at for row in rows]
        )
    }
    by_call: dict[str, list[Deviation]] = {}
    by_same: dict[_Same, list[Deviation]] = {}
    for row in rows:
        by_call.setdefault(str(row.call), []).append(row)
        if row.task_id is not None and row.call in first:
            for same in _same(first[row.call], row.rule, row.task_id):
                by_same.setdefault(same, []).append(row)
    return {str(call.pk): found for call in calls if (found := _found(call, by_call, by_same))}


def _found(
    call: ToolCall,
    by_call: dict[str, list[Deviation]],
    by_same: dict[_Same, list[Deviation]],
) -> list[Deviation]:
    found = {row.pk: row for row in by_call.get(str(call.pk), [])}
    if call.kind == ToolCall.Kind.TOOL:
        for rule in (*_BY_TOOL, Deviation.Rule.DATASET):
            for same in _same(call, rule, call.task_id):
                found |= {row.pk: row for row in by_same.get(same, [])}
    return list(found.values())


def _same(call: ToolCall, rule: str, task: int | None) -> list[_Same]:
    if task is None:
        return []
    if rule in _BY_TOOL:
        return [(rule, task, call.provider, call.tool_name)]
    if rule == Deviation.Rule.DATASET:
        return [(rule, task, call.system or call.provider, call.resource)]
    return []
