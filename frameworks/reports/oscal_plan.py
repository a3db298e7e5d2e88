"""The OSCAL assessment-plan that the results import: which controls, which checks, over whom."""

from frameworks.reports import oscal_catalogs
from frameworks.reports.oscal_text import (
    Json,
    bullets,
    line,
    metadata,
    prop,
    prose,
    tokens,
    uuid,
)
from frameworks.reports.text import one_line
from frameworks.snapshot import CheckState, FrameworkState, Snapshot

FILE = "assessment-plan.json"


def plan(snapshot: Snapshot) -> Json:
    told = {
        "uuid": uuid(snapshot, "assessment-plan"),
        "metadata": metadata(snapshot, f"Plan of {snapshot.title}"),
        "import-ssp": {
            "href": f"#{uuid(snapshot, 'system')}",
            "remarks": "The system security plan is the organisation's own; this names what was looked at.",
        },
        "local-definitions": _activities(snapshot),
        "reviewed-controls": {
            "description": bullets(snapshot.method),
            "control-selections": [selection(one) for one in snapshot.frameworks if selected(one)]
            or [{"include-all": {}}],
            "remarks": f"What limits it:\n\n{bullets(snapshot.limits)}",
        },
        "assessment-subjects": [
            {
                "type": "inventory-item",
                "description": f"Identities in scope: {line(snapshot.scope.label)}",
                "include-all": {},
            }
        ],
        "assessment-assets": {
            "components": [platform(snapshot)],
            "assessment-platforms": [
                {
                    "uuid": uuid(snapshot, "platform"),
                    "title": f"Mandate {line(snapshot.product_version)}",
                    "uses-components": [{"component-uuid": uuid(snapshot, "component:mandate")}],
                }
            ],
        },
        "back-matter": {"resources": [_system(snapshot)]},
    }
    return {"assessment-plan": {name: value for name, value in told.items() if value}}


def selected(framework: FrameworkState) -> bool:
    return any(not one.is_heading for one in framework.controls)


def selection(framework: FrameworkState) -> Json:
    """The controls of one framework, and where its catalogue is."""
    ids = tokens(framework)
    return {
        "description": line(f"{framework.name} {framework.version}"),
        "props": [prop("framework", framework.key)],
        "links": [{"href": oscal_catalogs.file_name(framework), "rel": "catalog"}],
        "include-controls": [
            {"control-id": ids[one.control_id]} for one in framework.controls if not one.is_heading
        ],
    }


def platform(snapshot: Snapshot) -> Json:
    return {
        "uuid": uuid(snapshot, "component:mandate"),
        "type": "software",
        "title": "Mandate",
        "description": "Inventory and governance of AI agents and other non-human identities.",
        "props": [prop("version", snapshot.product_version)],
        "status": {"state": "operational"},
    }


def activity(snapshot: Snapshot, check_id: str) -> str:
    return uuid(snapshot, f"activity:{check_id}")


def _activities(snapshot: Snapshot) -> Json:
    return (
        {"activities": [_activity(snapshot, one) for one in snapshot.checks]}
        if snapshot.checks
        else {}
    )


def _activity(snapshot: Snapshot, check: CheckState) -> Json:
    parameters = [
        prop("parameter", f"{name} = {value}") for name, value in sorted(check.parameters.items())
    ]
    return {
        "uuid": activity(snapshot, check.check_id),
        "title": line(check.title),
        "description": prose(check.why),
        "props": [
            prop("check", check.check_id),
            prop("check-version", check.version),
            {"name": "method", "value": "TEST"},
            *parameters,
        ],
        "remarks": prose(check.fix),
    }


def _system(snapshot: Snapshot) -> Json:
    return {
        "uuid": uuid(snapshot, "system"),
        "title": f"Non-human identities of {line(snapshot.organisation)}",
        "description": f"Scope: {line(snapshot.scope.label)}",
        "props": [prop(name, number) for name, number in snapshot.totals.items()]
        or [prop("scope", one_line(snapshot.scope.label))],
    }
