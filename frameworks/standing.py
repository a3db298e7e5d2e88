"""Where each control stands now: mappings and the last full sweep, brought to the rule in results.

Five queries, whatever the number of frameworks, controls and checks.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from frameworks import sources_needed
from frameworks.models import Control, ControlQuerySet, Mapping
from frameworks.results import CheckResult, Evidence, State, Verdict, judge
from inventory.templatetags.charts import Part
from reviews.check import Check
from reviews.checks import configured
from reviews.models import CheckRun

_SHOWN = (State.PASS, State.FAIL, State.CANNOT_TELL, State.NOT_APPLICABLE)


@dataclass(frozen=True)
class MappedCheck:
    """A check as evidence for a control. `check` is None where it is not part of this version."""

    mapping: Mapping
    evidence: Evidence
    check: Check | None
    ran_at: datetime | None
    connect: str = ""

    @property
    def title(self) -> str:
        return self.check.title if self.check else self.mapping.check_title

    @property
    def status(self) -> str:
        """Why there is no result, or why it no longer counts, where that is so."""
        if self.evidence.said:
            return f"{self.evidence.said}. {self.connect}".strip()
        if self.check is not None and not self.check.enabled:
            return "Disabled"
        result = self.evidence.result
        if result is None:
            return "Not run yet"
        return "Older than a day: what passed no longer counts" if result.is_old else ""


@dataclass(frozen=True)
class Standing:
    """A control, its answer, and what made it."""

    control: Control
    verdict: Verdict
    checks: tuple[MappedCheck, ...]


@dataclass(frozen=True)
class Tally:
    """How many controls have each answer; `kind` is that of their framework."""

    counts: Counter[State]
    kind: str = ""

    @property
    def parts(self) -> list[Part]:
        """For a bar: the four answers. What no check covers takes no room."""
        return [Part(state.label_in(self.kind), self.counts[state], state.tone) for state in _SHOWN]

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def not_covered(self) -> int:
        return self.counts[State.NOT_COVERED]

    @property
    def covered(self) -> int:
        return self.total - self.not_covered

    @property
    def passed(self) -> int:
        return self.counts[State.PASS]

    @property
    def failed(self) -> int:
        return self.counts[State.FAIL]

    @property
    def unknown(self) -> int:
        return self.counts[State.CANNOT_TELL]

    @property
    def not_applicable(self) -> int:
        return self.counts[State.NOT_APPLICABLE]


def standings(controls: ControlQuerySet, *, at: datetime) -> list[Standing]:
    """Each control of the queryset that is no heading, in its order, with its answer."""
    found = list(controls.assessed())
    by_control: dict[int, list[Mapping]] = defaultdict(list)
    rows = Mapping.objects.filter(control__in=[control.pk for control in found])
    for mapping in rows.order_by("strength", "check_id"):
        by_control[mapping.control_id].append(mapping)
    checks = {check.id: check for check in configured()}
    wanted = {mapping.check_id for rows in by_control.values() for mapping in rows}
    known = _Known(checks, _last_runs(wanted & checks.keys()), sources_needed.connected())
    return [_standing(control, by_control[control.pk], known, at=at) for control in found]


def tally(standings: Iterable[Standing], kind: str = "") -> Tally:
    return Tally(Counter(one.verdict.state for one in standings), kind)


@dataclass(frozen=True)
class _Known:
    checks: dict[str, Check]
    runs: dict[str, CheckRun]
    connected: frozenset[str]

    def silence(self, check_id: str) -> tuple[str, str]:
        """Why the check cannot answer at all, and what to connect."""
        said, connect = sources_needed.silence(check_id, self.connected)
        if check_id not in self.checks:
            return said or sources_needed.NO_CHECK, connect
        return said, connect


def _standing(
    control: Control, mappings: Sequence[Mapping], known: _Known, *, at: datetime
) -> Standing:
    mapped = []
    for mapping in mappings:
        check = known.checks.get(mapping.check_id)
        run = _that_counts(check, known.runs.get(mapping.check_id))
        said, connect = ("", "") if run and run.population else known.silence(mapping.check_id)
        run = None if said else run
        primary = mapping.strength == Mapping.Strength.PRIMARY
        evidence = Evidence(mapping.check_id, primary, _result(run, at) if run else None, said)
        mapped.append(MappedCheck(mapping, evidence, check, run.at if run else None, connect))
    return Standing(control, judge([one.evidence for one in mapped]), tuple(mapped))


def _that_counts(check: Check | None, run: CheckRun | None) -> CheckRun | None:
    """What a check said under another meaning, or before it was switched off, says nothing now."""
    if check is None or run is None or not check.enabled or run.version != check.version:
        return None
    return run


def _result(run: CheckRun, at: datetime) -> CheckResult:
    return CheckResult(run.at, run.passed, run.failed, run.unknown).as_of(at)


def _last_runs(check_ids: Collection[str]) -> dict[str, CheckRun]:
    """The last run of each check, each found by the index: sweeps of years need not be read."""
    each = [
        CheckRun.objects.filter(check_id=check_id).order_by("-at", "-pk")[:1]
        for check_id in sorted(check_ids)
    ]
    if not each:
        return {}
    last = each[0].union(*each[1:], all=True) if len(each) > 1 else each[0]
    return {run.check_id: run for run in last}
