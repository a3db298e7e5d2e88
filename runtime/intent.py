"""A task's declared intent against what was called: plain rules, their answers, and what they cannot see."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from inventory.models import Grant, Task
from runtime import counting, deviations, flags
from runtime.deviation_rules import KNOWN_FOR_DAYS
from runtime.models import CallTally, Deviation, ToolCall

MOST = 2_000  # calls of a task that are judged one by one
Rule = Deviation.Rule


@dataclass(frozen=True)
class Verdict:
    """What one rule says of the task."""

    rule: str
    tone: str
    word: str
    text: str


@dataclass
class Called:
    """One tool that was called for the task."""

    provider: str
    tool_name: str
    calls: int = 0
    changes: bool = False
    flagged: int = 0

    @property
    def within(self) -> int:
        return self.calls - self.flagged


@dataclass(frozen=True)
class Intent:
    """All of it, for the page of the task and of its chain."""

    verdicts: list[Verdict]
    called: list[Called]
    flagged: int
    total: int
    score: int
    more: bool
    flagged_calls: list[str]  # their ids

    @property
    def within(self) -> list[Called]:
        """What no rule flags, changes first: an injected call among them looks like any other."""
        found = [one for one in self.called if one.within]
        return sorted(found, key=lambda one: (not one.changes, one.tool_name))

    @property
    def outside(self) -> list[Called]:
        return [one for one in self.called if one.flagged]

    @property
    def within_calls(self) -> int:
        return sum(one.within for one in self.called)

    @property
    def score_word(self) -> str:
        return "Fits" if not self.score else "Does not fit"

    @property
    def tone(self) -> str:
        return "good" if not self.score else "warn" if self.score < 35 else "bad"


def of_task(task: Task, at: datetime) -> Intent:
    """Judged by the deviations that are on record, and by what the task declares."""
    rows = ToolCall.objects.filter(task=task, kind=ToolCall.Kind.TOOL).select_related("tool")
    calls = list(rows.order_by("started_at")[: MOST + 1])
    more, calls = len(calls) > MOST, counting.one_end(calls[:MOST])
    found = flags.of(calls)
    unexpected = {
        row.pk: row
        for each in found.values()
        for row in each
        if row.outcome != Deviation.Outcome.EXPECTED
    }
    called: dict[tuple[str, str], Called] = {}
    for call in calls:
        one = called.setdefault(
            (call.provider, call.tool_name), Called(call.provider, call.tool_name)
        )
        one.calls += 1
        one.flagged += str(call.pk) in found
        one.changes |= bool(call.writes or (call.tool and call.tool.writes))
    return Intent(
        verdicts=_verdicts(task, calls, found),
        called=sorted(called.values(), key=lambda one: (-one.flagged, one.tool_name)),
        flagged=len(found),
        total=len(calls),
        score=deviations.score(row.severity for row in unexpected.values()),
        more=more,
        flagged_calls=list(found),
    )


def _verdicts(
    task: Task, calls: list[ToolCall], found: dict[str, list[Deviation]]
) -> list[Verdict]:
    broken: dict[str, int] = {}
    for each in found.values():
        for row in each:
            broken[row.rule] = broken.get(row.rule, 0) + 1
    said, untold = [], _untold(task, calls)
    for rule, why_not in untold.items():
        label = Rule(rule).label
        if broken.get(rule):
            number = broken[rule]
            said.append(
                Verdict(label, "bad", "Broken", f"By {number} call{'s' if number > 1 else ''}.")
            )
        elif why_not:
            said.append(Verdict(label, "warn", "Cannot tell", why_not))
        else:
            said.append(Verdict(label, "good", "Holds", "Nothing that was called breaks it."))
    for rule in set(broken) - set(untold):
        said.append(
            Verdict(Rule(rule).label, "bad", "Broken", "See the deviations of its identity.")
        )
    return said


def _untold(task: Task, calls: list[ToolCall]) -> dict[str, str]:
    """The rules about intent, each with the reason why it can say nothing; empty where it can."""
    if not calls:
        nothing = "No call for the task was reported."
        return dict.fromkeys([Rule.TOOL, Rule.DATASET, Rule.WRITE, Rule.DESTINATION], nothing)
    granted = list(Grant.objects.filter(task=task).values_list("entitlement__writes", flat=True))
    no_list = "Nothing was granted for the task, so it has no list of tools."
    placeless = sum(not (call.system or call.provider) for call in calls)
    dataset = "" if task.targets.exists() else "The task names no system or dataset."
    if not dataset and placeless == len(calls):
        dataset = "No call says which system it worked on."
    write = "" if granted and None not in granted else no_list
    if granted and None in granted:
        write = "Of some of what was granted it is not known whether it changes anything."
    since = min(calls, key=lambda call: call.started_at).started_at
    known = CallTally.objects.filter(
        identity=task.identity_id, day__lte=(since - timedelta(days=KNOWN_FOR_DAYS)).date()
    ).exists()
    young = f"Its identity has been seen at work for less than {KNOWN_FOR_DAYS} days."
    return {
        Rule.TOOL: "" if granted else no_list,
        Rule.DATASET: dataset,
        Rule.WRITE: write,
        Rule.DESTINATION: "" if known else young,
    }
