"""What the checks of an assessment make of every control of every framework, as plain values."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from frameworks import models
from frameworks.models import Attestation, Control, Framework
from frameworks.results import CheckResult, Evidence, coverage, judge
from frameworks.snapshot import (
    AttestationState,
    Change,
    CheckState,
    ControlState,
    FrameworkState,
    MappedState,
)

States = Mapping[tuple[str, str], str]  # framework and control: its answer


@dataclass(frozen=True)
class _Facts:
    checks: Mapping[str, CheckState]
    mappings: Mapping[int, Sequence[models.Mapping]]
    attestations: Mapping[tuple[str, str], Sequence[AttestationState]]


def frameworks(checks: Mapping[str, CheckState], *, at: datetime) -> list[FrameworkState]:
    """The current version of each framework with the answer of each of its controls; four queries."""
    mappings: dict[int, list[models.Mapping]] = defaultdict(list)
    for mapping in models.Mapping.objects.order_by("strength", "check_id"):
        mappings[mapping.control_id].append(mapping)
    facts = _Facts(checks, mappings, _attestations(at))
    found = Framework.objects.current().prefetch_related("controls__parent")
    return [_framework(one, facts) for one in found]


def answers(found: Iterable[FrameworkState]) -> dict[tuple[str, str], str]:
    """The answer of each control that has one."""
    return {
        (framework.key, control.control_id): control.state
        for framework in found
        for control in framework.controls
        if not control.is_heading
    }


def changes(before: States, found: Sequence[FrameworkState]) -> tuple[Change, ...]:
    """Controls that answer otherwise than before; those that were not there before are no change."""
    return tuple(
        Change(framework.key, control.control_id, control.title, was, control.state)
        for framework in found
        for control in framework.controls
        if (was := before.get((framework.key, control.control_id))) and was != control.state
    )


def evidence_of(check: CheckState | None, mapping: models.Mapping) -> Evidence:
    """A kept answer as evidence for a control, for the same rule that the live pages use."""
    primary = mapping.strength == models.Mapping.Strength.PRIMARY
    if check is None or check.said or check.at is None:
        return Evidence(mapping.check_id, primary, None, check.said if check else "")
    result = CheckResult(check.at, check.passed, check.failed, check.unknown)
    return Evidence(mapping.check_id, primary, result)


def _attestations(at: datetime) -> dict[tuple[str, str], list[AttestationState]]:
    found: dict[tuple[str, str], list[AttestationState]] = defaultdict(list)
    rows = Attestation.objects.standing(at).select_related("author").defer("file_content")
    for one in rows.order_by("id"):
        found[one.framework_key, one.control_id].append(
            AttestationState(
                one.statement, one.author.display_name, one.made_at, one.ends_on, one.link,
                one.file_name, one.file_sha256,
            )
        )  # fmt: skip
    return found


def _framework(one: Framework, facts: _Facts) -> FrameworkState:
    return FrameworkState(
        key=one.key, name=one.name, version=one.version, publisher=one.publisher,
        published=one.published, source=one.source, licence=one.licence, kind=one.kind,
        meaning_of_pass=one.meaning_of_pass, is_own=one.is_own, shows_text=one.shows_text,
        notes=tuple(one.notes),
        controls=tuple(_control(one, control, facts) for control in one.controls.all()),
    )  # fmt: skip


def _control(framework: Framework, control: Control, facts: _Facts) -> ControlState:
    mappings = facts.mappings.get(control.pk, ())
    evidence = [evidence_of(facts.checks.get(one.check_id), one) for one in mappings]
    verdict, share = judge(evidence), coverage(evidence)
    is_heading = control.kind in Control.HEADINGS
    return ControlState(
        control_id=control.control_id, title=control.title,
        title_official=control.title_official, local_id=control.local_id,
        summary=control.summary, kind=control.kind,
        parent=control.parent.control_id if control.parent else "",
        is_heading=is_heading,
        state="" if is_heading else str(verdict.state),
        reason="" if is_heading else verdict.reason,
        weight_known=round(share.known, 4), weight_passed=round(share.passed, 4),
        conditional=framework.conditional, not_covered_why=control.not_covered_why,
        mapped=tuple(
            MappedState(one.check_id, one.strength, one.why, one.limits, str(told.state))
            for one, told in zip(mappings, evidence, strict=True)
        ),
        attestations=tuple(facts.attestations.get((framework.key, control.control_id), ())),
    )  # fmt: skip
