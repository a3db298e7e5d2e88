"""The Cedar schema of the inventory, made from its models: what policies can speak about.

Every policy is checked against it before it can go live: a misspelt attribute would make a `forbid` fail when it is
evaluated, and Cedar skips what fails.
"""

from collections.abc import Iterable
from functools import cache

import cedarpy
from django.db.models import Choices

from inventory.models import Delegation, Environment, Identity, Resource, Risk, Tier

READ, WRITE, CALL, BECOME = "group:read", "group:write", "group:call", "group:become"
GROUPS = (READ, WRITE, CALL, BECOME)
# What everybody may name without having defined it.
_USUAL = {"read": [READ], "write": [WRITE], "call": [READ, WRITE, CALL]}

# Entities that only group others; the ids are the values of the inventory's own lists.
VOCABULARIES: dict[str, type[Choices]] = {
    "Tier": Tier,
    "Kind": Identity.Kind,
    "Environment": Environment,
    "Sensitivity": Resource.Sensitivity,
    "Risk": Risk,
}

_HEAD = """
namespace Mandate {
  entity Tier, Kind, Environment, Sensitivity, Risk, Team, Provider;
  entity Identity in [Tier, Kind, Environment, Team] = {
    name: String, kind: String, environment: String, risk: String, owner: String,
    tier?: Long, observedTier?: Long, thirdParty: Bool, compromised: Bool
  };
  entity System in [Environment] = { name: String, kind: String, environment: String };
  entity Resource in [System, Sensitivity, Environment] = {
    name: String, kind: String, sensitivity: String, environment: String, system: String,
    known: Bool
  };
  entity Tool in [Provider, Risk] = { name: String, provider: String, risk: String, writes: Bool };
  type Facts = {
    action: String, risk: String, writes: Bool, highImpact: Bool, justInTime: Bool,
    throughOthers: Bool, hops: Long, chainLength: Long, approved: Bool, personPresent: Bool,
    task?: Long, taskRisk?: String, onBehalfOf?: String, dataset?: String, system?: String,
    sensitivity: String, tierAfter?: Long
  };
"""
_APPLIES = (
    "appliesTo { principal: [Identity], resource: [Resource, System, Tool, Identity],"
    " context: Facts };"
)


def inventory_schema(actions: Iterable[str]) -> str:
    """The schema, with the actions that a text names: any action of a platform may be written (`s3:GetObject`)."""
    lines = [_HEAD, *(f"  action {_text(group)} {_APPLIES}" for group in GROUPS)]
    named = {**_USUAL, **{how: [BECOME] for how in Delegation.How.values}}
    for action in sorted(set(actions) - set(GROUPS) | set(named)):
        groups = ", ".join(map(_text, named.get(action, GROUPS)))
        lines.append(f"  action {_text(action)} in [{groups}] {_APPLIES}")
    return "\n".join([*lines, "}"])


def values_of(entity_type: str) -> list[str]:
    """The ids that entities of a grouping type have; nothing for other types."""
    vocabulary = VOCABULARIES.get(entity_type.removeprefix("Mandate::"))
    return [str(value) for value in vocabulary.values] if vocabulary else []


@cache
def example() -> str:
    """The schema with its usual actions, for the page that documents it."""
    return str(cedarpy.Schema.from_str(inventory_schema(())))


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    escaped = "".join(sign if sign.isprintable() else f"\\u{{{ord(sign):x}}}" for sign in escaped)
    return f'"{escaped}"'
