"""OSCAL assessment-results: one result for each framework, with what each check observed and what was found.

A finding is written only where there is an answer: pass is satisfied, fail is not-satisfied. What cannot be told, does
not apply or is not covered is an observation that says so; it is never a finding, so nobody can read it as satisfied.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from frameworks.reports import oscal_catalogs, oscal_plan
from frameworks.reports.oscal_text import (
    Json,
    bullets,
    line,
    metadata,
    objective,
    prop,
    prose,
    token,
    tokens,
    uuid,
)
from frameworks.reports.text import instant
from frameworks.snapshot import (
    AttestationState,
    CheckState,
    ControlState,
    EvidenceRow,
    FrameworkState,
    Snapshot,
)

SUBJECTS = 25  # of a check that are named in an observation; all are in the evidence rows
_FOUND = {"pass": "satisfied", "fail": "not-satisfied"}


@dataclass(frozen=True)
class Judged:
    """What the checks are known to have judged: the first subjects of each that did not pass."""

    snapshot: Snapshot
    subjects: Mapping[str, list[EvidenceRow]]


def first_subjects(rows: Iterable[EvidenceRow]) -> dict[str, list[EvidenceRow]]:
    """Of each check the first subjects that fail or cannot be told; reads the rows once."""
    found: dict[str, list[EvidenceRow]] = {}
    for row in rows:
        ones = found.setdefault(row.check_id, [])
        if row.verdict != "pass" and len(ones) < SUBJECTS:
            ones.append(row)
    return found


def results(snapshot: Snapshot, subjects: Mapping[str, list[EvidenceRow]]) -> Json:
    judged = Judged(snapshot, subjects)
    told = {
        "uuid": uuid(snapshot, "assessment-results"),
        "metadata": metadata(
            snapshot, snapshot.title, remarks=f"What limits it: {' '.join(snapshot.limits)}"
        ),
        "import-ap": {"href": oscal_plan.FILE},
        "results": [
            _result(judged, one) for one in snapshot.frameworks if oscal_plan.selected(one)
        ] or [_nothing(judged)],
    }  # fmt: skip
    return {"assessment-results": told}


def _result(judged: Judged, framework: FrameworkState) -> Json:
    snapshot = judged.snapshot
    ids = tokens(framework)
    controls = [one for one in framework.controls if not one.is_heading]
    mapped = {each.check_id for one in controls for each in one.mapped}
    checks = [one for one in snapshot.checks if one.check_id in mapped]
    named = _named(judged, [one.check_id for one in checks])
    observations = [
        *(_observed(judged, framework, one) for one in checks),
        *(_untold(snapshot, framework, one, ids) for one in controls if one.state not in _FOUND),
        *(
            _attested(snapshot, framework, one, ids, number, each)
            for one in controls
            for number, each in enumerate(one.attestations, 1)
        ),
    ]
    findings = [_finding(snapshot, framework, one, ids) for one in controls if one.state in _FOUND]
    return {
        **_head(snapshot, f"{framework.name} {framework.version}", framework.meaning_of_pass),
        "uuid": uuid(snapshot, f"result:{framework.key}"),
        "props": [prop("framework", framework.key), *_counts(framework)],
        "reviewed-controls": {"control-selections": [oscal_plan.selection(framework)]},
        **({"local-definitions": named} if named else {}),
        **({"observations": observations} if observations else {}),
        **({"findings": findings} if findings else {}),
    }


def _nothing(judged: Judged) -> Json:
    snapshot = judged.snapshot
    return {
        **_head(snapshot, "No framework was assessed", "Nothing was found, and nothing passed."),
        "uuid": uuid(snapshot, "result:none"),
        "reviewed-controls": {"control-selections": [{"include-all": {}}]},
    }


def _head(snapshot: Snapshot, title: str, meaning: str) -> Json:
    sources = [
        f"{one.name} ({one.kind}): "
        + (f"read whole {instant(one.read_at)}" if one.read_at else "never read whole")
        + ("; too old" if one.is_stale else "")
        for one in snapshot.sources
    ]
    return {
        "title": line(title),
        "description": f"{prose(meaning)}\n\nScope: {line(snapshot.scope.label)}",
        "start": instant(snapshot.facts_at),
        "end": instant(snapshot.made_at),
        "remarks": f"Sources:\n\n{bullets(sources or ['none connected'])}",
    }


def _counts(framework: FrameworkState) -> list[Json]:
    states = ("pass", "fail", "cannot-tell", "not-applicable", "not-covered")
    return [prop(f"count-{state}", framework.count(state)) for state in states]


def _named(judged: Judged, check_ids: list[str]) -> Json:
    """The subjects that observations refer to, each once."""
    subjects = {row.subject: row for each in check_ids for row in judged.subjects.get(each, [])}
    items = [
        {
            "uuid": uuid(judged.snapshot, f"subject:{subject}"),
            "description": prose(row.name),
            "props": [prop("subject", subject), *_of_identity(row)],
        }
        for subject, row in subjects.items()
    ]
    return {"inventory-items": items} if items else {}


def _of_identity(row: EvidenceRow) -> list[Json]:
    return [prop("identity", row.identity)] if row.identity else []


def _observed(judged: Judged, framework: FrameworkState, check: CheckState) -> Json:
    snapshot = judged.snapshot
    rows = judged.subjects.get(check.check_id, [])
    counted = {
        "check": check.check_id, "state": check.state, "population": check.population,
        "passed": check.passed, "failed": check.failed, "cannot-tell": check.unknown,
        "accepted": check.accepted, "subjects-named": len(rows),
        "activity": oscal_plan.activity(snapshot, check.check_id),
    }  # fmt: skip
    told: Json = {
        "uuid": _observation(snapshot, framework, check.check_id),
        "title": line(check.title),
        "description": prose(check.said or _sentence(check)),
        "props": [prop(name, value) for name, value in counted.items()],
        "methods": ["TEST"],
        "types": ["control-objective"],
        "collected": instant(check.at or snapshot.facts_at),
        "relevant-evidence": [
            {
                "description": f"Rows of {line(check.check_id)} in evidence.csv of the evidence bundle."
            }
        ],
    }
    if rows:
        told["subjects"] = [_subject(snapshot, row) for row in rows]
    if check.connect:
        told["remarks"] = prose(check.connect)
    return told


def _sentence(check: CheckState) -> str:
    return (
        f"Of {check.population}: {check.passed} passed, {check.failed} failed ({check.accepted} of them under an"
        f" exception), {check.unknown} cannot be told."
    )


def _subject(snapshot: Snapshot, row: EvidenceRow) -> Json:
    return {
        "subject-uuid": uuid(snapshot, f"subject:{row.subject}"),
        "type": "inventory-item",
        "title": line(row.name),
        "props": [
            prop("verdict", row.verdict),
            *([prop("status", row.status)] if row.status else []),
        ],
    }


def _untold(
    snapshot: Snapshot, framework: FrameworkState, control: ControlState, ids: dict[str, str]
) -> Json:
    """A control without an answer: an observation that is nobody's finding."""
    return {
        "uuid": uuid(snapshot, f"untold:{framework.key}:{control.control_id}"),
        "title": line(f"{control.control_id}: {control.state.replace('-', ' ')}"),
        "description": prose(
            " ".join(part for part in (control.reason, control.not_covered_why) if part)
        ),
        "props": [
            prop("control", ids[control.control_id]),
            prop("state", control.state),
            prop("weight-known", f"{control.weight_known:.3f}"),
        ],
        "methods": ["UNKNOWN"],
        "collected": instant(snapshot.facts_at),
    }


