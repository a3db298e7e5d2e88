"""The policy entities that requests about applications name, with all groups they are in: one statement."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from inventory import prepared
from runtime.policy_slices import Uid
from runtime.questions import Question

Loaded = Mapping[Uid, dict[str, Any]]  # Any: JSON
DEEPEST = 16  # groups within groups
_READ = f"""WITH RECURSIVE found(type, key, depth) AS (
    SELECT * , 0 FROM unnest($1::text[], $2::text[])
    UNION
    SELECT up ->> 'type', up ->> 'id', f.depth + 1
    FROM found f JOIN runtime_policyentity e ON e.type = f.type AND e.key = f.key
    CROSS JOIN LATERAL jsonb_array_elements(e.parents) up WHERE f.depth < {DEEPEST})
SELECT json_agg(json_build_object('type', e.type, 'id', e.key, 'attrs', e.attributes, 'parents', e.parents))::text
FROM runtime_policyentity e WHERE (e.type, e.key) IN (SELECT type, key FROM found)"""  # noqa: S608  a number


def read(questions: Sequence[Question]) -> Loaded:
    """By Cedar type and id; nothing is asked when no question is about an application."""
    named = {
        uid
        for one in questions
        for uid in (
            (one.subject_type, one.subject_id),
            ("Action", one.action),
            (one.resource_type, one.resource_id),
        )
        if "\x00" not in uid[0] + uid[1]
    }
    if not named:
        return {}
    keys = sorted(named)
    types, names = ([uid[part] for uid in keys] for part in (0, 1))
    (found,) = prepared.fetch_one(_READ, [prepared.array(types), prepared.array(names)])
    return {entity_uid(one): as_cedar(one) for one in orjson.loads(found or "[]")}


def entity_uid(one: Mapping[str, Any]) -> Uid:
    return f"App::{one['type']}", one["id"]


def as_cedar(one: Mapping[str, Any]) -> dict[str, Any]:
    """A row as an entity of the policy language."""
    uids = [entity_uid(parent) for parent in one["parents"]]
    kind, key = entity_uid(one)
    return {
        "uid": {"type": kind, "id": key},
        "attrs": one["attrs"],
        "parents": [{"type": group, "id": name} for group, name in uids],
    }
