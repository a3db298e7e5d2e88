"""OSCAL catalogues: one for each framework assessed, and one whose controls are our checks.

A list of risks or threats holds no controls. Its catalogue says so, and its "controls" are the mitigations. Where a
licence shows ids and titles only, only these are written.
"""

from collections import defaultdict

from frameworks.reports.oscal_text import (
    Json,
    line,
    metadata,
    objective,
    prop,
    prose,
    token,
    tokens,
    uuid,
)
from frameworks.reports.text import one_line
from frameworks.snapshot import CheckState, ControlState, FrameworkState, Snapshot

_RISKS = ("risk-list", "threat-model")
CHECKS_FILE = "catalog-checks.json"


def file_name(framework: FrameworkState) -> str:
    return f"catalog-{token(framework.key)}.json"


def is_list_of_risks(framework: FrameworkState) -> bool:
    return framework.kind in _RISKS


def of_framework(snapshot: Snapshot, framework: FrameworkState) -> Json:
    ids = tokens(framework)
    below: dict[str, list[ControlState]] = defaultdict(list)
    known = {one.control_id for one in framework.controls}
    for control in framework.controls:
        below[control.parent if control.parent in known else ""].append(control)
    groups, controls = _level(framework, "", below, ids)
    told = {
        "uuid": uuid(snapshot, f"catalog:{framework.key}"),
        "metadata": _about(snapshot, framework),
        **({"groups": groups} if groups else {}),
        **({"controls": controls} if controls else {}),
    }
    return {"catalog": told}


def of_checks(snapshot: Snapshot) -> Json:
    about = metadata(snapshot, "Checks of Mandate", remarks="Each control is one automated check.")
    told: Json = {"uuid": uuid(snapshot, "catalog:checks"), "metadata": about}
    if snapshot.checks:
        told["controls"] = [_check(one) for one in snapshot.checks]
    return {"catalog": told}


def _about(snapshot: Snapshot, framework: FrameworkState) -> Json:
    remarks = [framework.meaning_of_pass, *framework.notes]
    if is_list_of_risks(framework):
        remarks.insert(
            0,
            "This is a list of risks, not of controls: each entry stands for the mitigation of a risk.",
        )
    if not framework.shows_text:
        remarks.append(
            "The licence lets us show ids and titles only; the text is with the publisher."
        )
    about = metadata(
        snapshot, f"{framework.name} {framework.version}", remarks="\n\n".join(remarks)
    )
    about["props"] += [
        prop("framework", framework.key),
        prop("publisher", framework.publisher),
        prop("published", framework.published),
        prop("licence", framework.licence),
        prop("source", framework.source),
    ]
    return about


def _level(
    framework: FrameworkState,
    parent: str,
    below: dict[str, list[ControlState]],
    ids: dict[str, str],
) -> tuple[list[Json], list[Json]]:
    """The groups and the controls right below a heading; a heading becomes a group, an empty one too."""
    groups, controls = [], []
    for control in below.get(parent, []):
        if not control.is_heading:
            controls.append(_control(framework, control, ids[control.control_id]))
            for nested in _level(framework, control.control_id, below, ids):
                controls += nested
            continue
        inner_groups, inner_controls = _level(framework, control.control_id, below, ids)
        groups.append(
            {
                "id": ids[control.control_id],
                "class": token(control.kind),
                "title": line(control.title),
                "props": [_label(control)],
                **({"groups": inner_groups} if inner_groups else {}),
                **({"controls": inner_controls} if inner_controls else {}),
            }
        )
    return groups, controls


def _control(framework: FrameworkState, control: ControlState, control_token: str) -> Json:
    risk = is_list_of_risks(framework)
    aim = f"Mitigation of {control.title}" if risk else control.title
    parts = [{"id": objective(control_token), "name": "assessment-objective", "prose": prose(aim)}]
    if framework.shows_text and control.summary:
        parts.insert(
            0, {"id": f"{control_token}_smt", "name": "statement", "prose": prose(control.summary)}
        )
    notes = [prop("kind", control.kind)]
    if control.local_id:
        notes.append(
            prop("local-id", "true", remarks="The publisher gives no id; this one is ours.")
        )
    if not control.title_official:
        notes.append(
            prop("local-title", "true", remarks="The publisher gives no title; this label is ours.")
        )
    return {
        "id": control_token,
        "class": "risk-mitigation" if risk else token(control.kind),
        "title": line(aim),
        "props": [_label(control), *notes],
        "parts": parts,
    }


def _check(check: CheckState) -> Json:
    control_token = token(check.check_id)
    return {
        "id": control_token,
        "class": "automated-check",
        "title": line(check.title),
        "props": [prop("version", check.version), prop("severity", check.severity)],
        "parts": [
            {"id": objective(control_token), "name": "assessment-objective", "prose": prose(check.title)},
            {"id": f"{control_token}_gdn", "name": "guidance", "prose": prose(f"{check.why}\n\n{check.fix}")},
        ],
    }  # fmt: skip


def _label(control: ControlState) -> Json:
    """The official id, as the publisher writes it."""
    return {"name": "label", "value": one_line(control.control_id)}
