"""What is asked of the decision point, and what it answers."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from runtime.models import INVENTORY_TYPES, PolicySet

# What of a context counts for a request about the inventory; anything else is only part of the digest.
KNOWN_CONTEXT = (
    "task", "dataset", "system", "risk", "on_behalf_of", "chain", "tool", "arguments_digest",
)  # fmt: skip
LONGEST_KEPT = 2_000  # bytes of a recorded context


@dataclass(frozen=True, slots=True)
class Question:
    """May the subject do the action on the resource now? `properties` count for applications only."""

    subject_type: str
    subject_id: str
    action: str
    resource_type: str
    resource_id: str
    context: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON
    subject_properties: Mapping[str, Any] = field(default_factory=dict)
    action_properties: Mapping[str, Any] = field(default_factory=dict)
    resource_properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        """What the request is about."""
        named = is_of_inventory(self.subject_type, self.resource_type)
        return PolicySet.Domain.INVENTORY.value if named else PolicySet.Domain.APPLICATION.value

    @property
    def known_context(self) -> dict[str, Any]:
        """What is recorded of the context; nothing when it is larger than any honest one."""
        kept = what_counts(self.context)
        if kept and len(orjson.dumps(kept, default=str)) > LONGEST_KEPT:
            return {}
        return kept

    @property
    def context_digest(self) -> str:
        """SHA-256 over the context and all properties, as JSON with sorted keys."""
        return digest_of(
            self.context,
            self.subject_properties,
            self.action_properties,
            self.resource_properties,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """`reason_code` is for programs, `reason` and `remedy` are sentences. `monitored`: what the policies would have
    said where they only watch. `decision_id` is empty when nothing was recorded (a trial)."""

    permitted: bool
    reason_code: str
    reason: str
    remedy: str = ""
    policies: tuple[str, ...] = ()
    decision_id: UUID | None = None
    mode: str = "enforced"
    monitored: bool | None = None
    policy_version: int | None = None
    identity: int | None = None
    task: int | None = None
    on_behalf_of: int | None = None
    considered: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON
    # Keys of changes (inventory/noted.py) that can make it another answer; None when that cannot be told.
    rests_on: frozenset[int] | None = field(default=None, compare=False)


class Refused(Exception):
    """The facts forbid it: a code, why, and what would change it."""

    def __init__(self, code: str, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason, self.remedy = code, reason, remedy


def is_of_inventory(*types: object) -> bool:
    """A request that names anything of the inventory, by the types of its subject and resource, is about it."""
    return any(one in INVENTORY_TYPES for one in types)


def what_counts(context: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    """What of a context can change the answer to a request about the inventory."""
    return {key: context[key] for key in KNOWN_CONTEXT if key in context}


def digest_of(*said: Mapping[str, Any]) -> str:  # Any: JSON
    """Of the context and the properties of subject, action and resource."""
    return _digest(said) if any(said) else EMPTY_DIGEST


def _digest(said: object) -> str:
    text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)
    return hashlib.sha256(text).hexdigest()


EMPTY_DIGEST = _digest(({}, {}, {}, {}))
