"""Requests as Cedar takes them: about the inventory from its facts, about applications from what is said and loaded."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runtime.cedar_schema import BECOME, CALL, READ, WRITE
from runtime.models.policy_set import TYPE_NAME
from runtime.policy_engine import Asked
from runtime.policy_slices import Scope, Uid
from runtime.questions import Question

Json = dict[str, Any]  # Any: JSON
_MANDATE, _APP = "Mandate::", "App::"
LARGEST_LONG = 2**63 - 1
DEEPEST = 8
UNKNOWN = "unknown"
_TYPE = re.compile(TYPE_NAME)


class NotSayable(Exception):
    """A sentence: the policy language has no such value."""


def of_inventory(
    principal: Json, *, action: str, groups: Iterable[str], resource: Json, context: Json
) -> Asked:
    """`principal` and `resource` are entities, made by the functions below."""
    doing = _entity("Action", action, {}, [("Action", group) for group in groups])
    return Asked(
        _scope(principal), _scope(doing), _scope(resource), context, (principal, doing, resource)
    )


def groups_of(action: str, *, writes: bool, calls: bool, becomes: bool) -> list[str]:
    """The groups of actions that a request is in. What may write counts as writing."""
    if becomes:
        return [BECOME]
    kind = WRITE if writes else READ
    return [CALL, kind] if calls else [kind]


def identity(row: Mapping[str, Any]) -> Json:
    tier, environment = row["declared_tier"], row["environment"]
    attributes = {
        "name": row["name"], "kind": row["kind"], "environment": environment or UNKNOWN,
        "risk": row["risk"] or UNKNOWN, "owner": row["owner_email"] or "",
        "thirdParty": bool(row["third_party"]), "compromised": bool(row["compromised"]),
    }  # fmt: skip
    if tier is not None:
        attributes["tier"] = tier
    if row["observed_tier"] is not None:
        attributes["observedTier"] = row["observed_tier"]
    parents = [("Kind", row["kind"])]
    parents += [("Tier", str(tier))] if tier is not None else []
    parents += [("Environment", environment)] if environment else []
    parents += [("Team", str(row["team_id"]))] if row["team_id"] else []
    return _entity("Identity", str(row["id"]), attributes, parents)


def system(row: Mapping[str, Any]) -> Json:
    attributes = {
        "name": row["name"],
        "kind": row["kind"],
        "environment": row["environment"] or UNKNOWN,
    }
    parents = [("Environment", row["environment"])] if row["environment"] else []
    return _entity("System", str(row["id"]), attributes, parents)


def resource(row: Mapping[str, Any], system_row: Mapping[str, Any]) -> Json:
    """A row without an id is a resource that its system is known for, and the inventory has not seen."""
    sensitivity = row["sensitivity"]
    environment = row["environment"] or system_row["environment"]
    attributes = {
        "name": row["name"], "kind": row["kind"], "sensitivity": sensitivity or UNKNOWN,
        "environment": environment or UNKNOWN, "system": system_row["name"],
        "known": row["id"] is not None,
    }  # fmt: skip
    parents = [("System", str(system_row["id"]))]
    parents += [("Sensitivity", sensitivity)] if sensitivity else []
    parents += [("Environment", environment)] if environment else []
    key = str(row["id"]) if row["id"] is not None else f"{system_row['id']}/{row['name']}"
    return _entity("Resource", key, attributes, parents)


def tool(row: Mapping[str, Any]) -> Json:
    attributes = {
        "name": row["name"], "provider": row["provider"], "risk": row["risk"] or UNKNOWN,
        "writes": row["writes"] is not False,
    }  # fmt: skip
    parents = [("Provider", row["provider"])]
    parents += [("Risk", row["risk"])] if row["risk"] else []
    return _entity("Tool", str(row["id"]), attributes, parents)


def of_application(question: Question, loaded: Mapping[Uid, Json]) -> Asked:
    """`loaded`: the policy entities of the subject, the action, the resource and all their groups, by type and id.

    What the request says of its subject or resource counts where nothing was loaded under that name: what is loaded is
    the administrator's word.
    """
    entities: dict[Uid, Json] = {}
    scopes = [
        _application_part(entities, loaded, *part)
        for part in (
            (question.subject_type, question.subject_id, question.subject_properties),
            ("Action", question.action, {}),
            (question.resource_type, question.resource_id, question.resource_properties),
        )
    ]
    for scope in scopes:
        entities |= {uid: loaded[uid] for uid in scope.uids[1:] if uid in loaded}
    context = {**plain(question.action_properties), **plain(question.context)}
    return Asked(scopes[0], scopes[1], scopes[2], context, tuple(entities.values()))


def _application_part(
    entities: dict[Uid, Json], loaded: Mapping[Uid, Json], kind: str, key: str, said: Any
) -> Scope:  # Any: JSON
    if not _TYPE.fullmatch(kind):
        raise NotSayable(f"The type “{kind[:100]}” is no name: letters, digits and underscores.")
    uid = (_APP + kind, key)
    stored = loaded.get(uid) or {
        "uid": {"type": uid[0], "id": key},
        "attrs": {},
        "parents": [],
    }
    attributes = {**plain(said), **stored["attrs"], **entities.get(uid, {"attrs": {}})["attrs"]}
    entities[uid] = {**stored, "attrs": attributes}
    return Scope(uid[0], tuple(_with_groups(uid, loaded)))


def plain(value: Any, depth: int = 0) -> Any:  # Any: JSON
    """JSON as Cedar takes it. A null is as if it were not said; what cannot be said raises NotSayable."""
    if depth > DEEPEST:
        raise NotSayable(f"The request is nested deeper than {DEEPEST} levels.")
    if isinstance(value, dict):
        if any(key.startswith("__") for key in value):
            raise NotSayable("A property begins with two underscores.")
        return {key: plain(one, depth + 1) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [plain(one, depth + 1) for one in value if one is not None]
    if isinstance(value, float):
        raise NotSayable(f"The number {value} is not whole; policies know whole numbers only.")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_LONG:
        raise NotSayable("A number has more than 63 bits.")
    return value


def _with_groups(uid: Uid, loaded: Mapping[Uid, Json]) -> list[Uid]:
    found, waiting = [uid], [uid]
    while waiting:
        for parent in loaded.get(waiting.pop(), {"parents": []})["parents"]:
            group = (parent["type"], parent["id"])
            if group not in found:
                found.append(group)
                waiting.append(group)
    return found


def _entity(kind: str, key: str, attributes: Json, parents: Sequence[tuple[str, str]]) -> Json:
    return {
        "uid": {"type": _MANDATE + kind, "id": key},
        "attrs": attributes,
        "parents": [{"type": _MANDATE + group, "id": name} for group, name in parents],
    }


def _scope(entity: Json) -> Scope:
    uid = (entity["uid"]["type"], entity["uid"]["id"])
    return Scope(uid[0], (uid, *((one["type"], one["id"]) for one in entity["parents"])))
