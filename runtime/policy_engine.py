"""Asking Cedar. Whatever is not a clear permit is a deny: an error, no decision, an exception.

An erring `forbid` is skipped by Cedar, and the rest may then permit; so one error in any policy that was evaluated
makes the answer a deny.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import cedarpy
import orjson
import structlog

from runtime.policy_slices import Scope, Slices, Uid

log = structlog.get_logger(__name__)
PARSED_KEPT, LONGEST_KEPT = 2_000, 4_000  # sets of entities, and characters of one


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as Cedar takes it: `entities` with their parents, and the scopes that choose the policies."""

    principal: Scope
    action: Scope
    resource: Scope
    context: dict[str, Any]  # Any: JSON
    entities: tuple[dict[str, Any], ...] = ()

    def as_cedar(self) -> dict[str, Any]:
        return {
            "principal": _uid(self.principal),
            "action": _uid(self.action),
            "resource": _uid(self.resource),
            "context": orjson.dumps(self.context).decode(),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policies say. `policies`: those that decided. `error`: why it could not be judged; then it is no."""

    permitted: bool
    policies: tuple[str, ...] = ()
    error: str = ""
    considered: int = field(default=0, compare=False)


def judge(slices: Slices, asked: Asked) -> Verdict:
    """The verdict of the policies on one request."""
    policies, count = slices.that_can_apply(asked.principal, asked.action, asked.resource)
    if not count:
        return Verdict(False)
    try:
        text = orjson.dumps(asked.entities).decode()
        entities = _parsed(text) if len(text) <= LONGEST_KEPT else text
        return verdict(cedarpy.is_authorized(asked.as_cedar(), policies, entities), count)
    except Exception as error:
        log.error("policy.failed", exc_info=error)
        return Verdict(False, error="The policy engine failed.", considered=count)


@lru_cache(maxsize=PARSED_KEPT)
def _parsed(entities: str) -> cedarpy.Entities:
    """Found by all that is said of them: who asks the same again has the same entities as long as nothing changes."""
    return cedarpy.Entities.from_json_str(entities)


def judge_many(slices: Slices, asked: Sequence[Asked]) -> list[Verdict]:
    """As `judge`, with one call of the engine for each slice that is needed, where the requests share entities."""
    groups: dict[int, tuple[cedarpy.PolicySet, int, list[int]]] = {}
    for number, one in enumerate(asked):
        policies, count = slices.that_can_apply(one.principal, one.action, one.resource)
        groups.setdefault(id(policies), (policies, count, []))[2].append(number)
    found: dict[int, Verdict] = {}
    for policies, count, numbers in groups.values():
        verdicts = _batch(policies, count, [asked[number] for number in numbers])
        if verdicts is None:  # each for itself
            verdicts = [judge(slices, asked[number]) for number in numbers]
        found.update(zip(numbers, verdicts, strict=True))
    return [found[number] for number in range(len(asked))]


def _batch(policies: cedarpy.PolicySet, count: int, asked: Sequence[Asked]) -> list[Verdict] | None:
    """None when the requests do not agree on an entity, or share so few that it would not pay, or the engine fails."""
    entities: dict[Uid, dict[str, Any]] = {}
    if not count:
        return [Verdict(False)] * len(asked)
    for one in asked:
        for entity in one.entities:
            uid = entity["uid"]
            known = entities.setdefault((uid["type"], uid["id"]), entity)
            if known is not entity and known != entity:
                return None
    if len(entities) > 2 * len(asked):  # each has three at least
        return None
    text = orjson.dumps(list(entities.values())).decode()
    try:
        results = cedarpy.is_authorized_batch([one.as_cedar() for one in asked], policies, text)
        return [verdict(result, count) for result in results]
    except Exception as error:
        log.error("policy.failed", exc_info=error)
        return None


def verdict(result: cedarpy.AuthzResult, count: int) -> Verdict:
    """What the engine's answer means here."""
    diagnostics = result.diagnostics
    if diagnostics.errors:
        return Verdict(False, error=_first_line(diagnostics.errors), considered=count)
    if result.decision == cedarpy.Decision.NoDecision:
        return Verdict(False, error="The policy engine gave no decision.", considered=count)
    permitted = result.decision == cedarpy.Decision.Allow
    return Verdict(permitted, tuple(sorted(diagnostics.reasons)), considered=count)


def _first_line(errors: Sequence[object]) -> str:
    return str(errors[0]).strip().splitlines()[0][:300]


def _uid(scope: Scope) -> dict[str, str]:
    kind, key = scope.uids[0]
    return {"type": kind, "id": key}
