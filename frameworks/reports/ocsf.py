"""OCSF 1.8.0 as JSON lines: Compliance Findings (2003) for what was judged, Detection Findings (2004) for what is open.

Of each check one event says what it counted; of each row that it judged one says the verdict. A check that cannot
tell is a Warning, which OCSF defines as "did not yield a result due to missing information", never a Pass.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Any
from uuid import UUID, uuid5

import orjson

from frameworks.reports.json_document import FORMAT
from frameworks.snapshot import CheckState, EvidenceRow, Rows, Snapshot

VERSION = "1.8.0"
_FINDINGS = {"category_uid": 2, "category_name": "Findings"}
_COMPLIANCE = {**_FINDINGS, "class_uid": 2003, "class_name": "Compliance Finding"}
_DETECTION = {**_FINDINGS, "class_uid": 2004, "class_name": "Detection Finding"}
_CREATED = {"activity_id": 1, "activity_name": "Create"}
_SEVERITIES = {"info": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
_SEVERITY_NAMES = ("Unknown", "Informational", "Low", "Medium", "High", "Critical")
_PASS, _WARNING, _FAIL, _OTHER = (1, "Pass"), (2, "Warning"), (3, "Fail"), (99, "Not applicable")
_OF_STATE = {"pass": _PASS, "fail": _FAIL, "cannot-tell": _WARNING, "not-applicable": _OTHER}
_OF_VERDICT = {"pass": _PASS, "fail": _FAIL, "unknown": _WARNING}
_NEW, _SUPPRESSED = (1, "New"), (3, "Suppressed")
Event = dict[str, Any]


def write(snapshot: Snapshot, rows: Rows, out: IO[bytes]) -> None:
    for event in events(snapshot, rows):
        out.write(
            orjson.dumps(
                event, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE, default=_other
            )
        )


def events(snapshot: Snapshot, rows: Rows) -> Iterator[Event]:
    """The checks in their order, then the rows in theirs."""
    mapped = _mapped(snapshot)
    checks = {one.check_id: one for one in snapshot.checks}
    for check in snapshot.checks:
        yield _of_check(snapshot, check, mapped.get(check.check_id, []))
    for row in rows.evidence():
        check_state = checks.get(row.check_id)
        yield _of_row(snapshot, row, check_state, mapped.get(row.check_id, []))
        if row.verdict == "fail":
            yield _detection(snapshot, row, check_state)


def _of_check(snapshot: Snapshot, check: CheckState, controls: list[tuple[str, str]]) -> Event:
    status = _OF_STATE[check.state]
    counts = {
        "population": check.population, "passed": check.passed, "failed": check.failed,
        "unknown": check.unknown, "accepted": check.accepted,
    }  # fmt: skip
    return {
        **_event(snapshot, _COMPLIANCE, f"check:{check.check_id}", check.severity),
        "message": f"{check.title}: {check.state}",
        "finding_info": {
            **_info(snapshot, f"check:{check.check_id}", check.title, check.check_id),
            "desc": check.why,
            "types": ["Check summary"],
        },
        "compliance": _compliance(check.check_id, controls, status, check.said),
        "remediation": {"desc": check.fix},
        "unmapped": {"counts": counts, "connect": check.connect, "scope": snapshot.scope.label},
    }


def _of_row(
    snapshot: Snapshot,
    row: EvidenceRow,
    check: CheckState | None,
    controls: list[tuple[str, str]],
) -> Event:
    uid = f"{row.check_id}:{row.subject}"
    detail = f"{row.status} until {row.until:%Y-%m-%d}" if row.until else row.status
    return {
        **_event(snapshot, _COMPLIANCE, f"row:{uid}", row.severity),
        "message": f"{row.name}: {row.verdict}",
        "finding_info": {
            **_info(snapshot, uid, _title(row, check), row.check_id),
            "types": ["Judged subject"],
        },
        "compliance": _compliance(row.check_id, controls, _OF_VERDICT[row.verdict], detail),
        "remediation": {"desc": check.fix if check else ""},
        "resources": [_resource(row)],
        "unmapped": {"evidence": dict(row.evidence)},
    }


def _detection(snapshot: Snapshot, row: EvidenceRow, check: CheckState | None) -> Event:
    uid = f"{row.check_id}:{row.subject}"
    status_id, status = _NEW if row.status in ("", "open") else _SUPPRESSED
    told = {
        **_event(snapshot, _DETECTION, f"detection:{uid}", row.severity),
        "message": f"{_title(row, check)}: {row.name}",
        "finding_info": _info(snapshot, uid, _title(row, check), row.check_id),
        "status_id": status_id,
        "status": status,
        "status_detail": row.status or "open",
        "is_alert": status_id == _NEW[0],
        "resources": [_resource(row)],
        "evidences": [{"data": dict(row.evidence)}],
    }
    if row.since:
        told["finding_info"]["first_seen_time"] = _milliseconds(row.since)
        told["start_time"] = _milliseconds(row.since)
    return told


def _event(snapshot: Snapshot, kind: dict[str, Any], name: str, severity: str) -> Event:
    severity_id = _SEVERITIES.get(severity.lower(), 0)
    return {
        **kind,
        **_CREATED,
        "type_uid": kind["class_uid"] * 100 + 1,
        "type_name": f"{kind['class_name']}: Create",
        "severity_id": severity_id,
        "severity": _SEVERITY_NAMES[severity_id],
        "time": _milliseconds(snapshot.facts_at),
        "metadata": {
            "version": VERSION,
            "uid": str(uuid5(UUID(snapshot.uid), f"ocsf:{kind['class_uid']}:{name}")),
            "correlation_uid": snapshot.uid,
            "logged_time": _milliseconds(snapshot.made_at),
            "log_name": FORMAT,
            "product": {
                "name": "Mandate",
                "vendor_name": "Mandate",
                "version": snapshot.product_version,
            },
        },
    }


def _info(snapshot: Snapshot, uid: str, title: str, check_id: str) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": title,
        "analytic": {"type_id": 1, "type": "Rule", "uid": check_id, "name": check_id},
        "created_time": _milliseconds(snapshot.facts_at),
        "data_sources": [one.name for one in snapshot.sources],
    }


def _compliance(
    check_id: str, controls: list[tuple[str, str]], status: tuple[int, str], detail: str
) -> dict[str, Any]:
    return {
        "standards": list(dict.fromkeys(name for name, _ in controls)) or ["Mandate checks"],
        "requirements": [f"{name}: {control}" for name, control in controls],
        "control": check_id,
        "status_id": status[0],
        "status": status[1],
        "status_detail": detail,
    }


def _mapped(snapshot: Snapshot) -> dict[str, list[tuple[str, str]]]:
    """For each check the controls that it is evidence for, each with the name of its framework."""
    found: dict[str, list[tuple[str, str]]] = {}
    for framework in snapshot.frameworks:
        name = f"{framework.name} {framework.version}"
        for control in framework.controls:
            for one in control.mapped:
                found.setdefault(one.check_id, []).append((name, control.control_id))
    return found


def _resource(row: EvidenceRow) -> dict[str, Any]:
    owner = {"owner": {"name": row.identity}} if row.identity else {}
    return {"uid": row.subject, "name": row.name, "type": row.subject.partition(":")[0], **owner}


def _title(row: EvidenceRow, check: CheckState | None) -> str:
    return check.title if check else row.check_id


def _milliseconds(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp() * 1000)


def _other(value: object) -> object:
    return dict(value) if hasattr(value, "keys") else str(value)  # type: ignore[call-overload]  # has keys
