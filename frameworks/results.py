"""What the checks say about a control: one rule over plain values, by the four-answers law.

Nothing here reads the database or a clock. docs/frameworks.md tells the rule in words.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

# The checks run every hour. After a day without a run nobody knows any more what holds.
FRESH = timedelta(days=1)
# How much a check counts in the coverage of a control; the answer itself rests on the primary ones.
PRIMARY, SUPPORTING = 3, 1


class State(StrEnum):
    """The four answers, and that there is no question."""

    PASS = "pass"  # noqa: S105 (an answer, not a password)
    FAIL = "fail"
    CANNOT_TELL = "cannot-tell"
    NOT_APPLICABLE = "not-applicable"
    NOT_COVERED = "not-covered"

    @property
    def label(self) -> str:
        return self.value.replace("-", " ").capitalize()

    def label_in(self, kind: str) -> str:
        """In a framework of this kind: nobody passes a list of risks, there is evidence of mitigation."""
        risks = kind in ("risk-list", "threat-model")
        return "Evidence of mitigation" if risks and self is State.PASS else self.label

    @property
    def tone(self) -> str:
        return _TONES[self]


_TONES = {
    State.PASS: "good",
    State.FAIL: "bad",
    State.CANNOT_TELL: "warn",
    State.NOT_APPLICABLE: "plain",
    State.NOT_COVERED: "plain",
}


@dataclass(frozen=True)
class CheckResult:
    """What a check counted in its last full sweep: its population is passed, failed or unknown."""

    at: datetime
    passed: int
    failed: int
    unknown: int
    is_old: bool = False

    @property
    def population(self) -> int:
        return self.passed + self.failed + self.unknown

    def as_of(self, at: datetime) -> "CheckResult":
        """The result as it counts now: once old, what passed is unknown; what failed still fails.

        An old result over nobody says nothing either, so it becomes one unknown.
        """
        if at - self.at <= FRESH:
            return self
        unknown = self.unknown + max(self.passed, 1)
        return replace(self, passed=0, unknown=unknown, is_old=True)


@dataclass(frozen=True)
class Evidence:
    """One mapped check for a control. `result` is None when it gave no answer; `said` may tell why."""

    check_id: str
    primary: bool
    result: CheckResult | None
    said: str = ""

    @property
    def weight(self) -> int:
        return PRIMARY if self.primary else SUPPORTING

    @property
    def state(self) -> State:
        """The answer of this check alone; a failure goes before what cannot be told."""
        if self.result is None:
            return State.CANNOT_TELL
        if self.result.failed:
            return State.FAIL
        if self.result.unknown:
            return State.CANNOT_TELL
        return State.PASS if self.result.passed else State.NOT_APPLICABLE


@dataclass(frozen=True)
class Verdict:
    """The answer for a control and, in a sentence, what made it."""

    state: State
    reason: str


def judge(evidence: Sequence[Evidence]) -> Verdict:
    """The state of a control.

    1. No check is mapped: not covered.
    2. A primary check fails: fail.
    3. Every mapped check ran over nobody: not applicable.
    4. There are primary checks and each of them passes: pass.
    5. Anything else: cannot tell.
    """
    if not evidence:
        return Verdict(State.NOT_COVERED, "No check is mapped to it.")
    primary = [one for one in evidence if one.primary]
    failing = [one.check_id for one in primary if one.state is State.FAIL]
    if failing:
        return Verdict(State.FAIL, f"Failures in {_named(failing)}.")
    if all(one.state is State.NOT_APPLICABLE for one in evidence):
        return Verdict(
            State.NOT_APPLICABLE, "The inventory holds nothing that its checks are about."
        )
    if primary and all(one.state is State.PASS for one in primary):
        return Verdict(State.PASS, _passing(evidence))
    return Verdict(State.CANNOT_TELL, _missing(primary))


@dataclass(frozen=True)
class Coverage:
    """How much of the weight of a control's checks could be told, and how much of it passed: shares from 0 to 1."""

    known: float
    passed: float


def coverage(evidence: Sequence[Evidence]) -> Coverage:
    """Over the checks that apply at all; what cannot be told lowers both, and without a check both are 0."""
    states = [(one.state, one.weight) for one in evidence]
    whole = sum(weight for state, weight in states if state is not State.NOT_APPLICABLE)
    passed = sum(weight for state, weight in states if state is State.PASS)
    failed = sum(weight for state, weight in states if state is State.FAIL)
    return Coverage((passed + failed) / whole, passed / whole) if whole else Coverage(0.0, 0.0)


def _passing(evidence: Sequence[Evidence]) -> str:
    weak = [one.check_id for one in evidence if not one.primary and one.state is State.FAIL]
    said = "Every primary check passes"
    return f"{said}, but supporting evidence fails in {_named(weak)}." if weak else f"{said}."


def _missing(primary: Sequence[Evidence]) -> str:
    if not primary:
        return "Only supporting checks are mapped to it; they cannot show it by themselves."
    told = {one.said for one in primary if one.result is None and one.said}
    why = [
        (f"{said}: {{}}.", [one.check_id for one in primary if one.said == said])
        for said in sorted(told)
    ]
    silent = [one.check_id for one in primary if one.result is None and not one.said]
    unknown = [one.check_id for one in primary if one.result is not None and one.result.unknown]
    nobody = [one.check_id for one in primary if one.state is State.NOT_APPLICABLE]
    reasons = (
        *why,
        ("No result yet of {}.", silent),
        ("Data is missing or old for {}.", unknown),
        ("The inventory holds nothing for {}.", nobody),
    )
    return " ".join(sentence.format(_named(ids)) for sentence, ids in reasons if ids)


def _named(check_ids: Sequence[str]) -> str:
    first, more = check_ids[:3], len(check_ids) - 3
    return ", ".join(first) + (f" and {more} more" if more > 0 else "")
