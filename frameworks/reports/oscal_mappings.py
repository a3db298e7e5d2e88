"""The crosswalk as an OSCAL mapping-collection: from our checks to the controls they are evidence for."""

from frameworks.reports import oscal_catalogs
from frameworks.reports.oscal_text import Json, metadata, prop, prose, token, tokens, uuid
from frameworks.snapshot import ControlState, FrameworkState, Snapshot

_WHY = "Functional: a check is evidence for a control when what it measures is part of what the control asks for."
_MEANING = (
    "Which automated check is evidence for which control. A check covers a part of a control, never all of it: what is"
    " primary evidence is a subset of the control, what is supporting evidence intersects with it."
)
_RELATIONSHIPS = {"primary": "subset-of", "supporting": "intersects-with"}


def collection(snapshot: Snapshot) -> Json | None:
    """None when nothing is mapped: OSCAL has no empty collection."""
    mappings = [made for one in snapshot.frameworks if (made := _mapping(snapshot, one))]
    if not mappings:
        return None
    told = {
        "uuid": uuid(snapshot, "mapping-collection"),
        "metadata": metadata(snapshot, "Which check is evidence for which control"),
        "provenance": {
            "method": "human",
            "matching-rationale": "functional",
            "status": "complete",
            "mapping-description": _MEANING,
            "remarks": _WHY,
        },
        "mappings": mappings,
    }
    return {"mapping-collection": told}


def _mapping(snapshot: Snapshot, framework: FrameworkState) -> Json | None:
    ids = tokens(framework)
    maps = [
        made
        for control in framework.controls
        for made in _maps(snapshot, framework, control, ids[control.control_id])
    ]
    if not maps:
        return None
    return {
        "uuid": uuid(snapshot, f"mapping:{framework.key}"),
        "source-resource": {"type": "catalog", "href": oscal_catalogs.CHECKS_FILE},
        "target-resource": {"type": "catalog", "href": oscal_catalogs.file_name(framework)},
        "maps": maps,
        **_gaps(snapshot, framework, ids),
    }


def _maps(
    snapshot: Snapshot, framework: FrameworkState, control: ControlState, control_token: str
) -> list[Json]:
    return [
        {
            "uuid": uuid(snapshot, f"map:{framework.key}:{control.control_id}:{one.check_id}"),
            "relationship": _RELATIONSHIPS.get(one.strength, "intersects-with"),
            "sources": [{"type": "control", "id-ref": token(one.check_id)}],
            "targets": [{"type": "control", "id-ref": control_token}],
            "props": [prop("strength", one.strength)],
            "remarks": prose(f"{one.why}\n\nWhat it cannot show: {one.limits}"),
        }
        for one in control.mapped
    ]


def _gaps(snapshot: Snapshot, framework: FrameworkState, ids: dict[str, str]) -> Json:
    """The controls to which no check is mapped."""
    unmapped = [
        {"with-ids": [ids[one.control_id]]}
        for one in framework.controls
        if not one.is_heading and not one.mapped
    ]
    if not unmapped:
        return {}
    gaps = {"uuid": uuid(snapshot, f"gaps:{framework.key}"), "unmapped-controls": unmapped}
    return {"target-gap-summary": gaps}
