"""The policies that can apply to a request, parsed once: Cedar's cost grows with every policy it is given.

Only the head of a policy is looked at (who, which action, which resource). A policy is left out when its head cannot
match; so a slice gives the same answer as the whole set, and a test compares the two.
"""

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import cedarpy

Uid = tuple[str, str]  # type and id
MOST_SLICES = 2_000  # kept for one set of policies; then from the start again


@dataclass(frozen=True, slots=True)
class Named:
    """A policy under the name that decisions give it."""

    name: str
    parsed: dict[str, Any]  # Any: Cedar's JSON


class Scope(NamedTuple):
    """Who, what or which a head is about: entities of the request are themselves and all groups they are in."""

    type: str
    uids: tuple[Uid, ...]


@dataclass(frozen=True, slots=True)
class _Head:
    """One constraint of a head. `uids` empty and `type` empty: it matches everything."""

    type: str
    uids: frozenset[Uid]

    def may_match(self, scope: Scope) -> bool:
        if self.type and self.type != scope.type:
            return False
        return not self.uids or not self.uids.isdisjoint(scope.uids)


class Slices:
    """A set of policies that gives, for a request, a parsed set of those that can apply; safe for threads."""

    def __init__(self, policies: Iterable[Named]) -> None:
        self._policies = [
            (policy, tuple(_head(policy.parsed[part]) for part in ("principal", "action", "resource")))
            for policy in policies
        ]  # fmt: skip
        self._annotations = {
            policy.name: policy.parsed.get("annotations", {}) for policy, _ in self._policies
        }
        heads = [heads for _, heads in self._policies]
        self._uids = [frozenset().union(*(one[n].uids for one in heads)) for n in range(3)]
        self._types = [{one[n].type for one in heads} for n in range(3)]
        self._made: dict[Any, tuple[cedarpy.PolicySet, int]] = {}
        self._bare = not any(policy.parsed.get("conditions") for policy, _ in self._policies)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._policies)

    def annotations_of(self, name: str) -> dict[str, str]:
        """What is written beside the policy: its @title, @reason, @remedy and others."""
        return {key: value or "" for key, value in self._annotations.get(name, {}).items()}

    def that_can_apply(
        self, principal: Scope, action: Scope, resource: Scope
    ) -> tuple[cedarpy.PolicySet, int]:
        """The parsed slice, and how many policies are in it."""
        scopes = (principal, action, resource)
        key = tuple(
            (scope.type if scope.type in types else "", *(uid for uid in scope.uids if uid in uids))
            for scope, types, uids in zip(scopes, self._types, self._uids, strict=True)
        )
        made = self._made.get(key)
        return made if made is not None else self._make(key, scopes)

    def look_at_heads_only(self, principal: Scope, action: Scope, resource: Scope) -> bool:
        """Whether no policy that can apply has a condition, so that nothing but names and groups counts."""
        scopes = (principal, action, resource)
        return self._bare or not any(
            policy.parsed.get("conditions")
            for policy, heads in self._policies
            if all(head.may_match(scope) for head, scope in zip(heads, scopes, strict=True))
        )

    def _make(self, key: Any, scopes: tuple[Scope, ...]) -> tuple[cedarpy.PolicySet, int]:
        chosen = {
            policy.name: policy.parsed
            for policy, heads in self._policies
            if all(head.may_match(scope) for head, scope in zip(heads, scopes, strict=True))
        }
        document = {"staticPolicies": chosen, "templates": {}, "templateLinks": []}
        made = (cedarpy.PolicySet.from_json_str(json.dumps(document)), len(chosen))
        with self._lock:
            if len(self._made) >= MOST_SLICES:
                self._made.clear()
            self._made[key] = made
        return made


def _head(part: dict[str, Any]) -> _Head:
    """Unknown forms match everything: a slice may be too large, never too small."""
    entities = [part["entity"]] if "entity" in part else part.get("entities", [])
    inside = part.get("in")
    if part["op"] == "is" and isinstance(inside, dict):
        entities = [inside["entity"]] if "entity" in inside else []
    uids = frozenset((one["type"], one["id"]) for one in entities if "type" in one)
    if part["op"] == "in" and not uids:
        return _Head("", frozenset([("", "")]))  # in [] matches nothing
    return _Head(part.get("entity_type", ""), uids)