def _attested(
    snapshot: Snapshot,
    framework: FrameworkState,
    control: ControlState,
    ids: dict[str, str],
    number: int,
    said: AttestationState,
) -> Json:
    """What a person says; apart from what was measured, and no finding rests on it."""
    return {
        "uuid": uuid(snapshot, f"attested:{framework.key}:{control.control_id}:{number}"),
        "title": line(f"{control.control_id}: a statement of {said.author}"),
        "description": prose(said.statement),
        "props": [prop("control", ids[control.control_id]), prop("attested-by", said.author)],
        "methods": ["INTERVIEW"],
        "types": ["attestation"],
        "collected": instant(said.made_at),
        "expires": f"{said.ends_on.isoformat()}T00:00:00Z",
    }


def _finding(
    snapshot: Snapshot, framework: FrameworkState, control: ControlState, ids: dict[str, str]
) -> Json:
    control_token = ids[control.control_id]
    known = {one.check_id for one in snapshot.checks}
    told: Json = {
        "uuid": uuid(snapshot, f"finding:{framework.key}:{control.control_id}"),
        "title": line(f"{control.control_id} {control.title}"),
        "description": prose(control.reason),
        "props": [
            prop("control", control_token),
            prop("state", control.state),
            prop("weight-known", f"{control.weight_known:.3f}"),
            prop("weight-passed", f"{control.weight_passed:.3f}"),
        ],
        "target": {
            "type": "objective-id",
            "target-id": objective(control_token),
            "status": {"state": _FOUND[control.state], "reason": control.state},
        },
    }
    related = [
        {"observation-uuid": _observation(snapshot, framework, one.check_id)}
        for one in control.mapped
        if one.check_id in known
    ]
    if related:
        told["related-observations"] = related
    if oscal_catalogs.is_list_of_risks(framework):
        told["remarks"] = prose(framework.meaning_of_pass)
    return told


def _observation(snapshot: Snapshot, framework: FrameworkState, check_id: str) -> str:
    return uuid(snapshot, f"observation:{framework.key}:{token(check_id)}")
