"""Policy entities: subjects, resources, actions and groups of applications, loaded by them through the API."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from inventory import access, audit
from inventory.audit import Actor
from inventory.rules import RuleBroken
from runtime.cedar_requests import NotSayable, plain
from runtime.models import INVENTORY_TYPES, PolicyEntity
from runtime.models.policy_set import TYPE_NAME

MOST_AT_ONCE = 1_000
MOST_PARENTS = 100
_TYPE = re.compile(TYPE_NAME)
LONGEST_KEY = 500


def load(rows: Sequence[Mapping[str, Any]], *, by: Actor, at: datetime) -> int:  # Any: JSON
    """Makes or replaces entities (type, id, attributes, parents), all or none; gives their number.

    Types of the inventory are refused, for the entity and for its parents: nothing loaded can pose as what is not.
    """
    access.require_security(by)
    if len(rows) > MOST_AT_ONCE:
        raise RuleBroken(f"These are more than {MOST_AT_ONCE:,} entities. Load them in parts.")
    made = [_entity(row, at) for row in rows]
    keys = [(one.type, one.key) for one in made]
    twice = (
        next((key for key in keys if keys.count(key) > 1), None)
        if len(set(keys)) < len(keys)
        else None
    )
    if twice:
        raise RuleBroken(f"{twice[0]}/{twice[1]} is there twice. Name each entity once.")
    with audit.acting(by, "policy_entity.loaded"):
        PolicyEntity.objects.bulk_create(
            made, update_conflicts=True, unique_fields=["type", "key"],
            update_fields=["attributes", "parents", "changed_at"],
        )  # fmt: skip
    return len(made)


def remove(entity: PolicyEntity, *, by: Actor, reason: str) -> None:
    """The entity is unknown from now on; what names it as a parent keeps the name."""
    access.require_security(by)
    with audit.acting(by, "policy_entity.removed", reason):
        PolicyEntity.objects.filter(pk=entity.pk).delete()


def _entity(row: Mapping[str, Any], at: datetime) -> PolicyEntity:
    kind, key = _name(row)
    try:
        attributes = plain(dict(row.get("attributes") or {}))
    except NotSayable as error:
        raise RuleBroken(f"{kind}/{key}: {error}") from None
    parents = row.get("parents") or []
    if len(parents) > MOST_PARENTS:
        raise RuleBroken(f"{kind}/{key} has more than {MOST_PARENTS} parents.")
    named = [_name(parent) for parent in parents]
    return PolicyEntity(
        type=kind, key=key, attributes=attributes, changed_at=at,
        parents=[{"type": parent, "id": name} for parent, name in named],
    )  # fmt: skip


def _name(row: Mapping[str, Any]) -> tuple[str, str]:
    kind, key = row.get("type"), row.get("id")
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        raise RuleBroken(f"“{kind}” is no type: it has letters, digits and underscores.")
    if kind in INVENTORY_TYPES:
        raise RuleBroken(f"The type “{kind}” belongs to the inventory. Choose another name.")
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY or "\x00" in key:
        raise RuleBroken(f"An id of the type “{kind}” is no text of 1 to {LONGEST_KEY} characters.")
    return kind, key
