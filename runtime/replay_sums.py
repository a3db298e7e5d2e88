"""A replay's result: its counts, for whom it changes something, and its rows."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inventory.models import Identity, Task
from runtime.models import Replay, ReplayRow
from runtime.replay_judging import Judged

MOST_GROUPS = 100  # of identities, actions and tasks that are named; all of them are counted


@dataclass(frozen=True)
class Names:
    """What keys were called when it was worked out."""

    identities: Mapping[int, str]
    tasks: Mapping[int, str]

    def subject(self, judged: Judged) -> str:
        asked = judged.asked
        known = self.identities.get(asked.identity) if asked.identity is not None else None
        return known or asked.subject_id


def names_of(judged: Iterable[Judged]) -> Names:
    changed = [each for each in judged if each.changes]
    identities = {key for each in changed if (key := each.asked.identity) is not None}
    tasks = {key for each in changed if (key := each.asked.task) is not None}
    return Names(
        dict(Identity.objects.filter(pk__in=identities).values_list("pk", "name")),
        dict(Task.objects.filter(pk__in=tasks).values_list("pk", "purpose")),
    )


def result_of(judged: Sequence[Judged], names: Names) -> dict[str, Any]:  # Any: JSON
    """The counts: of different questions, and of how often they were asked."""
    changed = [each for each in judged if each.changes]
    tasks = [each for each in changed if each.asked.task is not None]
    return {
        "all": _tally(judged),
        "by_facts": _tally(each for each in judged if each.verdict.by_facts),
        "unclear": _tally(each for each in judged if each.verdict.permitted is None),
        "unclear_why": _reasons(each for each in judged if each.verdict.permitted is None),
        "denied": _tally(each for each in changed if each.asked.before),
        "permitted": _tally(each for each in changed if not each.asked.before),
        "by_identity": _groups(changed, names.subject, lambda each: each.asked.identity),
        "by_action": _groups(changed, lambda each: each.asked.action, lambda each: None),
        "by_task": _groups(
            tasks,
            lambda each: names.tasks.get(each.asked.task or 0, f"Task {each.asked.task}"),
            lambda each: each.asked.task,
        ),
    }


def rows_of(replay: Replay, judged: Iterable[Judged], names: Names) -> list[ReplayRow]:
    """What changes, most often asked first."""
    changed = sorted(
        (each for each in judged if each.changes),
        key=lambda each: (-each.times.number, each.asked.order),
    )
    return [
        ReplayRow(
            replay=replay,
            kind=each.asked.kind,
            identity_id=each.asked.identity,
            subject=names.subject(each)[:600],
            action=each.asked.action,
            resource_type=each.asked.resource_type,
            resource_id=each.asked.resource_id,
            task_key=each.asked.task,
            task_purpose=names.tasks.get(each.asked.task or 0, ""),
            before=each.asked.before,
            after=bool(each.verdict.permitted),
            reason=each.verdict.reason,
            policies=list(each.verdict.policies),
            times=each.times.number,
            first_at=each.times.first,
            last_at=each.times.last,
            example=each.times.example,
        )
        for each in changed
    ]


def _tally(judged: Iterable[Judged]) -> dict[str, int]:
    found = list(judged)
    return {"questions": len(found), "times": sum(each.times.number for each in found)}


def _reasons(unclear: Iterable[Judged]) -> list[dict[str, object]]:
    """Why requests cannot be judged again, the most often asked first."""
    questions: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for each in unclear:
        questions[each.verdict.reason] += 1
        times[each.verdict.reason] += each.times.number
    order = sorted(times, key=lambda reason: (-times[reason], reason))
    return [
        {"reason": reason, "questions": questions[reason], "times": times[reason]}
        for reason in order[:MOST_GROUPS]
    ]


def _groups(
    changed: Iterable[Judged],
    name: Callable[[Judged], str],
    key: Callable[[Judged], int | None],
) -> list[dict[str, object]]:
    """For each name: how many requests would newly be denied and permitted, the most first."""
    denied: Counter[tuple[str, int | None]] = Counter()
    permitted: Counter[tuple[str, int | None]] = Counter()
    for each in changed:
        counter = denied if each.asked.before else permitted
        counter[name(each), key(each)] += each.times.number
    everyone = {*denied, *permitted}
    order = sorted(everyone, key=lambda one: (-denied[one], -permitted[one], one[0], one[1] or 0))
    return [
        {"name": one[0], "key": one[1], "denied": denied[one], "permitted": permitted[one]}
        for one in order[:MOST_GROUPS]
    ]
